"""The secrets of a receiver: asked for when they are needed, and no more often than is good for Brex."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from ..session.clock import Clock
from ..webhook_models import WebhookSecret
from .verify import keys_of

__all__ = ["FetchSecrets", "Keyring"]

FetchSecrets: TypeAlias = Callable[[], Awaitable[Sequence[str | WebhookSecret]]]
"""Asks for the secrets that sign now; ``brex.webhooks.secrets`` is one."""

_log = logging.getLogger("brex_accounting")

_KEPT: Final = 3600.0
"""Seconds. A secret that Brex gave up must not be believed for ever."""

_AFTER_FAILURE: Final = 5.0

_SLOWEST: Final = 10.0
"""Seconds for an answer. A delivery waits meanwhile, and Brex with it."""


class Keyring:
    """The bytes of the secrets, kept for an hour.

    ``every``: seconds between two questions that deliveries cause which fit no secret. Anybody can send
    those, so without it anybody could spend the rate limit.
    """

    def __init__(self, fetch: FetchSecrets, *, every: float, clock: Clock) -> None:
        self._fetch = fetch
        self._every = every
        self._clock = clock
        self._keys: tuple[bytes, ...] = ()
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()

    async def keys(self) -> tuple[bytes, ...]:
        """What deliveries are signed with; empty when nobody could be asked yet."""
        # One delivery waits for the answer; others need not, as long as there is something to go by.
        if self._is_old() and not (self._keys and self._asking.locked()):
            async with self._asking:
                if self._is_old() and self._is_time(_AFTER_FAILURE):
                    await self._ask()
        return self._keys

    async def fresh(self, used: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Other keys than the ``used`` ones, which did not fit; empty when there are none, or it is too soon to ask."""
        async with self._asking:
            if self._keys == used and self._is_time(self._every):
                await self._ask()
            return self._keys if self._keys != used else ()

    def _is_old(self) -> bool:
        return self._fetched_at is None or self._clock.monotonic() - self._fetched_at > _KEPT

    def _is_time(self, wait: float) -> bool:
        return self._asked_at is None or self._clock.monotonic() - self._asked_at >= wait

    async def _ask(self) -> None:
        self._asked_at = self._clock.monotonic()
        try:
            async with asyncio.timeout(_SLOWEST):
                found = await self._fetch()
            self._keys = keys_of(found)
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            _log.warning("asking for the webhook secrets raised %s", type(error).__name__)
        else:
            self._fetched_at = self._asked_at
