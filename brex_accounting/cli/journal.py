"""What an export has to book, and whether a CSV journal books it."""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path

import attrs

from ..enums import ReviewStatus, SourceType
from ..errors import BrexError
from ..models import AccountingRecord, Money
from ..sync.content import is_live
from .totals import Totals

__all__ = ["Due", "check_journal"]


@attrs.define
class Due:
    """The records that an export books: those that are READY_FOR_EXPORT, ``ready``, and all ``bills`` that are due.

    ``totals`` is what they add up to.
    """

    ready: list[str] = attrs.field(factory=list)
    bills: list[str] = attrs.field(factory=list)
    totals: Totals = attrs.field(factory=Totals)

    @property
    def ids(self) -> list[str]:
        """All of them."""
        return [*self.ready, *self.bills]

    def add(self, record: AccountingRecord) -> None:
        """Take in a record, if it is to be booked."""
        if record.source_type == SourceType.BILL:
            if not is_live(record):
                return
            self.bills.append(record.id)
        elif record.review_status == ReviewStatus.READY_FOR_EXPORT:
            self.ready.append(record.id)
        else:
            return
        self.totals.add(record)


def check_journal(path: Path, due: Due) -> None:
    """Hold a journal of ``CsvPoster`` against what it should book. Raises ``BrexError`` with what is wrong."""
    booked, entries = Totals(), Counter[str]()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            booked.book(row["type"], row["side"], Money(amount=Decimal(row["amount"]), currency=row["currency"]))
            entries[row["record_id"]] += bool(row["entry_end"])
    lost, doubled = set(due.ids) - entries.keys(), [one for one, times in entries.items() if times > 1]
    if lost or doubled:
        raise BrexError(f"the journal has lost {len(lost)} records and doubled {len(doubled)}; please report this")
    if booked.sides != due.totals.sides or len(entries) != len(due.ids):
        raise BrexError("the sums of the journal differ from the sandbox's; please report this")
