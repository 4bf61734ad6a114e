"""Claims, leases and the outcomes of posts."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final

from ..exports import ENGINE, Claim, Export, Lease
from ..poster import NotNow, Outcome, Posted, Rejected
from ..states import MOVES, UNDER_WAY, State
from ..store_rules import check_until, listed
from .moving import NEWEST, check_lease, found, give_way, move
from .people import is_paused
from .rows import Parameters, claim_of, stamp

__all__ = [
    "DOCUMENT_BEFORE",
    "claim",
    "claim_receipts",
    "park",
    "record_attached",
    "record_outcome",
    "renew",
    "stale",
    "take_over",
]

DOCUMENT_BEFORE: Final = (
    "(SELECT p.key FROM exports p WHERE p.record_id = exports.record_id AND p.revision < exports.revision "
    "AND p.reference_id IS NOT NULL ORDER BY p.revision DESC LIMIT 1)"
)
"""The key of the last document that an earlier revision left in the books."""

# Records of one source go one at a time, in their turn; what may have been posted must be settled first.
_DUE: Final = f"""
    e.state = 'DISCOVERED' AND (e.not_before IS NULL OR e.not_before <= :now) AND {NEWEST}
    AND NOT EXISTS (
        SELECT 1 FROM exports p WHERE p.record_id = e.record_id AND p.revision < e.revision
        AND p.state IN ({listed(UNDER_WAY)}))
    AND NOT EXISTS (
        SELECT 1 FROM exports o INDEXED BY exports_open_by_source
        WHERE o.source_id = e.source_id AND o.record_id <> e.record_id
        AND (o.state = 'DISCOVERED' OR o.state = 'INTENT' OR o.state = 'UNCONFIRMED')
        AND (o.state = 'INTENT' OR o.turn < e.turn))
"""
_HAS_DOCUMENT: Final = (State.POSTED, State.REPORTING, State.REPORTED)


def stale(connection: sqlite3.Connection, now: datetime, read_before: datetime, limit: int) -> tuple[str, ...]:
    """What would be claimed if it were read anew."""
    rows = connection.execute(
        f"SELECT e.record_id {_next_where('e.read_at < :read_at')}",
        {"now": stamp(now), "read_at": stamp(read_before), "limit": limit},
    )
    return tuple(row["record_id"] for row in rows)


def claim(
    connection: sqlite3.Connection, owner: str, now: datetime, until: datetime, read_since: datetime, limit: int
) -> tuple[Claim, ...]:
    """DISCOVERED -> INTENT for what is due."""
    chosen = f"SELECT e.number {_next_where('e.read_at >= :read_at')}"
    values: Parameters = {"read_at": stamp(read_since), "limit": limit}
    return _claimed(connection, chosen, State.DISCOVERED, owner, now, until, values)


def _next_where(condition: str) -> str:
    # The limit is 0 where no copy is as old, or as new: otherwise each would be looked at to find that out.
    return (
        f"FROM exports e INDEXED BY exports_due WHERE {_DUE} AND {condition} ORDER BY e.turn, e.number "
        "LIMIT iif(EXISTS (SELECT 1 FROM exports e INDEXED BY exports_to_read "
        f"WHERE e.state = 'DISCOVERED' AND {condition}), :limit, 0)"
    )


def take_over(
    connection: sqlite3.Connection, owner: str, now: datetime, until: datetime, limit: int
) -> tuple[Claim, ...]:
    """INTENT -> INTENT for what its owner let go."""
    chosen = "SELECT number FROM exports WHERE state = 'INTENT' AND until <= :now ORDER BY number LIMIT :limit"
    return _claimed(connection, chosen, State.INTENT, owner, now, until, {"limit": limit})


def _claimed(
    connection: sqlite3.Connection,
    chosen: str,
    before: State,
    owner: str,
    now: datetime,
    until: datetime,
    values: Parameters,
) -> tuple[Claim, ...]:
    check_until(now, until)
    if is_paused(connection):
        return ()
    values = values | {
        "owner": owner,
        "now": stamp(now),
        "until": stamp(until),
        "by": ENGINE,
        "why": MOVES[before, State.INTENT],
    }
    rows = connection.execute(
        "UPDATE exports SET state = 'INTENT', attempt = attempt + 1, not_before = NULL, owner = :owner, "
        "epoch = epoch + 1, until = :until, changed_at = :now, why = :why, by = :by, "
        f"supersedes = {DOCUMENT_BEFORE} WHERE number IN ({chosen}) RETURNING *",
        values,
    ).fetchall()
    return tuple(sorted(map(claim_of, rows), key=lambda one: (one.export.turn, one.export.order)))


def renew(connection: sqlite3.Connection, claim: Claim, now: datetime, until: datetime) -> Claim:
    """The lease goes on, if it is still there."""
    check_until(now, until)
    export = check_lease(connection, claim, tuple(State))
    connection.execute("UPDATE exports SET until = ? WHERE number = ?", (stamp(until), export.order))
    return Claim(export=export, lease=Lease(owner=claim.lease.owner, epoch=claim.lease.epoch, until=until))


def record_outcome(
    connection: sqlite3.Connection, claim: Claim, outcome: Outcome, now: datetime, detail: str
) -> Export:
    """INTENT -> what the poster said."""
    export = check_lease(connection, claim, (State.INTENT,))
    values: Parameters = {"detail": detail, "until": stamp(now), "code": None, "message": None}
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
            values["not_before"] = stamp(now + outcome.after)
    move(connection, export, after, now=now, why=why, values=values)
    connection.execute("UPDATE binding SET not_now = iif(?, not_now + 1, 0)", (isinstance(outcome, NotNow),))
    give_way(connection, [export.record_id], now=now)
    return found(connection, export.record_id, export.revision)


def park(connection: sqlite3.Connection, claim: Claim, why: str, now: datetime, detail: str) -> Export:
    """INTENT -> UNCONFIRMED."""
    export = check_lease(connection, claim, (State.INTENT,))
    return move(connection, export, State.UNCONFIRMED, now=now, why=why, values={"detail": detail, "until": stamp(now)})


def claim_receipts(
    connection: sqlite3.Connection, owner: str, now: datetime, until: datetime, limit: int
) -> tuple[Claim, ...]:
    """Leases on what lacks receipts."""
    check_until(now, until)
    chosen = (
        "SELECT e.number FROM exports e INDEXED BY exports_without_receipts "
        "WHERE (e.state = 'POSTED' OR e.state = 'REPORTED' OR e.state = 'REPORTING') AND e.reference_id IS NOT NULL "
        "AND e.receipts_hash NOT IN ('', e.attached_hash) AND (e.until IS NULL OR e.until <= :now) "
        f"AND {NEWEST} ORDER BY e.number LIMIT :limit"
    )
    rows = connection.execute(
        f"UPDATE exports SET owner = :owner, epoch = epoch + 1, until = :until WHERE number IN ({chosen}) RETURNING *",
        {"owner": owner, "now": stamp(now), "until": stamp(until), "limit": limit},
    ).fetchall()
    return tuple(sorted(map(claim_of, rows), key=lambda one: one.export.order))


def record_attached(connection: sqlite3.Connection, claim: Claim, now: datetime) -> Export:
    """The claimed copy's receipts are there."""
    export = check_lease(connection, claim, _HAS_DOCUMENT)
    connection.execute(
        "UPDATE exports SET attached_hash = ?, until = ? WHERE number = ?",
        (claim.export.receipts_hash, stamp(now), export.order),
    )
    return found(connection, export.record_id, export.revision)
