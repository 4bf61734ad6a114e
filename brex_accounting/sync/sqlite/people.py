"""What a person decides, and what a person reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import datetime

from ..exports import Counts, Export, Lease, Move, Pause
from ..poster import Posted, Rejected
from ..states import State
from ..store_rules import check_decision, check_words, found_out, listed
from .moving import found, give_way, move, revisions
from .rows import Parameters, export_of, lease_of, move_of, stamp

__all__ = [
    "counts",
    "decide",
    "exports_in",
    "history",
    "is_paused",
    "lease",
    "pause",
    "paused",
    "resume",
]


def decide(
    connection: sqlite3.Connection,
    record_id: str,
    revision: int,
    after: State,
    why: str,
    by: str,
    now: datetime,
    outcome: Posted | Rejected | None,
) -> Export:
    """A move of ``BY_HAND``."""
    check_words(why=why, by=by)
    export = found(connection, record_id, revision)
    check_decision(export.state, after)
    values: Parameters = {"not_before": None, **found_out(after, outcome)}
    before = [one.key for one in revisions(connection, record_id) if one.reference_id and one.revision < revision]
    if after is State.POSTED and before:
        values["supersedes"] = before[-1]
    move(connection, export, after, now=now, why=why, by=by, values=values)
    give_way(connection, [record_id], now=now)
    return found(connection, record_id, revision)


def pause(connection: sqlite3.Connection, reason: str, code: str, by: str, now: datetime) -> Pause:
    """The pause that there is now."""
    check_words(reason=reason, by=by)
    there = paused(connection)
    if there is None:
        _turn(connection, True, reason, code, by, now)
    return there or Pause(reason=reason, code=code, since=now, by=by)


def resume(connection: sqlite3.Connection, by: str, why: str, now: datetime) -> None:
    """No pause, and no count of what was put off."""
    check_words(why=why, by=by)
    if is_paused(connection):
        _turn(connection, False, why, "", by, now)
    connection.execute("UPDATE binding SET not_now = 0")


def _turn(connection: sqlite3.Connection, is_pause: bool, reason: str, code: str, by: str, now: datetime) -> None:
    connection.execute(
        "INSERT INTO pauses (at, is_pause, reason, code, by) VALUES (?, ?, ?, ?, ?)",
        (stamp(now), is_pause, reason, code, by),
    )


def paused(connection: sqlite3.Connection) -> Pause | None:
    """Why, if so."""
    row = connection.execute("SELECT * FROM pauses ORDER BY number DESC LIMIT 1").fetchone()
    if row is None or not row["is_pause"]:
        return None
    return Pause(reason=row["reason"], code=row["code"], since=datetime.fromisoformat(row["at"]), by=row["by"])


def is_paused(connection: sqlite3.Connection) -> bool:
    """Whether nothing more may be posted."""
    return paused(connection) is not None


def exports_in(connection: sqlite3.Connection, states: Collection[State], after: int, limit: int) -> tuple[Export, ...]:
    """Exports in these states, a piece at a time."""
    if not states:
        return ()
    # One state after the other and merged: with all states in one condition SQLite sorts every body for each piece.
    numbers = " UNION ALL ".join(
        f"SELECT number FROM exports WHERE state = {listed([state])} AND number > :after"
        for state in sorted(set(states))
    )
    rows = connection.execute(
        f"SELECT * FROM exports WHERE number IN ({numbers} ORDER BY number LIMIT :limit) ORDER BY number",
        {"after": after, "limit": limit},
    )
    return tuple(map(export_of, rows))


def history(connection: sqlite3.Connection, record_id: str | None, after: int, limit: int) -> tuple[Move, ...]:
    """Moves, a piece at a time."""
    which = "" if record_id is None else "record_id = :record_id AND "
    rows = connection.execute(
        f"SELECT * FROM history WHERE {which}number > :after ORDER BY number LIMIT :limit",
        {"record_id": record_id, "after": after, "limit": limit},
    )
    return tuple(map(move_of, rows))


def counts(connection: sqlite3.Connection) -> Counts:
    """How many are where."""
    rows = connection.execute("SELECT state, many FROM tally WHERE many > 0")
    by_state = {State(row["state"]): row["many"] for row in rows}
    # Bills stay POSTED for good, and there may be many: the index leaves them out.
    [waiting] = connection.execute(
        "SELECT count(*) FROM exports INDEXED BY exports_to_report WHERE state IN ('POSTED', 'REJECTED') "
        "AND left_queue = 0 AND source_type <> 'BILL' AND state = 'POSTED'"
    ).fetchone()
    [not_now] = connection.execute("SELECT not_now FROM binding").fetchone()
    return Counts(by_state=by_state, not_now=not_now, unreported=waiting + by_state.get(State.REPORTING, 0))


def lease(connection: sqlite3.Connection, record_id: str, revision: int) -> Lease | None:
    """Who holds it, or held it last."""
    row = connection.execute(
        "SELECT owner, epoch, until FROM exports WHERE record_id = ? AND revision = ? AND owner IS NOT NULL",
        (record_id, revision),
    ).fetchone()
    return lease_of(row) if row else None
