"""One piece of work at a time, in a task of its own, for everybody who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import ClassVar, Generic, TypeVar

__all__ = ["SingleFlight"]

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """At most one task at a time on an event loop. Whoever waits for it may be cancelled; it goes on."""

    # The loop itself holds tasks weakly, and whoever began one may be gone while it runs.
    _held: ClassVar[set[asyncio.Task[object]]] = set()

    def __init__(self) -> None:
        self._task: asyncio.Task[T] | None = None
        # Tasks inherit it, so it tells who was started by the work. One per instance: the work of one may
        # wait for another's. And a mark per task: what the work leaves running may wait for the next one.
        # Contexts that live on keep the variable and its mark, but those hold nothing.
        self._inside: ContextVar[object] = ContextVar("inside")
        self._mark = object()

    @property
    def task(self) -> asyncio.Task[T] | None:
        """The task under way."""
        task = self._task
        # What another event loop has left behind will never end.
        here = task is not None and not task.done() and task.get_loop() is asyncio.get_running_loop()
        return task if here else None

    @property
    def is_inside(self) -> bool:
        """Whether the caller is the work under way, or a task that it started: it must not wait for itself."""
        return self.task is not None and self._inside.get(None) is self._mark

    def begin(self, work: Callable[[], Coroutine[None, None, T]]) -> asyncio.Task[T]:
        """The task under way; if there is none, a new one for ``work``."""
        task = self.task
        if task is None:
            context = copy_context()
            self._mark = object()
            context.run(self._inside.set, self._mark)
            task = asyncio.get_running_loop().create_task(_later(work), context=context)
            self._task = task
            self._held.add(task)
            task.add_done_callback(self._held.discard)
        return task


async def _later(work: Callable[[], Coroutine[None, None, T]]) -> T:
    # An eager task would run before anybody knows that it is the one under way.
    await asyncio.sleep(0)
    return await work()
