"""Walking a cursor-paged list, whatever is on its pages.

The rules: follow ``has_next_page`` and the cursor, never the number of items; an empty page with a
cursor goes on; a cursor that this walk used before, or a next page without a cursor, is an error and
never a silent end. Nothing is held while the user's code runs: a page is read whole before it is
handed out. With ``prefetch`` one request is under way meanwhile, and it ends with the walk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import attrs

from .errors import BrexError, CheckpointMismatch, ConfigurationError, CursorLoop, PaginationError
from .pages import Checkpoint, Page
from .prefetching import Fetch, PageAhead, Spawn, spawn

__all__ = ["PageIterator", "RecordIterator", "RecordQuery", "Source", "Walk", "check_page_size"]

T = TypeVar("T")

_ONE_TASK = "one task at a time may advance an iterator; give each task its own"


@attrs.frozen(kw_only=True)
class Source(Generic[T]):
    """One list: how to fetch a page of it (by cursor and size), and what identifies an item.

    ``filters`` are the query as sent; a checkpoint of other filters is refused. ``show``: what a fetched
    item is handed out as, when that is something else. ``spawn`` starts the task of a page that is
    fetched ahead.
    """

    fetch: Fetch[Any] = attrs.field(repr=False)
    identify: Callable[[Any], tuple[str, int]] = attrs.field(repr=False)
    filters: tuple[tuple[str, str], ...]
    show: Callable[[Any], T] | None = attrs.field(default=None, repr=False)
    spawn: Spawn[Any] = attrs.field(default=spawn, repr=False)

    def shown(self, page: Page[Any]) -> Page[T]:
        """A fetched page as it is handed out."""
        return page if self.show is None else attrs.evolve(page, items=tuple(map(self.show, page.items)))


class Walk(Generic[T]):
    """The rules of one walk over a list, without any I/O: ask ``next_cursor``, give it to ``accept``."""

    def __init__(
        self,
        source: Source[T],
        page_size: int,
        *,
        max_items: int | None = None,
        resume_from: Checkpoint | None = None,
    ) -> None:
        if resume_from is not None and not isinstance(resume_from, Checkpoint):
            raise ConfigurationError("resume_from takes a Checkpoint; read one with from_json(data, Checkpoint)")
        start = resume_from or Checkpoint(filters=source.filters, page_size=page_size)
        if start.filters != source.filters:
            raise CheckpointMismatch("the checkpoint is of a query with other filters; resume with the same ones")
        check_page_size(start.page_size)
        self.checkpoint: Checkpoint = start
        self.page_size: int = start.page_size
        self._identify = source.identify
        self._after = start.after
        self._left = max_items
        self._cursor = start.cursor
        self._seen = {start.cursor}
        self._ended = False
        self._problem: PaginationError | None = None

    def next_cursor(self) -> tuple[str | None] | None:
        """The cursor to fetch, wrapped because None is the first page's; None at the end of the list."""
        if self._ended or self._left == 0:
            return None
        if self._problem is not None:
            raise self._problem
        return (self._cursor,)

    def accept(self, page: Page[T]) -> Page[T]:
        """What to hand out of a fetched page: without what was handed out before, with its checkpoint."""
        begin = self._begin(page.items)
        end = len(page.items) if self._left is None else min(len(page.items), begin + self._left)
        last = self._identify(page.items[end - 1]) if end else None
        checkpoint = Checkpoint(
            filters=self.checkpoint.filters, page_size=self.page_size, cursor=self._cursor, after=last
        )
        items = page.items[begin:end]
        if self._left is not None:
            self._left -= len(items)
        self._turn(page)
        # Written out: attrs.evolve looks up every field of every page.
        return Page(
            items=items,
            next_cursor=page.next_cursor,
            has_next_page=page.has_next_page,
            total_count=page.total_count,
            checkpoint=checkpoint,
            served_at=page.served_at,
            trace_id=page.trace_id,
            raw=page.raw,
        )

    def may_follow(self, cursor: str, items: int | None = None) -> bool:
        """Whether a cursor will be asked for after a page of so many items (None: as many as there can be)."""
        enough = self._left is not None and self._left <= (self.page_size if items is None else items)
        return not self._ended and not enough and cursor not in self._seen

    def end(self) -> None:
        """Hand out no more."""
        self._ended = True

    def handed_out(self, checkpoint: Checkpoint) -> None:
        """The user has everything up to ``checkpoint``."""
        self.checkpoint = checkpoint

    def at(self, page: Page[T], item: T) -> Checkpoint:
        """Where the walk stands once ``item`` of ``page`` was handed out."""
        assert page.checkpoint is not None
        return attrs.evolve(page.checkpoint, after=self._identify(item))

    def _begin(self, items: tuple[T, ...]) -> int:
        after, self._after = self._after, None
        if after is None:
            return 0
        places = (index for index, item in enumerate(items) if self._identify(item) == after)
        # Gone or changed since: the page starts over, which may repeat and never skips.
        return next(places, -1) + 1

    def _turn(self, page: Page[T]) -> None:
        if not page.has_next_page:
            self._ended = True
        elif not page.next_cursor:
            self._problem = PaginationError("the server says that there is a next page and gives no cursor for it")
        elif page.next_cursor in self._seen:
            self._problem = CursorLoop("the server gave a cursor that was used before; going on would never end")
        else:
            self._cursor = page.next_cursor
            self._seen.add(page.next_cursor)


class PageIterator(Generic[T]):
    """Pages in order. ``async for page in it``, or ``async with it as pages`` around the loop.

    ``checkpoint`` stands after the last page handed out. After an error the same iterator may be
    asked again: it goes on with the page that failed.
    """

    def __init__(self, source: Source[T], walk: Walk[T], *, prefetch: bool = False) -> None:
        self._source = source
        self._walk = walk
        self._ahead = PageAhead(source.fetch, source.spawn, walk.page_size, walk.may_follow)
        self._prefetch = prefetch
        self._busy = False
        self._unshown: Page[Any] | None = None

    @property
    def checkpoint(self) -> Checkpoint:
        """Everything up to here was handed out."""
        return self._walk.checkpoint

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[T]:
        # One that could not be shown is still to be handed out.
        page = self._unshown or await self.advance()
        if page is None:
            raise StopAsyncIteration
        assert page.checkpoint is not None
        self._unshown = page
        shown = self._source.shown(page)
        self._unshown = None
        self._walk.handed_out(page.checkpoint)
        return shown

    @property
    def is_busy(self) -> bool:
        """Whether some task waits for a page."""
        return self._busy

    async def advance(self) -> Page[Any] | None:
        """The next page as it was fetched, without counting it as handed out; None at the end."""
        if self._busy:
            raise ConfigurationError(_ONE_TASK)
        self._busy = True
        try:
            turn = self._walk.next_cursor()
            if turn is None:
                return None
            page = await self._ahead.page(turn[0], peek=self._prefetch)
            if self._prefetch:
                await self._start_next(page)
            return self._walk.accept(page)
        except BrexError as error:
            error.checkpoint = self._walk.checkpoint
            raise
        finally:
            self._busy = False

    async def _start_next(self, page: Page[T]) -> None:
        following = page.next_cursor if page.has_next_page else None
        if not following or not self._walk.may_follow(following, len(page.items)):
            self._ahead.drop()
        elif self._ahead.start(following):
            # So that its request is on its way before the reader goes to work, which may not wait for anything.
            await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the walk. Leaving a loop early needs no call: without prefetch nothing is held between pages,
        and a page under way ends with this object, or with its client at the latest.
        """
        self._unshown = None
        self._walk.end()
        await self._ahead.aclose()


class RecordIterator(Generic[T]):
    """Records in order, across pages. ``checkpoint`` stands after the last record handed out."""

    def __init__(self, source: Source[T], walk: Walk[T], *, prefetch: bool = False) -> None:
        self._walk = walk
        self._show = source.show
        self._pages = PageIterator(source, walk, prefetch=prefetch)
        self._place: _Place[Any] = _Place()
        self._records: AsyncGenerator[T] | None = None

    @property
    def checkpoint(self) -> Checkpoint:
        """Everything up to here was handed out."""
        place = self._place
        if place.page is None or place.index == 0:
            return self._walk.checkpoint
        return self._walk.at(place.page, place.page.items[place.index - 1])

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[T]:
        place = self._place
        if self._records is None or place.page is None or place.ended or place.index == len(place.page.items):
            return self._from_next_page()
        # Straight from the generator: a coroutine for each record would take ten times as long.
        return self._records.__anext__()

    async def _from_next_page(self) -> T:
        if self._pages.is_busy:
            raise ConfigurationError(_ONE_TASK)
        # One that raised has ended, and the next goes on in its place.
        if self._records is None or self._place.ended:
            self._place.ended = False
            self._records = _each(self._pages, self._walk, self._place, self._show)
        return await self._records.__anext__()

    async def aclose(self) -> None:
        """End the walk where it stands."""
        self._walk.handed_out(self.checkpoint)
        self._place.page = None
        await self._pages.aclose()
        if self._records is not None and not self._pages.is_busy:
            await self._records.aclose()


@attrs.define(eq=False)
class _Place(Generic[T]):
    """The page being handed out, and how many of its items were. ``ended``: by whoever hands them out."""

    page: Page[T] | None = None
    index: int = 0
    ended: bool = False


async def _each(
    pages: PageIterator[Any], walk: Walk[Any], place: _Place[Any], show: Callable[[Any], T] | None
) -> AsyncGenerator[T]:
    # Not a method: the iterator holds the generator, and a circle of the two would outlive a loop that was left.
    try:
        while True:
            page = place.page
            if page is not None and place.index == len(page.items):
                if page.checkpoint is not None:
                    walk.handed_out(page.checkpoint)
                # Before the next one takes its memory: half of it is needed, and half as much looked at as garbage.
                page = place.page = None
            if page is None:
                page = await pages.advance()
                if page is None:
                    return
                place.page, place.index = page, 0
            for item in page.items[place.index :]:
                shown = item if show is None else show(item)
                place.index += 1
                yield shown
            item = shown = None  # error reporters print local variables, and the next page may fail
    finally:
        place.ended = True


class RecordQuery(Generic[T]):
    """A list that has not been read yet. It can be iterated any number of times, each from the start.

    ``await query`` gives the first page; ``async for record in query`` every record;
    ``query.pages(resume_from=...)`` the pages; ``await query.collect()`` a list.
    """

    def __init__(self, source: Source[T], *, page_size: int, max_items: int | None = None, prefetch: int = 0) -> None:
        check_page_size(page_size)
        _check_max_items(max_items)
        if isinstance(prefetch, bool) or prefetch not in (0, 1):
            raise ConfigurationError("prefetch is 0, or 1 page ahead; a page further ahead has no known cursor yet")
        self._source = source
        self._page_size = page_size
        self._max_items = max_items
        self._prefetch = bool(prefetch)

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self._first().__await__()

    def __aiter__(self) -> RecordIterator[T]:
        return self.records()

    def records(self, resume_from: Checkpoint | None = None) -> RecordIterator[T]:
        """Every record, or those after a checkpoint. Raises ``CheckpointMismatch`` for another query's."""
        return RecordIterator(self._source, self._walk(resume_from), prefetch=self._prefetch)

    def pages(self, resume_from: Checkpoint | None = None) -> PageIterator[T]:
        """Every page, or what follows a checkpoint. Raises ``CheckpointMismatch`` for another query's.

        The page of the checkpoint is read again and goes on after its record. If that record is gone or
        has changed, the page starts over: nothing is skipped, and repeats happen only if the data moved.
        A resumed walk keeps the page size it began with.
        """
        return PageIterator(self._source, self._walk(resume_from), prefetch=self._prefetch)

    async def collect(self, max_items: int | None = None) -> list[T]:
        """All records (or the first ``max_items``) as a list. It holds them all in memory."""
        _check_max_items(max_items)
        limits = [limit for limit in (max_items, self._max_items) if limit is not None]
        walk = Walk(self._source, self._page_size, max_items=min(limits) if limits else None)
        pages = PageIterator(self._source, walk, prefetch=self._prefetch)
        return [item async for page in pages for item in page.items]

    async def _first(self) -> Page[T]:
        async for page in PageIterator(self._source, self._walk(None)):
            return page
        raise PaginationError("max_items leaves no page to read")

    def _walk(self, resume_from: Checkpoint | None) -> Walk[T]:
        return Walk(self._source, self._page_size, max_items=self._max_items, resume_from=resume_from)

    def __repr__(self) -> str:
        return f"RecordQuery(filters={len(self._source.filters)}, page_size={self._page_size})"


def check_page_size(page_size: object) -> None:
    """Refuse what is no number of records to ask for."""
    if isinstance(page_size, bool) or not isinstance(page_size, int) or page_size < 1:
        raise ConfigurationError("page_size must be a whole number of at least 1")


def _check_max_items(max_items: int | None) -> None:
    if max_items is not None and (isinstance(max_items, bool) or not isinstance(max_items, int) or max_items < 1):
        raise ConfigurationError("max_items must be a whole number of at least 1, or None")
