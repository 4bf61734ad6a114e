"""Batches: what is reported together, until each result is settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ...converters import to_json
from ...converters.exports import report_body
from ...errors import LeaseLost, MoveRefused
from ...models import ExportResult
from ..exports import Batch, Export, Settlement
from ..states import State
from ..store_rules import check_is_as_read, check_results, check_settlement, check_until
from .moving import NEWEST, give_way, move_each, moved, revisions_of
from .rows import aware, batch_of, export_of
from .session import Session, Values

__all__ = ["is_let_go", "open_batch", "renew_batch", "reportable", "settle", "take_over_batches"]

_LET_GO: Final = "company = %(company)s AND closed_at IS NULL AND until <= %(now)s"


async def reportable(session: Session, limit: int, bills: bool) -> tuple[Export, ...]:
    """What Brex waits for."""
    which = "" if bills else "AND source_type <> 'BILL'"
    rows = await session.rows(
        "SELECT * FROM brex_exports e WHERE company = %(company)s AND state IN ('POSTED', 'REJECTED') "
        f"AND NOT left_queue {which} AND {NEWEST} ORDER BY number LIMIT %(limit)s",
        {"limit": limit},
    )
    return tuple(map(export_of, rows))


async def open_batch(
    session: Session,
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
    row = await session.only(
        "INSERT INTO brex_batches (company, key, body, opened_at, owner, until) "
        "VALUES (%(company)s, %(key)s, %(body)s, %(now)s, %(owner)s, %(until)s) RETURNING *",
        {
            "key": key,
            "body": to_json(report_body(tuple(results))),
            "now": aware(now),
            "owner": owner,
            "until": aware(until),
        },
    )
    stored = await revisions_of(session, [export.record_id for export in exports])
    newest = [check_is_as_read(export, stored[export.record_id]) for export in exports]
    batch: Values = {"batch": row["id"]}
    await move_each(session, [(one, moved(one.state, State.REPORTING, now=now) | batch) for one in newest])
    in_order = sorted(newest, key=lambda one: one.order)
    return batch_of(row, tuple((one.record_id, one.revision) for one in in_order))


async def is_let_go(session: Session, now: datetime, until: datetime) -> bool:
    """Whether there is a batch to take over."""
    check_until(now, until)
    statement = f"SELECT FROM brex_batches WHERE {_LET_GO} LIMIT 1"
    return await session.row(statement, {"now": aware(now)}) is not None


async def take_over_batches(
    session: Session, owner: str, now: datetime, until: datetime, limit: int
) -> tuple[Batch, ...]:
    """Batches that their owner let go."""
    check_until(now, until)
    rows = await session.rows(
        f"WITH chosen AS MATERIALIZED (SELECT id FROM brex_batches WHERE {_LET_GO} "
        "ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) "
        "UPDATE brex_batches b SET owner = %(owner)s, epoch = epoch + 1, until = %(until)s FROM chosen "
        "WHERE b.company = %(company)s AND b.id = chosen.id RETURNING b.id",
        {"owner": owner, "now": aware(now), "until": aware(until), "limit": limit},
    )
    return tuple([await _batch(session, number) for number in sorted(row["id"] for row in rows)])


async def renew_batch(session: Session, batch: Batch, now: datetime, until: datetime) -> Batch:
    """The lease goes on, if it is still there."""
    check_until(now, until)
    await _check_lease(session, batch)
    await session.run(
        "UPDATE brex_batches SET until = %(until)s WHERE company = %(company)s AND id = %(id)s",
        {"until": aware(until), "id": batch.id},
    )
    return await _batch(session, batch.id)


async def settle(session: Session, batch: Batch, settlements: Sequence[Settlement], now: datetime) -> Batch | None:
    """REPORTING -> what each settlement says."""
    await _check_lease(session, batch)
    members = {export.record_id: export for export in await _exports_in(session, batch.id)}
    moves = []
    for one in settlements:
        if one.record_id not in members:
            raise MoveRefused(f"{one.record_id} is not in batch {batch.id}, or settled")
        export = members.pop(one.record_id)
        check_settlement(export, one)
        values: Values = {
            "batch": None,
            "not_before": aware(one.not_before) if one.not_before else None,
            "left_queue": export.left_queue if one.left_queue is None else one.left_queue,
        }
        moves.append((export, moved(export.state, one.after, now=now) | values))
    await move_each(session, moves)
    await give_way(session, [one.record_id for one in settlements], now=now)
    if members:
        return await _batch(session, batch.id)
    await session.run(
        "UPDATE brex_batches SET closed_at = %(now)s WHERE company = %(company)s AND id = %(id)s",
        {"now": aware(now), "id": batch.id},
    )
    return None


async def _members(session: Session, number: int) -> tuple[tuple[str, int], ...]:
    """(record id, revision) of what is not settled."""
    rows = await session.rows(
        "SELECT record_id, revision FROM brex_exports WHERE company = %(company)s AND batch = %(id)s ORDER BY number",
        {"id": number},
    )
    return tuple((row["record_id"], row["revision"]) for row in rows)


async def _exports_in(session: Session, number: int) -> tuple[Export, ...]:
    """What is not settled."""
    rows = await session.rows(
        "SELECT * FROM brex_exports WHERE company = %(company)s AND batch = %(id)s ORDER BY number", {"id": number}
    )
    return tuple(map(export_of, rows))


async def _batch(session: Session, number: int) -> Batch:
    row = await session.only("SELECT * FROM brex_batches WHERE company = %(company)s AND id = %(id)s", {"id": number})
    return batch_of(row, await _members(session, number))


async def _check_lease(session: Session, batch: Batch) -> None:
    row = await session.row(
        "SELECT 1 FROM brex_batches WHERE company = %(company)s AND id = %(id)s AND epoch = %(epoch)s "
        "AND owner = %(owner)s AND closed_at IS NULL",
        {"id": batch.id, "epoch": batch.lease.epoch, "owner": batch.lease.owner},
    )
    if row is None:
        raise LeaseLost(f"batch {batch.id}: somebody else took it over, or settled it. Stop working on it")
