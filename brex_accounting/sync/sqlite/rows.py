"""Rows to values and back. Moments are stored as text in UTC with all six digits, so that they sort as they are."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from typing import Final, TypeAlias

import attrs

from ...converters import from_json, to_json
from ...converters.exports import ReportBody, report_body, results_of
from ...enums import SourceType
from ...errors import ConfigurationError
from ...models import ExportResult
from ..exports import Batch, Claim, Copy, Export, Lease, Move
from ..keys import ExportKey
from ..states import State

__all__ = [
    "COPIED",
    "Parameters",
    "batch_of",
    "body_of",
    "claim_of",
    "copied",
    "export_of",
    "lease_of",
    "move_of",
    "stamp",
]

Parameters: TypeAlias = dict[str, str | int | bytes | None]


def stamp(moment: datetime) -> str:
    """A moment as it is stored."""
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ConfigurationError("a store takes aware moments")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


COPIED: Final = tuple(
    field.name for field in attrs.fields(Copy) if field.name in {one.name for one in attrs.fields(Export)}
)
"""The columns that a newer copy of the same revision replaces; the record's id is among them."""


def copied(copy: Copy) -> Parameters:
    """The values of ``COPIED``."""
    return {
        "record_id": copy.record_id,
        "version": copy.version,
        "is_live": int(copy.is_live),
        "source_type": copy.source_type.value,
        "source_id": copy.source_id,
        "accounting_date": copy.accounting_date.isoformat(),
        "turn": copy.turn,
        "content_hash": copy.content_hash,
        "receipts_hash": copy.receipts_hash,
        "hash_version": copy.hash_version,
        "body": copy.body,
        "read_at": stamp(copy.read_at),
    }


def export_of(row: sqlite3.Row) -> Export:
    """An export."""
    return Export(
        order=row["number"],
        record_id=row["record_id"],
        revision=row["revision"],
        key=ExportKey(row["key"]),
        state=State(row["state"]),
        attempt=row["attempt"],
        version=row["version"],
        is_live=bool(row["is_live"]),
        source_type=SourceType(row["source_type"]),
        source_id=row["source_id"],
        accounting_date=date.fromisoformat(row["accounting_date"]),
        turn=row["turn"],
        content_hash=row["content_hash"],
        receipts_hash=row["receipts_hash"],
        hash_version=row["hash_version"],
        body=row["body"],
        read_at=datetime.fromisoformat(row["read_at"]),
        reference_id=row["reference_id"],
        deep_link_url=row["deep_link_url"],
        code=row["code"],
        message=row["message"],
        detail=row["detail"],
        not_before=datetime.fromisoformat(row["not_before"]) if row["not_before"] else None,
        rejections=row["rejections"],
        left_queue=bool(row["left_queue"]),
        attached_hash=row["attached_hash"],
        supersedes=ExportKey(row["supersedes"]) if row["supersedes"] else None,
        batch=row["batch"],
        changed_at=datetime.fromisoformat(row["changed_at"]),
    )


def lease_of(row: sqlite3.Row) -> Lease:
    """The lease of an export or a batch that was claimed."""
    return Lease(owner=row["owner"], epoch=row["epoch"], until=datetime.fromisoformat(row["until"]))


def claim_of(row: sqlite3.Row) -> Claim:
    """An export with its lease."""
    return Claim(export=export_of(row), lease=lease_of(row))


def body_of(results: tuple[ExportResult, ...]) -> bytes:
    """The body of the request that reports these results, exactly as it is sent."""
    return to_json(report_body(results))


def batch_of(row: sqlite3.Row, members: tuple[tuple[str, int], ...]) -> Batch:
    """A batch with those of its results that are not settled."""
    return Batch(
        id=row["id"],
        key=row["key"],
        body=row["body"],
        results=results_of(from_json(row["body"], ReportBody)),
        members=members,
        opened_at=datetime.fromisoformat(row["opened_at"]),
        lease=lease_of(row),
    )


def move_of(row: sqlite3.Row) -> Move:
    """A line of the history."""
    return Move(
        number=row["number"],
        at=datetime.fromisoformat(row["at"]),
        record_id=row["record_id"],
        revision=row["revision"],
        before=State(row["before"]) if row["before"] else None,
        after=State(row["after"]),
        why=row["why"],
        by=row["by"],
    )
