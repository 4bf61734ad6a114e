"""How many requests may start: the limiter's protocol and the one for a single process.

A sliding log with a margin stays under fixed-window, sliding-window and bucket servers alike,
because it never lets more than ``limit`` requests start in any ``per`` seconds plus the margin that
covers their different travel times.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from typing import Protocol

import attrs

from ..errors import ConfigurationError
from .clock import Clock

__all__ = ["Limiter", "RateLimit", "SlidingLog"]


@attrs.frozen(kw_only=True)
class RateLimit:
    """At most ``limit`` requests in any ``per`` seconds."""

    limit: int = 1000
    per: float = 60.0

    def __attrs_post_init__(self) -> None:
        whole = isinstance(self.limit, int) and not isinstance(self.limit, bool)
        if not whole or self.limit < 1 or not self.per > 0:
            raise ConfigurationError("a rate limit needs a whole limit >= 1 and per > 0 seconds")


class Limiter(Protocol):
    """Paces the attempts of one key (client id and company)."""

    async def turn(self, key: str) -> None:
        """Return when the next attempt may start."""

    async def throttled(self, key: str, wait: float) -> None:
        """The server said 429: let nobody with this key start for ``wait`` seconds."""


@attrs.define(eq=False)
class _Turn:
    at: float
    taken: bool = False


@attrs.define
class _Log:
    booked: deque[_Turn] = attrs.field(factory=deque)
    paused_until: float = float("-inf")


class SlidingLog:
    """The limiter of one process. Turns are booked at once, in order, with one sleep each."""

    def __init__(self, rate: RateLimit, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        # A request may reach the server up to this much later than the one before it in the log.
        self._window = rate.per + rate.per / 60
        self._logs: defaultdict[str, _Log] = defaultdict(_Log)

    async def turn(self, key: str) -> None:
        """Return when the next attempt may start; a cancelled waiter gives its turn back."""
        log = self._logs[key]
        turn = self._book(log)
        try:
            while (wait := turn.at - self._clock.monotonic()) > 0:
                await self._clock.sleep(wait)
        except asyncio.CancelledError:
            if turn in log.booked:
                log.booked.remove(turn)
            raise
        turn.taken = True

    async def throttled(self, key: str, wait: float) -> None:
        """Pause every attempt of the key for ``wait`` seconds from now."""
        log = self._logs[key]
        log.paused_until = max(log.paused_until, self._clock.monotonic() + wait)
        waiting = [turn for turn in log.booked if not turn.taken]
        if waiting and waiting[0].at < log.paused_until:
            # The whole queue moves, with its gaps: those whose time came meanwhile must not start together.
            delay = log.paused_until - waiting[0].at
            for turn in waiting:
                turn.at += delay
            log.booked = deque([turn for turn in log.booked if turn.taken] + waiting)

    def _book(self, log: _Log) -> _Turn:
        now = self._clock.monotonic()
        booked = log.booked
        while booked and booked[0].at <= now - self._window:
            booked.popleft()
        at = max(now, log.paused_until)
        if booked:
            at = max(at, booked[-1].at)
        if len(booked) >= self._rate.limit:
            at = max(at, booked[-self._rate.limit].at + self._window)
        turn = _Turn(at)
        booked.append(turn)
        return turn
