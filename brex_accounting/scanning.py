"""Reading a list in several windows of time at once. Which windows, ``windows`` decides; here they are read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Generic, Self, TypeAlias, TypeVar

import attrs

from .errors import (
    APIConnectionError,
    APIStatusError,
    BrexError,
    CheckpointMismatch,
    ConfigurationError,
    CursorExpired,
    PaginationError,
)
from .models import Checkpoint, Page
from .paging import Source, Walk, check_page_size
from .prefetching import end, retrieved
from .windows import Left, ScanCheckpoint, Seen, Window, Windows

__all__ = ["MOST_PARALLEL", "Scan", "ScanPage", "Scanned"]

T = TypeVar("T")

MOST_PARALLEL = 64
"""Windows read at once."""
_REFUSED = (400, 404, 409, 410, 422)
"""How a cursor may be refused: nobody documents it."""
_DATE_STEP = timedelta(seconds=2)
"""A Date header is cut to whole seconds, and the clocks behind one name differ a little."""


@attrs.frozen(kw_only=True)
class ScanPage(Generic[T]):
    """Some records of a scan: a page as it came, without what was handed out before.

    ``checkpoint`` means that everything up to and including this page is done: save it after processing.
    ``served_at`` is Brex's clock when it answered, ``raw`` the body as received.
    """

    items: tuple[T, ...] = attrs.field(repr=False)
    checkpoint: ScanCheckpoint = attrs.field(repr=False)
    served_at: datetime | None = None
    trace_id: str | None = None
    raw: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(kw_only=True)
class Scanned(Generic[T]):
    """What is scanned: the list of a window of time, and when an item as fetched was updated."""

    source: Callable[[datetime, datetime], Source[T]] = attrs.field(repr=False)
    updated_at: Callable[[Any], datetime] = attrs.field(repr=False)
    begin: datetime
    end: datetime
    filters: tuple[tuple[str, str], ...]

    def start(self, page_size: int, resume_from: ScanCheckpoint | None) -> ScanCheckpoint:
        """Where to begin. Raises ``CheckpointMismatch`` for a checkpoint of another scan."""
        check_page_size(page_size)
        if resume_from is None:
            spans = ((self.begin, self.end),) if self.begin < self.end else ()
            return ScanCheckpoint(filters=self.filters, page_size=page_size, left=Left(spans=spans))
        if not isinstance(resume_from, ScanCheckpoint):
            raise ConfigurationError(
                "resume_from takes a ScanCheckpoint; read one with from_json(data, ScanCheckpoint)"
            )
        check_page_size(resume_from.page_size)
        if resume_from.filters != self.filters or not self._holds(resume_from.left):
            raise CheckpointMismatch("the checkpoint is of another scan; resume with the same filters and times")
        return resume_from

    def _holds(self, left: Left) -> bool:
        """Whether its times lie within this scan, and none in another: that would be read twice."""
        spans = sorted([*left.spans, *((window.begin, window.end) for window in left.windows)])
        moments = [moment for span in spans for moment in span]
        return moments == sorted(moments) and all(self.begin <= moment <= self.end for moment in moments)


@attrs.define(eq=False)
class _Chain(Generic[T]):
    """One window being read. ``source`` reads it, ``walk`` knows where it stands."""

    window: Window
    source: Source[T]
    walk: Walk[T]


_Flight: TypeAlias = "asyncio.Task[Page[T]]"


class Scan(Generic[T]):
    """Pages of a scan, in no order, each record version once. ``async for page in it``, or
    ``async with it as pages`` around the loop, which ends what is under way when the loop is left.

    ``checkpoint`` stands after the last page handed out. After an error the same scan may be asked
    again: it goes on with the page that failed.
    """

    def __init__(self, scanned: Scanned[T], start: ScanCheckpoint, *, parallel: int) -> None:
        self._flights: dict[_Flight[T], _Chain[T]] = {}
        self._scanned = scanned
        self._start = start
        self._parallel = parallel
        self._windows = Windows(start.left, parallel=parallel, page_size=start.page_size)
        self._landed: asyncio.Queue[_Flight[T]] = asyncio.Queue()
        self._failed: list[_Chain[T]] = []
        self._problem: PaginationError | None = None
        self._ready: ScanPage[T] | None = None
        self._checkpoint = start
        self._clock_seen = False
        self._busy = False
        self._ended = False

    @property
    def checkpoint(self) -> ScanCheckpoint:
        """Everything up to here was handed out."""
        return self._checkpoint

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ScanPage[T]:
        if self._busy:
            raise ConfigurationError("one task at a time may advance a scan; its windows are read side by side anyway")
        self._busy = True
        try:
            page = await self._next()
        except BrexError as error:
            error.checkpoint, error.scan_checkpoint = None, self._checkpoint
            raise
        finally:
            self._busy = False
        if page is None:
            raise StopAsyncIteration
        self._checkpoint = page.checkpoint
        return page

    async def _next(self) -> ScanPage[T] | None:
        while self._ready is None:
            if self._ended:
                return None
            self._fill()
            problem, self._problem = self._problem, None
            if problem is not None:
                raise problem
            if not self._flights:
                self._checkpoint = self._now()
                return None
            flight = await self._landed.get()
            self._ready = self._land(flight, self._flights.pop(flight))
        # So that the next requests are on their way before the reader goes to work.
        await asyncio.sleep(0)
        page, self._ready = self._ready, None
        return page

    def _now(self) -> ScanCheckpoint:
        return attrs.evolve(self._start, left=self._windows.left)

    def _fill(self) -> None:
        """Start as many fetches as may run side by side."""
        failed, self._failed = self._failed, []
        for chain in failed:
            self._fetch(chain)
        while len(self._flights) < self._parallel and (window := self._windows.take()) is not None:
            source = self._scanned.source(window.begin, window.end)
            size = self._start.page_size
            start = Checkpoint(filters=source.filters, page_size=size, cursor=window.cursor)
            self._fetch(_Chain(window, source, Walk(source, size, resume_from=start)))

    def _fetch(self, chain: _Chain[T]) -> None:
        try:
            cursor = chain.walk.next_cursor()
        except PaginationError as error:
            # Not before its last good page was handed out.
            self._failed.append(chain)
            self._problem = error
            return
        assert cursor is not None
        flight = chain.source.spawn(chain.source.fetch(cursor[0], chain.walk.page_size, None))
        self._flights[flight] = chain
        flight.add_done_callback(retrieved)
        flight.add_done_callback(self._landed.put_nowait)

    def _land(self, flight: _Flight[T], chain: _Chain[T]) -> ScanPage[T] | None:
        """What to hand out of a fetched page, if it holds anything new; and go on with its window."""
        try:
            page = self._result(flight)
            shown = chain.source.shown(page)
        except BaseException as error:
            if not self._is_settled(chain, error):
                raise
            return None
        chain.walk.accept(page)
        seen = [Seen(chain.source.identify(item), self._scanned.updated_at(item)) for item in page.items]
        more, cursor = page.has_next_page, page.next_cursor or None
        new, goes_on = self._windows.read(chain.window, seen, more=more, cursor=cursor, total=page.total_count)
        if goes_on:
            self._fetch(chain)
        self._fill()
        items = tuple(item for item, is_new in zip(shown.items, new, strict=True) if is_new)
        if not items:
            self._checkpoint = self._now()
            return None
        return ScanPage(
            items=items, checkpoint=self._now(), served_at=page.served_at, trace_id=page.trace_id, raw=page.raw
        )

    def _result(self, flight: _Flight[T]) -> Page[T]:
        if self._ended or flight.cancelled():
            raise APIConnectionError("the scan or its client was closed while a page was under way")
        page = flight.result()
        self._check_clock(page)
        return page

    def _is_settled(self, chain: _Chain[T], error: BaseException) -> bool:
        """Whether nobody need hear of a page that failed: a checkpoint's cursor may be too old, which is no loss."""
        window = chain.window
        refused = isinstance(error, CursorExpired) or (isinstance(error, APIStatusError) and error.status in _REFUSED)
        if window.cursor is None or not refused:
            self._failed.append(chain)
            return False
        self._windows.restart(window)
        return window.is_resumed

    def _check_clock(self, page: Page[T]) -> None:
        if self._clock_seen or page.served_at is None:
            return
        ahead = self._scanned.end - page.served_at
        if ahead > _DATE_STEP:
            raise ConfigurationError(
                f"updated_at ends {ahead.total_seconds():.0f} s after Brex's own time, and what changes until then may "
                "move to a window that was read already; use lt=await brex.server_now()"
            )
        self._clock_seen = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the scan and what is under way. Without it, that ends with this object, or with its client."""
        self._ended = True
        self._ready = None
        flights = list(self._flights)
        for flight in flights:
            flight.cancel()
        if flights:
            await asyncio.wait(flights)

    def __del__(self) -> None:
        for flight in self._flights:
            end(flight)
