"""Failpoints before and after every durable boundary of an export, by name, around what the engine is given.

A boundary is a commit of the store, a call of the poster, or a request that changes something at Brex. The
product knows nothing of them: its store, its poster and its client's transport are wrapped.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs

from brex_accounting import BrexAccounting
from brex_accounting.session.call import Answer, Request
from brex_accounting.session.services import Transport
from brex_accounting.sync import poster as poster_module

__all__ = [
    "ALL",
    "POSTER_CALLS",
    "REQUESTS",
    "STORE_READS",
    "STORE_WRITES",
    "Reach",
    "both_sides",
    "methods_of",
    "poster_protocols",
    "watch",
    "watch_requests",
]

Reach = Callable[[str], None]
"""Called with the name of each failpoint when it is reached; what it raises, the boundary raises."""

STORE_WRITES: Final = frozenset(
    {"open", "close", "record_seen", "record_absent"}
    | {"claim", "take_over", "renew", "record_outcome", "park"}
    | {"open_batch", "take_over_batches", "renew_batch", "settle"}
    | {"claim_receipts", "record_attached", "decide", "pause", "resume"}
)
STORE_READS: Final = frozenset(
    {"feed", "awaited", "stale", "reportable", "paused", "exports_of", "exports", "history", "counts", "lease_of"}
)
POSTER_CALLS: Final = frozenset({"post", "find", "attach", "check"})

REQUESTS: Final = {("POST", "/v3/accounting/records/export-results"): "report"}
"""Requests of the engine that change something at Brex."""


def both_sides(prefix: str, names: Iterable[str]) -> frozenset[str]:
    """The failpoints of these calls."""
    return frozenset(f"{prefix}.{name}:{side}" for name in names for side in ("before", "after"))


ALL: Final = both_sides("store", STORE_WRITES) | both_sides("poster", POSTER_CALLS) | both_sides("brex", {"report"})


def methods_of(protocol: type) -> frozenset[str]:
    """The public methods that a protocol declares, its properties left out."""
    return frozenset(name for name, value in vars(protocol).items() if callable(value) and not name.startswith("_"))


def poster_protocols() -> list[type]:
    """Everything that a poster can be to an export; a rebuild alone asks for the documents of a record."""
    found = vars(poster_module).values()
    return [
        one
        for one in found
        if inspect.isclass(one) and getattr(one, "_is_protocol", False) and one.__module__ == poster_module.__name__
        if one is not poster_module.FindingRecords
    ]


def watch(inner: Any, prefix: str, names: Iterable[str], reach: Reach) -> Any:
    """``inner`` with failpoints around those of these methods that it has; all else is its own."""

    def around(name: str) -> Callable[..., Any]:
        async def watched(_: object, *args: Any, **kwargs: Any) -> Any:
            reach(f"{prefix}.{name}:before")
            done = await getattr(inner, name)(*args, **kwargs)
            reach(f"{prefix}.{name}:after")
            return done

        return watched

    # Methods of a class of its own: what a poster can do is asked of its class.
    methods: dict[str, Any] = {name: around(name) for name in names if hasattr(inner, name)}
    return type(f"Watched{type(inner).__name__}", (_Passing,), methods)(inner)


@attrs.frozen
class _Passing:
    _inner: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def watch_requests(brex: BrexAccounting, reach: Reach) -> None:
    """Put failpoints around each attempt of an open client that is no GET."""
    manager = brex._view.core.manager
    manager.transport = _WatchedTransport(manager.transport, reach)


@attrs.frozen
class _WatchedTransport:
    _inner: Transport
    _reach: Reach

    async def send(self, request: Request, timeout: float) -> Answer:
        """An attempt."""
        if request.method == "GET":
            return await self._inner.send(request, timeout)
        name = REQUESTS[request.method, request.path]
        self._reach(f"brex.{name}:before")
        answer = await self._inner.send(request, timeout)
        self._reach(f"brex.{name}:after")
        return answer

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._inner.aclose()
