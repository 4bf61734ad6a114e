"""Events on their way to the subscriptions: signed, sent over HTTP, and sent again until they are taken.

To loopback addresses alone: a sandbox must not be a way to have requests sent elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import attrs

from ..urls import is_loopback
from ..webhook_models import WebhookSubscription
from .webhooks import LocalEvent, LocalWebhooks, signed_headers

__all__ = ["RETRIES", "Deliveries", "Try"]

RETRIES: Final = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0)  # guess: Brex documents no schedule
"""Seconds between the tries of one delivery."""

_LATE: Final = 60.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)  # guess: undocumented


@attrs.frozen(kw_only=True)
class Try:
    """One request to a subscription. ``status``: None when no answer came."""

    event_id: str
    subscription_id: str
    number: int
    status: int | None


@attrs.define(kw_only=True)
class _Way:
    """How an event goes: late, after another one that sets ``held_by``, before those that it ``holds``."""

    event: LocalEvent
    is_late: bool
    held_by: asyncio.Event | None = None
    holds: list[asyncio.Event] = attrs.field(factory=list)


class Deliveries:
    """Sends what ``webhooks`` tells. ``tries`` are all requests so far; ``lost`` the ids of events lost on order.

    ``sleep`` waits between tries, so a test may have a clock of its own.
    """

    def __init__(
        self,
        webhooks: LocalWebhooks,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.tries: list[Try] = []
        self.lost: list[str] = []
        self._webhooks = webhooks
        self._now = now
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[asyncio.Event] = []
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Send from now on."""
        # Nothing of the machine's: no proxy, no cookies.
        self._session = aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), timeout=_TIMEOUT)
        self._webhooks.tell = self._told

    async def settled(self) -> None:
        """Wait until nothing is under way: taken, given up, or lost."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        """Send nothing more."""
        self._webhooks.tell = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _told(self, event: LocalEvent) -> None:
        targets = self._webhooks.targets(event.event_type)
        if not targets:
            return
        kinds = self._webhooks.mishaps.strike()
        if "lose" in kinds:
            self.lost.append(event.id)
            return
        way = _Way(event=event, is_late="delay" in kinds)
        if "reorder" in kinds:
            way.held_by = asyncio.Event()
            self._held.append(way.held_by)
        else:
            way.holds, self._held = self._held, []
        for target in targets * (2 if "double" in kinds else 1):
            task = asyncio.get_running_loop().create_task(self._deliver(way, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, way: _Way, target: WebhookSubscription) -> None:
        if way.is_late:
            await self._sleep(_LATE)
        if way.held_by is not None:
            await self._let_go(way.held_by)
        for number, wait in enumerate((*RETRIES, None), 1):
            status = await self._try(way.event, target)
            self.tries.append(Try(event_id=way.event.id, subscription_id=target.id, number=number, status=status))
            for held in way.holds:
                held.set()
            if wait is None or (status is not None and 200 <= status < 300):
                return
            await self._sleep(wait)

    async def _let_go(self, held_by: asyncio.Event) -> None:
        either = [asyncio.ensure_future(self._sleep(_LATE)), asyncio.ensure_future(held_by.wait())]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in either:
                one.cancel()
            await asyncio.gather(*either, return_exceptions=True)

    async def _try(self, event: LocalEvent, target: WebhookSubscription) -> int | None:
        headers = signed_headers(event, self._webhooks.secrets(), self._now())
        if self._session is None or not is_loopback(urlsplit(target.url).hostname or ""):
            return None
        try:
            async with self._session.post(
                target.url, data=event.body, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None
