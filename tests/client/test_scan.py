"""Scans against a local Brex on a port: every record once, whatever happens on the way, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import warnings
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from aiohttp import web

from brex_accounting import (
    AccountingRecord,
    APIConnectionError,
    BrexAccounting,
    BrexError,
    Checkpoint,
    CheckpointMismatch,
    ConfigurationError,
    DecodeError,
    PaginationError,
    RetryPolicy,
    ScanCheckpoint,
    ServerError,
    UpdatedAt,
    from_json,
    to_json,
)
from brex_accounting.models import BadRecord
from brex_accounting.sandbox import Fault, Rules, Sandbox, local, parse_fault
from brex_accounting.sandbox.server import make_app
from brex_accounting.scanning import Scan, ScanPage
from brex_accounting.session.events import CallEnded, PageEvent

from ..idle_time import IdleTime
from .granting import Hurried
from .scanning import BEGIN, Counting, changing, identities, make_uneven, read, whole
from .support import QUICK, client_of, held, our_tasks, page_json, wire_record
from .wiretap import Tap

pytestmark = pytest.mark.usefixtures("idle_time")

ONCE = RetryPolicy(attempts=1, base=0.001, cap=0.01, throttle_base=0.005)
PATIENT = RetryPolicy(attempts=12, base=0.001, cap=0.01, throttle_base=0.005)


def by_id(records: list[AccountingRecord]) -> list[AccountingRecord]:
    return sorted(records, key=lambda record: record.id)


@pytest.mark.parametrize("parallel", [1, 2, 8])
@pytest.mark.parametrize("uneven", [0, 500])
async def test_the_same_records_as_a_list(parallel: int, uneven: int) -> None:
    """Whole records, each once, with the page's clock, trace id and body; at the end nothing is left."""
    async with Sandbox(records=300, profile="mixed") as sandbox, client_of(sandbox) as brex:
        make_uneven(sandbox, uneven)
        pages = [page async for page in brex.records.scan(whole(sandbox), parallel=parallel, page_size=10)]
        assert by_id([record for page in pages for record in page.items]) == by_id(held(sandbox))
        assert all(page.served_at and page.trace_id and page.items[0].id.encode() in page.raw for page in pages)
        assert our_tasks() == set()


async def test_as_readme_has_it(sandbox: Sandbox, brex: BrexAccounting) -> None:
    """Until now by Brex's clock, which nobody finds ahead of it; dates and moments are the same."""
    lt = await brex.server_now()
    async with brex.records.scan(UpdatedAt(gte=date(2020, 1, 1), lt=lt)) as pages:
        assert by_id([record async for page in pages for record in page.items]) == by_id(held(sandbox))
    scan = brex.records.scan(UpdatedAt(gte=datetime(2020, 1, 1, tzinfo=UTC), lt=lt), resume_from=pages.checkpoint)
    assert await read(scan) == []


@pytest.mark.parametrize(
    "filters", [{"review_status": "READY_FOR_EXPORT"}, {"source_type": "BILL"}, {"single_entry": True}]
)
async def test_filters_are_those_of_a_list(filters: dict[str, Any]) -> None:
    """Every request has them."""
    async with Sandbox(records=300, profile="mixed") as sandbox, client_of(sandbox) as brex:
        scanned = await read(brex.records.scan(whole(sandbox), page_size=10, **filters))
        assert by_id(scanned) == by_id(await brex.records.list(**filters).collect())
        assert scanned


async def test_faults_neither_lose_nor_double_records() -> None:
    """Whatever happens on the way, and with retries that suffice, every record once."""
    orders = ["503:every=5", "drop:every=7", "cut:every=11", "429:every=13", "500:every=17", "drop-after:every=19"]
    async with Sandbox(records=300, profile="mixed", faults=[parse_fault(one) for one in orders]) as sandbox:
        make_uneven(sandbox, 300)
        async with client_of(sandbox, retry=PATIENT) as brex:
            assert by_id(await read(brex.records.scan(whole(sandbox), page_size=7))) == by_id(held(sandbox))
        assert sandbox.statistics.faults > 30


@pytest.mark.parametrize("kind", ["503", "drop", "cut", "500", "html"])
@pytest.mark.parametrize("resume", [False, True])
async def test_errors_carry_where_to_go_on(kind: str, resume: bool) -> None:
    """Every fifth request fails for good: asked again, or resumed from the error's checkpoint, the rest follows."""
    got: list[tuple[str, int]] = []
    errors = 0
    async with Sandbox(records=300, faults=[Fault(kind=kind, every=5)]) as sandbox:
        async with client_of(sandbox, retry=ONCE) as brex:
            time = whole(sandbox)
            scan = brex.records.scan(time, page_size=10, parallel=4)
            while (error := await read_on(scan, got)) is not None:
                errors += 1
                assert error.checkpoint is None
                assert error.scan_checkpoint == scan.checkpoint
                if resume:
                    saved = from_json(to_json(scan.checkpoint), ScanCheckpoint)
                    await scan.aclose()
                    scan = brex.records.scan(time, parallel=4, resume_from=saved)
        # aiohttp asks once more by itself where a kept connection drops.
        assert errors > 3 or kind == "drop"
        assert sorted(got) == identities(sandbox)


async def read_on(scan: Scan[AccountingRecord], got: list[tuple[str, int]]) -> BrexError | None:
    """To the end, or to an error, which is returned."""
    try:
        async for page in scan:
            got += [(record.id, record.version) for record in page.items]
    except BrexError as error:
        return error
    return None


@pytest.mark.parametrize("answer", [{"next_cursor": "c"}, {"next_cursor": None}])
async def test_cursor_problems_come_after_the_good_page(sandbox: Sandbox, tap: Tap, answer: dict[str, Any]) -> None:
    """A cursor that comes back, or none where there must be one: never a silent end."""
    page = page_json(wire_record(1), wire_record(2), total_count=3, has_next_page=True, **answer)
    tap.answer_get = lambda: web.Response(body=page, content_type="application/json")
    async with Sandbox(records=1) as sandbox, client_of(sandbox) as brex:
        got: list[tuple[str, int]] = []
        scan = brex.records.scan(whole(sandbox), page_size=2)
        for _ in range(2):
            assert isinstance(await read_on(scan, got), PaginationError)
        assert [name for name, _ in got] == ["accr_1", "accr_2"]


@pytest.mark.parametrize("how", ["break", "aclose", "async with", "dropped", "client", "error", "cancelled"])
async def test_however_it_is_left_nothing_remains(how: str) -> None:
    """No task as soon as the reader is gone; no socket and no warning after the client."""
    async with Sandbox(records=300, faults=[Fault(kind="slow", every=9)]) as sandbox:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            async with client_of(sandbox) as brex:
                transport = brex._view.core.manager.transport
                await leave(brex.records.scan(whole(sandbox), page_size=10), how)
                gc.collect()
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                if how != "client":
                    assert our_tasks() == set()
            assert our_tasks() == set()
            assert transport._session.closed  # type: ignore[attr-defined]
            gc.collect()
        assert [str(one.message) for one in warned] == []


async def leave(scan: Scan[AccountingRecord], how: str) -> None:
    """After three pages. One request in nine takes a second, so some are under way."""
    if how == "async with":
        async with scan as pages:
            await some(pages)
    elif how == "break":
        async for _ in scan:
            break
    elif how == "error":
        with suppress(ZeroDivisionError):
            async with scan as pages:
                async for _ in pages:
                    raise ZeroDivisionError
    elif how == "cancelled":
        reader = asyncio.ensure_future(read(scan))
        await asyncio.sleep(0.05)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        await scan.aclose()
    else:
        await some(scan)
        if how == "aclose":
            await scan.aclose()
            assert await anext(scan, None) is None
        elif how == "client":
            KEPT.append(scan)


KEPT: list[object] = []


async def some(scan: Scan[AccountingRecord]) -> list[ScanPage[AccountingRecord]]:
    return [await anext(scan) for _ in range(3)]


@pytest.fixture(autouse=True)
def forget() -> None:
    KEPT.clear()


async def test_a_client_closed_meanwhile_is_an_error(sandbox: Sandbox) -> None:
    """Whoever waits is told, and so is who asks later; the checkpoint is good for another client."""
    sandbox.faults.add(Fault(kind="slow", every=4))
    got: list[tuple[str, int]] = []
    time = whole(sandbox)
    brex = client_of(sandbox)
    async with brex:
        scan = brex.records.scan(time, page_size=3)
        reader = asyncio.ensure_future(read_on(scan, got))
        await asyncio.sleep(0.1)
        assert not reader.done()
    error = await reader
    assert isinstance(error, APIConnectionError)
    assert error.scan_checkpoint is not None
    assert isinstance(await read_on(scan, got), BrexError)
    sandbox.faults.clear()
    async with client_of(sandbox) as other:
        await read_on(other.records.scan(time, resume_from=error.scan_checkpoint), got)
    assert sorted(got) == identities(sandbox)


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233])
async def test_a_cancelled_reader_loses_nothing(sandbox: Sandbox, brex: BrexAccounting, turns: int) -> None:
    """Whenever it is cancelled, whoever reads on gets the rest."""
    scan = brex.records.scan(whole(sandbox), page_size=2, parallel=4)
    got: list[tuple[str, int]] = []
    reader = asyncio.ensure_future(read_on(scan, got))
    for _ in range(turns):
        await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert await read_on(scan, got) is None
    assert sorted(got) == identities(sandbox)


@pytest.mark.parametrize(
    "wrong",
    [
        *[{"parallel": value} for value in (0, -1, 65, True, 1.0, "8", None)],
        *[{"page_size": value} for value in (0, -1, True, 1.5, "100", None)],
        *[
            {"updated_at": value}
            for value in (
                None,
                "2026",
                UpdatedAt(gte=BEGIN),
                UpdatedAt(lt=BEGIN),
                UpdatedAt(gt=BEGIN, lt=BEGIN + timedelta(1)),
                UpdatedAt(gte=BEGIN, lte=BEGIN + timedelta(1)),
                UpdatedAt(gte=BEGIN + timedelta(1), lt=BEGIN),
                UpdatedAt(gte=BEGIN.replace(tzinfo=None), lt=BEGIN),
                UpdatedAt(gte="2020", lt=BEGIN),  # type: ignore[arg-type]
            )
        ],
        {"review_status": "READY", "source_type": "CARD"},
        {"review_status": "PREPARE", "source_type": "BILL"},
        {"single_entry": "false"},
        {"on_bad_record": "ignore"},
        {"resume_from": Checkpoint(page_size=10)},
        {"resume_from": b"{}"},
    ],
)
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    """Refused when it is called, before anything is sent, and also outside of ``async with``."""
    given: dict[str, Any] = {"updated_at": UpdatedAt(gte=BEGIN, lt=BEGIN + timedelta(1)), **wrong}
    brex = BrexAccounting("bxt_x", base_url="http://127.0.0.1:9")
    with pytest.raises(ConfigurationError):
        brex.records.scan(**given)


async def test_checkpoints_of_another_scan(sandbox: Sandbox, brex: BrexAccounting) -> None:
    """Other filters or other times are refused; the same times in another spelling are not."""
    time = whole(sandbox)
    assert isinstance(time.lt, datetime)
    page = await anext(brex.records.scan(time, page_size=10))
    others: list[dict[str, Any]] = [
        {"source_type": "CARD"},
        {"updated_at": attrs.evolve(time, gte=BEGIN - timedelta(1))},
        {"updated_at": attrs.evolve(time, lt=time.lt - timedelta(1))},
    ]
    for other in others:
        with pytest.raises(CheckpointMismatch):
            brex.records.scan(**{"updated_at": time, **other}, resume_from=page.checkpoint)
    same = brex.records.scan(attrs.evolve(time, gte=BEGIN.date()), resume_from=page.checkpoint)
    assert len(await read(same)) == 60 - len(page.items)


async def test_a_cursor_that_is_too_old(sandbox: Sandbox, brex: BrexAccounting) -> None:
    """A checkpoint whose cursors Brex refuses loses nothing and doubles nothing."""
    time = whole(sandbox)
    async with brex.records.scan(time, page_size=10) as scan:
        got = [(record.id, record.version) for record in (await anext(scan)).items]
    [window] = scan.checkpoint.left.windows
    old = attrs.evolve(scan.checkpoint.left, windows=(attrs.evolve(window, cursor="of last year"),))
    resumed = brex.records.scan(time, resume_from=attrs.evolve(scan.checkpoint, left=old))
    assert await read_on(resumed, got) is None
    assert sorted(got) == identities(sandbox)


async def test_an_end_ahead_of_brexs_clock(idle_time: IdleTime) -> None:
    """Refused with a word on what to do, each time; nothing was handed out."""
    async with Sandbox(records=60, now=idle_time.now) as sandbox, client_of(sandbox) as brex:
        scan = brex.records.scan(UpdatedAt(gte=BEGIN, lt=sandbox.brex.now() + timedelta(minutes=1)))
        text = r"(59|60|61) s after Brex's own time.*lt=await brex\.server_now"
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=text):
                await anext(scan)
        await scan.aclose()


async def test_no_time_asks_nothing(sandbox: Sandbox, brex: BrexAccounting) -> None:
    """A scan that ends where it begins."""
    assert await read(brex.records.scan(UpdatedAt(gte=BEGIN, lt=BEGIN))) == []
    assert sandbox.statistics.requests == 0


async def test_one_task_at_a_time(sandbox: Sandbox, brex: BrexAccounting) -> None:
    """Two readers of one scan are a mistake, and the first is not disturbed."""
    scan = brex.records.scan(whole(sandbox), page_size=10)
    first = asyncio.ensure_future(anext(scan))
    await asyncio.sleep(0)
    with pytest.raises(ConfigurationError, match="one task at a time"):
        await anext(scan)
    assert len((await first).items) + len(await read(scan)) == 60


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_records_that_are_edited_meanwhile(seed: int) -> None:
    """What stays is seen exactly once; what moves, at most once in each version."""
    chance = random.Random(seed)
    async with Sandbox(records=400) as sandbox, client_of(sandbox) as brex:
        make_uneven(sandbox, 200, seed)
        before = Counter(identities(sandbox))
        moved: set[str] = set()
        got: Counter[tuple[str, int]] = Counter()
        async for page in brex.records.scan(whole(sandbox), page_size=10):
            got.update((record.id, record.version) for record in page.items)
            moved |= {record.id for record in changing(sandbox, chance, 2)}
        stayed = {one for one in before if one[0] not in moved}
        assert {one: got[one] for one in stayed} == dict.fromkeys(stayed, 1)
        assert max(got.values()) == 1
        assert len(moved) > 50
        assert set(got) <= set(before)


async def test_observers_see_every_page(sandbox: Sandbox) -> None:
    """One event a page that was read, one end a call."""
    events: list[object] = []
    async with client_of(sandbox, observers=[events.append]) as brex:
        await read(brex.records.scan(whole(sandbox), page_size=5))
    pages = [event for event in events if isinstance(event, PageEvent)]
    assert len(pages) == len([event for event in events if isinstance(event, CallEnded)]) == sandbox.statistics.requests
    assert sum(page.items for page in pages) >= 60


@pytest.mark.parametrize("policy", ["raise", "skip", "called"])
async def test_a_record_that_cannot_be_decoded(sandbox: Sandbox, tap: Tap, policy: str) -> None:
    """The policy of a list: its page raises, or it is left out and told."""
    bad = {**wire_record(1), "amount": {"amount": "NaN", "currency": "USD"}}
    page = page_json(wire_record(0), bad, wire_record(2), total_count=3)
    tap.answer_get = lambda: web.Response(body=page, content_type="application/json")
    told: list[BadRecord] = []
    async with Sandbox(records=1) as sandbox, client_of(sandbox) as brex:
        handler: Any = told.append if policy == "called" else policy
        scan = brex.records.scan(whole(sandbox), on_bad_record=handler)
        if policy == "raise":
            with pytest.raises(DecodeError) as caught:
                await anext(scan)
            assert caught.value.scan_checkpoint == scan.checkpoint
        else:
            assert [record.id for record in await read(scan)] == ["accr_0", "accr_2"]
    assert [one.record_id for one in told] == (["accr_1"] if policy == "called" else [])


async def test_what_a_function_for_bad_records_raises(sandbox: Sandbox, tap: Tap) -> None:
    """It comes out as it is, and the page is asked for again."""
    page = page_json(wire_record(0), {"id": "bad"}, total_count=2)
    tap.answer_get = lambda: web.Response(body=page, content_type="application/json")
    given: list[str] = []

    def refuse_once(bad: BadRecord) -> None:
        given.append(bad.record_id or "")
        if len(given) == 1:
            raise LookupError("not this one")

    async with Sandbox(records=1) as sandbox, client_of(sandbox) as brex:
        scan = brex.records.scan(whole(sandbox), on_bad_record=refuse_once)
        with pytest.raises(LookupError, match="not this one"):
            await anext(scan)
        assert [record.id for record in await read(scan)] == ["accr_0"]
    assert given == ["bad", "bad"]


@pytest.mark.parametrize("parallel", [1, 3, 8])
async def test_never_more_at_once_than_allowed(monkeypatch: pytest.MonkeyPatch, parallel: int) -> None:
    """As the server counts them, faults and errors included."""
    counting = Counting()
    monkeypatch.setattr(local, "make_app", lambda *given: counting.on(make_app(*given)))
    async with Sandbox(records=300, faults=[parse_fault("503:every=6")]) as sandbox:
        make_uneven(sandbox, 300)
        async with client_of(sandbox, retry=ONCE) as brex:
            scan = brex.records.scan(whole(sandbox), page_size=10, parallel=parallel)
            got: list[tuple[str, int]] = []
            while isinstance(await read_on(scan, got), ServerError):
                pass
            assert sorted(got) == identities(sandbox)
    assert counting.most == parallel


async def test_every_request_takes_its_turn() -> None:
    """At the company's limiter, one by one, however many windows there are."""

    class Turns:
        """Gives one turn after the other."""

        def __init__(self) -> None:
            self.given = 0
            self.lock = asyncio.Lock()

        async def turn(self, key: str, *, again: bool = False) -> None:
            assert (key, again) == ("cuacc_1", False)
            async with self.lock:
                await asyncio.sleep(0.001)
                self.given += 1

        async def throttled(self, key: str, wait: float) -> None:
            raise AssertionError(f"{key} {wait}")

    turns = Turns()
    async with Sandbox(records=200) as sandbox:
        async with client_of(sandbox, rate_limit=None, limiter=turns) as brex:
            company = brex.for_company("cuacc_1", token=sandbox.token)
            assert len(await read(company.records.scan(whole(sandbox), page_size=10))) == 200
        assert turns.given == sandbox.statistics.requests > 20


async def test_a_server_that_has_had_enough() -> None:
    """It refuses what goes beyond its limit, of all windows alike: they wait, and nothing is lost."""
    clock = Hurried()
    async with Sandbox(records=200, rules=Rules(rate_limit=15, rate_window=0.2), now=clock.now) as sandbox:
        async with client_of(sandbox, retry=PATIENT, clock=clock) as brex:
            assert len(await read(brex.records.scan(whole(sandbox), page_size=10))) == 200
        assert sandbox.statistics.throttled > 0


async def test_neither_token_nor_body_shows(sandbox: Sandbox) -> None:
    """Not in the reprs of a scan, its pages, its checkpoints; nor in its errors."""
    async with client_of(sandbox, retry=QUICK) as brex:
        scan = brex.records.scan(whole(sandbox), page_size=5)
        page = await anext(scan)
        shown = [repr(one) for one in (scan, page, page.checkpoint, page.checkpoint.left)]
        await scan.aclose()
    record = json.loads(page.raw)["items"][0]
    assert not [text for text in shown if sandbox.token in text or record["id"] in text]
