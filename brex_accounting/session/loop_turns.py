"""Who may hold the event loop for a while: one piece of work in each of its turns."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["LoopTurns"]


class LoopTurns:
    """Work that takes a millisecond or more, such as decoding a page, asks here before each piece.

    The first to ask in a turn of the loop goes on at once; whoever asks in the same turn waits in line,
    and one of the line goes on in each turn after it. So other tasks wait for one piece at most, however
    many pages have arrived together.
    """

    def __init__(self) -> None:
        self._taken = False
        self._line: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for a turn of the loop that nobody else works in."""
        loop = asyncio.get_running_loop()
        if not self._taken:
            self._taken = True
            loop.call_soon(self._pass_on, loop)
            return
        place = loop.create_future()
        self._line.append(place)
        await place

    def _pass_on(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._line:
            place = self._line.popleft()
            if not place.done():  # it is when its task was cancelled in the line
                place.set_result(None)
                # The task runs in the next turn, and this after it. One that is cancelled in between
                # lets a turn pass unused, and nobody waits for it.
                loop.call_soon(self._pass_on, loop)
                return
        self._taken = False
