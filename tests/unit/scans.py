"""Scans without a network: data in memory, listed in any order, whose pages land when the test says."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from zlib import crc32

import attrs

from brex_accounting import ScanCheckpoint, from_json, to_json
from brex_accounting.windows import Identity, Left, Seen, Window, Windows

START = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = 86_400_000_000
YEAR = 365 * DAY

Record = tuple[int, Identity]
"""When it was updated, in microseconds after ``START``, and who it is."""


ORDERS = ("ascending", "descending", "arbitrary")
"""Arbitrary: one that has nothing to do with time, the same in every window."""

COUNTS: dict[str, Callable[[int], int | None]] = {
    "exact": lambda count: count,
    "none": lambda _: None,
    "always zero": lambda _: 0,
    "of everything": lambda _: 10**6,
    "absurd": lambda _: 10**400,
    "negative": lambda count: -count,
    "half": lambda count: count // 2,
    "double": lambda count: 2 * count,
}


def _in_order(moments: Iterable[int]) -> list[int]:
    return sorted(moments)


@attrs.frozen(kw_only=True)
class Listed:
    """What a server holds, and how it lists it."""

    moments: list[int] = attrs.field(converter=_in_order, repr=False)
    span: int
    order: str = "ascending"
    counts: str = "exact"
    start: datetime = START
    # Made once: windows are opened by the ten thousand.
    _records: list[Record] = attrs.field(init=False, repr=False)
    _turns: list[int] = attrs.field(init=False, repr=False)

    @_records.default
    def _named(self) -> list[Record]:
        return [(moment, (f"accr_{place}", 1)) for place, moment in enumerate(self.moments)]

    @_turns.default
    def _shuffled(self) -> list[int]:
        return [crc32(name.encode()) for _, (name, _) in self._records] if self.order == "arbitrary" else []

    @property
    def whole(self) -> Left:
        return Left(spans=((self.start, self.start + self.span * TICK),))

    @property
    def identities(self) -> list[Identity]:
        return [identity for _, identity in self._records]

    def of(self, window: Window) -> list[Record]:
        return self.between(window.begin, window.end)

    def between(self, begin: datetime, end: datetime) -> list[Record]:
        low = bisect_left(self.moments, (begin - self.start) // TICK)
        high = bisect_left(self.moments, (end - self.start) // TICK)
        if self.order == "arbitrary":
            return [self._records[place] for place in sorted(range(low, high), key=self._turns.__getitem__)]
        found = self._records[low:high]
        return found if self.order == "ascending" else found[::-1]


@attrs.define
class _Walk:
    window: Window
    records: list[Record]
    at: int = 0
    due: int = 0


class Reading:
    """Reads windows as a scan does. ``land`` takes one of the pages under way; all take one round each."""

    def __init__(self, listed: Listed, left: Left | None = None, *, parallel: int, page_size: int) -> None:
        self.listed = listed
        self.windows = Windows(left or listed.whole, parallel=parallel, page_size=page_size)
        self.parallel = parallel
        self.page_size = page_size
        self.under_way: list[_Walk] = []
        self.got: list[Identity] = []
        self.done: list[Window] = []
        self.requests = 0
        self.round = 0
        self.fill()

    def fill(self) -> None:
        while len(self.under_way) < self.parallel and (window := self.windows.take()) is not None:
            self._ask(_Walk(window, self.listed.of(window), int(window.cursor or 0)))

    def _ask(self, walk: _Walk) -> None:
        self.requests += 1
        walk.due = self.round + 1
        self.under_way.append(walk)

    def land(self, which: int = 0) -> list[Identity]:
        """What of that page is handed out."""
        walk = self.under_way.pop(which % len(self.under_way))
        self.round = max(self.round, walk.due)
        page = walk.records[walk.at : walk.at + self.page_size]
        walk.at += self.page_size
        more = walk.at < len(walk.records)
        seen = [Seen(identity, self.listed.start + moment * TICK) for moment, identity in page]
        total = COUNTS[self.listed.counts](len(walk.records))
        new, goes_on = self.windows.read(
            walk.window, seen, more=more, cursor=str(walk.at) if more else None, total=total
        )
        if goes_on:
            self._ask(walk)
        elif not more:
            self.done.append(walk.window)
        self.fill()
        some = [identity for (_, identity), is_new in zip(page, new, strict=True) if is_new]
        self.got += some
        return some

    def finish(self) -> Reading:
        """Every page, in the order of asking."""
        while self.under_way:
            self.land()
        return self

    @property
    def sequential(self) -> int:
        """The pages of one chain over everything."""
        return max(1, -(-len(self.listed.moments) // self.page_size))

    @property
    def speed_up(self) -> float:
        return self.sequential / self.round

    def checkpoint(self) -> ScanCheckpoint:
        """As it comes out of a file."""
        saved = to_json(ScanCheckpoint(page_size=self.page_size, left=self.windows.left))
        return from_json(saved, ScanCheckpoint)

    def resumed(self) -> Reading:
        """What another process goes on with."""
        return Reading(self.listed, self.checkpoint().left, parallel=self.parallel, page_size=self.page_size)


@cache
def spread(kind: str, count: int, seed: int = 1, span: int = YEAR) -> Sequence[int]:
    """Moments over a span: "uniform", "90 in 1" (percent of the records and of the time), "99 in 0.01", "bursts",
    "instant" (half of them at one), "month" (all in a 300th).
    """
    chance = random.Random(seed)
    anywhere = [chance.randrange(span) for _ in range(count)]
    if kind == "uniform":
        return anywhere
    if kind == "bursts":
        return list(_bursts(chance, count, span))
    if kind == "instant":
        return [span // 3] * (count // 2) + anywhere[count // 2 :]
    share, width = {"90 in 1": (0.9, 100), "99 in 0.01": (0.99, 10_000), "month": (1.0, 300)}[kind]
    dense = int(count * share)
    at = int(span * 0.37)
    return [at + chance.randrange(span // width) for _ in range(dense)] + anywhere[dense:]


def _bursts(chance: random.Random, count: int, span: int) -> Iterator[int]:
    at = 0
    for number in range(count):
        if number % 40 == 0:
            at = chance.randrange(span)
        yield min(span - 1, at + chance.randrange(3_600_000_000))
