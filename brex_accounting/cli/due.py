"""What an export has to book."""

from __future__ import annotations

import attrs

from ..enums import ReviewStatus, SourceType
from ..models import AccountingRecord
from ..sync.content import is_live

__all__ = ["Due"]


@attrs.define
class Due:
    """The records that an export books: those that are READY_FOR_EXPORT, ``ready``, and all ``bills`` that are due."""

    ready: list[str] = attrs.field(factory=list)
    bills: list[str] = attrs.field(factory=list)

    @property
    def ids(self) -> list[str]:
        """All of them."""
        return [*self.ready, *self.bills]

    def add(self, record: AccountingRecord) -> None:
        """Take in a record, if it is to be booked."""
        if record.source_type == SourceType.BILL:
            if not is_live(record):
                return
            self.bills.append(record.id)
        elif record.review_status == ReviewStatus.READY_FOR_EXPORT:
            self.ready.append(record.id)
