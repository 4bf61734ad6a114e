"""Arguments -> query strings, refused here when they are wrong, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import TypeAlias

import attrs

from ..arguments import checked_id, checked_text, is_encodable, member
from ..enums import ReviewStatus, SourceType
from ..errors import ConfigurationError
from ..models import UpdatedAt

__all__ = [
    "MAX_IDS",
    "Query",
    "checked_id",
    "checked_ids",
    "checked_text",
    "each_checked",
    "is_encodable",
    "member",
    "period",
    "record_filters",
    "window",
]

Query: TypeAlias = tuple[tuple[str, str], ...]

MAX_IDS = 500
"""Brex: "ID size is limited to 500"."""


def record_filters(
    *,
    ids: Iterable[str] | None = None,
    review_status: ReviewStatus | str | None = None,
    source_type: SourceType | str | None = None,
    updated_at: UpdatedAt | None = None,
    single_entry: bool | None = None,
) -> Query:
    """The filters of "Query accounting records" as sent: ``ids=a&ids=b``, ``updated_at[gte]=...``."""
    query: list[tuple[str, str]] = []
    if ids is not None:
        query += [("ids", one) for one in checked_ids(ids)]
    status = member(ReviewStatus, "review_status", review_status)
    source = member(SourceType, "source_type", source_type)
    if status is not None and source == SourceType.BILL:
        raise ConfigurationError(
            "review_status cannot be combined with source_type BILL: Brex supports it for CARD and "
            "REIMBURSEMENT only; list bills by updated_at"
        )
    query += [("review_status", status)] if status is not None else []
    query += [("source_type", source)] if source is not None else []
    query += window(updated_at) if updated_at is not None else []
    query += single_entry_filter(single_entry)
    return tuple(query)


def single_entry_filter(single_entry: bool | None) -> Query:
    """``single_entry`` as sent, when it was given."""
    if single_entry is not None and not isinstance(single_entry, bool):
        raise ConfigurationError("single_entry is True, False or None")  # "false" would be true
    return () if single_entry is None else (("single_entry", "true" if single_entry else "false"),)


def window(updated_at: UpdatedAt) -> Query:
    """The bounds of a window as sent, in UTC."""
    if not isinstance(updated_at, UpdatedAt):
        raise ConfigurationError(f"updated_at takes UpdatedAt(...), ALL_TIME or None, not {type(updated_at).__name__}")
    bounds = attrs.asdict(updated_at)
    given = {name: _moment(name, bound) for name, bound in bounds.items() if bound is not None}
    if not given:
        raise ConfigurationError("updated_at has no bound; use ALL_TIME for everything, None to send no window")
    if {"gt", "gte"} <= given.keys() or {"lt", "lte"} <= given.keys():
        raise ConfigurationError("updated_at takes one lower bound (gt or gte) and one upper bound (lt or lte)")
    lower = given.get("gt") or given.get("gte")
    upper = given.get("lt") or given.get("lte")
    if lower is not None and upper is not None and lower > upper:
        raise ConfigurationError("updated_at ends before it begins")
    return tuple((f"updated_at[{name}]", _rfc3339(bounds[name])) for name in given)


def period(updated_at: UpdatedAt) -> tuple[datetime, datetime]:
    """The two ends of a window that has both: from ``gte`` up to and without ``lt``, in UTC."""
    window(updated_at)
    if updated_at.gte is None or updated_at.lt is None:
        raise ConfigurationError("a scan takes updated_at=UpdatedAt(gte=..., lt=...): both ends, so that windows meet")
    return _moment("gte", updated_at.gte), _moment("lt", updated_at.lt)


def checked_ids(ids: Iterable[str]) -> list[str]:
    """Record ids for one request: at least one, at most ``MAX_IDS``."""
    found = each_checked(ids)
    if not found:
        raise ConfigurationError("ids is empty, and without ids Brex would return every record; use None for that")
    if len(found) > MAX_IDS:
        raise ConfigurationError(f"{len(found)} ids are too many for one request (at most {MAX_IDS}); use get_many")
    return found


def each_checked(ids: Iterable[str]) -> list[str]:
    """Any number of record ids, each of which can stand in a query."""
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        given = "one string" if isinstance(ids, (str, bytes)) else type(ids).__name__
        raise ConfigurationError(f"ids takes a list of ids, not {given}")
    return [checked_id("a record id", one) for one in ids]


def _moment(name: str, bound: object) -> datetime:
    if isinstance(bound, datetime):
        if bound.tzinfo is None or bound.utcoffset() is None:
            raise ConfigurationError(f"updated_at {name} is a naive datetime; give it a timezone")
        try:
            return bound.astimezone(UTC)
        except OverflowError:
            raise ConfigurationError(f"updated_at {name} is outside the years 1 to 9999 in UTC") from None
    if isinstance(bound, date):
        return datetime(bound.year, bound.month, bound.day, tzinfo=UTC)
    raise ConfigurationError(f"updated_at {name} takes a datetime or a date, not {type(bound).__name__}")


def _rfc3339(bound: datetime | date) -> str:
    if not isinstance(bound, datetime):
        return bound.isoformat()
    return bound.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
