"""The nouns of Monite's accounting connections: frozen values in the wire's own names. No JSON, no I/O.

Times are aware. A field that is ``None`` was null or absent: the OpenAPI document knows no null, the guides
show some, so every field that is not required may be either.

Source: Monite's OpenAPI document of 2024-05-25; accounting integration guide, "Manage connections".
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import attrs

from ..wiretypes import Instant, Unmodelled
from .enums import ConnectionStatus, ObjectType, Platform, ServiceProvider, SyncStatus

__all__ = [
    "Between",
    "BusinessInfo",
    "Connection",
    "ConnectionProblem",
    "SyncOutcome",
    "SyncStarted",
    "SyncedRecord",
]


@attrs.frozen(kw_only=True)
class BusinessInfo:
    """The company as the accounting system knows it."""

    base_currency: str | None = None
    email: str | None = None
    legal_name: str | None = None
    name: str | None = None
    type: str | None = None


@attrs.frozen(kw_only=True)
class ConnectionProblem:
    """What went wrong with a connection, in the server's words."""

    message: str


@attrs.frozen(kw_only=True)
class Connection:
    """The link between one entity and one accounting system.

    ``connection_url``: where the person authorises it; whoever has it can, so it is not in the repr. It is
    documented as required and missing in documented answers. ``last_pull``: when data was last read from the
    platform.
    """

    id: str
    created_at: Instant
    updated_at: Instant
    business_info: BusinessInfo | None = None
    connection_url: str | None = attrs.field(default=None, repr=False)
    errors: tuple[ConnectionProblem, ...] | None = None
    last_pull: Instant | None = None
    platform: Platform | None = None
    status: ConnectionStatus | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """The messages of ``errors``; empty when there are none or no list was sent."""
        return tuple(problem.message for problem in self.errors or ())


@attrs.frozen(kw_only=True)
class SyncStarted:
    """A sync was accepted, which says nothing about its end."""

    message: str


@attrs.frozen(kw_only=True)
class SyncedRecord:
    """One object of the entity's and its twin in the accounting system.

    ``errors`` is a free object, unlike a connection's. Ids beginning with ``platform_`` and ``provider_`` are
    the other side's own.
    """

    id: str
    created_at: Instant
    updated_at: Instant
    errors: Unmodelled = attrs.field(default=None, hash=False)
    last_pulled_at: Instant
    object_id: str | None = None
    object_type: ObjectType
    object_updated_at: Instant | None = None
    platform: Platform | None = None
    platform_object_id: str | None = None
    platform_updated_at: Instant | None = None
    provider: ServiceProvider | None = None
    provider_object_id: str | None = None
    provider_updated_at: Instant | None = None
    sync_status: SyncStatus


@attrs.frozen(kw_only=True)
class SyncOutcome:
    """A sync that has ended: the connection after it, and the synced records that went wrong."""

    connection: Connection
    failed: tuple[SyncedRecord, ...] = ()


Bound: TypeAlias = datetime | None


@attrs.frozen(kw_only=True)
class Between:
    """A window on a time: aware datetimes, of which each may be left out."""

    gt: Bound = None
    gte: Bound = None
    lt: Bound = None
    lte: Bound = None
