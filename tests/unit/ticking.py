"""A clock that stands still until everybody sleeps, then jumps to whoever wakes first."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any


class TickingClock:
    """Simulated time for a test on one event loop. ``sleeps`` counts them."""

    def __init__(self, time: float = 1_000.0) -> None:
        self.time = time
        self.sleeps = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.time)

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self.sleeps += 1
        heapq.heappush(self._sleepers, (self.time + seconds, self.sleeps, future))
        await future

    @property
    def sleepers(self) -> int:
        """How many sleep now."""
        return sum(not future.done() for _, _, future in self._sleepers)

    def wake_next(self) -> None:
        """Let time jump to whoever wakes first; it has not run yet when this returns."""
        while True:
            assert self._sleepers, "everybody waits and nobody sleeps"
            moment, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self.time = max(self.time, moment)
                future.set_result(None)
                return

    async def settle(self) -> None:
        """Let everybody run until they sleep."""
        ready: Any = getattr(asyncio.get_running_loop(), "_ready")  # noqa: B009 - what the loop will run next
        while True:
            await asyncio.sleep(0)
            if not ready:
                return

    async def advance(self, seconds: float) -> None:
        """Let this much time pass, waking sleepers in order."""
        until = self.time + seconds
        await self.settle()
        while self.sleepers and min(moment for moment, _, future in self._sleepers if not future.done()) <= until:
            self.wake_next()
            await self.settle()
        self.time = until

    async def finish(self, *tasks: asyncio.Task[Any]) -> None:
        """Let time pass until these are done."""
        await self.settle()
        while not all(task.done() for task in tasks):
            self.wake_next()
            await self.settle()


def start(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """A task for it, on the running loop."""
    return asyncio.get_running_loop().create_task(work)
