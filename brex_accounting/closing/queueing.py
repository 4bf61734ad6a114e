"""The queue of Brex against what the store knows to wait, record by record. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from ..enums import ReviewStatus, SourceType
from ..sync.states import State
from .expecting import Revision
from .placing import Placed
from .rolling import NONE, WAITING, Many

__all__ = ["Queue", "queues"]


@attrs.frozen(kw_only=True)
class Queue:
    """One type and currency of what is READY_FOR_EXPORT in Brex; bills have no queue.

    in_brex = waiting + posted + rejected + left_out + unread, and waiting + elsewhere is what the roll-forward closes
    with. ``waiting``: to be posted, or a person decides. ``posted`` and ``rejected``: to be reported. ``left_out``:
    skipped or out of scope; Brex is told nothing. ``unread``: the store does not know that it is ready.
    ``elsewhere``: it waits in the store, and is not ready in Brex, or not with this content.
    """

    type: str
    currency: str
    in_brex: Many = NONE
    waiting: Many = NONE
    posted: Many = NONE
    rejected: Many = NONE
    left_out: Many = NONE
    unread: Many = NONE
    elsewhere: Many = NONE


_LEFT_OUT: Final = frozenset({State.SKIPPED, State.OUT_OF_SCOPE})


def queues(current: Mapping[str, Placed], stored: Mapping[str, Sequence[Revision]]) -> tuple[Queue, ...]:
    """Each type and currency of which something is ready or waits."""
    tally: defaultdict[tuple[str, str], defaultdict[str, Many]] = defaultdict(lambda: defaultdict(Many))

    def put(column: str, one: Placed) -> None:
        tally[one.type, one.currency][column] += Many(1, one.amount)

    ready = {
        record_id: now
        for record_id, now in current.items()
        if now.review_status == ReviewStatus.READY_FOR_EXPORT and now.source_type != SourceType.BILL
    }
    for record_id, now in ready.items():
        put("in_brex", now)
        revisions = stored.get(record_id)
        put(_standing(revisions[-1], now) if revisions else "unread", now)
    for record_id, revisions in stored.items():
        for one in revisions:
            is_it = one is revisions[-1] and record_id in ready and _standing(one, ready[record_id]) == "waiting"
            if one.state in WAITING and one.placed.source_type != SourceType.BILL and not is_it:
                put("elsewhere", one.placed)
    return tuple(Queue(type=kind, currency=currency, **columns) for (kind, currency), columns in sorted(tally.items()))


def _standing(newest: Revision, now: Placed) -> str:
    if newest.state in WAITING:
        same = (newest.placed.type, newest.placed.currency, newest.placed.amount)
        return "waiting" if same == (now.type, now.currency, now.amount) else "unread"
    if newest.state in _LEFT_OUT:
        return "left_out"
    if newest.state is State.REJECTED or (newest.state is State.REPORTING and not newest.has_document):
        return "rejected"
    return "posted" if newest.state in (State.POSTED, State.REPORTING) else "unread"
