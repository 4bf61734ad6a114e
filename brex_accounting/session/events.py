"""What observers are told: frozen values, without tokens, bodies or query values.

Times are seconds. ``id`` ties the events of one call together within one client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import attrs

from ..errors import ConfigurationError
from .call import Outcome

__all__ = [
    "AttemptEvent",
    "CallEnded",
    "CallStarted",
    "Observer",
    "PageEvent",
    "PauseEvent",
    "RefreshEvent",
    "RetryEvent",
    "checked_observers",
]


@attrs.frozen(kw_only=True)
class CallStarted:
    """A call has its first turn."""

    id: int
    call: str
    method: str
    path: str
    key: str


@attrs.frozen(kw_only=True)
class AttemptEvent:
    """One attempt of a call has ended.

    ``elapsed`` and ``wait`` are seconds; ``wait`` is None when no further attempt follows.
    ``size`` is the body's length in bytes after decompression.
    """

    id: int
    call: str
    method: str
    path: str
    key: str
    number: int
    outcome: Outcome
    status: int | None
    cause: str | None
    elapsed: float
    wait: float | None
    size: int | None
    trace_id: str | None


@attrs.frozen(kw_only=True)
class RetryEvent:
    """Attempt ``number`` of a call follows after ``wait`` seconds."""

    id: int
    call: str
    key: str
    number: int
    wait: float
    because: Outcome


@attrs.frozen(kw_only=True)
class PauseEvent:
    """A 429 stops every call of the key for ``wait`` seconds. ``hinted``: the server said for how long."""

    key: str
    wait: float
    hinted: bool


@attrs.frozen(kw_only=True)
class CallEnded:
    """A call is over: ``error`` is the class of what was raised, None for a result."""

    id: int
    call: str
    key: str
    attempts: int
    elapsed: float
    error: str | None


@attrs.frozen(kw_only=True)
class PageEvent:
    """A page of a list was read."""

    call: str
    key: str
    items: int
    has_next_page: bool


@attrs.frozen(kw_only=True)
class RefreshEvent:
    """A refresh of tokens has ended: ``failure`` is the class of what went wrong, None when nothing did."""

    elapsed: float
    failure: str | None


Observer: TypeAlias = Callable[[object], None]
"""Called with each event, on the event loop: return quickly. Events it does not know should be ignored."""


def checked_observers(observers: Sequence[Observer]) -> tuple[Observer, ...]:
    """The observers, once each is known to be a function; ``ConfigurationError`` else."""
    if not isinstance(observers, Iterable):
        raise ConfigurationError("observers are functions that take an event")
    watching = tuple(observers)
    if not all(callable(observer) for observer in watching):
        raise ConfigurationError("observers are functions that take an event")
    return watching
