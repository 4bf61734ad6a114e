"""What a person decides, and what a person reads."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ..exports import Counts, Export, Lease, Move, Pause
from ..poster import Posted, Rejected
from ..states import State
from ..store_rules import check_decision, check_words, found_out
from .moving import found, give_way, move, revisions
from .rows import aware, export_of, lease_of, move_of, utc
from .session import Session, Values

__all__ = ["counts", "decide", "exports_in", "history", "lease", "pause", "paused", "resume"]


async def decide(
    session: Session,
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
    export = await found(session, record_id, revision)
    check_decision(export.state, after)
    values: Values = {"not_before": None, **found_out(after, outcome)}
    stored = await revisions(session, record_id)
    before = [one.key for one in stored if one.reference_id and one.revision < revision]
    if after is State.POSTED and before:
        values["supersedes"] = before[-1]
    await move(session, export, after, now=now, why=why, by=by, values=values)
    await give_way(session, [record_id], now=now)
    return await found(session, record_id, revision)


async def pause(session: Session, reason: str, code: str, by: str, now: datetime) -> Pause:
    """The pause that there is now."""
    check_words(reason=reason, by=by)
    there = await paused(session)
    if there is None:
        await _turn(session, True, reason, code, by, now)
    return there or Pause(reason=reason, code=code, since=now, by=by)


async def resume(session: Session, by: str, why: str, now: datetime) -> None:
    """No pause, and no count of what was put off."""
    check_words(why=why, by=by)
    if await paused(session) is not None:
        await _turn(session, False, why, "", by, now)
    await session.run("UPDATE brex_companies SET not_now = 0 WHERE company = %(company)s")


async def _turn(session: Session, is_pause: bool, reason: str, code: str, by: str, now: datetime) -> None:
    await session.run(
        "INSERT INTO brex_pauses (company, at, is_pause, reason, code, by) "
        "VALUES (%(company)s, %(now)s, %(is_pause)s, %(reason)s, %(code)s, %(by)s)",
        {"now": aware(now), "is_pause": is_pause, "reason": reason, "code": code, "by": by},
    )


async def paused(session: Session) -> Pause | None:
    """Why, if so."""
    row = await session.row("SELECT * FROM brex_pauses WHERE company = %(company)s ORDER BY number DESC LIMIT 1")
    if row is None or not row["is_pause"]:
        return None
    return Pause(reason=row["reason"], code=row["code"], since=utc(row["at"]), by=row["by"])


async def exports_in(session: Session, states: Collection[State], after: int, limit: int) -> tuple[Export, ...]:
    """Exports in these states, a piece at a time."""
    if not states:
        return ()
    rows = await session.rows(
        "SELECT * FROM brex_exports WHERE company = %(company)s AND state = ANY(%(states)s) "
        "AND number > %(after)s ORDER BY number LIMIT %(limit)s",
        {"states": [state.value for state in states], "after": after, "limit": limit},
    )
    return tuple(map(export_of, rows))


async def history(session: Session, record_id: str | None, after: int, limit: int) -> tuple[Move, ...]:
    """Moves, a piece at a time."""
    which = "" if record_id is None else "AND record_id = %(record_id)s "
    rows = await session.rows(
        f"SELECT * FROM brex_history WHERE company = %(company)s {which}AND number > %(after)s "
        "ORDER BY number LIMIT %(limit)s",
        {"record_id": record_id, "after": after, "limit": limit},
    )
    return tuple(map(move_of, rows))


async def counts(session: Session) -> Counts:
    """How many are where."""
    rows = await session.rows(
        "SELECT c.not_now, t.state, t.many, (SELECT count(*) FROM brex_exports e WHERE e.company = c.company "
        # Bills stay POSTED for good, and there may be many: the index leaves them out.
        "AND state = 'POSTED' AND NOT left_queue AND source_type <> 'BILL') AS waiting FROM brex_companies c "
        "LEFT JOIN brex_tally t ON t.company = c.company AND t.many > 0 WHERE c.company = %(company)s"
    )
    by_state = {State(row["state"]): row["many"] for row in rows if row["state"] is not None}
    return Counts(
        by_state=by_state,
        not_now=rows[0]["not_now"],
        unreported=rows[0]["waiting"] + by_state.get(State.REPORTING, 0),
    )


async def lease(session: Session, record_id: str, revision: int) -> Lease | None:
    """Who holds it, or held it last."""
    row = await session.row(
        "SELECT owner, epoch, until FROM brex_exports WHERE company = %(company)s "
        "AND record_id = %(record_id)s AND revision = %(revision)s AND owner IS NOT NULL",
        {"record_id": record_id, "revision": revision},
    )
    return lease_of(row) if row else None
