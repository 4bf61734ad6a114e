"""Hand-made shapes of records, each wrong for somebody's code.

A shape is legal by the schema, or was seen, or is what an unannounced but compatible change of the API
would look like. All but the one without lines balance: they are hard to read, not wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import attrs

from ...enums import RecordType, ReviewStatus, SourceType, UserRole, UserStatus
from ...models import AccountingFieldValue, AccountingRecord, LineItem, Money, Receipt, User, Vendor
from .bookings import SHAPES, Coded, Shape, lines

__all__ = ["CODINGS", "COMPANY_ID", "UPDATED", "oddities"]

UPDATED = datetime(2026, 7, 1, 6, tzinfo=UTC)
"""The earliest change of any awkward record."""

_STATUSES = (ReviewStatus.READY_FOR_EXPORT, ReviewStatus.EXPORTED, ReviewStatus.PREPARE, ReviewStatus.REVIEW)
_GL = AccountingFieldValue(
    brex_field_id="extended_field_gl",
    remote_field_id="GL_ACCOUNT",
    field_name="GL Account",
    brex_field_value_id="efo_6410",
    remote_field_value_id="6410",
    field_value_name="6410 Team meals",
    type="IDENTIFIER",
)
_DEPARTMENT = AccountingFieldValue(
    brex_field_id="extended_field_department",
    remote_field_id="DEPARTMENT",
    field_name="Department",
    brex_field_value_id="efo_d01",
    remote_field_value_id="D01",
    field_value_name="Engineering",
    type="IDENTIFIER",
)
CODINGS = (_GL, _DEPARTMENT)
"""The entries that the awkward lines carry, as they were before they were bent."""

COMPANY_ID = "cuacc_awkward"

_USER = User(
    id="cuuser_awkward",
    first_name="Perrin",
    last_name="Quarrie",
    email="perrin.quarrie@example.invalid",
    role=UserRole.EMPLOYEE,
    status=UserStatus.ACTIVE,
    account_id=COMPANY_ID,
)
_VENDOR = Vendor(id="pmch_awkward", name="Gorsehill Bistro", website="https://example.invalid/")
_POSTED = datetime(2026, 6, 16, 9, 41, 7, 302_000, tzinfo=UTC)


def _plain(kind: RecordType = RecordType.CARD_EXPENSE_POST) -> AccountingRecord:
    """An ordinary record of a type, to be bent."""
    # guess: a type nobody knows yet is shaped like a charge.
    shape = SHAPES.get(kind, SHAPES[RecordType.CARD_EXPENSE_POST])
    is_bill = shape.source is SourceType.BILL
    record = AccountingRecord(
        receipts=(),
        user=_USER,
        vendor=attrs.evolve(_VENDOR, id="vendor_awkward") if is_bill else _VENDOR,
        due_at=datetime(2026, 7, 16, tzinfo=UTC) if is_bill else None,
        invoice_number="INV-0042" if is_bill else None,
        status="SUBMITTED",
        id="",
        type=kind,
        review_status=ReviewStatus.READY_FOR_EXPORT,
        erp_posting_date=_POSTED + timedelta(microseconds=118),
        updated_at=UPDATED,
        version=2,
        amount=Money(amount=Decimal(0), currency="USD"),
        source_type=shape.source,
        source_id="",
        posted_at=_POSTED,
        line_items=(),
    )
    return _of(record, "52.80", coding=(_GL, _DEPARTMENT) if shape.coded else ())


def _of(
    record: AccountingRecord,
    *amounts: str,
    currency: str = "USD",
    total: str | None = None,
    coding: tuple[AccountingFieldValue, ...] | None = (_GL,),
) -> AccountingRecord:
    """The record with a leading line for each amount; ``total`` when they are several."""
    parts = [Money(amount=Decimal(amount), currency=currency) for amount in amounts]
    whole = parts[0] if total is None else Money(amount=Decimal(total), currency=currency)
    shape: Shape = SHAPES.get(record.type, SHAPES[RecordType.CARD_EXPENSE_POST])
    leading = [Coded(part, part, coding) for part in parts]
    built = lines(shape.side, leading, whole, whole, str)
    return attrs.evolve(record, amount=whole, original_amount=whole, billing_amount=whole, line_items=built)


def _leading(record: AccountingRecord, first: LineItem) -> AccountingRecord:
    return attrs.evolve(record, line_items=(first, *record.line_items[1:]))


def oddities() -> tuple[AccountingRecord, ...]:
    """Every shape, without ids."""
    shapes = (*_types(), *_amounts(), *_codings(), *_people(), *_texts(), *_papers(), *_dates())
    # Every review state, and not always the same one for a type of trouble.
    return tuple(attrs.evolve(shape, review_status=_STATUSES[at % len(_STATUSES)]) for at, shape in enumerate(shapes))


def _types() -> list[AccountingRecord]:
    """Every known type, and one that a later release might bring."""
    return [*(_plain(kind) for kind in RecordType), _plain(RecordType("CARD_EXPENSE_ADJUSTMENT_V2"))]


def _amounts() -> list[AccountingRecord]:
    """Amounts that binary floats, two-digit formats and string comparisons get wrong."""
    plain = _plain()
    abroad = Money(amount=Decimal("0.333"), currency="BHD")
    return [
        _of(plain, "7.125", currency="BHD"),
        _of(plain, "5080", currency="JPY"),
        _of(plain, "0.1"),
        _of(plain, "0.10"),
        _of(plain, "0.01"),
        _of(plain, "12345678901234.56"),
        _of(plain, "1E+2"),
        _of(plain, "0.1", "0.2", "0.30", total="0.6"),
        _of(plain, "33.33", "33.33", "33.34", total="100"),
        _of(plain, *[f"{at}.{at % 100:02}" for at in range(1, 61)], total="1848.30"),
        attrs.evolve(_of(plain, "0.88"), original_amount=abroad),
        attrs.evolve(plain, original_amount=None, billing_amount=None),
    ]


def _codings() -> list[AccountingRecord]:
    """Lines without an account in each way there is, and values that need care."""
    plain = _plain()
    blank = attrs.evolve(_GL, brex_field_value_id=None, remote_field_value_id=None, field_value_name=None)
    bare = AccountingFieldValue(brex_field_id="extended_field_gl", brex_field_value_id="efo_6410")
    odd_name = attrs.evolve(_GL, field_value_name="6490 Büro & Reise: «Sonstiges» / その他 ", type="FREE_FORM")
    first = plain.line_items[0]
    return [
        _of(plain, "11.40", coding=(blank, _DEPARTMENT)),
        _of(plain, "11.40", coding=(_DEPARTMENT,)),
        _of(plain, "11.40", coding=()),
        _of(plain, "11.40", coding=None),
        _of(plain, "11.40", coding=(attrs.evolve(_GL, remote_field_value_id=None),)),
        _of(plain, "11.40", coding=(bare,)),
        _of(plain, "11.40", coding=(odd_name,)),
        # The balancing line is None too: a reader may expect a list on every line.
        attrs.evolve(
            plain,
            line_items=tuple(attrs.evolve(line, accounting_field_values=None) for line in plain.line_items),
        ),
        # guess: amortization has only been seen as null.
        _leading(
            plain,
            attrs.evolve(first, amortization={"method": "STRAIGHT_LINE", "months": 12, "start": "2026-07-01"}),
        ),
        # A movement nobody booked: there is nothing to add up.
        attrs.evolve(plain, line_items=()),
    ]


def _people() -> list[AccountingRecord]:
    """Users and vendors that are missing, padded, unknown or far from ASCII."""
    plain = _plain()
    padded = attrs.evolve(_USER, first_name="Perrin ", last_name=" Quarrie  ")
    unknown = attrs.evolve(_USER, role=UserRole("TRAVEL_ADMIN"), status=UserStatus("ON_LEAVE"))
    # Decomposed accents: equal on paper to the composed spelling, not equal as a string.
    foreign = attrs.evolve(_USER, first_name="Zoe\u0308", last_name="O\u2019Ma\u0301le\u0301 \U00020bb7田")
    organised = attrs.evolve(
        _USER,
        manager_id="cuuser_awkward_manager",
        manager_first_name="Ulla ",
        manager_last_name="Åkerlind",
        department_id="dep_awkward",
        department_name="",
        location_id="loc_awkward",
        location_name="Reykjavík",
    )
    return [
        attrs.evolve(plain, user=None),
        attrs.evolve(plain, vendor=None),
        attrs.evolve(plain, user=None, vendor=None, memo=None, status=None, source_id=None),
        attrs.evolve(plain, user=padded, vendor=attrs.evolve(_VENDOR, name=" Gorsehill Bistro ")),
        attrs.evolve(plain, user=unknown, status="SUBMITTED_AGAIN"),
        attrs.evolve(plain, user=foreign, vendor=attrs.evolve(_VENDOR, name="Café “Ñandú” ☕ → 東京支店 #7")),
        attrs.evolve(plain, user=organised),
        attrs.evolve(_plain(RecordType.BILL_EXPENSE), due_at=None, invoice_number=""),
        attrs.evolve(_plain(RecordType.BILL_EXPENSE), status="CANCELED", invoice_number=" 000123;\tA/B "),
    ]


def _texts() -> list[AccountingRecord]:
    """Memos that break line-based files, terminals, spreadsheets and column widths."""
    plain = _plain()
    return [
        attrs.evolve(plain, memo=memo)
        for memo in (
            "",
            "first line\nsecond line\r\nthird line\n",
            "line separator\u2028inside, paragraph\u2029too",
            "team dinner 🎉👩🏽\u200d🚀 for the launch",
            "עבור ארוחת צהריים \u202eabc\u202c مع العميل",
            "=SUM(A1:A9); \"quoted\", 'single' and \\ backslash",
            "tab\tand bell\u0007and a null-looking %00",
            "replacement \ufffd, byte order mark \ufeff, zero width \u200b",
            "a long story about one taxi. " * 400,
        )
    ]


def _papers() -> list[AccountingRecord]:
    """Receipts: no list, none, not yet downloadable, several with several pages."""
    plain = _plain()
    pages = tuple(f"https://example.invalid/receipts/page-{page}?signature=%2Babc%3D" for page in range(1, 4))
    return [
        attrs.evolve(plain, receipts=receipts)
        for receipts in (
            None,
            (Receipt(id=""),),
            (Receipt(id="", download_uris=()),),
            (Receipt(id="", download_uris=pages), Receipt(id="", download_uris=pages[:2])),
        )
    ]


def _dates() -> list[AccountingRecord]:
    """Instants on the edge of a month, a closed year, and one that prints without a fraction."""
    plain = _plain()
    last = datetime(2026, 6, 30, 23, 59, 59, 999_999, tzinfo=UTC)
    first = datetime(2026, 6, 1, tzinfo=UTC)
    old = datetime(2025, 12, 31, 12, tzinfo=UTC)
    return [
        attrs.evolve(plain, erp_posting_date=last, posted_at=last.replace(microsecond=999_000)),
        attrs.evolve(plain, erp_posting_date=first, posted_at=first, version=1),
        attrs.evolve(plain, erp_posting_date=old, version=117),
    ]
