"""Rows to values and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, overload

import attrs

from ...converters import from_json
from ...converters.exports import ReportBody, results_of
from ...enums import SourceType
from ...errors import ConfigurationError
from ..exports import Batch, Claim, Copy, Export, Lease, Move
from ..keys import ExportKey
from ..states import State
from .session import Row, Values

__all__ = ["aware", "batch_of", "claim_of", "copied", "export_of", "lease_of", "move_of", "utc"]

_COPIED: Final = tuple(
    field.name for field in attrs.fields(Copy) if field.name in {one.name for one in attrs.fields(Export)}
)


def aware(moment: datetime) -> datetime:
    """The moment, which the database would otherwise take for one of its own time zone."""
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ConfigurationError("a store takes aware moments")
    return moment


@overload
def utc(moment: datetime) -> datetime: ...
@overload
def utc(moment: None) -> None: ...
def utc(moment: datetime | None) -> datetime | None:
    """A moment as everybody tells it: the database answers in the time zone of the connection."""
    return None if moment is None else moment.astimezone(UTC)


def copied(copy: Copy) -> Values:
    """The columns that a newer copy of the same revision replaces; the record's id is among them."""
    values = {name: getattr(copy, name) for name in _COPIED}
    return values | {"source_type": copy.source_type.value, "read_at": aware(copy.read_at)}


def export_of(row: Row) -> Export:
    """An export."""
    same = {field.name: row[field.name] for field in attrs.fields(Export) if field.name in row}
    return Export(
        **same
        | {
            "order": row["number"],
            "key": ExportKey(row["key"]),
            "state": State(row["state"]),
            "source_type": SourceType(row["source_type"]),
            "supersedes": ExportKey(row["supersedes"]) if row["supersedes"] else None,
            "read_at": utc(row["read_at"]),
            "not_before": utc(row["not_before"]),
            "changed_at": utc(row["changed_at"]),
        }
    )


def lease_of(row: Row) -> Lease:
    """The lease of an export or a batch that was claimed."""
    return Lease(owner=row["owner"], epoch=row["epoch"], until=utc(row["until"]))


def claim_of(row: Row) -> Claim:
    """An export with its lease."""
    return Claim(export=export_of(row), lease=lease_of(row))


def batch_of(row: Row, members: tuple[tuple[str, int], ...]) -> Batch:
    """A batch with those of its results that are not settled."""
    return Batch(
        id=row["id"],
        key=row["key"],
        body=row["body"],
        results=results_of(from_json(row["body"], ReportBody)),
        members=members,
        opened_at=utc(row["opened_at"]),
        lease=lease_of(row),
    )


def move_of(row: Row) -> Move:
    """A line of the history."""
    return Move(
        number=row["number"],
        at=utc(row["at"]),
        record_id=row["record_id"],
        revision=row["revision"],
        before=State(row["before"]) if row["before"] else None,
        after=State(row["after"]),
        why=row["why"],
        by=row["by"],
    )
