"""The lists that an export reads, and those that come before it: read once, and nothing kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, TypeAlias

import attrs

from ..client import BrexAccounting
from ..enums import ReviewStatus, SourceType
from ..errors import CursorExpired
from ..models import ALL_TIME, AccountingRecord, BadRecord, UpdatedAt
from ..paging import RecordQuery
from .outcomes import Unreadable

__all__ = ["Lists", "Read"]


@attrs.frozen
class Read:
    """A record, and the moment at which it certainly read like this or later, on Brex's clock."""

    record: AccountingRecord
    at: datetime


_Listing: TypeAlias = Callable[[], RecordQuery[AccountingRecord]]


@attrs.frozen
class Lists:
    """One company's lists. ``unreadable``: the records in them that could not be decoded."""

    brex: BrexAccounting
    unreadable: list[Unreadable] = attrs.field(factory=list, init=False)

    def queue(self, *statuses: ReviewStatus) -> AsyncIterator[Read]:
        """Cards and reimbursements in these statuses."""
        return self._all([self._listing(review_status=status) for status in statuses])

    def bills(self, since: datetime | None) -> AsyncIterator[Read]:
        """Bills that were last changed since then, or all: they have no queue."""
        window = ALL_TIME if since is None else UpdatedAt(gte=since)
        return self._all([self._listing(source_type=SourceType.BILL, updated_at=window)])

    def everything(self) -> AsyncIterator[Read]:
        """Every record there is."""
        return self._all([self._listing()])

    def _listing(self, **filters: Any) -> _Listing:
        return lambda: self.brex.records.list(on_bad_record=self._note, **filters)

    def _note(self, bad: BadRecord) -> None:
        found = Unreadable(bad.record_id, bad.problem)
        if found not in self.unreadable:
            self.unreadable.append(found)

    async def _all(self, listings: list[_Listing]) -> AsyncIterator[Read]:
        for listing in listings:
            seen: set[tuple[str, int]] = set()
            async for one in self._restarted(listing):
                # Twice when a list was begun anew, or moved while it was read.
                if (one.record.id, one.record.version) not in seen:
                    seen.add((one.record.id, one.record.version))
                    yield one

    async def _restarted(self, listing: _Listing) -> AsyncIterator[Read]:
        # Cursors are short-lived: a list is read from its beginning once more before it is given up.
        try:
            async for one in self._once(listing):
                yield one
        except CursorExpired:
            async for one in self._once(listing):
                yield one

    async def _once(self, listing: _Listing) -> AsyncIterator[Read]:
        asked = await self.brex.server_now()
        async for page in listing().pages():
            for record in page.items:
                yield Read(record, asked)
            asked = await self.brex.server_now()
