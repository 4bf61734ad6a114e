"""How many requests may start: the limiter's protocol and the one for a single process.

A sliding log with a margin stays under fixed-window, sliding-window and bucket servers alike,
because it never lets more than ``limit`` requests start in any ``per`` seconds plus the margin that
covers their different travel times.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque
from itertools import takewhile
from typing import Protocol, TypeAlias, runtime_checkable

import attrs

from ..errors import ConfigurationError
from .clock import Clock

__all__ = ["TURN_LASTS", "Limiter", "PausableLimiter", "RateLimit", "SlidingLog"]

_SHORTEST = 1e-6
"""Seconds that any clock can tell from none: a shorter sleep might not move it."""

_TRAVEL = 1 / 60
"""The margin for travel times, as a share of ``per``."""

TURN_LASTS = _TRAVEL / 2
"""The share of ``per`` after which a turn that was not used must be taken anew: the rest is the network's."""

_FEW_KEYS = 64
"""So many keys are kept without looking for idle ones."""


@attrs.frozen(kw_only=True)
class RateLimit:
    """At most ``limit`` requests in any ``per`` seconds."""

    limit: int = 1000
    per: float = 60.0

    def __attrs_post_init__(self) -> None:
        whole = isinstance(self.limit, int) and not isinstance(self.limit, bool)
        if not whole or self.limit < 1 or not 0 < self.per < math.inf:
            raise ConfigurationError("a rate limit needs a whole limit >= 1 and per > 0 seconds")


class Limiter(Protocol):
    """Paces the attempts of one key (client id and company)."""

    async def turn(self, key: str, *, again: bool = False) -> None:
        """Return when the next attempt may start. ``again``: of a call whose deadline runs already."""

    async def throttled(self, key: str, wait: float) -> None:
        """The server said 429: let nobody with this key start for ``wait`` seconds."""


@runtime_checkable
class PausableLimiter(Limiter, Protocol):
    """One that can also be told before anything was refused. Others are told nothing then."""

    async def pause(self, key: str, seconds: float) -> None:
        """The server said that nothing is left: let nobody with this key start for so long."""


_Lane: TypeAlias = "OrderedDict[asyncio.Future[None], None]"


@attrs.define(eq=False)
class _Log:
    """What one key did lately, and who waits for it. ``first`` is the only one who sleeps."""

    allowed: int
    before: int
    clean_since: float
    paused_until: float = -math.inf
    rests_until: float = -math.inf
    started: deque[float] = attrs.field(factory=deque)
    refused: deque[float] = attrs.field(factory=deque)
    first: asyncio.Future[None] | None = None
    again: _Lane = attrs.field(factory=OrderedDict)
    fresh: _Lane = attrs.field(factory=OrderedDict)

    def call_next(self) -> None:
        lane = self.again or self.fresh
        self.first = lane.popitem(last=False)[0] if lane else None
        # One that was cancelled a moment ago and has not run since calls the next when it does.
        if self.first is not None and not self.first.done():
            self.first.set_result(None)


class SlidingLog:
    """The limiter of one process: first come, first served; attempts after the first go before calls
    that have not begun.

    A 429 pauses the key and lowers what is allowed to what the server accepted in the last ``per``.
    Every clean ``per`` gives back half of what the 429 took, and at least a twentieth of the limit.
    As long as less than the limit is allowed, starts are spread evenly: the true limit is close, and
    whatever is under way when it is met comes back as a 429.
    """

    def __init__(self, rate: RateLimit, clock: Clock) -> None:
        self._clock = clock
        self._limit = rate.limit
        self._per = rate.per
        # A request may reach the server up to this much later than the one before it in the log.
        self._window = rate.per + rate.per * _TRAVEL
        # Less than the window, to catch up with a pause or a late timer.
        self._spread = 0.9 * self._window
        self._floor = max(1, rate.limit // 10)
        self._step = -(-rate.limit // 20)
        self._logs: dict[str, _Log] = {}
        self._many = _FEW_KEYS

    async def turn(self, key: str, *, again: bool = False) -> None:
        """Return when the next attempt may start; a cancelled waiter takes no turn."""
        log = self._logs.get(key) or self._new(key)
        now = self._clock.monotonic()
        if log.first is not None or self._free_at(log, now) > now:
            await self._line_up(log, log.again if again else log.fresh)
            now = self._clock.monotonic()
        log.started.append(now)

    async def throttled(self, key: str, wait: float) -> None:
        """Pause every attempt of the key for ``wait`` seconds from now, and allow less."""
        log = self._logs.get(key) or self._new(key)
        now = self._clock.monotonic()
        while log.refused and log.refused[0] + self._per <= now:
            log.refused.popleft()
        if not log.refused:
            # What was allowed until now had stood for a whole ``per``.
            log.before = log.allowed
        log.refused.append(now)
        if now >= log.paused_until:
            old = sum(1 for _ in takewhile(lambda moment: moment + self._per <= now, log.started))
            accepted = len(log.started) - old - len(log.refused)
            log.allowed = max(self._floor, min(log.allowed, accepted))
        else:
            # The pause of the same burst still runs: this one was not accepted either.
            log.allowed = max(self._floor, log.allowed - 1)
        log.paused_until = max(log.paused_until, now + wait)
        log.clean_since = max(now, log.paused_until)

    async def pause(self, key: str, seconds: float) -> None:
        """Nobody of the key starts for so long from now; what is allowed after that stays as it is."""
        log = self._logs.get(key) or self._new(key)
        log.rests_until = max(log.rests_until, self._clock.monotonic() + seconds)

    async def _line_up(self, log: _Log, lane: _Lane) -> None:
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane[ticket] = None
        if log.first is None:
            log.call_next()
        try:
            await ticket
            # It looks again after each sleep, because a pause may have come.
            while (at := self._free_at(log, now := self._clock.monotonic())) > now:
                await self._clock.sleep(max(at - now, _SHORTEST))
        finally:
            if log.first is ticket:
                log.call_next()
            else:
                del lane[ticket]

    def _free_at(self, log: _Log, now: float) -> float:
        """The moment of the next turn; not after ``now`` if it is free."""
        started, window = log.started, self._window
        while started and started[0] + window <= now:
            started.popleft()
        at = max(log.paused_until, log.rests_until)
        if log.allowed < self._limit:
            self._give_back(log, now)
            if started:
                at = max(at, started[-1] + self._spread / log.allowed)
        if len(started) >= log.allowed:
            at = max(at, started[-log.allowed] + window)
        return at

    def _give_back(self, log: _Log, now: float) -> None:
        while log.allowed < self._limit and log.clean_since + self._per <= now:
            log.clean_since += self._per
            log.allowed = min(self._limit, log.allowed + max(self._step, (log.before - log.allowed) // 2))

    def _new(self, key: str) -> _Log:
        now = self._clock.monotonic()
        if len(self._logs) >= self._many:
            self._logs = {key: log for key, log in self._logs.items() if not self._is_idle(log, now)}
            self._many = max(_FEW_KEYS, 2 * len(self._logs))
        return self._logs.setdefault(key, _Log(allowed=self._limit, before=self._limit, clean_since=now))

    def _is_idle(self, log: _Log, now: float) -> bool:
        # As good as a new one.
        free = log.first is None and self._free_at(log, now) <= now
        return free and not log.started and log.allowed == self._limit
