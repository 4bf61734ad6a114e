"""How a scan cuts time into windows. Pure: it knows moments and how much was read, and sends nothing.

A *stretch* of time is cut into windows of about ``AIM`` pages, as far as its density is known. A window
that turns out to hold far more becomes a stretch of its own; what was handed out of it stays known and
is left out when it is read again. Neither the order in which a server lists nor its ``total_count`` is
documented: they make the guesses better, and nothing is concluded from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import attrs

from .models import Instant

__all__ = ["Identity", "KnownPage", "Left", "OpenWindow", "ScanCheckpoint", "Seen", "Window", "Windows"]

Identity: TypeAlias = tuple[str, int]

AIM: Final = 8
"""Pages of a window: more leave chains idle at the end, fewer waste the half page at each window's end."""
SMALLEST: Final = 3
"""Pages of a window where little is left: windows get smaller, so that all chains end together."""
OVERFLOW: Final = 2 * AIM
"""Pages after which a window is cut up. They are read again, so not too soon."""
SURELY: Final = 4 * OVERFLOW
"""Pages that a window must seem to hold to be cut up at once, when nobody counted them."""
MOST: Final = 1024 * AIM
"""Pages that a window is thought to hold at most: one dense moment says little of a year."""
GROWTH: Final = 16
"""After a window that holds less than thought, the next is at most so many times as wide."""
BLIND: Final = 8
"""Pages of a window that is listed in no order of time, as far as its first page tells."""
GRAIN: Final = 1_000
"""Microseconds. A window of a millisecond is not cut up: Brex spells some times no finer."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@attrs.frozen
class Seen:
    """One record that was read: who it is, and its updated_at if it is known."""

    identity: Identity
    updated_at: datetime | None


@attrs.frozen(kw_only=True)
class KnownPage:
    """The (id, version) of records that were handed out of a window that is not done."""

    begin: Instant
    end: Instant
    identities: tuple[Identity, ...] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class OpenWindow:
    """A window that was being read: so many ``pages`` with so many ``records``, and the ``cursor`` of the next one."""

    begin: Instant
    end: Instant
    cursor: str = attrs.field(repr=False)
    pages: int
    records: int


@attrs.frozen(kw_only=True)
class Left:
    """What of a scan is not done: stretches of time (from, to), of which the last is next; windows that are being
    read; and what was handed out of either all the same, should it have to be read from its start.
    """

    spans: tuple[tuple[Instant, Instant], ...] = attrs.field(repr=False)
    windows: tuple[OpenWindow, ...] = attrs.field(default=(), repr=False)
    known: tuple[KnownPage, ...] = attrs.field(default=(), repr=False)


@attrs.frozen(kw_only=True)
class ScanCheckpoint:
    """Where a scan stands: enough to go on in another process. Save it with ``to_json``, load it with
    ``from_json(data, ScanCheckpoint)``.

    ``filters`` are the query as sent, ``left`` is what remains. It grows with what is under way, not with
    what is done: some ten to some hundred kilobytes, more where one millisecond holds thousands of records.
    """

    filters: tuple[tuple[str, str], ...] = ()
    page_size: int
    left: Left


@attrs.frozen(eq=False)
class _Known:
    """What was handed out of some time: page by page, and as one set."""

    pages: tuple[KnownPage, ...]
    identities: frozenset[Identity]

    @classmethod
    def of(cls, pages: Iterable[KnownPage], begin: datetime, end: datetime) -> _Known:
        """Those pages that may hold records of a time."""
        some = tuple(page for page in pages if page.begin < end and begin < page.end)
        return cls(some, frozenset(one for page in some for one in page.identities))


@attrs.define(eq=False)
class _Stretch:
    """Time to be cut into windows, from its begin or ``from_above``. Moments are microseconds since 1970.

    ``rate``: pages in a microsecond where it is cut next, None if one request is to tell. ``lead``: how much
    at that end holds nothing, as far as seen. ``counted``: the pages in it as the server counts, None if it
    does not. ``is_too_much``: more than one window for sure.
    """

    begin: int
    end: int
    known: _Known
    rate: float | None = None
    lead: int = 0
    counted: float | None = None
    from_above: bool = False
    is_too_much: bool = False

    @property
    def width(self) -> int:
        return self.end - self.begin

    def take(self, width: int) -> tuple[int, int]:
        """Cut off this much."""
        self.lead, self.is_too_much = 0, False
        if self.from_above:
            self.end -= width
            return self.end, self.end + width
        self.begin += width
        return self.begin - width, self.begin


@attrs.define(eq=False)
class Window:
    """A part of the scan that one chain reads. ``pages`` were read, with so many ``records``; ``cursor`` is that of
    the next page, None for the first. ``is_resumed``: the cursor is from a checkpoint.
    """

    begin: datetime
    end: datetime
    stretch: _Stretch = attrs.field(repr=False)
    known: _Known = attrs.field(repr=False)
    pages: int = 0
    records: int = 0
    cursor: str | None = attrs.field(default=None, repr=False)
    is_resumed: bool = False
    handed_out: list[KnownPage] = attrs.field(factory=list, repr=False)
    _seen: set[Identity] = attrs.field(factory=set, repr=False)

    @property
    def width(self) -> int:
        """Microseconds."""
        return (self.end - self.begin) // _MICROSECOND

    def add(self, page: Sequence[Seen]) -> list[bool]:
        """Which records of its next page were not handed out before; from now on they were."""
        new = []
        for one in page:
            new.append(one.identity not in self._seen and one.identity not in self.known.identities)
            self._seen.add(one.identity)
        self.pages += 1
        self.records += len(page)
        identities = tuple(one.identity for one, is_new in zip(page, new, strict=True) if is_new)
        if identities:
            self.handed_out.append(KnownPage(begin=self.begin, end=self.end, identities=identities))
        return new

    def moments(self, page: Sequence[Seen]) -> list[int]:
        """When the records of a page were updated. Those that moved meanwhile lie elsewhere and tell nothing."""
        return [
            _micros(one.updated_at)
            for one in page
            if one.updated_at is not None and self.begin <= one.updated_at < self.end
        ]


class Windows:
    """What of a scan is left: ``take`` a window, tell what was ``read`` from it."""

    def __init__(self, left: Left, *, parallel: int, page_size: int) -> None:
        self._parallel = parallel
        self._page_size = page_size
        self._trusts_counts = True
        spans = [span for span in left.spans if span[0] < span[1]]
        self._uncut = [_Stretch(_micros(a), _micros(b), _Known.of(left.known, a, b)) for a, b in spans]
        self._open: list[Window] = []
        self._waiting = [_reopened(one, left.known) for one in left.windows]

    @property
    def left(self) -> Left:
        """What is not done."""
        windows = [*self._open, *self._waiting]
        times = [(window.begin, window.end, window.known) for window in windows]
        uncut = [(_moment(stretch.begin), _moment(stretch.end), stretch.known) for stretch in self._uncut]
        # One page may be known of many: each is named once.
        known = {
            id(page): page
            for begin, end, of in [*times, *uncut]
            for page in of.pages
            if page.begin < end and begin < page.end
        }
        known |= {id(page): page for window in windows for page in window.handed_out}
        fresh = [(window.begin, window.end) for window in windows if window.cursor is None]
        return Left(
            spans=(*((begin, end) for begin, end, _ in uncut), *fresh),
            windows=tuple(
                OpenWindow(begin=one.begin, end=one.end, cursor=one.cursor, pages=one.pages, records=one.records)
                for one in windows
                if one.cursor is not None
            ),
            known=tuple(known.values()),
        )

    def take(self) -> Window | None:
        """The next window to read; None when there is none now: one that is being read may be cut up yet."""
        if self._waiting:
            self._open.append(self._waiting.pop())
            return self._open[-1]
        if not self._uncut:
            return None
        # The latest: it was cut up because it holds much.
        stretch = self._uncut[-1]
        begin, end = stretch.take(self._next_width(stretch))
        if not stretch.width:
            self._uncut.pop()
        window = Window(_moment(begin), _moment(end), stretch, stretch.known)
        self._open.append(window)
        return window

    def restart(self, window: Window) -> None:
        """Its cursor is no good any more: it comes from ``take`` again, to be read from its start."""
        self._open.remove(window)
        known = _Known.of((*window.known.pages, *window.handed_out), window.begin, window.end)
        self._uncut.append(_Stretch(_micros(window.begin), _micros(window.end), known))

    def read(
        self, window: Window, page: Sequence[Seen], *, more: bool, cursor: str | None = None, total: int | None = None
    ) -> tuple[list[bool], bool]:
        """A page of a window was read. Which of its records are to be handed out, and whether to read on.

        Not after its last page, nor when it is cut up: then its parts come from ``take``. ``cursor`` is that of
        the next page; ``total``: the records of the whole window, if the server counts them.
        """
        new = window.add(page)
        window.cursor, window.is_resumed = cursor, False
        counted = self._counted(window, total, more=more)
        if not more:
            self._open.remove(window)
            self._learn(window, window.records / self._page_size)
            return new, False
        moments = window.moments(page)
        expected = self._expected(window, moments) if counted is None else counted
        if not self._is_too_much(window, expected, OVERFLOW if counted is not None else SURELY):
            return new, True
        self._open.remove(window)
        self._uncut += self._cut_up(window, moments, expected, counted)
        self._learn(window, expected)
        return new, False

    def _next_width(self, stretch: _Stretch) -> int:
        if stretch.rate is None:
            return stretch.width
        body = stretch.width - stretch.lead
        thought = body * stretch.rate
        pages = min(float(AIM), max(float(SMALLEST), thought / self._parallel))
        width = body if thought <= pages else max(GRAIN, int(body * (pages / thought)))
        if stretch.is_too_much:
            # At most half: or what is thought wrongly would be cut to the same window for ever.
            return stretch.lead + min(width, body // 2)
        return stretch.width if body - width < width // 4 else stretch.lead + width

    def _counted(self, window: Window, total: int | None, *, more: bool) -> float | None:
        """The pages of a window as the server counts, until it was seen to count something else."""
        if total is None:
            return None
        if total <= window.records if more else abs(total - window.records) > self._page_size:
            self._trusts_counts = False
        return min(total, MOST * self._page_size) / self._page_size if self._trusts_counts else None

    def _expected(self, window: Window, moments: list[int]) -> float:
        """The pages of a window, from how dense its latest page lies in it."""
        pages = 0.0
        if len(moments) > 1:
            pages = len(moments) / self._page_size * window.width / max(1, max(moments) - min(moments))
        if pages < window.pages + 0.5:  # records in no order of time tell nothing, but that there is more
            pages = BLIND if window.pages == 1 else 2.0 * window.pages
        return min(pages, float(MOST))

    def _is_too_much(self, window: Window, expected: float, limit: int) -> bool:
        if window.width <= GRAIN:
            return False
        if window.pages >= OVERFLOW or expected > limit:
            return True
        # What was read is read again, so this pays at the first page alone.
        others_are_idle = not self._uncut and len(self._open) < self._parallel
        return others_are_idle and window.pages == 1 and expected > AIM

    def _learn(self, window: Window, pages: float) -> None:
        """The density of a window is the best guess for the next one of its stretch."""
        stretch = window.stretch
        floor = (stretch.rate or 0.0) / GROWTH
        if stretch.counted is not None:
            stretch.counted = max(0.0, stretch.counted - pages)
            if self._trusts_counts and stretch.width:
                floor = stretch.counted / stretch.width / GROWTH
        stretch.rate = max(pages / max(1, window.width), floor)

    def _cut_up(self, window: Window, moments: list[int], expected: float, counted: float | None) -> list[_Stretch]:
        begin, end = _micros(window.begin), _micros(window.end)
        known = _Known.of((*window.known.pages, *window.handed_out), window.begin, window.end)
        rest = _Stretch(begin, end, known, expected / window.width, counted=counted, is_too_much=True)
        lower, upper = (min(moments), max(moments) + 1) if len(moments) > 1 else (begin, end)
        if upper - lower <= GRAIN:
            # One moment holds so much. What lies around it is another matter.
            inner = min(end, lower + GRAIN)
            spans = [(begin, lower), (inner, end), (lower, inner)]
            return [_Stretch(*span, known) for span in spans if span[0] < span[1]]
        if moments == sorted(moments, reverse=True):
            rest.lead, rest.from_above = end - upper, True
        elif moments == sorted(moments):
            rest.lead = lower - begin
        if rest.lead:
            rest.rate = min(len(moments) / self._page_size / (upper - lower), MOST / window.width)
        before = (window.records - len(moments)) / self._page_size
        if not before or not rest.lead:
            return [rest]
        # If the page is in order, what was read before it lies on one side, and what follows on the other.
        beside = _Stretch(*rest.take(rest.lead), known, before / window.width)
        rest.is_too_much = True
        return [beside, rest]


def _reopened(one: OpenWindow, known: Iterable[KnownPage]) -> Window:
    """A window of a checkpoint. What was handed out of it is its own, the rest it shares with others."""
    of = _Known.of(known, one.begin, one.end)
    end = _micros(one.end)
    return Window(one.begin, one.end, _Stretch(end, end, of), of, one.pages, one.records, one.cursor, is_resumed=True)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND
