"""Arguments of the list of synced records -> its query, refused here when they are wrong."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, TypeAlias

import attrs

from ..arguments import checked_id, member
from ..errors import ConfigurationError
from .enums import ObjectType, Order, SortBy
from .models import Between

__all__ = ["LARGEST_PAGE", "Query", "check_page_size", "synced_record_filters"]

Query: TypeAlias = tuple[tuple[str, str], ...]

LARGEST_PAGE: Final = 250
"""The schema's maximum of ``limit``; its text and the general guide name others."""


def synced_record_filters(
    *,
    object_type: ObjectType | str,
    object_ids: Iterable[str] | None,
    created_at: Between | None,
    updated_at: Between | None,
    sort: SortBy | str | None,
    order: Order | str | None,
) -> Query:
    """The filters, checked."""
    of_type = member(ObjectType, "object_type", object_type)
    if of_type is None:
        raise ConfigurationError("object_type is required: Monite lists one type at a time")
    query = [("object_type", of_type.value)]
    if object_ids is not None:
        query += [("object_id__in", one) for one in _checked_ids(object_ids)]
    query += [*_window("created_at", created_at), *_window("updated_at", updated_at)]
    by, first = member(SortBy, "sort", sort), member(Order, "order", order)
    query += [("sort", by.value)] if by is not None else []
    query += [("order", first.value)] if first is not None else []
    return tuple(query)


def check_page_size(page_size: int) -> None:
    """Refuse a page that is larger than the server gives."""
    if isinstance(page_size, int) and page_size > LARGEST_PAGE:
        raise ConfigurationError(f"page_size is at most {LARGEST_PAGE}")


def _checked_ids(ids: Iterable[str]) -> list[str]:
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        raise ConfigurationError("object_ids takes a list of ids")
    found = [checked_id("an object id", one) for one in ids]
    if not found:
        raise ConfigurationError("object_ids is empty, and without ids every record would come; use None for that")
    return found


def _window(name: str, window: Between | None) -> list[tuple[str, str]]:
    if window is None:
        return []
    if not isinstance(window, Between):
        raise ConfigurationError(f"{name} takes a Between")
    bounds = attrs.asdict(window, recurse=False)
    return [(f"{name}__{side}", _moment(f"{name} {side}", at)) for side, at in bounds.items() if at is not None]


def _moment(name: str, at: object) -> str:
    if not isinstance(at, datetime):
        raise ConfigurationError(f"{name} takes a datetime, not {type(at).__name__}")
    if at.utcoffset() is None:
        raise ConfigurationError(f"{name} is a naive datetime; give it a timezone")
    try:
        return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    except OverflowError:
        raise ConfigurationError(f"{name} is outside the years 1 to 9999 in UTC") from None
