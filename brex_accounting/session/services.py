"""What the calls of one client share, and what a view of it may choose."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import attrs

from .call import Answer, Request
from .clock import Clock
from .events import Observer
from .health import Health
from .limiter import Limiter
from .log import log_event
from .retry import RetryPolicy

__all__ = ["Options", "Services", "TokenSource", "Transport"]


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
    """The last Date seen, and the monotonic time it was seen at."""
    _health: dict[str, Health] = attrs.field(factory=dict)
    _calls: int = 0

    def health(self, key: str) -> Health:
        """How the key has fared lately."""
        return self._health.setdefault(key, Health())

    def tell(self, event: object) -> None:
        """Log an event, and tell every observer; one that fails is logged and harms nobody."""
        log_event(self.log, event)
        for observer in self.observers:
            try:
                observer(event)
            except Exception as error:  # noqa: BLE001 - the user's code: anything may come
                self.log.warning("an observer raised %s on %s", type(error).__name__, type(event).__name__)
