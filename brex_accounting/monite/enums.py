"""Open enums of Monite's accounting connections: known values, and room for those that come later.

Source: Monite's OpenAPI document of 2024-05-25 and the accounting integration guide.
"""

from __future__ import annotations

from ..wiretypes import OpenEnum

__all__ = ["ConnectionStatus", "ObjectType", "Order", "Platform", "ServiceProvider", "SortBy", "SyncStatus"]


class ConnectionStatus(OpenEnum):
    """Where a connection stands. ``deauthorized``: the consent was taken back on the platform's side."""

    PENDING_AUTH = "pending_auth"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    DEAUTHORIZED = "deauthorized"


class Platform(OpenEnum):
    """The accounting system at the other end."""

    XERO = "xero"
    QUICKBOOKS = "quickbooks"
    QUICKBOOKS_ONLINE = "quickbooks_online"
    QUICKBOOKS_ONLINE_SANDBOX = "quickbooks_online_sandbox"


class ServiceProvider(OpenEnum):
    """Whose connector carries the data."""

    CODAT = "codat"
    RAILZ = "railz"


class ObjectType(OpenEnum):
    """What a synced record stands for."""

    PRODUCT = "product"
    CUSTOMER = "customer"
    VENDOR = "vendor"
    RECEIVABLE = "receivable"
    BILL = "bill"
    PAYMENT_RECORD = "payment_record"


class SyncStatus(OpenEnum):
    """How far the sync of one record is."""

    PENDING = "pending"
    ERROR = "error"
    DONE = "done"


class SortBy(OpenEnum):
    """What synced records are sorted by."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


class Order(OpenEnum):
    """Which end of the sorting comes first."""

    ASC = "asc"
    DESC = "desc"
