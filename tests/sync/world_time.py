"""Workers that go on one boundary at a time: whatever somebody else can see of them waits for its turn.

A worker that gets no turns is a paused process; one that is killed gets none any more, and nothing it still
wants to do has an effect. Time passes when it is told to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import attrs

T = TypeVar("T")

START = datetime(2026, 7, 1, 12, 0, 0, 500_000, tzinfo=UTC)
TICK = timedelta(milliseconds=70)
LEASE = timedelta(minutes=2)
ENOUGH = 12
"""Turns of the loop after which tasks that only wait for each other have come to rest."""


class Killed(BaseException):
    """What a worker's code runs into that was killed."""


@attrs.define(eq=False)
class Turn:
    """One boundary that a worker stands at. ``key`` is what it is about; a sleep is due at ``due``."""

    name: str
    key: str
    go: asyncio.Future[None]
    done: asyncio.Future[None]
    due: float | None = None


@attrs.define(eq=False)
class Time:
    """Brex's clock. It moves a little with whatever happens."""

    now: datetime = START
    passed: float = 0.0
    """Seconds on every worker's monotonic clock."""

    def tick(self) -> None:
        self.wait(TICK)

    def wait(self, by: timedelta) -> None:
        self.now += by
        self.passed += by.total_seconds()

    def jump(self, by: timedelta) -> None:
        """Brex's clock alone, as it looks to a machine that was asleep."""
        self.now += by


@attrs.define(eq=False)
class Gate:
    """Where one worker waits for its turns. It is the worker's ``Clock`` too."""

    owner: str
    time: Time
    waiting: list[Turn] = attrs.field(factory=list)
    is_dead: bool = False
    told: tuple[datetime, float] | None = None

    async def through(
        self, name: str, effect: Callable[[], Awaitable[T]], *, key: str = "", answers: bool = False
    ) -> T:
        """The effect, at its turn; with ``answers`` the caller learns of it at another one."""
        turn = await self._turn(name, key)
        try:
            self.time.tick()
            result = await effect()
        finally:
            turn.done.set_result(None)
            if self.is_dead:
                raise Killed
        if answers:
            (await self._turn(f"{name} answered", key)).done.set_result(None)
        return result

    async def _turn(self, name: str, key: str, due: float | None = None) -> Turn:
        if self.is_dead:
            raise Killed
        loop = asyncio.get_running_loop()
        turn = Turn(name, key, loop.create_future(), loop.create_future(), due)
        self.waiting.append(turn)
        try:
            await turn.go
        finally:
            self.waiting.remove(turn)
        return turn

    def ready(self) -> list[Turn]:
        """The turns that could come now."""
        return [one for one in self.waiting if one.due is None or one.due <= self.time.passed]

    def heard(self) -> None:
        """Brex answered: its Date header comes in whole seconds."""
        told = self.time.now.replace(microsecond=0)
        if self.told is None or told > self.server_now():
            self.told = (told, self.time.passed)

    def server_now(self) -> datetime:
        if self.told is None:
            self.heard()
        assert self.told is not None
        return self.told[0] + timedelta(seconds=self.time.passed - self.told[1])

    def monotonic(self) -> float:
        return self.time.passed

    def now(self) -> datetime:
        return self.time.now

    async def sleep(self, seconds: float) -> None:
        (await self._turn("sleep", "", self.time.passed + seconds)).done.set_result(None)


@attrs.define(eq=False)
class Worker:
    """One process: its gate, and its run if one is under way."""

    gate: Gate
    start: Callable[[], Awaitable[Any]]
    run: asyncio.Task[Any] | None = None
    finished: int = 0

    async def begin(self) -> None:
        if self.run is None:
            self.run = asyncio.ensure_future(self.start())
            await rest()

    async def step(self, turns: int, choose: Callable[[int], int]) -> bool:
        """Let it have so many turns, each chosen among those it could have; whether its run has ended."""
        await self.begin()
        for _ in range(turns):
            ready = self.gate.ready()
            if not ready:
                break
            await release(ready[choose(len(ready))])
        return self._ended()

    async def until(self, name: str) -> bool:
        """Let it go on to the next turn of this name, or to the end of its run, if there is none."""
        await self.begin()
        for _ in range(20_000):
            ready = self.gate.ready()
            if not ready or any(one.name == name for one in ready):
                break
            await release(ready[0])
        return self._ended()

    async def finish(self) -> None:
        """Let the run come to its end."""
        if not await self.step(20_000, lambda _: 0):
            raise AssertionError(f"a run that does not end: {[one.name for one in self.gate.waiting]}")

    async def kill(self, *, done: bool) -> None:
        """As SIGKILL does it; with ``done`` right after the effect that it stood before."""
        ready = self.gate.ready()
        self.gate.is_dead = True
        if done and ready:
            await release(ready[0])
        while self.gate.waiting:
            for turn in [*self.gate.waiting]:
                if not turn.go.done():
                    turn.go.set_exception(Killed())
            await rest()
        if self.run is not None:
            await asyncio.wait([self.run])
            self.run.exception()
            self.run = None

    def _ended(self) -> bool:
        if self.run is None or not self.run.done():
            return False
        run, self.run = self.run, None
        self.finished += 1
        run.result()
        return True


async def release(turn: Turn) -> None:
    """Let a turn come, and wait for what follows from it."""
    turn.go.set_result(None)
    await turn.done
    await rest()


async def rest() -> None:
    """Until every task waits for a turn, or for another task."""
    for _ in range(ENOUGH):
        await asyncio.sleep(0)
