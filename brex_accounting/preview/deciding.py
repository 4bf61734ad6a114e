"""The rules asked about one record, with what the books hold of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..models import AccountingRecord
from ..posters.chart import Chart
from ..posters.entries import Entry
from ..posters.rules import entries_for
from ..posters.standing import appended, standing_under
from ..sync.content import is_live
from ..sync.poster import Rejected, Skipped
from .planning import Due

__all__ = ["decide"]

_NO_BOOKS = "it changed after it was posted: name the books to see what becomes of it"


def decide(
    record: AccountingRecord, due: Due, chart: Chart, held: Sequence[Entry] | None
) -> tuple[Entry, ...] | Rejected | Skipped:
    """What becomes of a record that is due. ``held``: what the books hold; None: nobody looked."""
    if due.supersedes is not None and held is None:
        return Skipped(_NO_BOOKS)
    standing = standing_under(held or (), due.supersedes, is_live=is_live(record)) if due.supersedes else None
    made = entries_for(record, chart, key=due.key, supersedes=due.supersedes, standing=standing)
    return appended(made, standing) if isinstance(made, tuple) else made
