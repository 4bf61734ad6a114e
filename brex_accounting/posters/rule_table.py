"""What each type of record books, as a table. Pure.

Read a line as: a card expense books the coded account against cards payable; a card payment debits cards
payable and credits bank clearing, and only with ``card_payments = "post"``. Which line is the debit comes
from the record's lines, never from its type.

Source: Brex, Accounting API reference, the descriptions of the record types. The accounts are ordinary
bookkeeping: Brex documents none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import attrs

from ..enums import RecordType

__all__ = [
    "RULES",
    "SWITCHES",
    "Basis",
    "ByHand",
    "Coded",
    "Document",
    "Moves",
    "Role",
    "Rule",
    "Switch",
    "Switched",
    "is_used",
    "roles_in",
    "used_rules",
]

Basis: TypeAlias = Literal["accrual", "cash"]
Switch: TypeAlias = Literal["post", "skip"]
Switched: TypeAlias = Literal["card_payments", "payins", "bill_payments"]

SWITCHES: Final[tuple[Switched, ...]] = ("card_payments", "payins", "bill_payments")


class Role(StrEnum):
    """What a control account is for."""

    CARDS_PAYABLE = "cards_payable"
    """Owed to Brex for its cards."""
    REIMBURSEMENTS_PAYABLE = "reimbursements_payable"
    """Owed to staff."""
    ACCOUNTS_PAYABLE = "accounts_payable"
    """Owed to suppliers."""
    BANK_CLEARING = "bank_clearing"
    """Money on its way between the bank and Brex: the bank feed clears it."""
    REWARDS = "rewards"
    """Income from rewards."""
    EMPLOYEE_RECEIVABLE = "employee_receivable"
    """Owed by staff: what they repay, until the bank shows it."""
    BANK = "bank"
    """The bank account itself: needed only with ``payins = "post"``."""


class Document(StrEnum):
    """What a record becomes in the books."""

    JOURNAL = "journal"
    BILL = "bill"
    BILL_PAYMENT = "bill_payment"


@attrs.frozen
class Coded:
    """The coded lines go to their accounts, the one line without an account to ``against``.

    With a ``basis`` only on that one; on the other it is skipped, because other records book the expense.
    """

    against: Role
    document: Document = Document.JOURNAL
    basis: Basis | None = None


@attrs.frozen
class Moves:
    """Money moves between two control accounts, whatever coding the lines carry.

    A coding may be that of the expense that is paid: taken for the account it would book the expense twice.
    ``switch`` is the chart's word on it. Off its ``basis`` it is skipped, or left to a person ``by_hand``.
    """

    debit: Role
    credit: Role
    document: Document = Document.JOURNAL
    basis: Basis | None = None
    switch: Switched | None = None
    off_basis: Literal["skip", "by_hand"] = "skip"


@attrs.frozen
class ByHand:
    """No rule: a person books it. ``why`` is told to the customer."""

    why: str


Rule: TypeAlias = Coded | Moves | ByHand

_CARDS, _STAFF, _SUPPLIERS = Role.CARDS_PAYABLE, Role.REIMBURSEMENTS_PAYABLE, Role.ACCOUNTS_PAYABLE
_CLEARING, _BANK, _OWED_BY_STAFF, _REWARDS = Role.BANK_CLEARING, Role.BANK, Role.EMPLOYEE_RECEIVABLE, Role.REWARDS
_BILL, _PAYMENT = Document.BILL, Document.BILL_PAYMENT

RULES: Final[Mapping[RecordType, Rule]] = MappingProxyType(
    {
        # Cards.
        RecordType.CARD_EXPENSE_POST: Coded(against=_CARDS),
        RecordType.CARD_EXPENSE_REFUND: Coded(against=_CARDS),
        RecordType.CARD_EXPENSE_REPAYMENT: Coded(against=_OWED_BY_STAFF),
        RecordType.CARD_PAYMENT: Moves(debit=_CARDS, credit=_CLEARING, switch="card_payments"),
        RecordType.CARD_PAYMENT_REFUND: Moves(debit=_CLEARING, credit=_CARDS, switch="card_payments"),
        RecordType.REWARD_REDEMPTION: Moves(debit=_CARDS, credit=_REWARDS),
        # Reimbursements: the expense when it is approved, or when it is paid, never both.
        RecordType.REIMBURSEMENT_EXPENSE_APPROVAL: Coded(against=_STAFF, basis="accrual"),
        RecordType.REIMBURSEMENT_EXPENSE_POST: Coded(against=_CLEARING, basis="cash"),
        RecordType.REIMBURSEMENT_EXPENSE_REPAYMENT: Coded(against=_OWED_BY_STAFF),
        RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT: Moves(debit=_STAFF, credit=_CLEARING, basis="accrual"),
        # On the cash basis the expense was booked as paid, and the reversal does not say which account it was.
        RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT_REVERSAL: Moves(
            debit=_CLEARING, credit=_STAFF, basis="accrual", off_basis="by_hand"
        ),
        RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYIN: Moves(debit=_CLEARING, credit=_BANK, switch="payins"),
        RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_REFUND: Moves(debit=_BANK, credit=_CLEARING, switch="payins"),
        # Bills. No bank feed shows a bill that was paid by card, so that one has no switch.
        RecordType.BILL_EXPENSE: Coded(against=_SUPPLIERS, document=_BILL),
        RecordType.BILL_EXPENSE_PAYMENT: Moves(
            debit=_SUPPLIERS, credit=_CLEARING, document=_PAYMENT, switch="bill_payments"
        ),
        RecordType.BILL_EXPENSE_CARD_PAYMENT: Moves(debit=_SUPPLIERS, credit=_CARDS, document=_PAYMENT),
        # Brex does not say what these mean.
        RecordType.BILL_MONEY_MOVEMENT_PAYIN: ByHand("Brex does not document what a payin for bills is"),
        RecordType.INVOICE: ByHand("Brex does not document what an invoice is"),
        RecordType.INVOICE_PAYMENT: ByHand("Brex does not document what an invoice payment is"),
    }
)
"""What each type books. A type that is not here is nobody's guess: it is rejected."""


def is_used(rule: Rule, *, basis: Basis, switches: Mapping[Switched, Switch]) -> bool:
    """Whether a rule posts anything under a basis and the switches. One that is not given counts as "post"."""
    if isinstance(rule, ByHand) or rule.basis not in (None, basis):
        return False
    return isinstance(rule, Coded) or rule.switch is None or switches.get(rule.switch, "post") == "post"


def used_rules(*, basis: Basis, switches: Mapping[Switched, Switch]) -> Iterator[tuple[RecordType, Coded | Moves]]:
    """The rules that post something, with their types."""
    for kind, rule in RULES.items():
        if not isinstance(rule, ByHand) and is_used(rule, basis=basis, switches=switches):
            yield kind, rule


def roles_in(rule: Coded | Moves) -> tuple[Role, ...]:
    """The control accounts that a rule needs."""
    return (rule.against,) if isinstance(rule, Coded) else (rule.debit, rule.credit)
