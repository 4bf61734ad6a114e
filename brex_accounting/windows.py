"""How a scan cuts time into windows. Pure: it knows moments and how much was read, and sends nothing.

A *stretch* of time is cut into windows of about ``AIM`` pages, as far as its density is known. A window
that turns out to hold far more becomes a stretch of its own; what was handed out of it stays known and
is left out when it is read again. Nothing is concluded from the order of records: nobody documents it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import attrs

from .models import Instant

__all__ = ["Identity", "Left", "ScanCheckpoint", "Seen", "Window", "Windows"]

Identity: TypeAlias = tuple[str, int]

AIM: Final = 8
"""Pages of a window: more leave chains idle at the end, fewer waste the half page at each window's end."""
OVERFLOW: Final = 2 * AIM
"""Pages after which a window is cut up. They are read again, so not too soon."""
GROWTH: Final = 4.0
"""A window after an emptier one is at most so many times as wide."""
_FINEST: Final = 1024
"""A stretch is cut into so many windows at most before more is known: one dense moment says little of a year."""
_GRAIN: Final = 1_000
"""Microseconds: windows begin and end on whole milliseconds, the coarsest spelling of times seen."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@attrs.frozen
class Seen:
    """One record that was read: who it is, and its updated_at if it is known."""

    identity: Identity
    updated_at: datetime | None


@attrs.frozen(kw_only=True)
class Left:
    """What of a scan is not done: stretches of time (from, to), and the (id, version) of what was handed out
    of them all the same, page by page.
    """

    spans: tuple[tuple[Instant, Instant], ...] = attrs.field(repr=False)
    known: tuple[tuple[Identity, ...], ...] = attrs.field(default=(), repr=False)


@attrs.frozen(kw_only=True)
class ScanCheckpoint:
    """Where a scan stands: enough to go on in another process. Save it with ``to_json``, load it with
    ``from_json(data, ScanCheckpoint)``.

    ``filters`` are the query as sent, ``left`` is what remains. It grows with what is under way, not with
    what is done: some ten to some hundred kilobytes.
    """

    filters: tuple[tuple[str, str], ...] = ()
    page_size: int
    left: Left


@attrs.define(eq=False)
class _Stretch:
    """Time to be cut, in microseconds. ``rate``: pages in a microsecond, None if unknown."""

    begin: int
    end: int
    known: tuple[tuple[Identity, ...], ...]
    excluded: frozenset[Identity]
    rate: float | None = None
    from_above: bool = False

    def beside(self, begin: int, end: int, pages: float) -> _Stretch:
        """The stretch next to it, which holds about so many pages; with none, one request will tell."""
        return _Stretch(begin, end, self.known, self.excluded, rate=pages / (end - begin) if pages else None)


@attrs.define(eq=False)
class Window:
    """A part of the scan that one chain reads. ``excluded``: what was handed out of it before."""

    begin: datetime
    end: datetime
    excluded: frozenset[Identity] = attrs.field(repr=False)
    stretch: _Stretch = attrs.field(repr=False)
    is_probe: bool
    pages: list[tuple[Identity, ...]] = attrs.field(factory=list, repr=False)
    moments: list[int] = attrs.field(factory=list, repr=False)
    records: int = 0


class Windows:
    """What of a scan is left: ``take`` a window, tell what was ``read`` from it."""

    def __init__(self, left: Left, *, parallel: int, page_size: int) -> None:
        self._parallel = parallel
        self._page_size = page_size
        known, excluded = left.known, frozenset(one for page in left.known for one in page)
        self._uncut = [_Stretch(_micros(begin), _micros(end), known, excluded) for begin, end in left.spans]
        self._open: list[Window] = []

    @property
    def left(self) -> Left:
        """What is not done."""
        spans = [(window.begin, window.end) for window in self._open]
        spans += [(_moment(stretch.begin), _moment(stretch.end)) for stretch in self._uncut]
        # One page may be known of many: each is named once.
        known = {id(page): page for stretch in self._live() for page in stretch.known}
        known |= {id(page): page for window in self._open for page in window.pages}
        return Left(spans=tuple(spans), known=tuple(known.values()))

    def take(self) -> Window | None:
        """The next window to read; None when there is none now: one that is being read may be cut up yet."""
        if not self._uncut:
            return None
        # The latest: it was cut up because it holds much.
        stretch = self._uncut[-1]
        width = self._cut(stretch)
        if stretch.from_above:
            begin, end = stretch.end - width, stretch.end
            stretch.end = begin
        else:
            begin, end = stretch.begin, stretch.begin + width
            stretch.begin = end
        if stretch.begin == stretch.end:
            self._uncut.pop()
        window = Window(_moment(begin), _moment(end), stretch.excluded, stretch, stretch.rate is None)
        self._open.append(window)
        return window

    def read(self, window: Window, page: Sequence[Seen], *, more: bool) -> bool:
        """A page of a window was handed out. Whether the window is to be read on.

        Not after its last page, nor when it is cut up: then its parts come from ``take``.
        """
        window.pages.append(tuple(one.identity for one in page if one.identity not in window.excluded))
        window.records += len(page)
        latest = [_micros(one.updated_at) for one in page if one.updated_at is not None]
        window.moments += latest
        if not more:
            self._open.remove(window)
            # The density of a window is the best guess for the next one of its stretch.
            pages = max(window.records / self._page_size, AIM / GROWTH)
            window.stretch.rate = pages / max(1, _width(window))
            return False
        if _width(window) > _GRAIN and self._holds_too_much(window, latest):
            self._open.remove(window)
            parts = self._cut_up(window, latest)
            self._uncut += parts
            # Its neighbours hold as much as far as anybody knows.
            window.stretch.rate = max(window.stretch.rate or 0.0, self._expected(window, latest) / _width(window))
            return False
        return True

    def _holds_too_much(self, window: Window, latest: list[int]) -> bool:
        if window.is_probe or len(window.pages) % OVERFLOW == 0:
            return True
        return self._expected(window, latest) > 4 * OVERFLOW

    def _live(self) -> Iterable[_Stretch]:
        return {*self._uncut, *(window.stretch for window in self._open)}

    def _cut(self, stretch: _Stretch) -> int:
        """How wide the next window of a stretch is."""
        width = stretch.end - stretch.begin
        if stretch.rate is None:
            return width
        # Smaller ones towards the end, so that all chains end together, but none of less than a page or two.
        pages = min(float(AIM), max(2.0, width * stretch.rate / self._parallel))
        wanted = int(min(pages / stretch.rate, float(width)))
        cut = max(_GRAIN, wanted // _GRAIN * _GRAIN)
        return width if width - cut < cut // 4 else cut

    def _cut_up(self, window: Window, latest: list[int]) -> list[_Stretch]:
        begin, end = _micros(window.begin), _micros(window.end)
        known = (*window.stretch.known, *window.pages)
        excluded = window.excluded.union(*window.pages)
        rest = _Stretch(begin, end, known, excluded)
        pages = self._expected(window, latest)
        rest.rate = pages / (end - begin)
        lower, upper = (min(latest), max(latest)) if latest else (begin, end)
        before = len(window.moments) - len(latest)
        # If the page is in order, what was read before it lies on one side, and what follows on the other.
        if latest == sorted(latest) and begin < lower:
            rest.begin = lower
            return [rest.beside(begin, lower, before / self._page_size), rest]
        if latest == sorted(latest, reverse=True) and upper + 1 < end:
            rest.end, rest.from_above = upper + 1, True
            return [rest.beside(upper + 1, end, before / self._page_size), rest]
        return [rest]

    def _expected(self, window: Window, latest: list[int]) -> float:
        """How many pages a window may hold, from how dense its latest page lies in it."""
        width = _width(window)
        pages = 0.0
        if len(latest) > 1:
            pages = len(latest) / self._page_size * width / max(1, max(latest) - min(latest))
        if pages < len(window.pages) + 0.5:  # records in no order of time tell nothing, but that there is more
            pages = 2.0 * self._parallel * AIM if window.is_probe else 2.0 * len(window.pages)
        return min(pages, float(AIM * _FINEST))


def _width(window: Window) -> int:
    return _micros(window.end) - _micros(window.begin)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND
