"""Monite's accounting connections: the links between an entity's books and an accounting system.

async with MoniteAccounting(client_id, client_secret, entity_id) as monite:
    for connection in await monite.connections.list():
        print(connection.id, connection.platform, connection.status)
"""

from .client import MoniteAccounting
from .connections import Connections
from .converters import from_json, to_json
from .dialect import Dialect
from .enums import ConnectionStatus, ObjectType, Order, Platform, ServiceProvider, SortBy, SyncStatus
from .errors import NotConnected
from .models import (
    Between,
    BusinessInfo,
    Connection,
    ConnectionProblem,
    SyncedRecord,
    SyncOutcome,
    SyncStarted,
)
from .synced_records import SyncedRecords
from .tokens import MoniteTokens
from .webhooks import MoniteEvent, likely_signed_text, unwrap

__all__ = [
    "Between",
    "BusinessInfo",
    "Connection",
    "ConnectionProblem",
    "ConnectionStatus",
    "Connections",
    "Dialect",
    "MoniteAccounting",
    "MoniteEvent",
    "MoniteTokens",
    "NotConnected",
    "ObjectType",
    "Order",
    "Platform",
    "ServiceProvider",
    "SortBy",
    "SyncOutcome",
    "SyncStarted",
    "SyncStatus",
    "SyncedRecord",
    "SyncedRecords",
    "from_json",
    "likely_signed_text",
    "to_json",
    "unwrap",
]
