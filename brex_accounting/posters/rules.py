"""The posting rules: a record and a chart make entries, or a reason why not. Pure.

    match entries_for(record, chart, key=key):
        case Rejected() | Skipped() as outcome:
            return outcome
        case entries:
            ...  # write each whose key is not in the books yet, in this order

Nothing is guessed: what the rules do not know is rejected, in words for whoever coded the record.

A change of what was posted (``supersedes``) depends on the document. A bill that is unpaid is updated in place;
anything else is reversed and booked anew, under two keys, so that a run which died between the two is taken up
where it was. What is paid, or dated in a closed period, waits for a person: it is rejected. The export keeps a
rejected bill among its exceptions and tells nobody else; of a card or reimbursement record the customer is told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date
from decimal import Decimal
from fractions import Fraction

import attrs

from ..enums import LineItemType
from ..models import AccountingRecord, LineItem
from ..sync.content import is_live
from ..sync.keys import ExportKey
from ..sync.poster import Rejected, RejectionCode, Skipped
from .chart import Chart
from .coding import account_of, check_required, control_line, dimensions_of, entity_of, tax_of, where
from .currencies import LARGEST, exponent_of, settled
from .entries import Entry, EntryLine, Kind, Standing, reversal_key, turned
from .refusing import Refused, quoted, refuse
from .rule_table import RULES, ByHand, Coded, Document, Moves, Role

__all__ = ["entries_for"]


def entries_for(
    record: AccountingRecord,
    chart: Chart,
    *,
    key: ExportKey,
    supersedes: ExportKey | None = None,
    standing: Standing | None = None,
) -> tuple[Entry, ...] | Rejected | Skipped:
    """What the books get for a record, in the order in which to write it.

    ``standing``: what they hold under ``supersedes``; the poster looks, and gives None when it finds nothing.
    """
    try:
        if supersedes is None:
            return (_entry(record, chart, key),)
        return _amended(record, chart, key, supersedes, standing)
    except Refused as refused:
        return refused.outcome


def _entry(record: AccountingRecord, chart: Chart, key: ExportKey) -> Entry:
    rule = _rule(record, chart)
    _check_texts(record, chart)
    _check_vendor(record, chart, rule)
    amounts = _amounts(record, chart)
    day = _day(record, chart)
    control = control_line(chart, record.line_items) if isinstance(rule, Coded) else None
    coded = [at for at in range(len(record.line_items)) if isinstance(rule, Coded) and at != control]
    entity = entity_of(chart, record.line_items, coded)
    lines = tuple(
        _line(chart, line, at, rule, entity=entity, is_coded=at in coded, amount=amounts[at])
        for at, line in enumerate(record.line_items)
    )
    _check_sense(lines, rule)
    return Entry(
        key=key,
        document=rule.document,
        date=day,
        moved_from=record.accounting_date if day != record.accounting_date else None,
        entity=entity,
        record_id=record.id,
        type=record.type,
        source_type=record.source_type,
        source_id=record.source_id,
        vendor_id=record.vendor.id if record.vendor else None,
        vendor_name=record.vendor.name if record.vendor else None,
        invoice_number=record.invoice_number or None,
        due_date=record.due_at.astimezone(UTC).date() if record.due_at else None,
        memo=record.memo or None,
        lines=lines,
    )


# Whether it is booked at all.


def _rule(record: AccountingRecord, chart: Chart) -> Coded | Moves:
    if not is_live(record):
        raise Refused(Skipped("the bill is a draft, void or cancelled"))
    if record.accounting_date < chart.post_from:
        raise Refused(Skipped("it is dated before the books begin"))
    rule = RULES.get(record.type)
    if rule is None:
        refuse(RejectionCode.OTHER, f"There is no posting rule for the type {quoted(record.type)}: book it by hand")
    if isinstance(rule, ByHand):
        refuse(RejectionCode.OTHER, f"{rule.why}: book it by hand")
    if chart.uses(rule):
        return rule
    if rule.basis in (None, chart.reimbursements):
        raise Refused(Skipped(f"the chart skips {record.type}: the bank feed brings it"))
    if isinstance(rule, Moves) and rule.off_basis == "by_hand":
        words = f"On the {chart.reimbursements} basis there is no posting rule for {record.type}: book it by hand"
        refuse(RejectionCode.OTHER, words)
    raise Refused(Skipped(f"on the {chart.reimbursements} basis {record.type} books nothing"))


def _check_texts(record: AccountingRecord, chart: Chart) -> None:
    for name, text, longest in (
        ("memo", record.memo, chart.longest_memo),
        ("invoice_number", record.invoice_number, chart.longest_invoice_number),
        *((f"memo of line {at}", line.memo, chart.longest_memo) for at, line in enumerate(record.line_items, 1)),
    ):
        if longest is not None and text is not None and len(text) > longest:
            words = f"The {name} has {len(text)} characters and the books take {longest}: shorten it"
            refuse(RejectionCode.TOO_LONG, words)
    count = len(record.line_items)
    if chart.most_lines is not None and count > chart.most_lines:
        words = f"The record has {count} lines and the books take {chart.most_lines}: split it"
        refuse(RejectionCode.TOO_LONG, words)


def _check_vendor(record: AccountingRecord, chart: Chart, rule: Coded | Moves) -> None:
    if chart.vendors is None or rule.document is Document.JOURNAL:
        return
    if record.vendor is None:
        refuse(RejectionCode.VENDOR_UNKNOWN, "The bill has no vendor: choose one")
    if record.vendor.id not in chart.vendors:
        words = f"The books have no vendor {quoted(record.vendor.name)}: choose another, or have it added"
        refuse(RejectionCode.VENDOR_UNKNOWN, words)


def _day(record: AccountingRecord, chart: Chart) -> date:
    day = record.accounting_date
    if chart.is_closed(day) and chart.on_closed == "reject":
        words = f"The accounting date {day} is in a closed period: choose {chart.first_open(day)} or later"
        refuse(RejectionCode.CLOSED_PERIOD, words)
    return chart.first_open(day)


# Whether its money is sound.


def _amounts(record: AccountingRecord, chart: Chart) -> tuple[Decimal, ...]:
    """The amount of each line with the digits of its currency. Both sides add up to the record's amount."""
    lines = record.line_items
    if not lines:
        refuse(RejectionCode.UNBALANCED, "The record has no lines: there is nothing to book")
    for at, line in enumerate(lines):
        if not line.type.is_known:
            refuse(RejectionCode.OTHER, f"{where(at)} is neither debit nor credit: book it by hand")
        if not line.amount.amount.is_finite() or line.amount.amount.is_signed():
            # A sign beside the side would say the direction twice, and perhaps differently.
            refuse(RejectionCode.OTHER, f"The amount of line {at + 1} is negative, or no number: book it by hand")
        if line.amount.amount >= LARGEST:
            refuse(RejectionCode.TOO_LONG, f"The amount of line {at + 1} is larger than any the books take: correct it")
    exponent = _currency(record, chart)
    amounts = tuple(_exact(line, where(at), exponent) for at, line in enumerate(lines))
    sides = {
        side: sum(Fraction(amount) for line, amount in zip(lines, amounts, strict=True) if line.type == side)
        for side in (line.type for line in lines)
    }
    if len(sides) != 2 or len(set(sides.values())) != 1:
        refuse(RejectionCode.UNBALANCED, "Debits and credits of the lines differ, or a side is missing: correct them")
    if _total(record, exponent) not in sides.values():
        refuse(RejectionCode.UNBALANCED, "The amount of the record differs from the debits of its lines: correct it")
    return amounts


def _total(record: AccountingRecord, exponent: int) -> Fraction | None:
    # The sign of a refund's amount is not documented, and the sides say it already.
    amount = record.amount.amount.copy_abs()
    exact = settled(amount, exponent) if amount.is_finite() and amount < LARGEST else None
    return None if exact is None else Fraction(exact)


def _currency(record: AccountingRecord, chart: Chart) -> int:
    currencies = sorted({record.amount.currency, *(line.amount.currency for line in record.line_items)})
    if len(currencies) > 1:
        listed = ", ".join(map(quoted, currencies[:4]))
        refuse(RejectionCode.CURRENCY, f"The record has lines in more than one currency ({listed}): split it")
    currency = currencies[0]
    exponent = exponent_of(currency)
    if exponent is None:
        refuse(RejectionCode.CURRENCY, f"The currency {quoted(currency)} is not in ISO 4217: book it by hand")
    if chart.currencies is not None and currency not in chart.currencies:
        refuse(RejectionCode.CURRENCY, f"The books do not keep {currency}: choose another currency, or have it added")
    return exponent


def _exact(line: LineItem, name: str, exponent: int) -> Decimal:
    amount = settled(line.amount.amount, exponent)
    if amount is None:
        words = f"The amount of {name.lower()} has more than the {exponent} decimals that {line.amount.currency} has"
        refuse(RejectionCode.CURRENCY, f"{words}: correct it")
    return amount


# Its lines.


def _line(
    chart: Chart, line: LineItem, at: int, rule: Coded | Moves, *, entity: str | None, is_coded: bool, amount: Decimal
) -> EntryLine:
    name = where(at)
    if is_coded:
        role, account = None, account_of(chart, line, name)
        check_required(chart, line, name)
    else:
        role = _role(rule, line.type)
        account = _control(chart, role, entity)
    return EntryLine(
        line_id=line.id,
        account=account,
        side=line.type,
        amount=amount,
        currency=line.amount.currency,
        role=role,
        memo=line.memo or None,
        dimensions=dimensions_of(chart, line),
        tax=tax_of(chart, line, name),
        original_amount=line.original_amount,
        billing_amount=line.billing_amount,
        amortization=_amortization(chart, line, name),
    )


def _role(rule: Coded | Moves, side: LineItemType) -> Role:
    if isinstance(rule, Coded):
        return rule.against
    return rule.debit if side == LineItemType.DEBIT else rule.credit


def _control(chart: Chart, role: Role, entity: str | None) -> str:
    account = chart.control_account(role, entity)
    if account is None:
        refuse(RejectionCode.ACCOUNT_UNKNOWN, f"The books have no control account for {role.value}: have it added")
    return account


def _amortization(chart: Chart, line: LineItem, name: str) -> str | None:
    if line.amortization is None:
        return None
    if chart.amortization == "reject":
        # Booked whole it would be an expense of one month, in silence.
        words = f"{name} has an amortization, which the books do not spread: remove it, or book the record by hand"
        refuse(RejectionCode.OTHER, words)
    return json.dumps(line.amortization, default=str, sort_keys=True)


def _check_sense(lines: Sequence[EntryLine], rule: Coded | Moves) -> None:
    if isinstance(rule, Coded):
        control = next(line.account for line in lines if line.role)
        for at, line in enumerate(lines):
            if line.role is None and line.account == control:
                words = f"{where(at)} is coded to {quoted(control)}, which is on the other side already: choose another"
                refuse(RejectionCode.OTHER, words)


# What changed after it was posted.


def _amended(
    record: AccountingRecord, chart: Chart, key: ExportKey, supersedes: ExportKey, standing: Standing | None
) -> tuple[Entry, ...]:
    if standing is None:
        if not is_live(record):
            raise Refused(Skipped("the bill is a draft, void or cancelled, and its entry is not in the books any more"))
        words = f"The record changed, and its entry {supersedes} is not in the books any more: book the change by hand"
        refuse(RejectionCode.OTHER, words)
    if standing.is_reversed:
        return (_anew(record, chart, key, supersedes),)
    earlier = standing.entry
    if standing.is_paid:
        words = f"The record changed after its entry {supersedes} was paid: correct the books by hand"
        refuse(RejectionCode.OTHER, words)
    if chart.is_closed(earlier.date):
        words = f"The record changed, and its entry of {earlier.date} is in a closed period"
        refuse(RejectionCode.CLOSED_PERIOD, f"{words}: reopen the period, or correct the books by hand")
    if not is_live(record):
        return (turned(earlier, key=key, kind=Kind.VOID, amends=supersedes),)
    entry = _anew(record, chart, key, supersedes)
    if earlier.document is Document.BILL and entry.document is Document.BILL:
        return (attrs.evolve(entry, kind=Kind.UPDATE),)
    return (turned(earlier, key=reversal_key(key), kind=Kind.REVERSAL, amends=supersedes), entry)


def _anew(record: AccountingRecord, chart: Chart, key: ExportKey, supersedes: ExportKey) -> Entry:
    try:
        return attrs.evolve(_entry(record, chart, key), kind=Kind.REPLACEMENT, amends=supersedes)
    except Refused as refused:
        if isinstance(refused.outcome, Rejected):
            raise
        # Skipped in silence, its earlier entry would stay.
        words = f"The record changed and {refused.outcome.reason}: take its entry {supersedes} out by hand"
        raise Refused(Rejected(RejectionCode.OTHER, words)) from None
