"""What the next run of an export would do, from what is ready now."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from types import MappingProxyType

from ..client import BrexAccounting
from ..enums import ReviewStatus
from ..models import AccountingRecord
from ..posters.chart import Chart
from ..posters.entries import Entry
from ..posters.ledger import Ledger
from ..posters.standing import EntryIndex
from ..sync.plan import turn_of
from ..sync.poster import Rejected, Skipped
from ..sync.snapshot import Snapshot
from ..sync.states import State
from .deciding import decide, indexed
from .outcomes import Preview, Refusal, refusal_of
from .planning import Due, next_post
from .reading import Lists

__all__ = ["dry_run"]


async def dry_run(
    brex: BrexAccounting,
    chart: Chart,
    *,
    store: Snapshot | None = None,
    ledger: Ledger | None = None,
    bills: bool = True,
    since: datetime | None = None,
) -> Preview:
    """Read what an export would read, and ask the rules what becomes of it. Nothing is written or reported.

    ``store``: what the export did so far; it knows what is posted already. ``ledger``: the books, to see how a
    document that was posted is changed. ``bills`` and ``since`` are those of ``ExportSync``.
    """
    held = indexed(await ledger.entries()) if ledger is not None else None
    tray = _Tray(chart, store, held)
    lists = Lists(brex, tray.take)
    await lists.queue(ReviewStatus.READY_FOR_EXPORT)
    if bills:
        await lists.bills(since)
    return tray.preview(lists)


class _Tray:
    """What was decided so far, by record: one that is read again is decided again."""

    def __init__(self, chart: Chart, store: Snapshot | None, held: EntryIndex | None) -> None:
        self._chart = chart
        self._store = store
        self._held = held
        self._entries: dict[str, tuple[str, tuple[Entry, ...]]] = {}
        self._other: dict[str, Refusal | Skipped | State] = {}

    def take(self, record: AccountingRecord, read_at: datetime) -> None:
        stored = self._store.exports.get(record.id, ()) if self._store else ()
        due = next_post(record, stored, post_from=self._chart.post_from, read_at=read_at)
        self._entries.pop(record.id, None)
        if not isinstance(due, Due):
            self._other[record.id] = Skipped("it is a draft, void or cancelled") if due is None else due
            return
        outcome = decide(record, due, self._chart, self._held)
        if isinstance(outcome, tuple):
            self._other.pop(record.id, None)
            self._entries[record.id] = (turn_of(record), outcome)
        else:
            self._other[record.id] = refusal_of(record, outcome) if isinstance(outcome, Rejected) else outcome

    def preview(self, lists: Lists) -> Preview:
        planned = sorted(self._entries.values(), key=lambda one: (one[1][-1].date, one[0]))
        other = self._other.values()
        return Preview(
            read=len(self._entries) + len(self._other),
            entries=tuple(entry for _, entries in planned for entry in entries),
            refusals=tuple(one for one in other if isinstance(one, Refusal)),
            skipped=MappingProxyType(Counter(one.reason for one in other if isinstance(one, Skipped))),
            left=MappingProxyType(Counter(one for one in other if isinstance(one, State))),
            unreadable=tuple(lists.unreadable),
            paused=self._store.paused if self._store else None,
        )
