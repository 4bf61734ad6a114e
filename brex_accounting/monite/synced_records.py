"""The client's verbs for synced records. Each checks its arguments when it is called."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from ..core import View
from ..pages import Page
from ..paging import RecordQuery, Source
from ..prefetching import Peeked
from ..session.events import PageEvent
from . import endpoints
from .dialect import Wire
from .enums import ObjectType, Order, SortBy
from .models import Between, SyncedRecord
from .queries import Query, check_page_size, synced_record_filters

__all__ = ["SyncedRecords"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SyncedRecords:
    """What is synced with the accounting system, record by record: whether a sync worked shows here.

    Source: Monite's OpenAPI document, "Accounting synchronized records".
    """

    def __init__(self, view: View, wire: Wire) -> None:
        self._view = view
        self._wire = wire

    def list(
        self,
        *,
        object_type: ObjectType | str,
        object_ids: Iterable[str] | None = None,
        created_at: Between | None = None,
        updated_at: Between | None = None,
        sort: SortBy | str | None = None,
        order: Order | str | None = None,
        page_size: int = 100,
        max_items: int | None = None,
        prefetch: int = 0,
    ) -> RecordQuery[SyncedRecord]:
        """The records of one type, page by page; ``page_size`` is at most 250 and sent with every page.

        The query is iterated, awaited for its first page, or resumed from a checkpoint, like any list of this
        package. A pagination token that is refused is ``CursorExpired``.
        """
        check_page_size(page_size)
        filters = synced_record_filters(
            object_type=object_type,
            object_ids=object_ids,
            created_at=created_at,
            updated_at=updated_at,
            sort=sort,
            order=order,
        )
        fetch = partial(self._fetch, filters)
        source: Source[SyncedRecord] = Source(
            fetch=fetch, identify=_id_and_version, filters=filters, spawn=self._view.core.spawn
        )
        return RecordQuery(source, page_size=page_size, max_items=max_items, prefetch=prefetch)

    async def get(self, record_id: str) -> SyncedRecord:
        """One record. Raises ``NotFound`` when the entity has none of this id."""
        return await self._view.run(endpoints.get_synced_record(self._wire, record_id))

    async def push(self, record_id: str) -> SyncedRecord:
        """Push one object to the accounting system now.

        **Never repeated** when an attempt got no answer: the error then has ``may_have_happened``, and ``get``
        shows what became of the record.
        """
        return await self._view.run(endpoints.push_synced_record(self._wire, record_id))

    async def _fetch(
        self, filters: Query, token: str | None, page_size: int, _peeked: Peeked | None
    ) -> Page[SyncedRecord]:
        call = endpoints.list_synced_records(self._wire, filters, page_size=page_size, token=token)
        page = await self._view.run(call)
        told = PageEvent(call=call.name, key=self._view.key, items=len(page.items), has_next_page=page.has_next_page)
        self._view.core.manager.tell(told)
        return page


def _id_and_version(record: SyncedRecord) -> tuple[str, int]:
    # Exact: a float of seconds would make one moment of two.
    return record.id, (record.updated_at - _EPOCH) // timedelta(microseconds=1)
