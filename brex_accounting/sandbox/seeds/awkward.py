"""Records that break careless readers: the shapes of ``oddities``, repeated with ids and times of their own.

They have a profile to themselves so that they do not own the totals of a lifelike month.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import attrs

from ...enums import SourceType
from ...models import AccountingFieldValue, AccountingRecord
from .bookings import Header
from .draws import Ids
from .oddities import CODINGS, COMPANY_ID, UPDATED, oddities

__all__ = ["AwkwardSeed"]

# Set apart from the numbers of lifelike records, which share the id key in a mixed profile.
_APART = 1 << 40
_UPDATED_US = 2 * 24 * 3_600_000_000

_SOURCE_PREFIXES = {
    SourceType.CARD: "expense_",
    SourceType.REIMBURSEMENT: "reimbursement_",
    SourceType.BILL: "bill_",
}


class AwkwardSeed:
    """``records`` records, going through the shapes again and again with new ids and times."""

    def __init__(self, records: int, root: int) -> None:
        self._records = records
        self._ids = Ids.of("accr_", root)
        self._line_ids = Ids.of("accrli_", root)
        self._receipt_ids = Ids.of("receipt_", root)
        self._sources = {source: Ids.of(prefix, root) for source, prefix in _SOURCE_PREFIXES.items()}
        self._shapes = oddities()
        # Two neighbours share each instant: a reader that resumes with "gt" loses the second.
        self._step_us = max(1, _UPDATED_US // (records // 2 + 1))

    def __len__(self) -> int:
        return self._records

    @property
    def company_id(self) -> str:
        """The company that the records belong to."""
        return COMPANY_ID

    def codings(self) -> Iterator[AccountingFieldValue]:
        """Every entry that a line can carry."""
        return iter(CODINGS)

    def header(self, index: int) -> Header:
        """What listing needs of a record."""
        shape = self._shape(index)
        return Header(self._updated_at(index), shape.review_status, shape.source_type)

    def record_id(self, index: int) -> str:
        """The id of a record."""
        return self._ids.text(self._checked(index) + _APART)

    def index_of(self, record_id: str) -> int | None:
        """The index behind an id made here."""
        number = self._ids.number(record_id)
        return number - _APART if number is not None and 0 <= number - _APART < self._records else None

    def record(self, index: int) -> AccountingRecord:
        """The whole record."""
        shape = self._shape(index)
        base = _APART + index * 64
        source_id = self._sources[shape.source_type].text(index + _APART)
        receipts = shape.receipts
        if receipts:
            receipts = tuple(attrs.evolve(one, id=self._receipt_ids.text(base + at)) for at, one in enumerate(receipts))
        return attrs.evolve(
            shape,
            id=self.record_id(index),
            updated_at=self._updated_at(index),
            source_id=None if shape.source_id is None else source_id,
            receipts=receipts,
            line_items=tuple(
                attrs.evolve(line, id=self._line_ids.text(base + at)) for at, line in enumerate(shape.line_items)
            ),
        )

    def _checked(self, index: int) -> int:
        if not 0 <= index < self._records:
            raise IndexError(f"no record {index} among {self._records}")
        return index

    def _shape(self, index: int) -> AccountingRecord:
        return self._shapes[self._checked(index) % len(self._shapes)]

    def _updated_at(self, index: int) -> datetime:
        return UPDATED + timedelta(microseconds=index // 2 * self._step_us)
