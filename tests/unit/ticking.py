"""A clock that stands still until everybody sleeps, then jumps to whoever wakes first."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

_TURNS = 6  # of the event loop, after which nothing more happens without the clock


class TickingClock:
    """Simulated time for a test on one event loop."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.time)

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self.time + seconds, self._count, future))
        await future

    async def settle(self) -> None:
        """Let everybody run until they sleep."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Let this much time pass, waking sleepers in order."""
        until = self.time + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            self.time, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            await self.settle()
        self.time = until

    async def finish(self, *tasks: asyncio.Task[Any]) -> None:
        """Let time pass until these are done."""
        await self.settle()
        while not all(task.done() for task in tasks):
            assert self._sleepers, "everybody waits and nobody sleeps"
            await self.advance(max(0.0, self._sleepers[0][0] - self.time))


def start(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """A task for it, on the running loop."""
    return asyncio.get_running_loop().create_task(work)
