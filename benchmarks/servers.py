"""Servers that limit requests, as models on simulated time, and the event loop whose time is simulated."""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

import attrs

__all__ = ["Budget", "FixedWindow", "LoopClock", "Server", "SimulatedLoop", "SlidingWindow", "TokenBucket"]

Budget: TypeAlias = Callable[[float], float]
"""The limit at a moment."""


class Server(Protocol):
    """A server that accepts or refuses a request that arrives ``now``. Refused ones do not count."""

    def accepts(self, now: float) -> bool:
        """Whether it does."""
        ...


@attrs.define
class FixedWindow:
    """So many requests in each window; the windows begin at ``phase``, ``phase + per``, ..."""

    budget: Budget
    per: float = 60.0
    phase: float = 17.0
    window: int = -1
    used: int = 0

    def accepts(self, now: float) -> bool:
        """Whether this window has room."""
        window = int((now + self.per - self.phase) // self.per)
        if window != self.window:
            self.window, self.used = window, 0
        if self.used >= self.budget(now):
            return False
        self.used += 1
        return True


@attrs.define
class SlidingWindow:
    """So many requests in the last ``per`` seconds, counted one by one."""

    budget: Budget
    per: float = 60.0
    accepted: deque[float] = attrs.field(factory=deque)

    def accepts(self, now: float) -> bool:
        """Whether the last seconds have room."""
        while self.accepted and self.accepted[0] <= now - self.per:
            self.accepted.popleft()
        if len(self.accepted) >= self.budget(now):
            return False
        self.accepted.append(now)
        return True


@attrs.define
class TokenBucket:
    """A full bucket of the limit's size, refilled evenly within ``per`` seconds."""

    budget: Budget
    per: float = 60.0
    tokens: float = float("inf")
    filled: float = 0.0

    def accepts(self, now: float) -> bool:
        """Whether a token is left."""
        size = self.budget(now)
        self.tokens = min(size, self.tokens + (now - self.filled) * size / self.per)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class _Jump(selectors.SelectSelector):
    """Waits for nothing: time jumps to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing is ever ready; only time passes."""
        if timeout is None:
            raise RuntimeError("everybody waits and nobody sleeps")
        self.time += max(0.0, timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop without a network, on which no time is spent waiting."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Simulated seconds since the loop was made."""
        return self._jump.time


class LoopClock:
    """The running loop's time as the session's clock."""

    def monotonic(self) -> float:
        """The loop's time."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """A wall clock that began with the year."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        """Sleep on the loop."""
        await asyncio.sleep(seconds)
