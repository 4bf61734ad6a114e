"""Lists of fields and of values, on the same machinery as lists of records."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias, TypeVar

from ..converters.fields import checked_page_size
from ..converters.queries import Query
from ..core import View
from ..models import Page
from ..paging import RecordQuery, Source
from ..prefetching import Peeked
from ..session.call import Call
from ..session.events import PageEvent
from .models import Field, FieldValue

__all__ = ["query"]

T = TypeVar("T", Field, FieldValue)

PageCall: TypeAlias = Callable[[int, str | None], Call[Page[T]]]
"""The call for a page of a size, at a cursor."""


def query(view: View, call_of: PageCall[T], *, filters: Query, page_size: int, max_items: int | None) -> RecordQuery[T]:
    """A list that is read page by page. A checkpoint of other ``filters`` is refused."""
    fetch = partial(_fetch, view, call_of)
    source: Source[T] = Source(fetch=fetch, identify=_id_and_time, filters=filters, spawn=view.core.spawn)
    return RecordQuery(source, page_size=checked_page_size(page_size), max_items=max_items)


async def _fetch(
    view: View, call_of: PageCall[T], cursor: str | None, page_size: int, _peeked: Peeked | None
) -> Page[T]:
    call = call_of(page_size, cursor)
    page = await view.run(call)
    told = PageEvent(call=call.name, key=view.key, items=len(page.items), has_next_page=page.has_next_page)
    view.core.manager.tell(told)
    return page


def _id_and_time(one: Field | FieldValue) -> tuple[str, int]:
    # They have no version; the time of the last change, in microseconds, serves as one.
    return one.brex_id, round(one.updated_at.timestamp() * 1_000_000)
