"""A lifelike month end at a mid-size company: 250 staff, 120 cardholders, three entities.

``month`` says what each record is and when it happened, ``deals`` what it cost; here it gets its
people, its papers and its lines. Nothing is kept per record.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ...enums import RecordType, ReviewStatus, SourceType
from ...models import AccountingFieldValue, AccountingRecord, LineItem, Money, Receipt, User, Vendor
from . import people
from .bookings import SHAPES, Coded, Header, lines, money
from .deals import COMPANY_MONEY, Deal, Deals, line_count, split
from .draws import Draws, Ids, mix
from .month import Month, Place, instant

__all__ = ["LifelikeSeed"]

# The numbers of the first draws about people and the rest of a slot; month and deals use lower ones.
_PEOPLE, _REST = 32, 256

_VERSION_EDGES = (0.08, 0.35, 0.60, 0.74, 0.83, 0.89, 0.935, 0.96, 0.975, 0.985, 0.992, 1.0)
_BILLED = frozenset({RecordType.BILL_EXPENSE, RecordType.BILL_EXPENSE_PAYMENT, RecordType.BILL_EXPENSE_CARD_PAYMENT})
# guess: status is seen once (SUBMITTED, on a charge still in PREPARE); its values are those of an expense.
_STATUS = {
    ReviewStatus.PREPARE: "SUBMITTED",
    ReviewStatus.REVIEW: "SUBMITTED",
    ReviewStatus.READY_FOR_EXPORT: "APPROVED",
    ReviewStatus.EXPORTED: "SETTLED",
}


class LifelikeSeed:
    """``records`` records of one lifelike month."""

    def __init__(self, records: int, root: int) -> None:
        self._records = records
        self._month = Month(records, mix(root + 1))
        self._ids = Ids.of("accr_", root)
        self._line_ids = Ids.of("accrli_", root)
        self._receipt_ids = Ids.of("receipt_", root)
        self._users = Ids.of("cuuser_", root)
        self._merchants = Ids.of("pmch_", root)
        self._suppliers = Ids.of("vendor_", root)
        self._fields = Ids.of("extended_field_", root)
        self._options = Ids.of("efo_", root)
        self._account = Ids.of("cuacc_", root).text(0)
        # guess: only expense_ has been seen.
        self._sources = {
            SourceType.CARD: Ids.of("expense_", root),
            SourceType.REIMBURSEMENT: Ids.of("reimbursement_", root),
            SourceType.BILL: Ids.of("bill_", root),
        }
        self._deals = Deals(self._month)

    def __len__(self) -> int:
        return self._records

    @property
    def company_id(self) -> str:
        """The company that the records belong to."""
        return self._account

    def codings(self) -> Iterator[AccountingFieldValue]:
        """Every entry that a line can carry."""
        return people.codings(self._fields, self._options)

    def header(self, index: int) -> Header:
        """What listing needs of a record."""
        return self._month.header(self._checked(index))

    def record_id(self, index: int) -> str:
        """The id of a record."""
        return self._ids.text(self._checked(index))

    def index_of(self, record_id: str) -> int | None:
        """The index behind an id made here."""
        number = self._ids.number(record_id)
        return number if number is not None and number < self._records else None

    def record(self, index: int) -> AccountingRecord:
        """The whole record."""
        place = self._month.place(self._checked(index))
        source = self._month.source(place)
        kind, shape = place.type, SHAPES[place.type]
        deal = self._deals.of(place, source)
        draws = Draws(self._month.key_of(place.slot), _REST)
        review = self._month.review_status(place.slot)
        posted_us = self._month.posted_us(place)
        total = money(deal.units, deal.currency)
        original = money(deal.original(deal.units), deal.original_currency)
        return AccountingRecord(
            receipts=self._receipts(place, shape.source, draws),
            user=self._user(kind, deal, source, draws),
            vendor=self._vendor(kind, deal, shape.source),
            memo=people.memo(draws) if draws.unit() < 0.7 else None,
            due_at=self._due(source) if kind in _BILLED else None,
            invoice_number=self._invoice_number(source) if kind in _BILLED else None,
            status=self._status(place, review),
            id=self.record_id(index),
            type=kind,
            review_status=review,
            erp_posting_date=_booked(posted_us, draws),
            updated_at=instant(self._month.updated_us(place, posted_us)),
            version=self._version(place, draws),
            # guess: positive on every type; the sign of a refund's amount is not documented.
            amount=total,
            source_type=shape.source,
            source_id=self._sources[shape.source].text(source),
            posted_at=instant(posted_us),
            original_amount=original,
            # guess: the captured card record has it; taken to be on every product.
            billing_amount=total,
            line_items=self._lines(place, deal, total, original, review, draws),
        )

    def _checked(self, index: int) -> int:
        if not 0 <= index < self._records:
            raise IndexError(f"no record {index} among {self._records}")
        return index

    def _user(self, kind: RecordType, deal: Deal, source: int, draws: Draws) -> User | None:
        if draws.unit() < 0.01:
            return None
        draw = Draws(self._month.key_of(source), _PEOPLE).bits()
        if kind in COMPANY_MONEY or kind.startswith("BILL"):
            number = draw * 4 >> 64
        else:
            number = people.staff_of(deal.entity, cardholder=kind.startswith("CARD"), draw=draw)
        return people.user(self._users, self._account, number)

    def _vendor(self, kind: RecordType, deal: Deal, source: SourceType) -> Vendor | None:
        if kind in COMPANY_MONEY:
            return None
        if source is SourceType.BILL:
            return people.supplier(self._suppliers, deal.merchant)
        return people.merchant(self._merchants, deal.merchant)

    def _receipts(self, place: Place, source: SourceType, draws: Draws) -> tuple[Receipt, ...]:
        chance = draws.unit()
        # guess: the shares for reimbursements and bills, where a document is the rule.
        share = 0.62 if source is SourceType.CARD else 0.9 if SHAPES[place.type].coded else 0.0
        if chance >= share:
            return ()
        count = 2 if chance < 0.03 else 1
        return tuple(Receipt(id=self._receipt_ids.text(place.slot * 4 + at)) for at in range(count))

    def _status(self, place: Place, review: ReviewStatus) -> str:
        if place.type is RecordType.BILL_EXPENSE:
            if self._month.is_cancelled(place.rank):
                return "CANCELED"
            return "SETTLED" if self._month.is_paid(place.rank) else "APPROVED"
        return _STATUS[review] if SHAPES[place.type].coded else "SETTLED"

    def _version(self, place: Place, draws: Draws) -> int:
        version = 1 + draws.pick(_VERSION_EDGES)
        return version + self._month.is_amended(place)

    def _due(self, source: int) -> datetime:
        posted = instant(self._month.posted_us(self._month.place_at(source)))
        days = (15, 30, 30, 45, 60)[Draws(self._month.key_of(source), _PEOPLE + 1).below(5)]
        return posted.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)

    def _invoice_number(self, source: int) -> str:
        draw = Draws(self._month.key_of(source), _PEOPLE + 2).bits()
        return f"{('INV-', '2026/', 'R', '')[draw >> 62]}{draw % 99_991:05}"

    def _lines(
        self, place: Place, deal: Deal, total: Money, original: Money, review: ReviewStatus, draws: Draws
    ) -> tuple[LineItem, ...]:
        shape = SHAPES[place.type]
        base = place.slot * 64
        parts = split(deal.units, line_count(place.type, draws), draws)
        uncoded = -1
        if review is ReviewStatus.PREPARE and draws.unit() < 0.08:
            uncoded = draws.below(3)
        if len(parts) == 1:
            leading = [Coded(total, original, self._coding(deal, shape.coded, uncoded, draws))]
        else:
            rest = deal.original(deal.units)
            leading = []
            for at, part in enumerate(parts, 1):
                abroad = deal.original(part) if at < len(parts) else rest
                rest -= abroad
                coding = self._coding(deal, shape.coded, uncoded, draws)
                amounts = money(part, deal.currency), money(abroad, deal.original_currency)
                leading.append(Coded(*amounts, coding, people.memo(draws) if draws.unit() < 0.3 else None))
        return lines(shape.side, leading, total, original, lambda at: self._line_ids.text(base + at))

    def _coding(self, deal: Deal, coded: bool, uncoded: int, draws: Draws) -> tuple[AccountingFieldValue, ...] | None:
        entity = people.entity(self._fields, self._options, deal.entity)
        if not coded:
            # guess: a movement of money names its entity and no account.
            return (entity,)
        usual = draws.unit() < 0.85
        account = people.account_of(deal.merchant) if usual else draws.below(20)
        department = people.department(self._fields, self._options, draws.below(8))
        # Seen: an uncoded charge has a null value, or no GL entry, or no list; which of them varies.
        if uncoded == 2:
            return None
        if uncoded == 1:
            return (department, entity)
        chosen = None if uncoded == 0 else account
        return (people.gl_account(self._fields, self._options, chosen), department, entity)


def _booked(posted_us: int, draws: Draws) -> datetime:
    """The accounting date: the posting date, except for 2 % that somebody moved."""
    booked = instant(posted_us + draws.below(1000))
    if draws.unit() >= 0.02:
        return booked
    if booked.day <= 5:
        return datetime(2026, 5, 31, tzinfo=UTC)
    if booked.day >= 26:
        return datetime(2026, 7, 1, tzinfo=UTC)
    return booked + timedelta(days=(-3, -2, -1, 1, 2, 3)[draws.below(6)])
