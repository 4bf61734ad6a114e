"""Rows found and moved: what the other parts are made of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from ...errors import LeaseLost, MoveRefused
from ..exports import ENGINE, Claim, Export
from ..states import REPLACEABLE, State, check_move
from ..store_rules import listed
from .rows import aware, export_of
from .session import Session, Values

__all__ = [
    "NEWEST",
    "change",
    "check_lease",
    "found",
    "give_way",
    "lease_lost",
    "move",
    "move_each",
    "moved",
    "revisions",
    "revisions_of",
]

NEWEST: Final = (
    "NOT EXISTS (SELECT FROM brex_exports n "
    "WHERE n.company = e.company AND n.record_id = e.record_id AND n.revision > e.revision)"
)
"""Of an export ``e``: no revision of its record came after it."""


async def revisions(session: Session, record_id: str) -> tuple[Export, ...]:
    """All revisions of a record, oldest first."""
    return (await revisions_of(session, [record_id]))[record_id]


async def revisions_of(session: Session, record_ids: Collection[str]) -> dict[str, tuple[Export, ...]]:
    """The same of many records at once."""
    rows = await session.rows(
        "SELECT * FROM brex_exports WHERE company = %(company)s AND record_id = ANY(%(ids)s) ORDER BY revision",
        {"ids": list(record_ids)},
    )
    stored: dict[str, tuple[Export, ...]] = dict.fromkeys(record_ids, ())
    for row in rows:
        stored[row["record_id"]] += (export_of(row),)
    return stored


async def found(session: Session, record_id: str, revision: int) -> Export:
    """One export. Raises ``MoveRefused`` when there is none."""
    row = await session.row(
        "SELECT * FROM brex_exports "
        "WHERE company = %(company)s AND record_id = %(record_id)s AND revision = %(revision)s",
        {"record_id": record_id, "revision": revision},
    )
    if row is None:
        raise MoveRefused(f"there is no revision {revision} of {record_id}")
    return export_of(row)


async def change(session: Session, number: int, values: Values) -> Export:
    """Set columns of an export; as it is now."""
    columns = ", ".join(f"{name} = %({name})s" for name in values)
    row = await session.only(
        f"UPDATE brex_exports SET {columns} WHERE company = %(company)s AND number = %(number)s RETURNING *",
        values | {"number": number},
    )
    return export_of(row)


async def move(
    session: Session,
    export: Export,
    after: State,
    *,
    now: datetime,
    why: str = "",
    by: str = ENGINE,
    values: Values | None = None,
) -> Export:
    """Move an export that was read in this transaction; ``values`` are set with it. Raises ``MoveRefused``."""
    return await change(session, export.order, moved(export.state, after, now=now, why=why, by=by) | (values or {}))


def moved(before: State, after: State, *, now: datetime, why: str = "", by: str = ENGINE) -> Values:
    """The columns of a move. Raises ``MoveRefused``."""
    meaning = check_move(before, after)
    return {
        "state": after.value,
        "changed_at": aware(now),
        "why": f"{meaning}: {why}" if why else meaning,
        "by": by,
    }


async def move_each(session: Session, moves: Sequence[tuple[Export, Values]]) -> None:
    """Make such moves, all of the same columns, of exports that were read in this transaction."""
    if moves:
        columns = ", ".join(f"{name} = %({name})s" for name in moves[0][1])
        await session.run_each(
            f"UPDATE brex_exports SET {columns} WHERE company = %(company)s AND number = %(number)s",
            [values | {"number": export.order} for export, values in moves],
        )


async def give_way(session: Session, record_ids: Collection[str], *, now: datetime) -> bool:
    """Of these records, let every revision that may be superseded and has a newer one be superseded.

    Whether there was one.
    """
    rows = await session.rows(
        f"SELECT * FROM brex_exports e WHERE company = %(company)s AND record_id = ANY(%(ids)s) "
        f"AND state IN ({listed(REPLACEABLE)}) AND NOT ({NEWEST}) ORDER BY number",
        {"ids": list(record_ids)},
    )
    for row in rows:
        await move(session, export_of(row), State.SUPERSEDED, now=now)
    return bool(rows)


async def check_lease(session: Session, claim: Claim, states: Collection[State]) -> Export:
    """The claimed export as it is. Raises ``LeaseLost`` unless the claim still counts."""
    one = claim.export
    row = await session.row(
        "SELECT * FROM brex_exports WHERE company = %(company)s AND number = %(number)s "
        f"AND epoch = %(epoch)s AND owner = %(owner)s AND state IN ({listed(states)})",
        {"number": one.order, "epoch": claim.lease.epoch, "owner": claim.lease.owner},
    )
    if row is None:
        raise lease_lost(claim)
    return export_of(row)


def lease_lost(claim: Claim) -> LeaseLost:
    """The claim counts no more."""
    one = claim.export
    return LeaseLost(f"{one.record_id}, revision {one.revision}: somebody else took it over. Stop working on it")
