"""One run of an export: in which order its parts work, and what pauses it or lets it go on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from .attaching import Clerk
from .context import Context
from .exports import ENGINE
from .pausing import BY_BOOKS, BY_BREX, PauseCode, may_end
from .poster import Checking
from .posting import Desk
from .reading import Reader
from .reports import Reports
from .states import OPEN, State
from .summary import Summary

__all__ = ["Run"]

_log = logging.getLogger("brex_accounting")

_AT_A_TIME: Final = 100
"""Posts between two reports: what is wrong with reports is noticed before more is posted. Documents get their
receipts by as many: what a dead worker left is looked for in between.
"""

_SINGLES: Final = 10
"""So many records are posted alone at most, until a report has gone through."""

_REST: Final = timedelta(minutes=10)
"""How long books without a ``check`` are left alone after a pause of their making."""


class Run:
    """One run. Its parts know the context, and nothing of each other. ``record_ids``: what to read; None: all."""

    def __init__(self, context: Context, record_ids: Sequence[str] | None = None) -> None:
        self._context = context
        self._record_ids = record_ids
        self._reader = Reader(context)
        self._desk = Desk(context)
        self._reports = Reports(context)
        self._clerk = Clerk(context)
        self._proven = False
        self._in_doubt = False

    async def all(self) -> None:
        """Read, tell Brex what waits from earlier runs, then post and report until nothing is left."""
        await self._read()
        await self._lift(frozenset({PauseCode.DEAD_TOKEN}), "Brex takes the token again")
        with self._context.tally.timing("reporting"):
            await self._reports.take_over()
            await self._try_brex_again(await self._reports.send())
        if self._context.stopping.is_set() or not await self._may_post():
            return
        await self._export()
        while await self._attach():
            await self._export()

    async def summary(self) -> Summary:
        """What was done so far, and what is open."""
        by_state = (await self._context.store.counts()).by_state
        undecided = sum(by_state.get(state, 0) for state in OPEN)
        return self._context.tally.summary(open=undecided, paused=await self._context.store.paused())

    async def _read(self) -> None:
        with self._context.tally.timing("reading"):
            if self._record_ids is not None:
                await self._reader.again(self._record_ids)
                return
            if not self._context.stopping.is_set():
                await self._reader.queue()
            if self._context.settings.bills and not self._context.stopping.is_set():
                await self._reader.bills()

    async def _export(self) -> None:
        alone = 0
        while not self._context.stopping.is_set():
            limit = _AT_A_TIME if alone >= _SINGLES or await self._is_proven() else 1
            with self._context.tally.timing("reading"):
                refreshed = await self._reader.refresh()
            # Each time: what a worker leaves that dies meanwhile must not have to wait for the end of this run.
            with self._context.tally.timing("posting"):
                await self._desk.take_over()
                begun = await self._desk.post(limit)
            with self._context.tally.timing("reporting"):
                await self._reports.take_over()
                taken = await self._reports.send()
            self._in_doubt = self._in_doubt and not taken
            if not begun and not refreshed:
                return
            alone += begun if limit == 1 else 0

    async def _attach(self) -> int:
        with self._context.tally.timing("attaching"):
            return await self._clerk.attach(_AT_A_TIME)

    async def _is_proven(self) -> bool:
        if self._in_doubt:
            return False
        if not self._proven:
            by_state = (await self._context.store.counts()).by_state
            self._proven = State.REPORTED in by_state or State.REPORTED_FAILED in by_state
        return self._proven

    async def _try_brex_again(self, taken: int) -> None:
        if taken:
            await self._lift(BY_BREX, "Brex takes reports again")
        elif not self._context.stopping.is_set() and State.DISCOVERED in (await self._context.store.counts()).by_state:
            # Nothing was reported that would show whether Brex takes it: the next post does, alone.
            self._in_doubt = await self._lift(BY_BREX, "nothing is left to report, so one post is tried")

    async def _may_post(self) -> bool:
        if isinstance(self._context.poster, Checking):
            try:
                await self._context.poster.check()
            except Exception as error:  # noqa: BLE001 - the user's code: anything may come
                _log.warning("the poster's check() raised %s", type(error).__name__)
                await self._context.pause(PauseCode.ERP_LOGIN)
                return False
        await self._try_the_books_again()
        return await self._context.store.paused() is None

    async def _try_the_books_again(self) -> None:
        pause = await self._context.store.paused()
        codes = BY_BOOKS
        if self._context.settings.recovery == "park":
            # Every post without an answer costs a person's time: a person says when to go on.
            codes -= {PauseCode.NO_ANSWERS}
        rested = pause is not None and await self._context.now() - pause.since >= _REST
        if rested or isinstance(self._context.poster, Checking):
            await self._lift(codes, "the books are tried again")

    async def _lift(self, codes: frozenset[PauseCode], why: str) -> bool:
        ends = may_end(await self._context.store.paused(), codes)
        if ends:
            await self._context.store.resume(by=ENGINE, why=why, now=await self._context.now())
            _log.info("posting goes on: %s", why)
        return ends
