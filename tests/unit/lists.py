"""Lists for the tests of paging: what a server serves under each cursor, right or not."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping

import attrs

from brex_accounting import Page
from brex_accounting.paging import RecordQuery, Source
from brex_accounting.prefetching import Peeked

Item = tuple[str, int]
Pages = Mapping[str | None, Page[Item]]
FILTERS = (("review_status", "PREPARE"),)


def served(*items: Item | str, then: str | None = None, more: bool | None = None) -> Page[Item]:
    """A page of items (a text is an id of version 1), and what it says of the next one."""
    whole = tuple((one, 1) if isinstance(one, str) else one for one in items)
    return Page(items=whole, next_cursor=then, has_next_page=then is not None if more is None else more)


def identify(item: Item) -> Item:
    return item


@attrs.define
class Server:
    """Serves pages; ``failures`` are raised first, one per request. ``asked`` are the (cursor, size) of requests."""

    pages: Pages
    failures: deque[BaseException] = attrs.field(factory=deque)
    asked: list[tuple[str | None, int]] = attrs.field(factory=list)

    async def fetch(self, cursor: str | None, page_size: int, peeked: Peeked | None) -> Page[Item]:
        self.asked.append((cursor, page_size))
        if self.failures:
            raise self.failures.popleft()
        page = self.pages[cursor]
        if peeked is not None and page.has_next_page and page.next_cursor and peeked(page.next_cursor):
            await asyncio.sleep(0)
        return page

    def source(self, filters: tuple[tuple[str, str], ...] = FILTERS) -> Source[Item]:
        return Source(fetch=self.fetch, identify=identify, filters=filters)

    def query(self, *, page_size: int = 10, max_items: int | None = None, prefetch: int = 0) -> RecordQuery[Item]:
        return RecordQuery(self.source(), page_size=page_size, max_items=max_items, prefetch=prefetch)


THREE: Pages = {
    None: served("a", "b", then="c1"),
    "c1": served("c", "d", then="c2"),
    "c2": served("e"),
}
"""Three pages, five items."""


def ids(items: list[Item] | tuple[Item, ...]) -> str:
    """The ids of items, joined."""
    return "".join(one for one, _ in items)
