"""What was seen: judged and stored in one transaction, with the watermark."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ...errors import MoveRefused
from ..exports import ENGINE, Copy, Export, Feed, Judgement
from ..keys import export_key
from ..states import UNTOUCHABLE, State, check_beginning
from ..store import Judge, JudgeAbsence
from ..store_rules import listed
from .moving import NEWEST, change, move, revisions, revisions_of
from .rows import aware, copied, utc
from .session import Session, Values

__all__ = ["awaited", "feed_of", "record_absent", "record_seen"]


async def feed_of(session: Session, name: str) -> Feed | None:
    """How far a feed is stored."""
    row = await session.row(
        "SELECT watermark FROM brex_feeds WHERE company = %(company)s AND name = %(name)s", {"name": name}
    )
    return Feed(name=name, watermark=utc(row["watermark"])) if row else None


async def record_seen(
    session: Session, copies: Sequence[Copy], judge: Judge, now: datetime, feed: Feed | None
) -> tuple[Judgement, ...]:
    """Each copy judged on what is stored, the ones before it included."""
    page = await revisions_of(session, {copy.record_id for copy in copies})
    judgements: list[Judgement] = []
    begun: list[Values] = []
    for copy in copies:
        # Read with the whole page, but for a record that comes twice in it.
        stored = page.pop(copy.record_id, None)
        if stored is None:
            await _insert(session, begun)
            stored = await revisions(session, copy.record_id)
        judgement = judge(copy, stored)
        await _carry_out(session, judgement, stored, copy, now)
        if judgement.begin is not None:
            begun.append(_begun(copy, len(stored) + 1, judgement.begin, now))
        judgements.append(judgement)
    await _insert(session, begun)
    if feed is not None:
        await session.run(
            "INSERT INTO brex_feeds AS f VALUES (%(company)s, %(name)s, %(watermark)s) "
            "ON CONFLICT (company, name) DO UPDATE SET watermark = greatest(f.watermark, excluded.watermark)",
            {"name": feed.name, "watermark": aware(feed.watermark)},
        )
    return tuple(judgements)


async def record_absent(
    session: Session, record_ids: Sequence[str], judge: JudgeAbsence, now: datetime
) -> tuple[Judgement, ...]:
    """The same for what is not returned."""
    judgements = []
    for record_id in record_ids:
        stored = await revisions(session, record_id)
        judgement = judge(stored)
        await _carry_out(session, judgement, stored, None, now)
        judgements.append(judgement)
    return tuple(judgements)


async def awaited(session: Session, before: datetime) -> tuple[str, ...]:
    """What a listing begun at that moment should name."""
    matters = listed(("DISCOVERED", "INTENT", "POSTED", "REJECTED", "REPORTED_FAILED", "UNCONFIRMED"))
    rows = await session.rows(
        "SELECT record_id FROM brex_exports e WHERE company = %(company)s AND NOT left_queue "
        f"AND source_type <> 'BILL' AND state IN ({matters}) AND read_at < %(before)s AND changed_at < %(before)s "
        f"AND {NEWEST} ORDER BY number",
        {"before": aware(before)},
    )
    return tuple(row["record_id"] for row in rows)


async def _carry_out(
    session: Session, judgement: Judgement, stored: Sequence[Export], copy: Copy | None, now: datetime
) -> None:
    touches = judgement.left_queue is not None or judgement.keep_copy or judgement.move is not None
    if touches and stored:
        await _touch(session, judgement, stored[-1], copy, now)
    elif touches or (judgement.begin is not None and copy is None):
        raise MoveRefused("a judgement names an export or a copy that there is not")


async def _touch(session: Session, judgement: Judgement, last: Export, copy: Copy | None, now: datetime) -> None:
    values: Values = {}
    if judgement.left_queue is not None:
        values["left_queue"] = judgement.left_queue
    if judgement.keep_copy:
        if copy is None or last.state in UNTOUCHABLE:
            raise MoveRefused(f"the copy of an export that is {last.state.value} stays as it is")
        values |= copied(copy)
    if judgement.move is None:
        await change(session, last.order, values)
        return
    if judgement.move is State.DISCOVERED:
        values["not_before"] = None
    await move(session, last, judgement.move, now=now, values=values)


def _begun(copy: Copy, revision: int, state: State, now: datetime) -> Values:
    return copied(copy) | {
        "revision": revision,
        "key": export_key(copy.record_id, revision),
        "state": check_beginning(state).value,
        "changed_at": aware(now),
        "why": "seen first" if revision == 1 else "its content changed",
        "by": ENGINE,
    }


async def _insert(session: Session, begun: list[Values]) -> None:
    """All of them on one way to the server and back; the list is empty afterwards."""
    if begun:
        columns, places = ", ".join(begun[0]), ", ".join(f"%({name})s" for name in begun[0])
        await session.run_each(f"INSERT INTO brex_exports (company, {columns}) VALUES (%(company)s, {places})", begun)
        begun.clear()
