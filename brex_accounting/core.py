"""What the views of one client share, whichever provider's: connections, limiter, a clock on the server's time."""

from __future__ import annotations

import asyncio
import logging
import platform
import random
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from .errors import ConfigurationError
from .session.call import Call
from .session.clock import Clock
from .session.discreet import Unchained
from .session.events import Observer
from .session.limiter import Limiter
from .session.manager import Manager
from .session.services import Options, TokenSource, Transport

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohttp import ClientSession

__all__ = ["Core", "Settings", "View", "user_agent_of"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Settings:
    """How the connections of a client are made."""

    base_url: str
    session: ClientSession | None = attrs.field(repr=False)
    ssl: SSLContext | bool | None = attrs.field(repr=False)
    trust_env: bool
    user_agent: str
    max_response_bytes: int


@attrs.define(kw_only=True)
class Core:
    """Owned by the client that opened it; views of other companies and options share it."""

    settings: Settings
    limiter: Limiter
    turn_lasts: float
    clock: Clock
    observers: Sequence[Observer]
    log: logging.Logger
    _manager: Manager | None = None
    _closed: bool = False
    _first: set[str] = attrs.field(factory=set)
    # The loop itself holds tasks weakly.
    _tasks: set[asyncio.Task[Any]] = attrs.field(factory=set)
    # Weakly: a fleet's client outlives most of its companies.
    _sources: weakref.WeakValueDictionary[int, object] = attrs.field(factory=weakref.WeakValueDictionary)

    @property
    def manager(self) -> Manager:
        """The open session manager."""
        if self._manager is None:
            state = "is closed" if self._closed else "is not open"
            raise ConfigurationError(f"the client {state}; use it inside 'async with'")
        return self._manager

    def open(self) -> None:
        """Make the connections' session."""
        if self._manager is not None or self._closed:
            raise ConfigurationError("a client is opened once; make a new one")
        self._manager = Manager(
            transport=self._transport(),
            limiter=self.limiter,
            turn_lasts=self.turn_lasts,
            clock=self.clock,
            roll=random.Random().random,  # noqa: S311 - it spreads waits
            user_agent=self.settings.user_agent,
            observers=self.observers,
            log=self.log,
        )

    def keep(self, source: object) -> None:
        """Close a source of tokens with the client, if it has an ``aclose`` and is still in use then."""
        with suppress(TypeError):  # no weak reference to it is possible: whoever made it closes it
            self._sources[id(source)] = source

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that ends with the client."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def aclose(self) -> None:
        """Close what was opened; a borrowed session stays open. A refresh of tokens under way is waited for."""
        self._closed = True
        manager, self._manager = self._manager, None
        try:
            await self._end_tasks()
            await self._close_sources()
        finally:
            if manager is not None:
                await manager.transport.aclose()

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _close_sources(self) -> None:
        sources = list(self._sources.values())
        self._sources.clear()
        await asyncio.gather(*map(self._close, sources))

    async def _close(self, source: object) -> None:
        close: Callable[[], Awaitable[object]] | None = getattr(source, "aclose", None)
        try:
            if close is not None:
                await close()
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            # One that fails must not keep the rest open.
            self.log.warning("closing a token source raised %s", type(error).__name__)

    def _transport(self) -> Transport:
        # Here and not at the top: aiohttp takes most of the import time, and a program that only
        # decodes or verifies never needs it.
        from .session.transport import AiohttpTransport

        return AiohttpTransport(
            self.settings.base_url,
            session=self.settings.session,
            ssl=self.settings.ssl,
            trust_env=self.settings.trust_env,
            max_response_bytes=self.settings.max_response_bytes,
        )

    @property
    def server_now(self) -> datetime | None:
        """The server's clock, if an answer told it: its last Date, plus what has passed since."""
        told = self.manager.server_clock
        return None if told is None else told[0] + timedelta(seconds=self.clock.monotonic() - told[1])

    def is_first(self, what: str) -> bool:
        """Whether it is asked for the first time, by any view."""
        known = what in self._first
        self._first.add(what)
        return not known


@attrs.frozen(kw_only=True)
class View:
    """One company with one set of options, on a core. Resources call through it.

    Calls of the same ``key`` share a rate limit.
    """

    core: Core
    key: str
    tokens: TokenSource = attrs.field(repr=False)
    options: Options

    async def run(self, call: Call[T]) -> T:
        """The call's result."""
        with Unchained():
            return await self.core.manager.run(call, self.key, self.tokens, self.options)


def user_agent_of(version: str) -> str:
    """The default User-Agent."""
    return f"brex-accounting/{version} Python/{platform.python_version()}"
