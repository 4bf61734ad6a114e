"""MoniteAccounting: one entity's accounting connections, on the same session as Brex's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from ssl import SSLContext
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import attrs

from ..arguments import checked_id
from ..auth import TokenFunction, TokenSource, token_source
from ..core import View
from ..errors import ConfigurationError
from ..opening import open_view, with_options
from ..session.clock import Clock
from ..session.discreet import discreet
from ..session.events import Observer
from ..session.limiter import Limiter, RateLimit
from ..session.retry import RetryPolicy
from .connections import Connections
from .dialect import MONITE, SANDBOX_URL, VERSION, Dialect, Wire
from .synced_records import SyncedRecords
from .tokens import MoniteTokens, checked_version

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = ["MoniteAccounting"]

RATE: Final = RateLimit(limit=30, per=1.0)
"""Requests of one client id, whichever entity they are for."""


class MoniteAccounting:
    """Monite's accounting connections of one entity.

        async with MoniteAccounting(client_id, client_secret, entity_id) as monite:
            connection = await monite.connections.create()
            print("authorise at", connection.connection_url)
            await monite.connections.wait_until(connection.id, "connected", timeout=600)

    ``client_id``, ``client_secret`` and ``entity_id``: by default from MONITE_CLIENT_ID, MONITE_CLIENT_SECRET
    and MONITE_ENTITY_ID; ``base_url`` from MONITE_BASE_URL, then Monite's sandbox. ``entity_user_id``: ask for the
    tokens of that user instead of the partner's. ``token``: another source of tokens (a string, an async
    callable, or a source), and then no credentials are needed. ``version`` is sent with every request,
    ``dialect`` are the names of headers and paths. Every other argument is as for ``BrexAccounting``.

    The limit of 30 requests in a second is the client id's: all views of one client share it, and two clients
    of the same credentials should be given the same ``limiter``.

    Raises ``ConfigurationError`` for wrong arguments.
    """

    @discreet
    def __init__(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        entity_id: str | None = None,
        *,
        entity_user_id: str | None = None,
        token: str | TokenFunction | TokenSource | None = None,
        version: str = VERSION,
        base_url: str | None = None,
        dialect: Dialect = MONITE,
        timeout: float = 30.0,
        deadline: float = 120.0,
        retry: RetryPolicy | None = None,
        rate_limit: RateLimit | None = None,
        limiter: Limiter | None = None,
        session: ClientSession | None = None,
        ssl: SSLContext | bool | None = None,
        trust_env: bool = False,
        user_agent: str | None = None,
        observers: Sequence[Observer] = (),
        max_response_bytes: int = 32 * 2**20,
        clock: Clock | None = None,
    ) -> None:
        if not isinstance(dialect, Dialect):
            raise ConfigurationError(f"dialect takes a Dialect, not {type(dialect).__name__}")
        # An empty argument is a mistake that must not end at another host.
        url = base_url if base_url is not None else os.environ.get("MONITE_BASE_URL") or SANDBOX_URL
        if token is None:
            token = MoniteTokens(
                _given("client_id", client_id),
                _given("client_secret", client_secret),
                entity_user_id=entity_user_id,
                base_url=url,
                version=version,
                dialect=dialect,
                timeout=timeout,
                ssl=None if ssl is True else ssl or None,
                trust_env=trust_env,
                clock=clock,
                observers=observers,
            )
        elif entity_user_id is not None or client_id is not None or client_secret is not None:
            raise ConfigurationError("give credentials or a token, not both")
        view = open_view(
            token,
            base_url=url,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            rate_limit=rate_limit or RATE,
            limiter=limiter,
            session=session,
            ssl=ssl,
            trust_env=trust_env,
            user_agent=user_agent,
            observers=observers,
            max_response_bytes=max_response_bytes,
            clock=clock,
        )
        entity = checked_entity(_given("entity_id", entity_id))
        wire = Wire(dialect=dialect, version=checked_version(version), entity_id=entity)
        self._bind(view, wire, owner=True)

    def _bind(self, view: View, wire: Wire, *, owner: bool) -> None:
        self._view = view
        self._wire = wire
        self._owner = owner
        self.synced_records: SyncedRecords = SyncedRecords(view, wire)
        self.connections: Connections = Connections(view, wire, self.synced_records)

    async def __aenter__(self) -> Self:
        if not self._owner:
            raise ConfigurationError("a view is open as long as its client is; do not enter it")
        self._view.core.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections and token sources. Views do nothing here; a borrowed session stays open."""
        if self._owner:
            await self._view.core.aclose()

    def with_options(
        self, *, timeout: float | None = None, deadline: float | None = None, retry: RetryPolicy | None = None
    ) -> MoniteAccounting:
        """A view on the same connections with other options (seconds; None keeps the current)."""
        return self._derived(with_options(self._view, timeout=timeout, deadline=deadline, retry=retry), self._wire)

    @discreet
    def for_entity(self, entity_id: str, *, token: str | TokenFunction | TokenSource | None = None) -> MoniteAccounting:
        """A view of another entity of the same partner. It shares the rate limit, and the tokens if none are given."""
        view = self._view
        if token is not None:
            view = attrs.evolve(view, tokens=token_source(token))
            view.core.keep(token)
        return self._derived(view, attrs.evolve(self._wire, entity_id=checked_entity(entity_id)))

    async def revoke_token(self) -> None:
        """Make the access token in use worthless; the next call asks for another.

        Raises ``TokenRefreshError`` when the server refuses or cannot be reached, and ``ConfigurationError`` when
        the tokens are not this client's own.
        """
        tokens = self._view.tokens
        if not isinstance(tokens, MoniteTokens):
            raise ConfigurationError("the tokens come from a source of yours: revoke them there")
        await tokens.revoke()

    def _derived(self, view: View, wire: Wire) -> MoniteAccounting:
        derived = object.__new__(type(self))
        derived._bind(view, wire, owner=False)
        return derived

    def __repr__(self) -> str:
        url = self._view.core.settings.base_url
        return f"{type(self).__name__}(base_url={url!r}, entity={self._wire.entity_id!r})"


def _given(name: str, value: str | None) -> str:
    variable = f"MONITE_{name.upper()}"
    found = value if value is not None else os.environ.get(variable)
    if found is None:
        raise ConfigurationError(f"no {name}: pass one, or set the environment variable {variable}")
    return found


def checked_entity(entity_id: str) -> str:
    """An entity's id, which stands in a header."""
    if not checked_id("entity_id", entity_id).isascii():
        raise ConfigurationError("entity_id is not ASCII")
    return entity_id
