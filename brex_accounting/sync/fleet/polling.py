"""One poll: a company's export is opened, run once, and how it went is written down."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from http import HTTPStatus
from typing import TypeAlias

import attrs

from ...client import BrexAccounting
from ...errors import BrexError, StoreUnavailable
from ...session.events import AttemptEvent
from ..engine import ExportSync
from ..postgres import PostgresStore
from ..states import State
from .roster import Poll, Roster
from .spread import is_doubtful, put_back

__all__ = ["MakeExport", "Poller", "Traffic"]

MakeExport: TypeAlias = Callable[[BrexAccounting, str, PostgresStore], AbstractAsyncContextManager[ExportSync]]
"""Gives the export of a company, from a client with its tokens, its id, and its store in the fleet's database:
an ``ExportSync``, or a context that opens more than that around one. Another store may be used if all machines
reach it.
"""

_log = logging.getLogger("brex_accounting")


@attrs.define(eq=False)
class Traffic:
    """Counts attempts per company: an observer of the client that all share."""

    requests: Counter[str] = attrs.field(factory=Counter)
    throttled: Counter[str] = attrs.field(factory=Counter)

    def __call__(self, event: object) -> None:
        """Count an event."""
        if isinstance(event, AttemptEvent):
            self.requests[event.key] += 1
            self.throttled[event.key] += event.status == HTTPStatus.TOO_MANY_REQUESTS

    def take(self, company_id: str) -> tuple[int, int]:
        """Requests, and those of them that were throttled, since it was last asked."""
        return self.requests.pop(company_id, 0), self.throttled.pop(company_id, 0)


class Poller:
    """Runs polls, any number at a time. ``open_export``: a company's. One that takes longer than ``longest`` failed.

    Companies whose last polls did not come to their end get a quarter of the ``places`` at most, together: were it
    books that hang, they would soon hold them all.
    """

    def __init__(
        self,
        roster: Roster,
        open_export: Callable[[str], AbstractAsyncContextManager[ExportSync]],
        traffic: Traffic,
        *,
        places: int,
        longest: timedelta,
    ) -> None:
        self._roster = roster
        self._open_export = open_export
        self._traffic = traffic
        self._longest = longest
        self._doubtful = 0
        self._doubtful_at_most = max(1, places // 4)
        self._running: set[ExportSync] = set()
        self._stopping = False

    def stop(self) -> None:
        """Begin no post more: what runs comes to its end and is given back."""
        self._stopping = True
        for sync in self._running:
            sync.stop()

    async def poll(self, company_id: str) -> None:
        """One poll. What fails is written down, and raised only when that is not possible: ``StoreError``."""
        attempts = await self._roster.begin(company_id)
        if not attempts:
            return
        doubtful = is_doubtful(attempts)
        if doubtful and self._doubtful >= self._doubtful_at_most:
            await self._roster.given_back(company_id, wait=put_back(attempts))
            return
        self._doubtful += doubtful
        try:
            await self._poll(company_id)
        finally:
            self._doubtful -= doubtful

    async def _poll(self, company_id: str) -> None:
        limit = asyncio.timeout(self._longest.total_seconds())
        try:
            ended = await self._polled(company_id, limit)
        except asyncio.CancelledError:
            await self._roster.given_back(company_id)
            raise
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            # Not the text of strangers: what books raise may show what they were given.
            why = str(error) if isinstance(error, BrexError) else type(error).__name__
            if limit.expired():
                why = f"it took longer than {self._longest.total_seconds():g} seconds: {why}"
            _log.warning("the poll of company %s failed: %s", company_id, why)
            await self._roster.failed(company_id, why, is_lost=isinstance(error, StoreUnavailable))
            return
        if self._stopping:
            await self._roster.given_back(company_id)
        else:
            await self._roster.ended(company_id, ended)

    async def _polled(self, company_id: str, limit: asyncio.Timeout) -> Poll:
        async with limit, self._open_export(company_id) as sync:
            self._running.add(sync)
            try:
                if self._stopping:
                    sync.stop()
                summary = await sync.run_once()
            finally:
                self._running.discard(sync)
            status, unreported = await sync.status(), await sync.unreported()
        requests, throttled = self._traffic.take(company_id)
        return Poll(
            paused_code=status.paused.code if status.paused else None,
            paused_reason=status.paused.reason if status.paused else None,
            unreported=unreported,
            unconfirmed=status.by_state.get(State.UNCONFIRMED, 0),
            watermark=min(status.watermarks.values(), default=None),
            requests=requests,
            throttled=throttled,
            again=sync.lease if summary.open else None,
        )
