"""A worker's loop: it outlives the loss of the database, and ends when it is told to, its polls done."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import attrs

from ...errors import BrexError
from ...session.clock import Clock
from .database import Database
from .polling import Poller
from .queue import Queue
from .roster import Roster

__all__ = ["Settings", "Worker"]

_log = logging.getLogger("brex_accounting")

_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 30.0
_TICK: Final = 1.0
"""Seconds between two looks at who is due."""


@attrs.frozen(kw_only=True)
class Settings:
    """``polls`` at a time. ``stale``: a worker silent for so long is dead. ``drain``: how long an end may take."""

    polls: int = 8
    stale: timedelta = timedelta(minutes=1)
    drain: timedelta = timedelta(minutes=5)


class Worker:
    """Polls companies until it is stopped. Each life of it has connections of its own."""

    def __init__(self, database: Database, roster: Roster, poller: Poller, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._roster = roster
        self._poller = poller
        self._settings = settings
        self._clock = clock
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin nothing more, for good; ``run`` returns when running posts have come to their end."""
        self._stopping.set()
        self._poller.stop()

    async def run(self) -> None:
        """One life after the other until ``stop``. Whatever ends a life, the next begins after a pause."""
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            began = self._clock.monotonic()
            try:
                await self._live()
            except BrexError as error:
                _log.warning("the worker lost its database and begins anew: %s", error)
            if self._stopping.is_set():
                return
            lasted = self._clock.monotonic() - began
            wait = _FIRST_WAIT if lasted > _LONGEST_WAIT else min(2 * wait, _LONGEST_WAIT)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)

    async def _live(self) -> None:
        queue = Queue(self._database, self._roster, self._poller.poll)
        await self._database.open()
        try:
            await queue.open()
            await self._together(queue)
        finally:
            await self._database.close()

    async def _together(self, queue: Queue) -> None:
        """Work, and look who is due and who died, until one of them fails or all is to stop."""
        name = f"{socket.gethostname()}:{os.getpid()}"
        settings = self._settings
        work = asyncio.create_task(
            queue.work(
                name=name,
                concurrency=settings.polls,
                stale=settings.stale,
                patience=settings.drain.total_seconds(),
            )
        )
        beside = [
            asyncio.create_task(self._again_and_again(lambda: queue.put_due(), _TICK)),
            asyncio.create_task(
                self._again_and_again(lambda: queue.rescue(settings.stale), settings.stale.total_seconds() / 2)
            ),
            asyncio.create_task(self._stopping.wait()),
        ]
        try:
            await asyncio.wait({work, *beside}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # The queue's worker ends what runs before it ends itself.
            for task in (work, *beside):
                task.cancel()
            ends = await asyncio.gather(work, *beside, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _again_and_again(self, act: Callable[[], Awaitable[int]], seconds: float) -> None:
        while True:
            await act()
            await self._clock.sleep(seconds)
