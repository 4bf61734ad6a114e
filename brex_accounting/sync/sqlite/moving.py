"""Rows found and moved: what the other parts are made of."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import datetime

from ...errors import LeaseLost, MoveRefused
from ..exports import ENGINE, Claim, Export
from ..states import REPLACEABLE, State, check_move
from ..store_rules import listed
from .rows import Parameters, export_of, stamp

__all__ = ["NEWEST", "change", "check_lease", "found", "give_way", "move", "revisions"]

NEWEST = "NOT EXISTS (SELECT 1 FROM exports n WHERE n.record_id = e.record_id AND n.revision > e.revision)"
"""Of an export ``e``: no revision of its record came after it."""


def revisions(connection: sqlite3.Connection, record_id: str) -> tuple[Export, ...]:
    """All revisions of a record, oldest first."""
    rows = connection.execute("SELECT * FROM exports WHERE record_id = ? ORDER BY revision", (record_id,))
    return tuple(map(export_of, rows))


def found(connection: sqlite3.Connection, record_id: str, revision: int) -> Export:
    """One export. Raises ``MoveRefused`` when there is none."""
    row = connection.execute(
        "SELECT * FROM exports WHERE record_id = ? AND revision = ?", (record_id, revision)
    ).fetchone()
    if row is None:
        raise MoveRefused(f"there is no revision {revision} of {record_id}")
    return export_of(row)


def change(connection: sqlite3.Connection, number: int, values: Parameters) -> None:
    """Set columns of an export, its state excepted."""
    columns = ", ".join(f"{name} = :{name}" for name in values)
    connection.execute(f"UPDATE exports SET {columns} WHERE number = :number", values | {"number": number})


def move(
    connection: sqlite3.Connection,
    export: Export,
    after: State,
    *,
    now: datetime,
    why: str = "",
    by: str = ENGINE,
    values: Parameters | None = None,
) -> Export:
    """Move an export that was read in this transaction; ``values`` are set with it. Raises ``MoveRefused``."""
    meaning = check_move(export.state, after)
    moved: Parameters = {
        "state": after.value,
        "changed_at": stamp(now),
        "why": f"{meaning}: {why}" if why else meaning,
        "by": by,
    }
    change(connection, export.order, moved | (values or {}))
    return found(connection, export.record_id, export.revision)


def give_way(connection: sqlite3.Connection, record_ids: Collection[str], *, now: datetime) -> None:
    """Of these records, let every revision that may be superseded and has a newer one be superseded."""
    for record_id in record_ids:
        for export in revisions(connection, record_id)[:-1]:
            if export.state in REPLACEABLE:
                move(connection, export, State.SUPERSEDED, now=now)


def check_lease(connection: sqlite3.Connection, claim: Claim, states: Collection[State]) -> Export:
    """The claimed export as it is. Raises ``LeaseLost`` unless the claim still counts."""
    one = claim.export
    row = connection.execute(
        f"SELECT * FROM exports WHERE number = ? AND epoch = ? AND owner = ? AND state IN ({listed(states)})",
        (one.order, claim.lease.epoch, claim.lease.owner),
    ).fetchone()
    if row is None:
        raise LeaseLost(f"{one.record_id}, revision {one.revision}: somebody else took it over. Stop working on it")
    return export_of(row)
