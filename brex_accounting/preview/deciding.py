"""The rules asked about one record, with what the books hold of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ..models import AccountingRecord
from ..posters.chart import Chart
from ..posters.entries import Entry
from ..posters.rules import entries_for
from ..posters.standing import EntryIndex, append_only
from ..sync.content import is_live
from ..sync.poster import Rejected, Skipped
from .planning import Due

__all__ = ["decide", "indexed"]

_NO_BOOKS = "it changed after it was posted: name the books to see what becomes of it"


def decide(
    record: AccountingRecord, due: Due, chart: Chart, held: EntryIndex | None
) -> tuple[Entry, ...] | Rejected | Skipped:
    """What becomes of a record that is due. ``held``: what the books hold; None: nobody looked."""
    standing = None
    if due.supersedes is not None:
        if held is None:
            return Skipped(_NO_BOOKS)
        standing = held.standing(due.supersedes, is_live=is_live(record))
    made = entries_for(record, chart, key=due.key, supersedes=due.supersedes, standing=standing)
    return append_only(made, standing) if isinstance(made, tuple) else made


def indexed(entries: Iterable[Entry]) -> EntryIndex:
    """Entries, found by what they are about."""
    index = EntryIndex()
    for entry in entries:
        index.add(entry)
    return index
