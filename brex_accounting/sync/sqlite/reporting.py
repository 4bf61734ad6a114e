"""Batches: what is reported together, until each result is settled."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from ...errors import LeaseLost, MoveRefused
from ...models import ExportResult
from ..exports import Batch, Export, Settlement
from ..states import State
from ..store_rules import check_is_as_read, check_results, check_settlement, check_until
from .moving import NEWEST, found, give_way, move, revisions
from .rows import Parameters, batch_of, body_of, export_of, stamp

__all__ = ["open_batch", "renew_batch", "reportable", "settle", "take_over_batches"]


def reportable(connection: sqlite3.Connection, limit: int, bills: bool) -> tuple[Export, ...]:
    """What Brex waits for."""
    index, which = ("exports_by_state", "") if bills else ("exports_to_report", "AND source_type <> 'BILL'")
    rows = connection.execute(
        f"SELECT * FROM exports e INDEXED BY {index} WHERE state IN ('POSTED', 'REJECTED') AND left_queue = 0 {which} "
        f"AND {NEWEST} ORDER BY number LIMIT ?",
        (limit,),
    )
    return tuple(map(export_of, rows))


def open_batch(
    connection: sqlite3.Connection,
    owner: str,
    exports: Sequence[Export],
    results: Sequence[ExportResult],
    key: str,
    now: datetime,
    until: datetime,
) -> Batch:
    """POSTED or REJECTED -> REPORTING, all or none."""
    check_until(now, until)
    check_results(exports, results)
    number = connection.execute(
        "INSERT INTO batches (key, body, opened_at, owner, until) VALUES (?, ?, ?, ?, ?)",
        (key, body_of(tuple(results)), stamp(now), owner, stamp(until)),
    ).lastrowid
    for export in exports:
        newest = check_is_as_read(export, revisions(connection, export.record_id))
        move(connection, newest, State.REPORTING, now=now, values={"batch": number})
    return _batch(connection, number or 0)


def take_over_batches(
    connection: sqlite3.Connection, owner: str, now: datetime, until: datetime, limit: int
) -> tuple[Batch, ...]:
    """Batches that their owner let go."""
    check_until(now, until)
    rows = connection.execute(
        "UPDATE batches SET owner = :owner, epoch = epoch + 1, until = :until WHERE id IN ("
        "SELECT id FROM batches WHERE closed_at IS NULL AND until <= :now ORDER BY id LIMIT :limit) RETURNING id",
        {"owner": owner, "now": stamp(now), "until": stamp(until), "limit": limit},
    ).fetchall()
    return tuple(_batch(connection, number) for number in sorted(row["id"] for row in rows))


def renew_batch(connection: sqlite3.Connection, batch: Batch, now: datetime, until: datetime) -> Batch:
    """The lease goes on, if it is still there."""
    check_until(now, until)
    _check_lease(connection, batch)
    connection.execute("UPDATE batches SET until = ? WHERE id = ?", (stamp(until), batch.id))
    return _batch(connection, batch.id)


def settle(
    connection: sqlite3.Connection, batch: Batch, settlements: Sequence[Settlement], now: datetime
) -> Batch | None:
    """REPORTING -> what each settlement says."""
    _check_lease(connection, batch)
    members = dict(batch_members(connection, batch.id))
    for one in settlements:
        if one.record_id not in members:
            raise MoveRefused(f"{one.record_id} is not in batch {batch.id}, or settled")
        export = found(connection, one.record_id, members.pop(one.record_id))
        check_settlement(export, one)
        values: Parameters = {"batch": None, "not_before": stamp(one.not_before) if one.not_before else None}
        if one.left_queue is not None:
            values["left_queue"] = int(one.left_queue)
        move(connection, export, one.after, now=now, values=values)
    give_way(connection, [one.record_id for one in settlements], now=now)
    if members:
        return _batch(connection, batch.id)
    connection.execute("UPDATE batches SET closed_at = ? WHERE id = ?", (stamp(now), batch.id))
    return None


def batch_members(connection: sqlite3.Connection, number: int) -> tuple[tuple[str, int], ...]:
    """(record id, revision) of what is not settled."""
    rows = connection.execute("SELECT record_id, revision FROM exports WHERE batch = ? ORDER BY number", (number,))
    return tuple((row["record_id"], row["revision"]) for row in rows)


def _batch(connection: sqlite3.Connection, number: int) -> Batch:
    row = connection.execute("SELECT * FROM batches WHERE id = ?", (number,)).fetchone()
    return batch_of(row, batch_members(connection, number))


def _check_lease(connection: sqlite3.Connection, batch: Batch) -> None:
    row = connection.execute(
        "SELECT 1 FROM batches WHERE id = ? AND epoch = ? AND owner = ? AND closed_at IS NULL",
        (batch.id, batch.lease.epoch, batch.lease.owner),
    ).fetchone()
    if row is None:
        raise LeaseLost(f"batch {batch.id}: somebody else took it over, or settled it. Stop working on it")
