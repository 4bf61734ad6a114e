"""What was seen: judged and stored in one transaction, with the watermark."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from ...errors import MoveRefused
from ..exports import ENGINE, Copy, Export, Feed, Judgement
from ..keys import export_key
from ..states import UNTOUCHABLE, State, check_beginning
from ..store import Judge, JudgeAbsence
from ..store_rules import listed
from .moving import NEWEST, change, move, revisions
from .rows import Parameters, copied, stamp

__all__ = ["awaited", "feed_of", "record_absent", "record_seen"]


def feed_of(connection: sqlite3.Connection, name: str) -> Feed | None:
    """How far a feed is stored."""
    row = connection.execute("SELECT name, watermark FROM feeds WHERE name = ?", (name,)).fetchone()
    return Feed(name=row["name"], watermark=datetime.fromisoformat(row["watermark"])) if row else None


def record_seen(
    connection: sqlite3.Connection, copies: Sequence[Copy], judge: Judge, now: datetime, feed: Feed | None
) -> tuple[Judgement, ...]:
    """Each copy judged on what is stored, the ones before it included."""
    judgements = []
    for copy in copies:
        stored = revisions(connection, copy.record_id)
        judgement = judge(copy, stored)
        _carry_out(connection, judgement, stored, copy, now)
        judgements.append(judgement)
    if feed is not None:
        connection.execute(
            "INSERT INTO feeds (name, watermark) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET watermark = max(watermark, excluded.watermark)",
            (feed.name, stamp(feed.watermark)),
        )
    return tuple(judgements)


def record_absent(
    connection: sqlite3.Connection, record_ids: Sequence[str], judge: JudgeAbsence, now: datetime
) -> tuple[Judgement, ...]:
    """The same for what is not returned."""
    judgements = []
    for record_id in record_ids:
        stored = revisions(connection, record_id)
        judgement = judge(stored)
        _carry_out(connection, judgement, stored, None, now)
        judgements.append(judgement)
    return tuple(judgements)


def awaited(connection: sqlite3.Connection, before: datetime) -> tuple[str, ...]:
    """What a listing begun at that moment should name."""
    matters = listed(("DISCOVERED", "INTENT", "POSTED", "REJECTED", "REPORTED_FAILED", "UNCONFIRMED"))
    rows = connection.execute(
        "SELECT record_id FROM exports e WHERE left_queue = 0 AND source_type <> 'BILL' "
        f"AND state IN ({matters}) AND read_at < :before AND changed_at < :before AND {NEWEST} ORDER BY number",
        {"before": stamp(before)},
    )
    return tuple(row["record_id"] for row in rows)


def _carry_out(
    connection: sqlite3.Connection,
    judgement: Judgement,
    stored: Sequence[Export],
    copy: Copy | None,
    now: datetime,
) -> None:
    touches = judgement.left_queue is not None or judgement.keep_copy or judgement.move is not None
    if touches and stored:
        _touch(connection, judgement, stored[-1], copy, now)
    elif touches or (judgement.begin is not None and copy is None):
        raise MoveRefused("a judgement names an export or a copy that there is not")
    if judgement.begin is not None and copy is not None:
        _begin(connection, copy, len(stored) + 1, judgement.begin, now)


def _touch(
    connection: sqlite3.Connection, judgement: Judgement, last: Export, copy: Copy | None, now: datetime
) -> None:
    values: Parameters = {}
    if judgement.left_queue is not None:
        values["left_queue"] = int(judgement.left_queue)
    if judgement.keep_copy:
        if copy is None or last.state in UNTOUCHABLE:
            raise MoveRefused(f"the copy of an export that is {last.state.value} stays as it is")
        values |= copied(copy)
    if judgement.move is None:
        change(connection, last.order, values)
        return
    if judgement.move is State.DISCOVERED:
        values["not_before"] = None
    move(connection, last, judgement.move, now=now, values=values)


def _begin(connection: sqlite3.Connection, copy: Copy, revision: int, state: State, now: datetime) -> None:
    values = copied(copy) | {
        "revision": revision,
        "key": export_key(copy.record_id, revision),
        "state": check_beginning(state).value,
        "changed_at": stamp(now),
        "why": "seen first" if revision == 1 else "its content changed",
        "by": ENGINE,
    }
    columns, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(f"INSERT INTO exports ({columns}) VALUES ({places})", values)
