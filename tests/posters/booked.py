"""Records of every type made to be booked, and what books are expected to hold, as an accountant would write it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs

from brex_accounting.enums import LineItemType, RecordType, ReviewStatus, SourceType
from brex_accounting.models import AccountingFieldValue, AccountingRecord, LineItem, Money, Vendor
from brex_accounting.posters.chart import Chart
from brex_accounting.posters.entries import Entry, Standing
from brex_accounting.posters.rules import entries_for
from brex_accounting.sync.keys import export_key
from brex_accounting.sync.poster import Rejected, Skipped

from .charts import chart

DEBIT, CREDIT = LineItemType.DEBIT, LineItemType.CREDIT
OTHER_SIDE = {DEBIT: CREDIT, CREDIT: DEBIT}
CHART = chart()
CASH = chart(('"accrual"', '"cash"'))
CARDS, STAFF, SUPPLIERS = "2100 Brex card", "2200 Owed to staff", "2000 Accounts payable"
CLEARING, BANK, REWARDS, OWED = "1050 Clearing", "1000 Bank", "4900 Card rewards", "1300 Owed by staff"

# What faces the coded lines, on either side, in the accrual and in the cash books. None: not booked there.
EXPENSES: dict[str, tuple[str | None, str | None]] = {
    "CARD_EXPENSE_POST": (CARDS, CARDS),
    "CARD_EXPENSE_REFUND": (CARDS, CARDS),
    "CARD_EXPENSE_REPAYMENT": (OWED, OWED),
    "REIMBURSEMENT_EXPENSE_APPROVAL": (STAFF, None),
    "REIMBURSEMENT_EXPENSE_POST": (None, CLEARING),
    "REIMBURSEMENT_EXPENSE_REPAYMENT": (OWED, OWED),
    "BILL_EXPENSE": (SUPPLIERS, SUPPLIERS),
}
# Debit and credit, in the accrual and in the cash books.
MOVEMENTS: dict[str, tuple[tuple[str, str] | None, tuple[str, str] | None]] = {
    "CARD_PAYMENT": ((CARDS, CLEARING), (CARDS, CLEARING)),
    "CARD_PAYMENT_REFUND": ((CLEARING, CARDS), (CLEARING, CARDS)),
    "REWARD_REDEMPTION": ((CARDS, REWARDS), (CARDS, REWARDS)),
    "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT": ((STAFF, CLEARING), None),
    "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT_REVERSAL": ((CLEARING, STAFF), None),
    "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYIN": ((CLEARING, BANK), (CLEARING, BANK)),
    "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_REFUND": ((BANK, CLEARING), (BANK, CLEARING)),
    "BILL_EXPENSE_PAYMENT": ((SUPPLIERS, CLEARING), (SUPPLIERS, CLEARING)),
    "BILL_EXPENSE_CARD_PAYMENT": ((SUPPLIERS, CARDS), (SUPPLIERS, CARDS)),
}
CARDS_OF = {"LWI": CARDS, "LWU": "2110 Brex card UK", "LWG": "2120 Brex card DE"}
BY_HAND = ("BILL_MONEY_MOVEMENT_PAYIN", "INVOICE", "INVOICE_PAYMENT")


def value(field: str, chosen: str | None) -> AccountingFieldValue:
    """A field value in the books' own ids."""
    return AccountingFieldValue(
        brex_field_id=f"ef_{field}",
        remote_field_id=field,
        brex_field_value_id=f"efo_{chosen}" if chosen else None,
        remote_field_value_id=chosen,
        field_value_name=chosen,
    )


def coding(account: str | None = "6100", *, entity: str = "LWI") -> tuple[AccountingFieldValue, ...]:
    """The field values of a coded line."""
    return (value("GL_ACCOUNT", account), value("DEPARTMENT", "D01"), value("ENTITY", entity))


def line(
    side: LineItemType,
    amount: str | Decimal,
    values: tuple[AccountingFieldValue, ...] | None = (),
    *,
    currency: str = "USD",
    number: int = 1,
) -> LineItem:
    """A line."""
    money = Money(amount=Decimal(amount), currency=currency)
    return LineItem(id=f"accrli_{number}", type=side, amount=money, accounting_field_values=values)


def source_of(kind: str) -> SourceType:
    """The product that a type belongs to."""
    return SourceType.CARD if kind.startswith(("CARD", "REWARD")) else SourceType(kind.split("_", 1)[0])


def record(
    kind: str = "CARD_EXPENSE_POST",
    amounts: Sequence[str | Decimal] = ("171.75",),
    *,
    side: LineItemType = DEBIT,
    currency: str = "USD",
    values: tuple[AccountingFieldValue, ...] | None = None,
    **changes: Any,
) -> AccountingRecord:
    """A record whose coded lines stand on ``side``, each with one of the amounts, and one bare line against them."""
    total = sum(map(Decimal, amounts), Decimal(0))
    values = coding() if values is None else values
    leading = [line(side, one, values, currency=currency, number=at) for at, one in enumerate(amounts, 1)]
    bare = line(OTHER_SIDE[side], total, currency=currency, number=len(leading) + 1)
    moment = datetime(2026, 6, 11, 12, tzinfo=UTC)
    made = AccountingRecord(
        id=f"accr_{kind}",
        type=RecordType(kind),
        review_status=ReviewStatus.READY_FOR_EXPORT,
        status="APPROVED",
        erp_posting_date=moment,
        updated_at=moment,
        version=1,
        amount=Money(amount=total, currency=currency),
        source_type=source_of(kind),
        source_id="source_1",
        posted_at=moment,
        vendor=Vendor(id="vendor_1", name="Fennelby Inns"),
        line_items=(*leading, bare),
    )
    return attrs.evolve(made, **changes)


def booked(
    one: AccountingRecord, books: Chart = CHART, *, revision: int = 1, standing: Standing | None = None
) -> tuple[Entry, ...] | Rejected | Skipped:
    """What the rules say to a revision of the record."""
    before = export_key(one.id, revision - 1) if revision > 1 else None
    return entries_for(one, books, key=export_key(one.id, revision), supersedes=before, standing=standing)


def entry_of(one: AccountingRecord, books: Chart = CHART) -> Entry:
    """The one entry of a record that is booked."""
    made = booked(one, books)
    assert isinstance(made, tuple), made
    (entry,) = made
    return entry


def balances(entries: Iterable[Entry]) -> dict[tuple[str, str], Decimal]:
    """What is left on each account in each currency, debits less credits; nothing where it is nothing."""
    net: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in entries:
        for one in entry.lines:
            net[one.account, one.currency] += one.signed
    return {key: amount for key, amount in net.items() if amount}


def chosen(one: AccountingRecord, field: str) -> list[str | None]:
    """What each line says for a field."""
    return [
        next((value.remote_field_value_id for value in line.coding if value.remote_field_id == field), None)
        for line in one.line_items
    ]


def added_up(one: AccountingRecord) -> dict[tuple[str, str], Decimal] | None:
    """A record of the lifelike month in the accrual books, account by account, from its lines and these tables alone.

    None: it cannot be booked, because a line has no account or one that takes nothing, or its type has no rule.
    """
    accounts, entity = chosen(one, "GL_ACCOUNT"), next(filter(None, chosen(one, "ENTITY")), None)
    kind = one.type.value
    net: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    if kind in BY_HAND or entity is None or "6710" in accounts:
        return None
    if kind in EXPENSES and (accounts.count(None) != 1 or None in chosen(one, "DEPARTMENT")[:-1]):
        return None
    for item, account in zip(one.line_items, accounts, strict=True):
        if kind in MOVEMENTS:
            sides = MOVEMENTS[kind][0]
            assert sides is not None
            name = sides[0] if item.type == DEBIT else sides[1]
        else:
            name = CHART.accounts[account] if account else str(EXPENSES[kind][0])
        name = CARDS_OF[entity] if name == CARDS else name
        net[name, item.amount.currency] += item.amount.amount if item.type == DEBIT else -item.amount.amount
    return dict(net)
