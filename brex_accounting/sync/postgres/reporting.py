"""Batches: what is reported together, until each result is settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ...converters import to_json
from ...converters.exports import report_body
from ...errors import LeaseLost, MoveRefused
from ...models import ExportResult
from ..exports import Batch, Export, Settlement
from ..states import State
from ..store_rules import check_is_as_read, check_results, check_settlement, check_until
from .moving import NEWEST, found, give_way, move, revisions
from .rows import aware, batch_of, export_of
from .session import Session, Values

__all__ = ["open_batch", "renew_batch", "reportable", "settle", "take_over_batches"]


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
        "VALUES (%(company)s, %(key)s, %(body)s, %(now)s, %(owner)s, %(until)s) RETURNING id",
        {
            "key": key,
            "body": to_json(report_body(tuple(results))),
            "now": aware(now),
            "owner": owner,
            "until": aware(until),
        },
    )
    for export in exports:
        newest = check_is_as_read(export, await revisions(session, export.record_id))
        await move(session, newest, State.REPORTING, now=now, values={"batch": row["id"]})
    return await _batch(session, row["id"])


async def take_over_batches(
    session: Session, owner: str, now: datetime, until: datetime, limit: int
) -> tuple[Batch, ...]:
    """Batches that their owner let go."""
    check_until(now, until)
    rows = await session.rows(
        "WITH chosen AS MATERIALIZED (SELECT id FROM brex_batches WHERE company = %(company)s "
        "AND closed_at IS NULL AND until <= %(now)s ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) "
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
    members = dict(await _members(session, batch.id))
    for one in settlements:
        if one.record_id not in members:
            raise MoveRefused(f"{one.record_id} is not in batch {batch.id}, or settled")
        export = await found(session, one.record_id, members.pop(one.record_id))
        check_settlement(export, one)
        values: Values = {"batch": None, "not_before": aware(one.not_before) if one.not_before else None}
        if one.left_queue is not None:
            values["left_queue"] = one.left_queue
        await move(session, export, one.after, now=now, values=values)
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
