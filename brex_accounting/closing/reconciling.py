"""Brex against the books, record by record, added up by entity, type, currency and account. Pure.

For every record and place: what it comes to in Brex, less what the books hold of it, less what accounts for the
rest, is its difference. It is taken record by record, so that two mistakes never make up for each other unseen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import attrs

from ..posters.entries import Entry
from .expecting import Expected, Gap, Revision, expected, gap_of
from .period import Period
from .placing import Placed, places_of
from .sums import NOTHING, Place, Sums, add, added, less

__all__ = ["Finding", "Reconciliation", "Row", "reconcile"]

_ZERO: Final = Decimal(0)


@attrs.frozen(kw_only=True)
class Row:
    """One place in a period. Amounts are in major units; all after ``credits`` are debits less credits.

    ``count`` records of Brex are dated in the period and stand here, with ``debits`` and ``credits``. ``posted`` is
    what the books hold in the period. ``moved`` is held in another period because this one was closed, and less
    what is held here for another. ``skipped``, ``rejected``, ``exceptions`` and ``not_yet`` are what the books
    do not hold, each for its reason; a change that they have not followed counts there with what it changes.
    ``difference`` is what nothing accounts for, and ``differing`` the number of records that have one here.
    """

    place: Place
    count: int = 0
    debits: Decimal = _ZERO
    credits: Decimal = _ZERO
    posted: Decimal = _ZERO
    moved: Decimal = _ZERO
    skipped: Decimal = _ZERO
    rejected: Decimal = _ZERO
    exceptions: Decimal = _ZERO
    not_yet: Decimal = _ZERO
    difference: Decimal = _ZERO
    differing: int = 0


@attrs.frozen(kw_only=True)
class Finding:
    """A record whose difference on a place is not zero, and ``why`` as far as that can be told."""

    record_id: str
    place: Place
    difference: Decimal
    why: str


@attrs.frozen(kw_only=True)
class Reconciliation:
    """The rows of a period, by entity, type, currency and account, and every difference in them."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]


@attrs.frozen(kw_only=True)
class _Share:
    """What one record adds to the rows."""

    brex: Sums = NOTHING
    posted: Sums
    moved: Sums
    gaps: Mapping[Gap, Sums]
    difference: Sums
    why: str


def reconcile(
    period: Period,
    *,
    current: Mapping[str, Placed],
    stored: Mapping[str, Sequence[Revision]],
    entries: Iterable[Entry],
) -> Reconciliation:
    """Hold the books against Brex.

    ``current``: every record as Brex has it, by its id; ``stored``: the revisions of every export, oldest first;
    ``entries``: all that the books hold, of any period.
    """
    held: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        held[entry.record_id].append(entry)
    building = _Building()
    for record_id in sorted({*current, *stored, *held}):
        now = current.get(record_id)
        share = _share(period, now, stored.get(record_id, ()), held.get(record_id, ()))
        building.add(record_id, share)
    return building.built()


def _share(period: Period, now: Placed | None, revisions: Sequence[Revision], entries: Sequence[Entry]) -> _Share:
    here = now if now is not None and period.holds(now.date) else None
    brex = here.sums if here else NOTHING
    target = here.due if here else NOTHING
    should = expected(now, revisions, entries)
    posted = added(*(places_of(entry) for entry in entries if period.holds(entry.date)))
    due = should.sums if should.dated and period.holds(should.dated) else NOTHING
    there = should.sums if should.day and period.holds(should.day) else NOTHING
    if not should.is_known:
        due = there = posted
    gap, why = gap_of(now, revisions, in_books=should.key is not None or bool(should.sums))
    missing, wrong = less(target, due), less(there, posted)
    gaps: dict[Gap, Sums] = {Gap.SKIPPED: less(brex, target)}
    if gap is not Gap.NOTHING:
        gaps[gap] = added(gaps.get(gap, NOTHING), missing)
    unexplained = missing if gap is Gap.NOTHING else NOTHING
    reasons = [_why(should, entries, period)] if wrong else []
    return _Share(
        brex=brex,
        posted=posted,
        moved=less(due, there),
        gaps=gaps,
        difference=less(added(unexplained, wrong), NOTHING),
        why="; ".join([*reasons, *([why] if unexplained else [])]),
    )


def _why(should: Expected, entries: Sequence[Entry], period: Period) -> str:
    """What is wrong with what the books hold of a record."""
    if not entries:
        return "the books do not hold it"
    if not should.sums:
        return f"the books hold {_named(entries)}, and should hold nothing of it"
    elsewhere = [entry for entry in entries if not period.holds(entry.date)]
    if elsewhere and should.day not in {entry.date for entry in entries}:
        days = ", ".join(sorted({entry.date.isoformat() for entry in entries}))
        return f"the books hold it on {days}, and it is dated {should.day}"
    twice = [key for key, many in Counter(entry.key for entry in entries).items() if many > 1]
    if twice:
        return f"the books hold {twice[0]} more than once"
    if should.key is not None and should.key not in {entry.key for entry in entries}:
        return f"the books hold {_named(entries)}, and not {should.key}, which the store counts as in the books"
    return f"what the books hold ({_named(entries)}) is not what it comes to"


def _named(entries: Sequence[Entry]) -> str:
    keys = list(dict.fromkeys(entry.key for entry in entries))
    return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")


_COLUMNS: Final = {
    Gap.SKIPPED: "skipped",
    Gap.REJECTED: "rejected",
    Gap.EXCEPTIONS: "exceptions",
    Gap.NOT_YET: "not_yet",
}


@attrs.define
class _Building:
    counts: Counter[Place] = attrs.field(factory=Counter)
    differing: Counter[Place] = attrs.field(factory=Counter)
    amounts: defaultdict[Place, dict[str, Decimal]] = attrs.field(factory=lambda: defaultdict(dict))
    findings: list[Finding] = attrs.field(factory=list)

    def add(self, record_id: str, share: _Share) -> None:
        for place, amount in share.brex.items():
            self.counts[place] += 1
            self._put("credits" if amount < 0 else "debits", place, amount.copy_abs())
        self._all("posted", share.posted)
        self._all("moved", share.moved)
        for gap, sums in share.gaps.items():
            self._all(_COLUMNS[gap], sums)
        self._all("difference", share.difference)
        for place, amount in share.difference.items():
            self.differing[place] += 1
            self.findings.append(Finding(record_id=record_id, place=place, difference=amount, why=share.why))

    def built(self) -> Reconciliation:
        rows = [
            Row(place=place, count=self.counts[place], differing=self.differing[place], **amounts)
            for place, amounts in self.amounts.items()
            if self.counts[place] or self.differing[place] or any(amounts.values())
        ]
        return Reconciliation(
            rows=tuple(sorted(rows, key=lambda row: _order(row.place))),
            findings=tuple(sorted(self.findings, key=lambda one: (*_order(one.place), one.record_id))),
        )

    def _all(self, column: str, sums: Sums) -> None:
        for place, amount in sums.items():
            self._put(column, place, amount)

    def _put(self, column: str, place: Place, amount: Decimal) -> None:
        amounts = self.amounts[place]
        amounts[column] = add(amounts[column], amount) if column in amounts else amount


def _order(place: Place) -> tuple[str, ...]:
    return (place.entity or "", place.type, place.currency, place.account or "", place.side or "")
