"""Monite's wire <-> its models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, TypeVar

import attrs

from ..codec import Codec
from ..errors import ConfigurationError
from ..exact import exact_numbers, exact_value
from ..wiretypes import Unmodelled
from .models import BusinessInfo, Connection, SyncedRecord

__all__ = ["ConnectionList", "SyncedRecordList", "codec", "from_json", "to_json"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class ConnectionList:
    """The body of the list of connections, which has no pages."""

    data: tuple[Connection, ...]


@attrs.frozen(kw_only=True)
class SyncedRecordList:
    """One page of synced records."""

    data: tuple[SyncedRecord, ...]
    next_pagination_token: str | None = None
    prev_pagination_token: str | None = None


ABSENT: Final[Mapping[type, frozenset[str]]] = MappingProxyType(
    {
        # errors is not here: the guide shows it as null.
        Connection: frozenset({"business_info", "connection_url", "last_pull", "platform", "status"}),
        BusinessInfo: frozenset(field.name for field in attrs.fields(BusinessInfo)),
        SyncedRecord: frozenset({"errors", "object_id", "object_updated_at", "platform", "platform_object_id"})
        | frozenset({"platform_updated_at", "provider", "provider_object_id", "provider_updated_at"}),
        SyncedRecordList: frozenset({"next_pagination_token", "prev_pagination_token"}),
    }
)
"""Attributes that are left out, not null, when they are None."""


@cache
def codec() -> Codec:
    """The codec for every model, compiled at first use."""
    return Codec(
        spellings=MappingProxyType({}),
        absent=ABSENT,
        leaves={Unmodelled: exact_value},
        settlers={},
        float_hook=exact_numbers(),
    )


def from_json(data: bytes, cls: type[T]) -> T:
    """Read a model from JSON bytes. Raises ``DecodeError`` with the JSON path and the expected type."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise ConfigurationError(f"from_json takes bytes, not {type(data).__name__}")
    return codec().decode(bytes(data), cls)


def to_json(model: object) -> bytes:
    """Write a model as JSON bytes: wire names, times as RFC 3339."""
    try:
        return codec().dumps(model)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"cannot write {type(model).__name__} as JSON: {type(error).__name__}") from None
