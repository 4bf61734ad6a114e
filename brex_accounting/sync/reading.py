"""Brex's lists into the store: the queue to its end, the bills by the time of their last change.

Nothing is posted or reported while a list is read: the queue shrinks as it is reported, and pages of a
shrinking list skip records.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import attrs

from ..converters import from_json, to_json
from ..converters.queries import each_checked
from ..enums import ReviewStatus, SourceType
from ..errors import ConfigurationError, CursorExpired
from ..models import AccountingRecord, BadRecord
from .content import content_hash
from .context import Context
from .exports import Copy, Export, Feed
from .plan import copy_of, judge, judge_absence, missing, next_window
from .summary import Tally

__all__ = [
    "BILLS",
    "CHUNK",
    "FRESH",
    "Reader",
    "checked_record_ids",
    "copy_read",
    "record_of",
    "rehash",
    "restarted",
]

_log = logging.getLogger("brex_accounting")

BILLS: Final = "bills"
"""The feed whose watermark is kept. The queue needs none: it is listed to its end each time."""

FRESH: Final = timedelta(minutes=5)
"""A copy older than this is read again before it is posted."""

CHUNK: Final = 100
"""Records that are asked for by id at a time."""


def checked_record_ids(record_ids: Iterable[str]) -> tuple[str, ...]:
    """Ids of records to read: at least one, each once. Raises ``ConfigurationError``."""
    found = tuple(dict.fromkeys(each_checked(record_ids)))
    if not found:
        raise ConfigurationError("record_ids is empty; None reads everything that is ready")
    return found


def record_of(export: Export) -> AccountingRecord:
    """The record of an export as it was read, without the addresses of its receipts, which expire."""
    return from_json(export.body, AccountingRecord)


@attrs.frozen
class Reader:
    """Reads one company's lists into its store."""

    context: Context
    _asked_again: dict[str, datetime] = attrs.field(factory=dict, init=False)

    async def queue(self) -> None:
        """Every record that is READY_FOR_EXPORT, and what became of those that are so no longer."""
        await restarted(self._queue)

    async def bills(self) -> None:
        """Bills that changed since the last time. The watermark moves with the last page.

        It stays while there is a bill that cannot be read: a later version of this package may read it.
        """
        await restarted(self._bills)

    async def _queue(self) -> None:
        asked = began = await self.context.now()
        listed: set[str] = set()
        bad = _Unreadable(self.context.tally)
        ready = self.context.brex.records.list(review_status=ReviewStatus.READY_FOR_EXPORT, on_bad_record=bad)
        async for page in ready.pages():
            listed.update(record.id for record in page.items)
            # As old as the request: when Brex put the page together is not known.
            await self._seen([copy_read(record, asked) for record in page.items])
            if self.context.stopping.is_set():
                return
            asked = await self.context.now()
        await self.again(missing(await self.context.store.awaited(before=began), listed | bad.record_ids))

    async def _bills(self) -> None:
        feed = await self.context.store.feed(BILLS)
        asked = await self.context.now()
        window = next_window(feed.watermark if feed else None, now=asked, start=self.context.settings.since)
        if window is None:
            return
        bad = _Unreadable(self.context.tally)
        bills = self.context.brex.records.list(
            source_type=SourceType.BILL, updated_at=window.updated_at, on_bad_record=bad
        )
        async for page in bills.pages():
            is_end = not page.has_next_page and not bad.count
            copies = [copy_read(record, asked) for record in page.items]
            await self._seen(copies, window.stored(BILLS) if is_end else None)
            if self.context.stopping.is_set():
                return
            asked = await self.context.now()

    async def again(self, record_ids: Sequence[str]) -> None:
        """These records by their ids, and which of them Brex returns no longer."""
        for start in range(0, len(record_ids), CHUNK):
            some = record_ids[start : start + CHUNK]
            asked = await self.context.now()
            bad = _Unreadable(self.context.tally)
            listed = self.context.brex.records.list(ids=some, page_size=CHUNK, on_bad_record=bad)
            found = [copy_read(record, asked) async for record in listed]
            await self._seen(found)
            gone = missing(some, {copy.record_id for copy in found} | bad.record_ids)
            if bad.count == len(bad.record_ids):  # else one that is missing may be one that has no id
                now = await self.context.now()
                self.context.tally.judged(await self.context.store.record_absent(gone, judge_absence, now=now))

    async def refresh(self) -> int:
        """Read again some of what would be posted next from copies that are too old; how many."""
        now = await self.context.now()
        stale = await self.context.store.stale(now=now, read_before=now - FRESH, limit=CHUNK)
        # What stays old, because Brex answers with an older version, must not be asked for without end.
        old = [one for one in stale if one not in self._asked_again or now - self._asked_again[one] >= FRESH]
        self._asked_again.update(dict.fromkeys(old, now))
        await self.again(old)
        return len(old)

    async def _seen(self, copies: Sequence[Copy], feed: Feed | None = None) -> None:
        # Given copies, not records: if the store fails, error reporters print what stands in the frames.
        if not copies and feed is None:
            return
        bound = partial(judge, post_from=self.context.settings.post_from, rehash=rehash)
        now = await self.context.now()
        judgements = await self.context.store.record_seen(copies, bound, now=now, feed=feed)
        self.context.tally.add(read=len(copies))
        self.context.tally.judged(judgements)


async def restarted(listing: Callable[[], Awaitable[None]]) -> None:
    """Read a list, and from its beginning once more if its cursor has expired: they are short-lived."""
    try:
        await listing()
    except CursorExpired:
        await listing()


class _Unreadable:
    """Notes the records that cannot be decoded: one of them must not hold up the rest."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.count = 0
        self.record_ids: set[str] = set()

    def __call__(self, bad: BadRecord) -> None:
        self.count += 1
        if bad.record_id is not None:
            self.record_ids.add(bad.record_id)
        self._tally.add(unreadable=1)
        _log.error("record %s cannot be read, and is not exported: %s", bad.record_id or "without an id", bad.problem)


def copy_read(record: AccountingRecord, read_at: datetime) -> Copy:
    """A record as it is kept: without the addresses of its receipts."""
    return copy_of(record, to_json(_without_addresses(record)), read_at=read_at)


def _without_addresses(record: AccountingRecord) -> AccountingRecord:
    if not record.receipts:
        return record
    return attrs.evolve(record, receipts=tuple(attrs.evolve(one, download_uris=None) for one in record.receipts))


def rehash(export: Export) -> str:
    """The hash of a stored record by today's function."""
    return content_hash(record_of(export))
