"""How long an event loop stood still."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

__all__ = ["Heartbeat"]


class Heartbeat:
    """Beats on every turn of the running loop while it is entered. ``longest``: the longest turn in seconds.

    It counts the thread's own processor time, so that other programs on the machine do not show. It keeps the loop
    from sleeping: a turn without work takes microseconds.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = 0.0
        self._next: asyncio.Handle | None = None

    def __enter__(self) -> Self:
        self._last = time.thread_time()
        self._next = asyncio.get_running_loop().call_soon(self._beat)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._note()
        if self._next is not None:
            self._next.cancel()

    def _beat(self) -> None:
        self._note()
        self._next = asyncio.get_running_loop().call_soon(self._beat)

    def _note(self) -> None:
        now = time.thread_time()
        self.longest = max(self.longest, now - self._last)
        self._last = now
