"""The lists that an export reads, and those that come before it: read once, and nothing kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

import attrs

from ..client import BrexAccounting
from ..enums import ReviewStatus, SourceType
from ..errors import CursorExpired
from ..models import ALL_TIME, AccountingRecord, BadRecord, Page, UpdatedAt
from ..paging import RecordQuery
from .outcomes import Unreadable

__all__ = ["Lists", "Take"]

Take: TypeAlias = Callable[[AccountingRecord, datetime], None]
"""Called with each record, and the moment at which it certainly read like this or later, on Brex's clock."""

_Listing: TypeAlias = Callable[[], RecordQuery[AccountingRecord]]


@attrs.frozen
class Lists:
    """One company's lists, whose records are given to ``take``: one that moved while it was read comes again.

    ``unreadable``: the records that could not be decoded. No coroutine here holds a record in a variable: error
    reporters print what stands in the frames of a request that failed.
    """

    brex: BrexAccounting
    take: Take
    unreadable: list[Unreadable] = attrs.field(factory=list, init=False)
    _seen: set[tuple[str, int, ReviewStatus]] = attrs.field(factory=set, init=False, repr=False)

    async def queue(self, *statuses: ReviewStatus) -> None:
        """Cards and reimbursements in these statuses."""
        for status in statuses:
            await self._read(self._listing(review_status=status))

    async def bills(self, since: datetime | None) -> None:
        """Bills that were last changed since then, or all: they have no queue."""
        window = ALL_TIME if since is None else UpdatedAt(gte=since)
        await self._read(self._listing(source_type=SourceType.BILL, updated_at=window))

    async def everything(self) -> None:
        """Every record there is."""
        await self._read(self._listing())

    def _listing(self, **filters: Any) -> _Listing:
        return lambda: self.brex.records.list(on_bad_record=self._note, **filters)

    def _note(self, bad: BadRecord) -> None:
        found = Unreadable(bad.record_id, bad.problem)
        if found not in self.unreadable:
            self.unreadable.append(found)

    async def _read(self, listing: _Listing) -> None:
        # Cursors are short-lived: a list is read from its beginning once more before it is given up.
        try:
            await self._once(listing)
        except CursorExpired:
            await self._once(listing)

    async def _once(self, listing: _Listing) -> None:
        asked = await self.brex.server_now()
        async for page in listing().pages():
            self._hand_out(page, asked)
            asked = await self.brex.server_now()

    def _hand_out(self, page: Page[AccountingRecord], at: datetime) -> None:
        for record in page.items:
            if (record.id, record.version, record.review_status) not in self._seen:
                self._seen.add((record.id, record.version, record.review_status))
                self.take(record, at)
