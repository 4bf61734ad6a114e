"""What the books would refuse of everything that is on its way to them, before anybody presses export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

import attrs

from ..client import BrexAccounting
from ..enums import ReviewStatus
from ..models import AccountingRecord
from ..posters.chart import Chart
from ..posters.ledger import Ledger
from ..posters.standing import EntryIndex
from ..sync.poster import Rejected, Skipped
from ..sync.snapshot import Snapshot
from .deciding import decide, indexed
from .outcomes import Reason, Refusal, Unreadable, reasons_of, refusal_of
from .planning import Due, open_post
from .reading import Lists

__all__ = ["Check", "check"]


@attrs.frozen(kw_only=True)
class Check:
    """What a check found.

    ``checked``: records that were held against the chart. ``findings``: those that the books would refuse.
    ``skipped``: how many are not for these books, by reason. ``left``: how many were not looked at, because
    their content is in the books, or a person left them out. ``absent``: fields that the chart names and no line of
    these records carries. ``unreadable``: what could not be decoded.
    """

    checked: int
    findings: tuple[Refusal, ...]
    skipped: Mapping[str, int]
    left: int
    absent: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]

    @property
    def by_code(self) -> Mapping[str, int]:
        """How many findings have which code, the most frequent first."""
        return MappingProxyType(dict(Counter(one.code.value for one in self.findings).most_common()))

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why, the most frequent reason first."""
        return reasons_of(self.findings)

    @property
    def is_clean(self) -> bool:
        """Whether everything would be taken."""
        return not self.findings and not self.unreadable


async def check(
    brex: BrexAccounting,
    chart: Chart,
    *,
    store: Snapshot | None = None,
    ledger: Ledger | None = None,
    bills: bool = True,
    since: datetime | None = None,
) -> Check:
    """Hold every READY_FOR_EXPORT and REVIEW record and every bill against the chart; write nothing.

    REVIEW is what staff have coded and the accountant has not exported yet: what is found there is mended in Brex
    before the books ever see it. What was refused before is looked at again.
    """
    held = indexed(await ledger.entries()) if ledger is not None else None
    checker = _Checker(chart, store, held)
    lists = Lists(brex, checker.take)
    await lists.queue(ReviewStatus.REVIEW, ReviewStatus.READY_FOR_EXPORT)
    if bills:
        await lists.bills(since)
    return checker.found(lists)


class _Checker:
    """What was found so far, by record: one that is read again is looked at again."""

    def __init__(self, chart: Chart, store: Snapshot | None, held: EntryIndex | None) -> None:
        self._chart = chart
        self._store = store
        self._held = held
        self._outcomes: dict[str, Refusal | Skipped | None] = {}
        self._left: set[str] = set()
        self._fields: set[str] = set()

    def take(self, record: AccountingRecord, read_at: datetime) -> None:  # noqa: ARG002 - the lists give it
        stored = self._store.exports.get(record.id, ()) if self._store else ()
        due = open_post(record, stored)
        if not isinstance(due, Due):
            self._left.add(record.id)
            return
        self._fields.update(_fields_of(record))
        outcome = decide(record, due, self._chart, self._held)
        if isinstance(outcome, Rejected):
            self._outcomes[record.id] = refusal_of(record, outcome)
        else:
            self._outcomes[record.id] = outcome if isinstance(outcome, Skipped) else None

    def found(self, lists: Lists) -> Check:
        outcomes = self._outcomes.values()
        findings = [one for one in outcomes if isinstance(one, Refusal)]
        return Check(
            checked=len(outcomes),
            findings=tuple(sorted(findings, key=lambda one: (one.code.value, one.date, one.record_id))),
            skipped=MappingProxyType(Counter(one.reason for one in outcomes if isinstance(one, Skipped))),
            left=len(self._left),
            absent=tuple(self._absent()) if self._outcomes else (),
            unreadable=tuple(lists.unreadable),
        )

    def _absent(self) -> Iterable[str]:
        chart = self._chart
        named = (chart.account_field, chart.entity_field, chart.tax_field, *chart.required_fields)
        return (field for field in dict.fromkeys(named) if field is not None and field not in self._fields)


def _fields_of(record: AccountingRecord) -> Iterable[str]:
    for line in record.line_items:
        for value in line.coding:
            yield from filter(None, (value.remote_field_id, value.brex_field_id))
