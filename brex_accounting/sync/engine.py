"""``ExportSync``: one company's records from Brex into the books, and what became of them back to Brex.

A run reads both feeds to their ends, posts, reports, and attaches receipts, in this order. Whatever happened is
in the store before the next step begins, so a run may be killed anywhere: the next one goes on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from ..client import BrexAccounting
from ..errors import BrexError, ConfigurationError, StoreError, StoreUnavailable
from ..session.clock import Clock
from .admin import ExportAdmin
from .context import Context, Settings
from .exports import ENGINE, Binding
from .pausing import PauseCode, pause_code, words_of
from .poster import Poster, checked_recovery
from .reading import checked_record_ids
from .run import Run
from .store import SyncStore
from .summary import Summary, Tally, Watcher
from .verifying import Verification, verify

__all__ = ["ExportSync"]

_log = logging.getLogger("brex_accounting")

_MOST_PARALLEL: Final = 64

_FIRST_WAIT: Final = timedelta(seconds=10)
"""Between a run that failed and the next; doubled until it is as long as the pause between runs."""

_SHORTEST_LEASE: Final = timedelta(seconds=1)
"""Brex's clock comes in whole seconds."""

_ALL_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


class ExportSync(ExportAdmin):
    """Exports one company's records, once, or again and again.

        sync = ExportSync(brex, MyPoster(), store=SqliteStore("exports.db"), post_from=date(2026, 1, 1))
        async with sync:
            summary = await sync.run_once()

    Nothing is lost. One document comes into the books for each revision of a record, as long as the poster
    honours the key, or can look it up; otherwise an outcome that nobody knows is parked as UNCONFIRMED,
    and is never posted again blindly.

    ``company``, ``vendor`` and ``vendor_account_id`` bind the store: another binding is refused.
    ``post_from``: records dated before are left out (OUT_OF_SCOPE). ``since``: bills last changed before are
    not even read; by default all are, once. ``bills``: read bills at all. ``report_bills``: report them too;
    Brex does not document what that does. ``parallel``: posts at a time. ``lease``: after this long without a
    sign of life a worker counts as dead, and others settle what it left. It must outlast the slowest write of
    your books by far: whoever looks for a document before it arrives posts it again. The clocks of two workers
    differ by up to a second, so a few seconds are the least.
    ``owner``: this worker's name, unlike any other's. ``watch`` is called with the numbers so far.

    Several workers may share a store. Raises ``ConfigurationError`` at once for wrong arguments.
    """

    def __init__(
        self,
        brex: BrexAccounting,
        poster: Poster,
        *,
        store: SyncStore,
        post_from: date,
        company: str = "",
        vendor: str = "",
        vendor_account_id: str = "",
        since: datetime | None = None,
        bills: bool = True,
        report_bills: bool = False,
        parallel: int = 8,
        lease: timedelta = timedelta(minutes=2),
        owner: str | None = None,
        watch: Watcher | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(
            store, binding=Binding(company=company, vendor=vendor, vendor_account_id=vendor_account_id), clock=clock
        )
        self._brex = brex
        self._poster = poster
        post_from, since = _checked_dates(post_from, since)
        self._settings = Settings(
            post_from=post_from,
            since=since,
            bills=bills,
            report_bills=report_bills,
            parallel=_checked_parallel(parallel),
            lease=_checked_lease(lease),
            owner=owner or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
            recovery=checked_recovery(poster),
        )
        self._watch = watch
        self._stopping = asyncio.Event()
        self._running = asyncio.Lock()

    @property
    def lease(self) -> timedelta:
        """After this long without a sign of life a worker counts as dead."""
        return self._settings.lease

    def stop(self) -> None:
        """Begin nothing more, for good: running posts come to their end, and the run returns. For signal handlers."""
        self._stopping.set()

    async def run_once(self, *, record_ids: Iterable[str] | None = None) -> Summary:
        """Read everything that is ready, post it, report it, attach receipts.

        ``record_ids``: read these alone, and neither the queue nor the bills, as when a webhook names them; what
        else the store holds that is due is posted and reported as by any run.

        A dead token, a missing scope, an integration that is not active and books that do not work pause the
        company: the summary says so, and the next run looks whether the cause is gone. Any other problem
        with Brex is raised, a ``BrexError``; run again, nothing that was done is lost. Cancelled, it lets running
        posts come to their end first, for as long as the lease; cancelled twice, it does not.
        """
        wanted = None if record_ids is None else checked_record_ids(record_ids)
        async with self._running:
            context = Context(
                brex=self._brex,
                store=await self._opened(),
                poster=self._poster,
                settings=self._settings,
                clock=self._clock,
                tally=Tally(self._clock, self._watch),
                stopping=self._stopping,
            )
            run = Run(context, wanted)
            try:
                await run.all()
            except StoreError:
                raise
            except BrexError as error:
                code = pause_code(error)
                if code is None:
                    raise
                await self._pause_for(code)
            return await run.summary()

    async def run_forever(self, *, every: timedelta, ended: Watcher | None = None) -> None:
        """Run, wait for ``every``, and so on, until ``stop()`` or cancellation.

        ``ended`` is called with the summary of each run that came to its end. A run that fails is logged and
        tried again soon; what a killed worker left is settled as soon as its lease has ended. Raises what no
        waiting mends: a store that is damaged, newer or of somebody else, and wrong arguments.
        """
        if not isinstance(every, timedelta) or every <= timedelta():
            raise ConfigurationError("every is a timedelta above 0")
        failures = 0
        while not self._stopping.is_set():
            wait = every
            try:
                summary = await self.run_once()
            except (ConfigurationError, StoreError) as error:
                if not isinstance(error, StoreUnavailable):
                    raise
                failures += 1
                _log.warning("the store is not available; another run follows: %s", error)
            except BrexError as error:
                failures += 1
                _log.warning("a run failed; another one follows: %s", error)
            else:
                failures = 0
                if ended is not None:
                    ended(summary)
                wait = min(every, self._settings.lease) if summary.open else every
            if failures:
                wait = min(every, _FIRST_WAIT * 2 ** min(failures - 1, 20))
            await self._wait(wait)

    async def verify(self) -> Verification:
        """Hold every record of the store against Brex. None differs when nothing is under way."""
        return await verify(self._brex, await self._opened())

    async def _now(self) -> datetime:
        try:
            return await self._brex.server_now()
        except BrexError:  # a dead token must not keep its own pause from being kept
            return self._clock.now()

    async def _wait(self, wait: timedelta) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(wait.total_seconds()))
        told = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((sleeping, told), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            told.cancel()
            await asyncio.gather(sleeping, told, return_exceptions=True)

    async def _pause_for(self, code: PauseCode) -> None:
        pause = await self._store.pause(words_of(code), code=code.value, by=ENGINE, now=await self._now())
        _log.warning("paused: %s", pause.reason)


def _checked_dates(post_from: date, since: datetime | None) -> tuple[date, datetime]:
    if not isinstance(post_from, date) or isinstance(post_from, datetime):
        raise ConfigurationError("post_from is a date: the first day of the books")
    if since is not None and (not isinstance(since, datetime) or since.utcoffset() is None):
        raise ConfigurationError("since is an aware datetime")
    return post_from, since or _ALL_TIME


def _checked_parallel(parallel: int) -> int:
    if isinstance(parallel, bool) or not isinstance(parallel, int) or not 1 <= parallel <= _MOST_PARALLEL:
        raise ConfigurationError(f"parallel is a whole number from 1 to {_MOST_PARALLEL}")
    return parallel


def _checked_lease(lease: timedelta) -> timedelta:
    if not isinstance(lease, timedelta) or lease < _SHORTEST_LEASE:
        raise ConfigurationError("a lease is a timedelta of at least a second")
    return lease
