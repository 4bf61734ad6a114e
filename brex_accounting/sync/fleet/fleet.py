"""``Fleet``: the exports of many companies, worked by any number of processes on any number of machines."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from ...client import BrexAccounting
from ...companies import NoToken
from ...errors import ConfigurationError, StoreError
from ...oauth import OAuthApp
from ...session.clock import Clock, SystemClock
from ...session.discreet import discreet
from ...session.events import Observer
from ...session.grants import TokenPair
from ...session.limiter import Limiter, RateLimit
from ...webhook_models import WebhookEvent
from ..engine import ExportSync
from ..states import State
from .database import Database
from .keyring import Keyring
from .polling import MakeExport, Poller, Traffic
from .queue import Queue
from .roster import Roster
from .shared import Shared
from .status import FleetStatus
from .tokens import FleetTokens
from .vault import Vault
from .working import Settings, Worker

__all__ = ["Fleet", "MakeClient"]

_log = logging.getLogger("brex_accounting")

MakeClient: TypeAlias = Callable[[Sequence[Observer], Limiter], BrexAccounting]
"""Gives the client of all companies, which tells these observers, and waits for its turns at this limiter."""


class Fleet:
    """A roster of companies in PostgreSQL, each polled once in ``every``, by all workers that run.

        def export(brex: BrexAccounting, company_id: str, store: PostgresStore) -> ExportSync:
            return ExportSync(brex, MyPoster(company_id), store=store, post_from=..., company=company_id)

        async with Fleet(dsn, keyring=Keyring.from_environment(), oauth=app) as fleet:
            await fleet.init()
            await fleet.add("cuacc_...", pair)
            await fleet.run(export)

    Nothing is lost and nothing posted twice for the same reasons as in one process: what counts is in each
    company's store. A poll whose worker dies is begun again by another worker, ``stale`` after its last sign of
    life. The companies' turns are spread over the interval. One that fails waits longer each time and holds up
    nobody; a poll that takes longer than ``longest`` has failed. From the third poll in a row on that does not come
    to its end, companies share a quarter of the places.

    ``dsn``: a connection string of libpq. ``oauth``: refreshes the pairs; without it only tokens that never
    change work. ``rate_limit``: what Brex allows for a client id and company, from all processes together.
    ``client``: gives the client that all companies share. ``polls``: at a time, in one process, which opens
    at most 2 * ``polls`` + 8 connections. ``stale``: longer than your event loop ever stands still. ``drain``:
    how long ``stop`` waits for running polls.

    Every method raises ``StoreError``, mostly ``StoreUnavailable``, when the database fails. Raises
    ``ConfigurationError`` for wrong arguments.
    """

    @discreet
    def __init__(
        self,
        dsn: str,
        *,
        keyring: Keyring,
        oauth: OAuthApp | None = None,
        rate_limit: RateLimit | None = None,
        client: MakeClient | None = None,
        every: timedelta = timedelta(hours=1),
        polls: int = 8,
        longest: timedelta = timedelta(minutes=30),
        stale: timedelta = timedelta(minutes=1),
        drain: timedelta = timedelta(minutes=5),
        clock: Clock | None = None,
    ) -> None:
        for name, value in (("every", every), ("longest", longest), ("stale", stale), ("drain", drain)):
            if not isinstance(value, timedelta) or value < timedelta(seconds=1):
                raise ConfigurationError(f"{name} is a timedelta of at least a second")
        if isinstance(polls, bool) or not isinstance(polls, int) or polls < 1:
            raise ConfigurationError("polls is a whole number above 0")
        # The worker, its listener, its two looks, and a refresh for each poll.
        self._database = Database(dsn, size=polls + 6)
        self._roster = Roster(self._database, keyring, every=every)
        self._vault = Vault(self._database, keyring)
        self._oauth = oauth
        self._clock = clock or SystemClock()
        rate = rate_limit or RateLimit()
        self._sharing = partial(Shared, dsn, rate=rate, clock=self._clock)
        self._client = client or partial(_client, rate)
        self._longest = longest
        self._settings = Settings(polls=polls, stale=stale, drain=drain)
        self._traffic = Traffic()
        self._worker: Worker | None = None
        self._stopped = False

    async def init(self) -> int:
        """Make what is missing in the database, and encrypt every token under the newest key; how many there are."""
        await Queue(self._database, self._roster).install()
        async with self._sharing(size=1) as shared:
            await shared.make_tables()
        return await self._roster.seal_anew()

    async def add(self, company_id: str, token: str | TokenPair) -> None:
        """Poll a company from now on, or give a known one another token. The pair of a consent is refreshed here."""
        adding = self._roster.add(_checked_id(company_id), token)
        del token  # error reporters print local variables
        await adding

    async def import_store(self, company_id: str, path: str | PathLike[str]) -> int:
        """Take the exports of a company over from its ``SqliteStore``, before you add it; how many revisions there are.

        The file is refused to every process from then on. ``inherit_store`` says what else is refused, and why.
        """
        async with self._sharing(size=1) as shared:
            return await shared.inherit(Path(path), _checked_id(company_id))

    @asynccontextmanager
    async def client(self, company_id: str) -> AsyncIterator[BrexAccounting]:
        """A company's client, with its tokens and at the limiter of all processes, for whatever else there is to do."""
        async with self._sharing(size=1) as shared, self._client((), shared.limiter()) as brex:
            yield self._view(brex, _checked_id(company_id))

    async def trigger(self, company_id: str) -> bool:
        """Poll a company before all that are merely due, as when a webhook names it; False: it is not polled here."""
        queue = Queue(self._database, self._roster)
        await queue.open()
        return await queue.put_first(company_id)

    async def __call__(self, event: WebhookEvent) -> None:
        """``trigger`` the company that a verified event names: a handler of events, for a ``Receiver``."""
        if event.company_id is None:
            _log.warning("an event names no company; its records wait for the next turn of theirs")
        elif not await self.trigger(event.company_id):
            _log.warning("an event is of a company that the fleet does not poll: %s", event.company_id)

    async def status(self) -> FleetStatus:
        """How every company stands."""
        return await self._roster.status()

    async def retire(self, company_id: str, make: MakeExport) -> None:
        """Poll a company no more, and forget its tokens.

        Raises ``StoreError`` while a poll of it runs, and while a document of its is not reported to Brex or
        may be in the books without anybody knowing: then all stays as it is. Raises ``UnknownCompany``.
        """
        async with (
            self._roster.retiring(company_id),
            self._sharing(size=2) as shared,
            self._client((), shared.limiter()) as brex,
        ):
            await _check_settled(make(self._view(brex, company_id), company_id, shared.store(company_id)))

    async def run(self, make: MakeExport) -> None:
        """Work until ``stop``. The loss of the database is outlived. May be cancelled, which drains as well."""
        async with (
            self._sharing(size=self._settings.polls + 2) as shared,
            self._client((self._traffic,), shared.limiter()) as brex,
        ):
            views: dict[str, BrexAccounting] = {}

            def open_export(company_id: str) -> AbstractAsyncContextManager[ExportSync]:
                view = views.get(company_id)
                if view is None:
                    view = views[company_id] = self._view(brex, company_id)
                return make(view, company_id, shared.store(company_id))

            poller = Poller(
                self._roster,
                open_export,
                self._traffic,
                places=self._settings.polls,
                longest=self._longest,
            )
            self._worker = Worker(self._database, self._roster, poller, self._settings, self._clock)
            if self._stopped:
                self._worker.stop()
            # The sources save what is not saved yet when the client closes.
            await self._worker.run()

    def stop(self) -> None:
        """Begin nothing more, for good; ``run`` returns when running posts have come to their end."""
        self._stopped = True
        if self._worker is not None:
            self._worker.stop()

    async def __aenter__(self) -> Self:
        await self._database.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._database.close()

    def __repr__(self) -> str:
        return "Fleet(...)"

    def _view(self, brex: BrexAccounting, company_id: str) -> BrexAccounting:
        return brex.for_company(company_id, token=FleetTokens(company_id, self._vault, self._oauth, self._clock))


def _checked_id(company_id: str) -> str:
    if not isinstance(company_id, str) or not company_id.strip():
        raise ConfigurationError("company_id is blank")
    return company_id


async def _check_settled(export: AbstractAsyncContextManager[ExportSync]) -> None:
    async with export as sync:
        status, unreported = await sync.status(), await sync.unreported()
    unknown = status.open + status.by_state.get(State.UNCONFIRMED, 0)
    if unreported or unknown:
        raise StoreError(
            f"{unreported} documents are not reported to Brex yet, and {unknown} posts have no known outcome: "
            "let the fleet go on until there are none, or settle them"
        )


def _client(rate: RateLimit, observers: Sequence[Observer], limiter: Limiter) -> BrexAccounting:
    return BrexAccounting(NoToken(), observers=observers, limiter=limiter, rate_limit=rate)
