"""One run of an export: in which order its parts work, and what pauses it or lets it go on."""

from __future__ import annotations

import asyncio
import logging
from datetime import date, datetime, timedelta
from typing import Final

import attrs

from ..client import BrexAccounting
from ..session.clock import Clock
from .attaching import Clerk
from .exports import ENGINE
from .pausing import BY_BOOKS, BY_BREX, PauseCode, may_end, words_of
from .poster import Checking, Poster, Recovery
from .posting import Desk
from .reading import Reader
from .reports import Reports
from .states import OPEN, State
from .store import SyncStore
from .summary import Summary, Tally

__all__ = ["Run", "Settings"]

_log = logging.getLogger("brex_accounting")

_AT_A_TIME: Final = 100
"""Posts between two reports: what is wrong with reports is noticed before more is posted. Documents get their
receipts by as many: what a dead worker left is looked for in between.
"""

_SINGLES: Final = 10
"""So many records are posted alone at most, until a report has gone through."""

_REST: Final = timedelta(minutes=10)
"""How long books without a ``check`` are left alone after a pause of their making."""


@attrs.frozen(kw_only=True)
class Settings:
    """What an export was told. See ``ExportSync``."""

    post_from: date
    since: datetime
    bills: bool
    report_bills: bool
    parallel: int
    lease: timedelta
    owner: str
    recovery: Recovery


class Run:
    """A run on an open store. Each part is given what it needs, and they share the numbers alone."""

    def __init__(
        self,
        brex: BrexAccounting,
        store: SyncStore,
        poster: Poster,
        settings: Settings,
        *,
        clock: Clock,
        tally: Tally,
        stopping: asyncio.Event,
    ) -> None:
        self._brex, self._store, self._poster = brex, store, poster
        self._settings = settings
        self._tally = tally
        self._stopping = stopping
        self._reader = Reader(brex=brex, store=store, tally=tally, post_from=settings.post_from, since=settings.since)
        self._desk = Desk(
            brex=brex,
            store=store,
            poster=poster,
            recovery=settings.recovery,
            owner=settings.owner,
            parallel=settings.parallel,
            lease=settings.lease,
            clock=clock,
            tally=tally,
            stopping=stopping,
        )
        self._reports = Reports(
            brex=brex,
            store=store,
            owner=settings.owner,
            bills=settings.report_bills,
            lease=settings.lease,
            tally=tally,
            stopping=stopping,
        )
        self._clerk = Clerk(
            brex=brex,
            store=store,
            poster=poster,
            owner=settings.owner,
            parallel=settings.parallel,
            lease=settings.lease,
            tally=tally,
            stopping=stopping,
        )
        self._proven = False

    async def all(self) -> None:
        """Read, tell Brex what waits from earlier runs, then post and report until nothing is left."""
        await self._read()
        await self._lift(frozenset({PauseCode.DEAD_TOKEN}), "Brex takes the token again")
        with self._tally.timing("reporting"):
            await self._reports.take_over()
            if await self._reports.send():
                await self._lift(BY_BREX, "Brex takes reports again")
        if self._stopping.is_set() or not await self._may_post():
            return
        await self._export()
        while await self._attach():
            await self._export()

    async def summary(self) -> Summary:
        """What was done so far, and what is open."""
        by_state = (await self._store.counts()).by_state
        undecided = sum(by_state.get(state, 0) for state in OPEN)
        return self._tally.summary(open=undecided, paused=await self._store.paused())

    async def _read(self) -> None:
        with self._tally.timing("reading"):
            if not self._stopping.is_set():
                await self._reader.queue()
            if self._settings.bills and not self._stopping.is_set():
                await self._reader.bills()

    async def _export(self) -> None:
        alone = 0
        while not self._stopping.is_set():
            limit = _AT_A_TIME if alone >= _SINGLES or await self._is_proven() else 1
            with self._tally.timing("reading"):
                refreshed = await self._reader.refresh()
            # Each time: a worker that dies while this run goes on must not have to wait for its end.
            with self._tally.timing("posting"):
                await self._desk.take_over()
                begun = await self._desk.post(limit)
            with self._tally.timing("reporting"):
                await self._reports.take_over()
                await self._reports.send()
            if not begun and not refreshed:
                return
            alone += begun if limit == 1 else 0

    async def _attach(self) -> int:
        with self._tally.timing("attaching"):
            return await self._clerk.attach(_AT_A_TIME)

    async def _is_proven(self) -> bool:
        if not self._proven:
            by_state = (await self._store.counts()).by_state
            self._proven = State.REPORTED in by_state or State.REPORTED_FAILED in by_state
        return self._proven

    async def _may_post(self) -> bool:
        if isinstance(self._poster, Checking):
            try:
                await self._poster.check()
            except Exception as error:  # noqa: BLE001 - the user's code: anything may come
                _log.warning("the poster's check() raised %s", type(error).__name__)
                now = await self._brex.server_now()
                code = PauseCode.ERP_LOGIN
                await self._store.pause(words_of(code), code=code.value, by=ENGINE, now=now)
                return False
        await self._try_the_books_again()
        return await self._store.paused() is None

    async def _try_the_books_again(self) -> None:
        pause = await self._store.paused()
        codes = BY_BOOKS
        if self._settings.recovery == "park":
            # Every post without an answer costs a person's time: a person says when to go on.
            codes -= {PauseCode.NO_ANSWERS}
        rested = pause is not None and await self._brex.server_now() - pause.since >= _REST
        if rested or isinstance(self._poster, Checking):
            await self._lift(codes, "the books are tried again")

    async def _lift(self, codes: frozenset[PauseCode], why: str) -> None:
        if may_end(await self._store.paused(), codes):
            await self._store.resume(by=ENGINE, why=why, now=await self._brex.server_now())
            _log.info("posting goes on: %s", why)
