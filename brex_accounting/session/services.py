"""What the calls of one client share, and what a view of it may choose."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import attrs

from .call import Answer, Request
from .clock import Clock
from .events import Observer
from .health import Health
from .limiter import Limiter
from .log import tell
from .retry import RetryPolicy

__all__ = ["Options", "Services", "TokenSource", "Transport"]


_SECOND = timedelta(seconds=1)

_FEW_KEYS = 64
"""So many keys are kept without looking for those that nothing is known of."""


class Transport(Protocol):
    """Carries one request."""

    async def send(self, request: Request, timeout: float) -> Answer:
        """One attempt within ``timeout`` seconds; raises nothing but cancellation."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class TokenSource(Protocol):
    """Where bearer tokens come from."""

    async def token(self) -> str:
        """A token for the next attempt."""
        ...

    async def renew(self, refused: str) -> bool:
        """``refused`` is dead. Whether the next ``token()`` will be another one."""
        ...


@attrs.frozen(kw_only=True)
class Options:
    """What a view on the client may choose: seconds for an attempt, for a call, and the policy."""

    timeout: float = 30.0
    deadline: float = 120.0
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)


@attrs.define(kw_only=True)
class Services:
    """One client's transport, limiter, clock and observers. ``roll`` gives a uniform number in [0, 1)."""

    transport: Transport
    limiter: Limiter
    clock: Clock
    roll: Callable[[], float]
    user_agent: str
    observers: Sequence[Observer]
    log: logging.Logger
    server_clock: tuple[datetime, float] | None = None
    """A Date, and the monotonic time it was seen at: the last one that told anything new."""
    turn_lasts: float = 0.5
    """Seconds after which a turn that was not used yet must be taken anew."""
    _health: dict[str, Health] = attrs.field(factory=dict)
    _many: int = _FEW_KEYS
    _calls: int = 0

    def health(self, key: str) -> Health:
        """How the key has fared lately."""
        health = self._health.get(key)
        if health is None:
            self._forget_the_healthy()
            health = self._health[key] = Health()
        return health

    def _forget_the_healthy(self) -> None:
        # A fleet's client outlives most of its companies.
        if len(self._health) >= self._many:
            now = self.clock.monotonic()
            self._health = {key: health for key, health in self._health.items() if not health.is_like_new(now)}
            self._many = max(_FEW_KEYS, 2 * len(self._health))

    def served(self, date: datetime, *, asked: float, now: float) -> None:
        """The Date of an answer to a request that was made at the monotonic time ``asked``."""
        if self.server_clock is not None:
            told, seen = self.server_clock
            earliest, latest = (told + timedelta(seconds=moment - seen) for moment in (asked, now))
            # A Date is cut to the second: taken each time it would set the clock back by up to a second.
            if earliest < date + _SECOND and date <= latest:
                return
        self.server_clock = (date, now)

    def tell(self, event: object) -> None:
        """Log an event, and tell every observer; one that fails is logged and harms nobody."""
        tell(event, self.observers, self.log)
