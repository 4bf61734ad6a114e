"""A scan over a list in memory: what is under way when, what an error or a cancellation leaves, what ends it."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from brex_accounting import (
    APIConnectionError,
    APIStatusError,
    BrexError,
    CheckpointMismatch,
    ConfigurationError,
    CursorExpired,
    CursorLoop,
    Page,
    PaginationError,
    ScanCheckpoint,
    ServerError,
    from_json,
    to_json,
)
from brex_accounting.paging import Source
from brex_accounting.prefetching import Peeked
from brex_accounting.scanning import Scan, Scanned
from brex_accounting.windows import Identity, Left, OpenWindow

from .lists import FILTERS
from .scans import DAY, START, TICK, YEAR, Listed, spread

END = START + YEAR * TICK


@attrs.frozen
class Item:
    identity: Identity
    updated_at: datetime


@attrs.define
class Server:
    """Lists in windows. ``disturb`` is called before each answer, and may wait or raise; cursors get ``refuse``."""

    listed: Listed
    disturb: Callable[[], Any] | None = None
    refuse: BrexError | None = None
    served_at: datetime | None = END
    next_cursor: Callable[[int], str | None] = lambda at: str(at)
    tasks: list[asyncio.Task[Page[Item]]] = attrs.field(factory=list)
    under_way: int = 0
    most: int = 0

    def source(self, begin: datetime, end: datetime) -> Source[Item]:
        assert begin < end

        async def fetch(cursor: str | None, page_size: int, peeked: Peeked | None) -> Page[Item]:
            assert peeked is None
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            try:
                await asyncio.sleep(0)
                if self.disturb is not None:
                    await self.disturb()
                if cursor is not None and self.refuse is not None:
                    raise self.refuse
                return self.page(begin, end, int(cursor or 0), page_size)
            finally:
                self.under_way -= 1

        return Source(fetch=fetch, identify=lambda item: item.identity, filters=FILTERS, spawn=self.spawn)

    def page(self, begin: datetime, end: datetime, at: int, size: int) -> Page[Item]:
        records = self.listed.between(begin, end)
        more = at + size < len(records)
        return Page(
            items=tuple(Item(identity, START + moment * TICK) for moment, identity in records[at : at + size]),
            next_cursor=self.next_cursor(at + size) if more else None,
            has_next_page=more,
            total_count=len(records),
            served_at=self.served_at,
        )

    def spawn(self, work: Any) -> asyncio.Task[Page[Item]]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.append(task)
        return task

    def scan(self, resume_from: ScanCheckpoint | None = None, *, parallel: int = 4, page_size: int = 10) -> Scan[Item]:
        scanned = Scanned(
            source=self.source, updated_at=lambda item: item.updated_at, begin=START, end=END, filters=FILTERS
        )
        return Scan(scanned, scanned.start(page_size, resume_from), parallel=parallel)

    @property
    def is_quiet(self) -> bool:
        return all(task.done() for task in self.tasks) and self.under_way == 0


def server(count: int = 700, kind: str = "90 in 1", order: str = "ascending", **options: Any) -> Server:
    return Server(Listed(moments=spread(kind, count), span=YEAR, order=order), **options)


def reloaded(checkpoint: ScanCheckpoint) -> ScanCheckpoint:
    return from_json(to_json(checkpoint), ScanCheckpoint)


async def identities(scan: Scan[Item]) -> list[Identity]:
    return [item.identity async for page in scan for item in page.items]


async def read_on(scan: Scan[Item], got: list[Identity]) -> BrexError | None:
    """To the end, or to an error, which is returned."""
    try:
        async for page in scan:
            got += [item.identity for item in page.items]
    except BrexError as error:
        return error
    return None


@pytest.mark.parametrize("parallel", [1, 3, 8])
@pytest.mark.parametrize("order", ["ascending", "descending", "arbitrary"])
async def test_everything_once_and_never_more_at_once(order: str, parallel: int) -> None:
    """All records, at most so many pages under way; at the end nothing is left, and nothing runs."""
    there = server(order=order, disturb=slowly)
    scan = there.scan(parallel=parallel)
    assert sorted(await identities(scan)) == sorted(there.listed.identities)
    assert there.most == parallel
    assert scan.checkpoint.left == Left(spans=())
    assert there.is_quiet
    assert await identities(scan) == []
    assert await identities(there.scan(reloaded(scan.checkpoint))) == []


async def test_each_page_has_its_checkpoint() -> None:
    """Resumed from any page's checkpoint, the rest follows exactly."""
    there = server()
    before: list[Identity] = []
    async for page in there.scan():
        before += [item.identity for item in page.items]
        rest = await identities(there.scan(reloaded(page.checkpoint)))
        assert sorted(before + rest) == sorted(there.listed.identities)
    assert len(before) == 700


@pytest.mark.parametrize("seed", range(5))
async def test_errors_lose_and_double_nothing(seed: int) -> None:
    """Every third answer fails: asked again, or resumed from the error's checkpoint, each record comes once."""
    chance = random.Random(seed)

    async def fail() -> None:
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        if chance.random() < 0.33:
            raise ServerError("GET /x answered 500", status=500)

    there = server(disturb=fail)
    scan = there.scan(parallel=5)
    got: list[Identity] = []
    errors = 0
    while (error := await read_on(scan, got)) is not None:
        errors += 1
        assert isinstance(error, ServerError)
        assert error.scan_checkpoint == scan.checkpoint
        assert error.checkpoint is None
        if chance.random() < 0.3:
            await scan.aclose()
            scan = there.scan(reloaded(error.scan_checkpoint), parallel=5)
    assert sorted(got) == sorted(there.listed.identities)
    assert errors > 10
    assert there.is_quiet
    assert there.most <= 5


@pytest.mark.parametrize("turns", range(60))
async def test_cancelled_at_any_turn_nothing_is_lost(turns: int) -> None:
    """Whenever the reader is cancelled, what it reads afterwards, here or from the checkpoint, is the rest."""
    for resume in (False, True):
        there = server(150)
        scan = there.scan()
        got: list[Identity] = []

        async def read(scan: Scan[Item] = scan, got: list[Identity] = got) -> None:
            async for page in scan:
                got.extend(item.identity for item in page.items)

        reader = asyncio.ensure_future(read())
        for _ in range(turns):
            await asyncio.sleep(0)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        if resume:
            await scan.aclose()
            scan = there.scan(reloaded(scan.checkpoint))
        got += await identities(scan)
        assert sorted(got) == sorted(there.listed.identities)
        assert there.is_quiet


@pytest.mark.parametrize("how", ["aclose", "async with", "dropped", "break"])
async def test_leaving_ends_what_is_under_way(how: str) -> None:
    """However a reader leaves, nothing runs afterwards."""
    there = server(disturb=slowly)
    scan = there.scan()
    if how == "async with":
        async with scan as pages:
            await anext(pages)
            assert not there.is_quiet
    elif how == "break":
        async for _ in scan:
            break
    else:
        await anext(scan)
    if how == "aclose":
        await scan.aclose()
        assert there.is_quiet
        assert await anext(scan, None) is None
    del scan
    if how == "async with":
        del pages
    else:
        await settle()
    assert len(there.tasks) > 1
    assert there.is_quiet


async def slowly() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_closed_after_an_error_it_asks_no_more() -> None:
    """The page that failed is not asked for again by a scan that was closed."""

    async def fail() -> None:
        raise ServerError("GET /x answered 500", status=500)

    there = server(disturb=fail)
    scan = there.scan()
    with pytest.raises(ServerError):
        await anext(scan)
    await scan.aclose()
    asked = len(there.tasks)
    assert await anext(scan, None) is None
    assert len(there.tasks) == asked
    assert there.is_quiet


@pytest.mark.parametrize("turns", range(12))
async def test_closed_while_a_reader_waits(turns: int) -> None:
    """The reader is told or is at the end, and the rest follows from the checkpoint; nothing is started any more."""
    there = server(150, disturb=slowly)
    scan = there.scan()
    got: list[Identity] = []

    async def read() -> None:
        async for page in scan:
            got.extend(item.identity for item in page.items)

    reader = asyncio.ensure_future(read())
    for _ in range(10 + turns):
        await asyncio.sleep(0)
    await scan.aclose()
    [outcome] = await asyncio.gather(reader, return_exceptions=True)
    assert outcome is None or isinstance(outcome, APIConnectionError)
    await settle()
    assert there.is_quiet
    got += await identities(there.scan(scan.checkpoint))
    assert sorted(got) == sorted(there.listed.identities)


async def test_ended_from_outside_is_an_error_of_ours() -> None:
    """When its client ends the tasks, the reader is told, and is not cancelled itself."""
    there = server(disturb=slowly)
    scan = there.scan()
    reader = asyncio.ensure_future(identities(scan))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in there.tasks:
        task.cancel()
    with pytest.raises(APIConnectionError, match="closed") as caught:
        await reader
    assert caught.value.scan_checkpoint == scan.checkpoint


class Interrupt(BaseException):
    """As KeyboardInterrupt, but asyncio lets it stay in its task."""


async def test_whatever_is_raised_loses_no_window() -> None:
    """Not only exceptions: the page is asked for again after anything."""
    raised: list[bool] = []

    async def interrupt() -> None:
        if len(raised) < 3:
            raised.append(True)
            raise Interrupt

    there = server(disturb=interrupt)
    scan = there.scan()
    got: list[Identity] = []
    for _ in range(3):
        with pytest.raises(Interrupt):
            await identities(scan)
    got += await identities(scan)
    assert sorted(got) == sorted(there.listed.identities)


async def test_errors_nobody_comes_for_are_nobodys() -> None:
    """Pages that fail after the reader left are not reported as exceptions never retrieved."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    async def fail() -> None:
        await slowly()
        raise ServerError("GET /x answered 500", status=500)

    there = server()
    scan = there.scan()
    for _ in range(4):
        await anext(scan)
    there.disturb = fail
    await anext(scan)
    await settle()
    del scan
    there.tasks.clear()
    await settle()
    gc.collect()
    await settle()
    assert told == []


@pytest.mark.parametrize(
    ("cursor", "problem"),
    [(lambda _: "10", CursorLoop), (lambda _: None, PaginationError), (lambda _: "", PaginationError)],
)
async def test_cursor_problems_come_after_the_good_page(
    cursor: Callable[[int], str | None], problem: type[PaginationError]
) -> None:
    """What was read is handed out first; asked again, it says the same; its checkpoint is good elsewhere."""
    there = server(45, "uniform", next_cursor=cursor)
    scan = there.scan()
    got: list[Identity] = []
    for _ in range(2):
        error = await read_on(scan, got)
        assert type(error) is problem
        assert error.scan_checkpoint == scan.checkpoint
    assert len(got) == (20 if problem is CursorLoop else 10)
    there.next_cursor = str
    got += await identities(there.scan(scan.checkpoint))
    assert sorted(got) == sorted(there.listed.identities)


@pytest.mark.parametrize(
    "refusal", [CursorExpired("refused"), *[APIStatusError("refused", status=status) for status in (400, 410, 422)]]
)
async def test_cursors_that_are_refused(refusal: BrexError) -> None:
    """In a resumed scan the window starts over and nobody hears of it; later it is an error, and starts over then."""
    there = server(75, "uniform")
    scan = there.scan()
    got = [item.identity for item in (await anext(scan)).items]
    got += [item.identity for item in (await anext(scan)).items]
    await scan.aclose()
    assert scan.checkpoint.left.windows
    there.refuse = refusal
    resumed = there.scan(reloaded(scan.checkpoint))
    for _ in range(3):
        assert await read_on(resumed, got) is refusal
    there.refuse = None
    assert await read_on(resumed, got) is None
    assert sorted(got) == sorted(there.listed.identities)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_other_refusals_are_not_the_cursors(status: int) -> None:
    """The page is asked for again by its cursor, so that nothing is read twice."""
    there = server(75, "uniform")
    scan = there.scan()
    got = [item.identity for item in (await anext(scan)).items]
    there.refuse = APIStatusError("refused", status=status)
    assert await read_on(scan, got) is there.refuse
    there.refuse = None
    resumed = there.scan(reloaded(scan.checkpoint))
    got += await identities(resumed)
    assert sorted(got) == sorted(there.listed.identities)
    assert resumed.checkpoint.left == Left(spans=())


async def test_one_task_at_a_time() -> None:
    """A second one is refused, and the first is not disturbed."""
    there = server()
    scan = there.scan()
    first = asyncio.ensure_future(anext(scan))
    await asyncio.sleep(0)
    with pytest.raises(ConfigurationError, match="one task at a time"):
        await anext(scan)
    got = [item.identity for item in (await first).items]
    assert sorted(got + await identities(scan)) == sorted(there.listed.identities)


@pytest.mark.parametrize(
    ("ahead", "refused"), [(-3600.0, False), (0.0, False), (1.9, False), (2.1, True), (60.0, True), (None, False)]
)
async def test_the_end_must_not_lie_ahead(ahead: float | None, refused: bool) -> None:
    """Of Brex's clock, by more than a Date header's rounding; without a Date nobody knows."""
    there = server(served_at=None if ahead is None else END - timedelta(seconds=ahead))
    scan = there.scan()
    if refused:
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="server_now"):
                await anext(scan)
        await scan.aclose()
    else:
        assert len(await identities(scan)) == 700


@pytest.mark.parametrize(
    ("checkpoint", "error"),
    [
        (object(), ConfigurationError),
        (ScanCheckpoint(page_size=10, left=Left(spans=())), CheckpointMismatch),
        (ScanCheckpoint(filters=FILTERS, page_size=0, left=Left(spans=())), ConfigurationError),
        *[
            (ScanCheckpoint(filters=FILTERS, page_size=10, left=Left(spans=spans)), CheckpointMismatch)
            for spans in (
                ((START - TICK, END),),
                ((START, END + TICK),),
                ((END, START),),
                ((START, START + DAY * TICK), (START, END)),
                ((START + DAY * TICK, END), (START, START + 2 * DAY * TICK)),
            )
        ],
        (
            ScanCheckpoint(
                filters=FILTERS,
                page_size=10,
                left=Left(
                    spans=((START, END),), windows=(OpenWindow(begin=START, end=END, cursor="c", pages=1, records=9),)
                ),
            ),
            CheckpointMismatch,
        ),
    ],
)
def test_checkpoints_of_something_else(checkpoint: Any, error: type[Exception]) -> None:
    """Refused before anything is sent: other filters, other times, times that would be read twice, no page size."""
    with pytest.raises(error):
        server().scan(checkpoint)


async def test_a_checkpoint_keeps_its_page_size() -> None:
    """A resumed scan goes on with the page size it began with."""
    there = server()
    page = await anext(there.scan(page_size=7))
    assert len(page.items) == 7
    resumed = there.scan(page.checkpoint, page_size=50)
    assert {len(page.items) async for page in resumed} <= set(range(1, 8))


async def test_nothing_to_read_asks_nothing() -> None:
    """A time that ends where it begins."""
    there = server()
    scanned = Scanned(source=there.source, updated_at=lambda item: item.updated_at, begin=END, end=END, filters=FILTERS)
    scan: Scan[Item] = Scan(scanned, scanned.start(10, None), parallel=2)
    assert await identities(scan) == []
    assert there.tasks == []
