"""Counting documents and adding up their lines, exactly. No I/O."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, Inexact

import attrs

from .values import Document, DraftLine, Side, Status

__all__ = ["Counts", "Sides", "Summary", "count", "is_balanced", "summarize"]

# Wide enough for any sum of amounts; rounding would raise instead of passing unseen.
_EXACT = Context(prec=200, traps=[Inexact])


@attrs.frozen
class Sides:
    """What an account was debited and credited in one currency."""

    debit: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)

    @property
    def net(self) -> Decimal:
        """Debits less credits."""
        return _EXACT.subtract(self.debit, self.credit)

    def plus(self, line: DraftLine) -> Sides:
        """With one more line."""
        amount = Decimal(line.amount)
        if line.side == Side.DEBIT:
            return Sides(_EXACT.add(self.debit, amount), self.credit)
        return Sides(self.debit, _EXACT.add(self.credit, amount))


@attrs.frozen(kw_only=True)
class Summary:
    """Documents by status, attachments, and per account and currency what POSTED documents book."""

    documents: int
    by_status: Mapping[str, int]
    attachments: int
    accounts: Mapping[str, Mapping[str, Sides]]


@attrs.frozen(kw_only=True)
class Counts:
    """How many documents were ever created, reversals left out.

    ``by_revision`` is per record id and revision. ``standing``: documents per record id that count in the
    totals: POSTED, and not reversed. A second one was one too many even if somebody voided it afterwards.
    """

    by_key: Mapping[str, int]
    by_number: Mapping[str, int]
    by_revision: Mapping[str, Mapping[int, int]]
    standing: Mapping[str, int]

    @property
    def doubled(self) -> tuple[str, ...]:
        """Keys, numbers and ``record.revision`` with more than one document. It should be empty."""
        revisions = {f"{record}.{n}": times for record, found in self.by_revision.items() for n, times in found.items()}
        several = {
            name for names in (self.by_key, self.by_number, revisions) for name, times in names.items() if times > 1
        }
        return tuple(sorted(several))

    def lost(self, newest: Mapping[str, int]) -> tuple[str, ...]:
        """Record ids that have no document of their newest revision, or none that stands. It should be empty.

        ``newest``: the newest revision that should be booked, per record id.
        """
        return tuple(
            sorted(
                record
                for record, revision in newest.items()
                if not (self.standing.get(record) and self.by_revision[record].get(revision))
            )
        )


def is_balanced(lines: Iterable[DraftLine]) -> bool:
    """Whether debits equal credits exactly in every currency, with a line on each side."""
    lines = tuple(lines)
    sides: defaultdict[str, Sides] = defaultdict(Sides)
    for line in lines:
        sides[line.currency] = sides[line.currency].plus(line)
    return {line.side for line in lines} == set(Side) and all(found.net == 0 for found in sides.values())


def summarize(documents: Iterable[Document]) -> Summary:
    """Totals of everything."""
    by_status: Counter[str] = Counter()
    accounts: defaultdict[str, defaultdict[str, Sides]] = defaultdict(lambda: defaultdict(Sides))
    attachments = 0
    for document in documents:
        by_status[document.status] += 1
        attachments += len(document.attachments)
        if document.status == Status.POSTED:
            for line in document.draft.lines:
                booked = accounts[line.account]
                booked[line.currency] = booked[line.currency].plus(line)
    return Summary(
        documents=by_status.total(),
        by_status=dict(by_status),
        attachments=attachments,
        accounts={account: dict(sorted(accounts[account].items())) for account in sorted(accounts)},
    )


def count(documents: Iterable[Document]) -> Counts:
    """Documents per key, number and revision."""
    keys: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    standing: Counter[str] = Counter()
    revisions: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for document in documents:
        draft = document.draft
        if document.reverses is not None:
            continue
        if draft.key is not None:
            keys[draft.key] += 1
        if draft.number is not None:
            numbers[draft.number] += 1
        if draft.record is not None:
            revisions[draft.record][draft.revision or 0] += 1
            standing[draft.record] += document.status == Status.POSTED and document.reversed_by is None
    by_revision = {record: dict(found) for record, found in revisions.items()}
    return Counts(by_key=dict(keys), by_number=dict(numbers), by_revision=by_revision, standing=dict(standing))
