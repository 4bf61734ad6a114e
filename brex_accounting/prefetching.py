"""One page ahead of whoever reads: the next request goes out before this page is decoded and used."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeAlias, TypeVar

from .errors import APIConnectionError
from .pages import Page

__all__ = ["Fetch", "PageAhead", "Peeked", "Spawn", "end", "retrieved", "spawn"]

T = TypeVar("T")

Peeked: TypeAlias = Callable[[str], bool]
"""Told the cursor of the next page as soon as it is seen in the bytes of this one. True: it is being fetched."""

Fetch: TypeAlias = Callable[[str | None, int, Peeked | None], Coroutine[Any, Any, Page[T]]]
"""Fetches the page of a cursor, of a size."""

Spawn: TypeAlias = Callable[[Coroutine[Any, Any, Page[T]]], "asyncio.Task[Page[T]]"]
"""Starts a task that somebody keeps and ends."""


def spawn(work: Coroutine[Any, Any, Page[T]]) -> asyncio.Task[Page[T]]:
    """A task on the running loop."""
    return asyncio.get_running_loop().create_task(work)


class PageAhead(Generic[T]):
    """Fetches pages for one reader, at most one more than it asked for.

    ``may_follow`` tells whether a cursor that was peeked would be asked for at all. A failure of the
    page ahead is kept until that page is asked for.
    """

    def __init__(self, fetch: Fetch[T], spawn: Spawn[T], page_size: int, may_follow: Callable[[str], bool]) -> None:
        self._fetch = fetch
        self._spawn = spawn
        self._page_size = page_size
        self._may_follow = may_follow
        self._awaited: tuple[str | None] | None = None
        self._cursor: str | None = None
        self._flight: asyncio.Task[Page[T]] | None = None

    async def page(self, cursor: str | None, *, peek: bool) -> Page[T]:
        """The page of a cursor. ``peek``: the one after it is asked for as soon as its cursor is seen in the bytes."""
        flight = self._take(cursor)
        self._awaited = (cursor,)
        try:
            if flight is None:
                return await self._fetch(cursor, self._page_size, self._listener(cursor) if peek else None)
            return await flight
        except asyncio.CancelledError:
            if flight is not None and flight.cancelled() and not _is_cancelled():
                raise APIConnectionError("the client was closed while a page was under way") from None
            self.drop()
            raise
        finally:
            self._awaited = None

    def start(self, cursor: str) -> bool:
        """Fetch a page that was not asked for yet. False when it is under way already."""
        if self._flight is not None and self._cursor == cursor:
            return False
        self.drop()
        self._cursor = cursor
        self._flight = self._spawn(self._fetch(cursor, self._page_size, self._listener(cursor)))
        # A failure that nobody comes to ask for is nobody's.
        self._flight.add_done_callback(retrieved)
        return True

    def seen(self, cursor: str, *, on: str | None) -> bool:
        """Start the page of a cursor that was seen on the page of another. False when it is not fetched now."""
        # A page ahead that nobody waits for yet starts none of its own: that would be two ahead.
        return self._awaited == (on,) and self._may_follow(cursor) and self.start(cursor)

    def drop(self) -> None:
        """End what is under way for a page that was not asked for."""
        flight, self._flight = self._flight, None
        if flight is not None:
            flight.cancel()

    async def aclose(self) -> None:
        """``drop``, and wait for its end."""
        flight = self._flight
        self.drop()
        if flight is not None:
            await asyncio.wait({flight})

    def _take(self, cursor: str | None) -> asyncio.Task[Page[T]] | None:
        if self._flight is None or self._cursor != cursor:
            self.drop()
            return None
        flight, self._flight = self._flight, None
        return flight

    def _listener(self, cursor: str | None) -> Peeked:
        # Weakly: the loop holds the task, and the task must not hold a reader that was abandoned.
        reader = weakref.ref(self)

        def peeked(following: str) -> bool:
            ahead = reader()
            return ahead is not None and ahead.seen(following, on=cursor)

        return peeked

    def __del__(self) -> None:
        if self._flight is not None:
            end(self._flight)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def retrieved(flight: asyncio.Task[Page[T]]) -> None:
    """Look at the exception of a task, so that nobody is told of one that nobody asked for."""
    if not flight.cancelled():
        flight.exception()


def end(flight: asyncio.Task[Page[T]]) -> None:
    """Cancel a task from whichever thread collects its owner."""
    if not flight.done():
        with suppress(RuntimeError):  # a closed loop runs nothing any more
            flight.get_loop().call_soon_threadsafe(flight.cancel)
