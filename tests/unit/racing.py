"""Callers of one limiter on a simulated clock, and who started when."""

from __future__ import annotations

import asyncio
from typing import Any

from brex_accounting import RateLimit
from brex_accounting.session.limiter import SlidingLog

from .ticking import TickingClock, start

TINY = 1e-6
"""Wider than the steps of a clock that has run for ten years."""


class Race:
    """``starts`` are (key, number, moment) in the order they started."""

    def __init__(self, limit: int, per: float, clock: TickingClock | None = None) -> None:
        self.clock = clock or TickingClock()
        self.limiter = SlidingLog(RateLimit(limit=limit, per=per), self.clock)
        self.starts: list[tuple[str, int, float]] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.began = self.clock.time

    def call(self, key: str = "k", *, again: bool = False) -> asyncio.Task[Any]:
        """One more caller."""
        task = start(self._turn(key, len(self.tasks), again))
        self.tasks.append(task)
        return task

    async def _turn(self, key: str, number: int, again: bool) -> None:
        await self.limiter.turn(key, again=again)
        self.starts.append((key, number, self.clock.time))

    async def called(self, count: int) -> None:
        """So many callers more, and let them go as far as they can."""
        for _ in range(count):
            self.call()
        await self.clock.settle()

    async def refused(self, wait: float, times: int = 1) -> None:
        """The server says 429 so many times at once."""
        for _ in range(times):
            await self.limiter.throttled("k", wait)

    async def finish(self) -> None:
        """Wait for all."""
        await self.clock.finish(*self.tasks)

    @property
    def allowed(self) -> int:
        """What the limiter allows in a window now."""
        return self.limiter._logs["k"].allowed

    def times(self, key: str = "k") -> list[float]:
        """The moments of a key's starts, from the beginning of the race."""
        return [moment - self.began for name, _, moment in self.starts if name == key]

    def order(self) -> list[int]:
        """The callers' numbers as they started."""
        return [number for _, number, _ in self.starts]


def crowded(arrivals: list[float], limit: int, per: float) -> bool:
    """Whether any window of ``per`` seconds holds more than ``limit`` arrivals."""
    ordered = sorted(arrivals)
    return any(late - early < per - TINY for early, late in zip(ordered, ordered[limit:], strict=False))
