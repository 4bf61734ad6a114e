"""The nouns: frozen values in the wire's own names and order. No JSON, no I/O.

Money is an exact ``Decimal`` in major currency units, time is aware (UTC wherever Brex sends
``Z``), lists are tuples. A field that is ``None`` was null or absent on the wire. Fields marked
*seen* are undocumented but appear in captured records.

Source: Brex, Accounting API reference, "Query accounting records" and "Get accounting record".
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar, cast

import attrs

from .enums import (
    IntegrationStatus,
    LineItemType,
    RecordType,
    ReviewStatus,
    SourceType,
    UserRole,
    UserStatus,
)
from .pages import Checkpoint, Page
from .wiretypes import Instant, JsonValue, Unmodelled

__all__ = [
    "ALL_TIME",
    "AccountingFieldValue",
    "AccountingRecord",
    "BadRecord",
    "Checkpoint",
    "ConfirmedReport",
    "ExportFailure",
    "ExportReport",
    "ExportResult",
    "ExportSuccess",
    "Instant",
    "Integration",
    "JsonValue",
    "LineItem",
    "Money",
    "Page",
    "Receipt",
    "SchemaDrift",
    "UpdatedAt",
    "User",
    "Vendor",
]

T = TypeVar("T")

if TYPE_CHECKING:
    Amount: TypeAlias = Decimal
else:
    # msgspec would accept "NaN" and "1_000" for a Decimal, and the text is gone by then. Untyped,
    # with a float hook that makes Decimals, the codec still sees what was sent and settles it.
    Amount = Annotated[Any, "amount"]


def _with_defaults_on_class(cls: type[T]) -> type[T]:
    for field in attrs.fields(cast("type[attrs.AttrsInstance]", cls)):
        if field.default is None and not field.inherited:
            setattr(cls, field.name, None)
    return cls


@attrs.frozen(kw_only=True, weakref_slot=False)
class Money:
    """An exact amount in major currency units (171.75 is 171 dollars and 75 cents)."""

    amount: Amount
    currency: str


@attrs.frozen(kw_only=True, weakref_slot=False)
class Receipt:
    """A receipt. Its ``download_uris`` are presigned and expire 15 minutes after they were served."""

    id: str
    download_uris: tuple[str, ...] | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True, weakref_slot=False, getstate_setstate=False)
class _UserAsSent:
    """What Brex sends of every user."""

    id: str
    first_name: str
    last_name: str
    email: str
    role: UserRole
    status: UserStatus
    account_id: str | None = None


# No slots, because Brex leaves most of the organisation fields out: an absent field is filled by looking for
# it first, and finding it on the class is many times cheaper than not finding it. What is always sent has
# slots, and as long as nothing else is sent there is no dictionary.
@_with_defaults_on_class
@attrs.frozen(kw_only=True, slots=False, getstate_setstate=True)
class User(_UserAsSent):
    """The person behind a record. ``account_id`` (seen, ``cuacc_...``) is the Brex company."""

    manager_id: str | None = None
    manager_first_name: str | None = None
    manager_last_name: str | None = None
    manager_title_id: str | None = None
    manager_title_name: str | None = None
    department_id: str | None = None
    department_name: str | None = None
    location_id: str | None = None
    location_name: str | None = None
    title_id: str | None = None
    title_name: str | None = None


@attrs.frozen(kw_only=True, weakref_slot=False)
class Vendor:
    """The merchant or supplier. For card records ``id`` is a card merchant (``pmch_...``)."""

    id: str
    name: str
    contact_name: str | None = None
    email: str | None = None
    website: str | None = None
    phone: str | None = None


@attrs.frozen(kw_only=True, weakref_slot=False)
class AccountingFieldValue:
    """One coding of a line: a field (say, the GL account) and the chosen value.

    ``brex_field_value_id`` is documented as required but null on uncoded charges (seen).
    ``field_name``, ``field_value_name`` and ``type`` are seen, not documented.
    """

    brex_field_id: str
    remote_field_id: str | None = None
    field_name: str | None = None
    brex_field_value_id: str | None = None
    remote_field_value_id: str | None = None
    field_value_name: str | None = None
    type: str | None = None


@attrs.frozen(kw_only=True, weakref_slot=False)
class LineItem:
    """One side of the double entry. Amounts are always positive; ``type`` gives the direction.

    ``billing_amount`` (seen on debits only) and ``amortization`` are undocumented.
    ``accounting_field_values`` is None when Brex sent no list at all, empty when it sent an empty one.
    """

    memo: str | None = None
    id: str
    type: LineItemType
    amount: Money
    original_amount: Money | None = None
    billing_amount: Money | None = None
    accounting_field_values: tuple[AccountingFieldValue, ...] | None = None
    amortization: Unmodelled = attrs.field(default=None, hash=False)  # it may hold a list or an object

    @property
    def coding(self) -> tuple[AccountingFieldValue, ...]:
        """The field values, empty when there are none or no list was sent."""
        return self.accounting_field_values or ()


@attrs.frozen(kw_only=True)
class AccountingRecord:
    """One accounting record with its double-entry lines.

    ``posted_at`` is settlement: Brex sends no purchase date. ``status`` and ``billing_amount`` are
    seen, not documented. ``due_at`` and ``invoice_number`` are for bills only.
    """

    receipts: tuple[Receipt, ...] | None = None
    user: User | None = None
    vendor: Vendor | None = None
    memo: str | None = None
    due_at: Instant | None = None
    invoice_number: str | None = None
    status: str | None = None
    id: str
    type: RecordType
    review_status: ReviewStatus
    erp_posting_date: Instant
    updated_at: Instant
    version: int
    amount: Money
    source_type: SourceType
    source_id: str | None = None
    posted_at: Instant
    original_amount: Money | None = None
    billing_amount: Money | None = None
    line_items: tuple[LineItem, ...]

    @property
    def debits(self) -> tuple[LineItem, ...]:
        """The lines on the debit side."""
        return tuple(line for line in self.line_items if line.type == LineItemType.DEBIT)

    @property
    def credits(self) -> tuple[LineItem, ...]:
        """The lines on the credit side."""
        return tuple(line for line in self.line_items if line.type == LineItemType.CREDIT)

    @property
    def is_balanced(self) -> bool:
        """Whether debits equal credits exactly in every currency, with a line on each side.

        A single-entry record, or a line of an unknown type, is not balanced.
        """
        return bool(self.debits and self.credits) and _nets_to_zero(self.line_items)

    @property
    def accounting_date(self) -> date:
        """The UTC date of ``erp_posting_date``: the day the entry belongs to in the books."""
        return self.erp_posting_date.astimezone(UTC).date()


def _nets_to_zero(lines: tuple[LineItem, ...]) -> bool:
    # Fractions: adding Decimals rounds to the context's precision.
    net: defaultdict[str, Fraction] = defaultdict(Fraction)
    for line in lines:
        if not line.type.is_known:
            return False
        amount = Fraction(line.amount.amount)
        net[line.amount.currency] += amount if line.type == LineItemType.DEBIT else -amount
    return not any(net.values())


@attrs.frozen(kw_only=True)
class Integration:
    """The link between one Brex account and one accounting system.

    ``id`` is read from whichever key Brex sends: its schema says ``integration_id``, its examples ``id``.
    """

    id: str
    vendor: str
    vendor_account_id: str
    status: IntegrationStatus
    created_at: Instant


@attrs.frozen(kw_only=True)
class ExportResult:
    """What became of one record: an ``ExportSuccess`` or an ``ExportFailure``."""

    accounting_record_id: str


@attrs.frozen(kw_only=True)
class ExportSuccess(ExportResult):
    """The record was booked. ``reference_id`` and ``deep_link_url`` point to it in the accounting system."""

    reference_id: str | None = None
    deep_link_url: str | None = None


@attrs.frozen(kw_only=True)
class ExportFailure(ExportResult):
    """The record could not be booked. The customer reads ``error_message`` in Brex."""

    error_message: str


@attrs.frozen(kw_only=True)
class ExportReport:
    """What Brex said to reported results: ids it ``updated``, and ids sent that it did ``not_named``."""

    updated: tuple[str, ...]
    not_named: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ConfirmedReport:
    """What became of the results given to ``report_confirmed``: each id is in one list at most.

    ``updated``: Brex named it; or the answer was lost, and the record reads as it should.
    ``already_exported``: by somebody else, or earlier. ``presumed_reported``: a failure whose answer was
    lost, and the record is back with the customer. ``not_ready``: it is in another state than
    READY_FOR_EXPORT, and nothing was reported. ``not_found``: Brex does not return it.
    An id in no list (on an error's ``confirmed``) is not settled.
    """

    updated: tuple[str, ...] = ()
    already_exported: tuple[str, ...] = ()
    presumed_reported: tuple[str, ...] = ()
    not_ready: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()


Bound: TypeAlias = datetime | date | None


@attrs.frozen(kw_only=True)
class UpdatedAt:
    """A window on ``updated_at``. Bounds are aware datetimes, or dates (midnight UTC).

    At most one lower (``gt``, ``gte``) and one upper (``lt``, ``lte``) bound.
    """

    gt: Bound = None
    gte: Bound = None
    lt: Bound = None
    lte: Bound = None


ALL_TIME = UpdatedAt(gte=datetime(2000, 1, 1, tzinfo=UTC))
"""Every record there is. Without a window Brex silently leaves history out, so this is the default."""


@attrs.frozen(kw_only=True)
class SchemaDrift:
    """Field names that differ between the wire and the models, as paths; never a value.

    ``unknown`` were sent and are not modelled; ``missing`` are modelled and were in no object sent.
    """

    call: str
    unknown: tuple[str, ...]
    missing: tuple[str, ...]


@attrs.frozen(kw_only=True)
class BadRecord:
    """A record that could not be decoded, on a page whose other records could.

    ``record_id`` is given when it could be read. ``raw`` is its JSON.
    """

    index: int
    record_id: str | None
    problem: str
    raw: bytes = attrs.field(repr=False)
