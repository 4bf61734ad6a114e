"""Claims, leases and the outcomes of posts."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ..exports import ENGINE, Claim, Export
from ..poster import NotNow, Outcome, Posted, Rejected
from ..states import MOVES, UNDER_WAY, State
from ..store_rules import check_until, listed
from .moving import NEWEST, change, check_lease, found, give_way, lease_lost, move, moved
from .people import paused
from .rows import aware, claim_of, export_of
from .session import Row, Session, Values

__all__ = [
    "claim",
    "claim_receipts",
    "is_due",
    "is_let_go",
    "lacks_receipts",
    "park",
    "record_attached",
    "record_outcome",
    "renew",
    "stale",
    "take_over",
]

_DOCUMENT_BEFORE: Final = (
    "(SELECT p.key FROM brex_exports p WHERE p.company = e.company AND p.record_id = e.record_id "
    "AND p.revision < e.revision AND p.reference_id IS NOT NULL ORDER BY p.revision DESC LIMIT 1)"
)

# Records of one source go one at a time, in their turn; what may have been posted must be settled first.
_DUE: Final = f"""
    e.company = %(company)s AND e.state = 'DISCOVERED' AND {NEWEST}
    AND (e.not_before IS NULL OR e.not_before <= %(now)s)
    AND NOT EXISTS (
        SELECT FROM brex_exports p WHERE p.company = e.company AND p.record_id = e.record_id
        AND p.revision < e.revision AND p.state IN ({listed(UNDER_WAY)}))
    AND NOT EXISTS (
        SELECT FROM brex_exports o
        WHERE o.company = e.company AND o.source_id = e.source_id AND o.record_id <> e.record_id
        AND o.state IN ('DISCOVERED', 'INTENT', 'UNCONFIRMED') AND (o.state = 'INTENT' OR o.turn < e.turn))
"""
_IN_TURN: Final = "ORDER BY e.turn, e.number LIMIT %(limit)s"
# What somebody else holds a lock on is left to them instead of waited for.
_MINE: Final = "FOR UPDATE OF e SKIP LOCKED"
_HAS_DOCUMENT: Final = (State.POSTED, State.REPORTING, State.REPORTED)
_LET_GO: Final = "e.company = %(company)s AND e.state = 'INTENT' AND e.until <= %(now)s"
_LACKS: Final = (
    f"e.company = %(company)s AND e.state IN ({listed(_HAS_DOCUMENT)}) AND e.reference_id IS NOT NULL "
    "AND e.receipts_hash <> '' AND e.receipts_hash <> e.attached_hash "
    f"AND (e.until IS NULL OR e.until <= %(now)s) AND {NEWEST}"
)


async def stale(session: Session, now: datetime, read_before: datetime, limit: int) -> tuple[str, ...]:
    """What would be claimed if it were read anew."""
    rows = await session.rows(
        f"SELECT e.record_id FROM brex_exports e WHERE {_DUE} AND e.read_at < %(read_at)s {_IN_TURN}",
        {"now": aware(now), "read_at": aware(read_before), "limit": limit},
    )
    return tuple(row["record_id"] for row in rows)


async def is_due(session: Session, now: datetime, until: datetime, read_since: datetime) -> bool:
    """Whether there is something to claim: it is mostly not so, and a transaction that finds that out costs a write."""
    check_until(now, until)
    statement = f"SELECT FROM brex_exports e WHERE {_DUE} AND e.read_at >= %(read_at)s LIMIT 1"
    return await session.row(statement, {"now": aware(now), "read_at": aware(read_since)}) is not None


async def is_let_go(session: Session, now: datetime, until: datetime) -> bool:
    """The same for what to take over."""
    check_until(now, until)
    return await session.row(f"SELECT FROM brex_exports e WHERE {_LET_GO} LIMIT 1", {"now": aware(now)}) is not None


async def lacks_receipts(session: Session, now: datetime, until: datetime) -> bool:
    """The same for receipts."""
    check_until(now, until)
    return await session.row(f"SELECT FROM brex_exports e WHERE {_LACKS} LIMIT 1", {"now": aware(now)}) is not None


async def claim(
    session: Session, owner: str, now: datetime, until: datetime, read_since: datetime, limit: int
) -> tuple[Claim, ...]:
    """DISCOVERED -> INTENT for what is due."""
    chosen = f"SELECT e.number FROM brex_exports e WHERE {_DUE} AND e.read_at >= %(read_at)s {_IN_TURN} {_MINE}"
    values: Values = {"read_at": aware(read_since), "limit": limit}
    return await _claimed(session, chosen, State.DISCOVERED, owner, now, until, values)


async def take_over(session: Session, owner: str, now: datetime, until: datetime, limit: int) -> tuple[Claim, ...]:
    """INTENT -> INTENT for what its owner let go."""
    chosen = f"SELECT e.number FROM brex_exports e WHERE {_LET_GO} ORDER BY e.number LIMIT %(limit)s {_MINE}"
    return await _claimed(session, chosen, State.INTENT, owner, now, until, {"limit": limit})


async def _claimed(
    session: Session, chosen: str, before: State, owner: str, now: datetime, until: datetime, values: Values
) -> tuple[Claim, ...]:
    check_until(now, until)
    if await paused(session) is not None:
        return ()
    values = values | {
        "owner": owner,
        "now": aware(now),
        "until": aware(until),
        "by": ENGINE,
        "why": MOVES[before, State.INTENT],
    }
    rows = await session.rows(
        # MATERIALIZED: chosen once, whatever plan the rest of the statement gets.
        f"WITH chosen AS MATERIALIZED ({chosen}) "
        "UPDATE brex_exports e SET state = 'INTENT', attempt = attempt + 1, not_before = NULL, owner = %(owner)s, "
        "epoch = epoch + 1, until = %(until)s, changed_at = %(now)s, why = %(why)s, by = %(by)s, "
        f"supersedes = {_DOCUMENT_BEFORE} FROM chosen "
        "WHERE e.company = %(company)s AND e.number = chosen.number RETURNING e.*",
        values,
    )
    return tuple(sorted(map(claim_of, rows), key=lambda one: (one.export.turn, one.export.order)))


async def renew(session: Session, claim: Claim, now: datetime, until: datetime) -> Claim:
    """The lease goes on, if it is still there."""
    check_until(now, until)
    # Asked and prolonged in one statement: this is done before every post.
    row = await session.row(
        "UPDATE brex_exports SET until = %(until)s WHERE company = %(company)s AND number = %(number)s "
        "AND epoch = %(epoch)s AND owner = %(owner)s RETURNING *",
        {
            "until": aware(until),
            "number": claim.export.order,
            "epoch": claim.lease.epoch,
            "owner": claim.lease.owner,
        },
    )
    if row is None:
        raise lease_lost(claim)
    return claim_of(row)


async def record_outcome(session: Session, claim: Claim, outcome: Outcome, now: datetime, detail: str) -> Export:
    """INTENT -> what the poster said."""
    export = claim.export
    values: Values = {"detail": detail, "until": aware(now), "code": None, "message": None}
    why = ""
    if isinstance(outcome, Posted):
        after = State.POSTED
        values |= {"reference_id": outcome.reference_id, "deep_link_url": outcome.deep_link_url}
    elif isinstance(outcome, Rejected):
        after, why = State.REJECTED, outcome.code.value
        values |= {"code": outcome.code.value, "message": outcome.message, "rejections": export.rejections + 1}
    else:
        after = State.DISCOVERED if isinstance(outcome, NotNow) else State.SKIPPED
        why = values["message"] = outcome.reason
        if isinstance(outcome, NotNow) and outcome.after is not None:
            values["not_before"] = now + outcome.after
    row = await _ended(
        session, claim, moved(State.INTENT, after, now=now, why=why) | values, isinstance(outcome, NotNow)
    )
    if not row["is_newest"] and await give_way(session, [export.record_id], now=now):
        return await found(session, export.record_id, export.revision)
    return export_of(row)


async def _ended(session: Session, claim: Claim, values: Values, put_off: bool) -> Row:
    """The lease asked, the move made and what was put off counted in one statement: this is done after every post."""
    columns = ", ".join(f"{name} = %({name})s" for name in values)
    one = claim.export
    row = await session.row(
        "WITH counted AS ("
        "UPDATE brex_companies SET not_now = CASE WHEN %(put_off)s THEN not_now + 1 ELSE 0 END "
        "WHERE company = %(company)s AND (%(put_off)s OR not_now > 0)) "
        f"UPDATE brex_exports e SET {columns} WHERE company = %(company)s AND number = %(number)s "
        f"AND epoch = %(epoch)s AND owner = %(owner)s AND state = 'INTENT' RETURNING e.*, {NEWEST} AS is_newest",
        values | {"number": one.order, "epoch": claim.lease.epoch, "owner": claim.lease.owner} | {"put_off": put_off},
    )
    if row is None:
        raise lease_lost(claim)
    return row


async def park(session: Session, claim: Claim, why: str, now: datetime, detail: str) -> Export:
    """INTENT -> UNCONFIRMED."""
    export = await check_lease(session, claim, (State.INTENT,))
    values: Values = {"detail": detail, "until": aware(now)}
    return await move(session, export, State.UNCONFIRMED, now=now, why=why, values=values)


async def claim_receipts(session: Session, owner: str, now: datetime, until: datetime, limit: int) -> tuple[Claim, ...]:
    """Leases on what lacks receipts."""
    check_until(now, until)
    rows = await session.rows(
        "WITH chosen AS MATERIALIZED ("
        f"SELECT e.number FROM brex_exports e WHERE {_LACKS} ORDER BY e.number LIMIT %(limit)s {_MINE}) "
        "UPDATE brex_exports e SET owner = %(owner)s, epoch = epoch + 1, until = %(until)s FROM chosen "
        "WHERE e.company = %(company)s AND e.number = chosen.number RETURNING e.*",
        {"owner": owner, "now": aware(now), "until": aware(until), "limit": limit},
    )
    return tuple(sorted(map(claim_of, rows), key=lambda one: one.export.order))


async def record_attached(session: Session, claim: Claim, now: datetime) -> Export:
    """The claimed copy's receipts are there."""
    export = await check_lease(session, claim, _HAS_DOCUMENT)
    values: Values = {"attached_hash": claim.export.receipts_hash, "until": aware(now)}
    return await change(session, export.order, values)
