"""BrexAccounting: opens and closes the connection, with one attribute per resource."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from ssl import SSLContext
from types import TracebackType
from typing import TYPE_CHECKING, Self

import attrs

from . import endpoints
from ._version import __version__
from .auth import TokenFunction, TokenSource, token_source
from .converters.queries import checked_text, record_filters
from .core import Core, Settings, View, user_agent_of
from .errors import BrexError, ConfigurationError
from .models import UpdatedAt
from .resources import Integrations, Records
from .session.clock import Clock, SystemClock
from .session.discreet import discreet
from .session.events import Observer
from .session.limiter import Limiter, RateLimit, SlidingLog
from .session.retry import RetryPolicy
from .session.services import Options
from .urls import checked_url

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = ["BrexAccounting"]

PRODUCTION = "https://api.brex.com"


class BrexAccounting:
    """Brex's Accounting API for one company.

        async with BrexAccounting() as brex:
            async for record in brex.records.list(review_status="READY_FOR_EXPORT"):
                print(record.id, record.amount.amount, record.amount.currency)

    ``token``: a string, an async callable that returns one, or a token source; by default the
    environment variable BREX_TOKEN. ``base_url``: by default BREX_BASE_URL, then production; https, or
    a loopback address. ``timeout``: seconds for one attempt, connecting and body included.
    ``deadline``: seconds for a call with its retries; waiting for the first turn at the limiter is not
    counted. ``session``: an ``aiohttp.ClientSession`` to borrow; it is never closed, its cookie jar is
    its own. ``observers`` are called with events (``session.events``, ``models.SchemaDrift``,
    ``models.BadRecord``).

    Brex limits requests per client id and company. All views of one client share a limiter; two
    unrelated clients do not, so give them the same ``limiter`` if they serve one company.

    Raises ``ConfigurationError`` for wrong arguments.
    Source: Brex, authentication and rate limit guides.
    """

    @discreet
    def __init__(
        self,
        token: str | TokenFunction | TokenSource | None = None,
        *,
        base_url: str | None = None,
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
        given = token if token is not None else os.environ.get("BREX_TOKEN")
        if given is None:
            raise ConfigurationError("no token: pass one, or set the environment variable BREX_TOKEN")
        _check_kinds(ssl=(None if ssl is True or ssl is False else ssl, SSLContext), clock=(clock, Clock))
        if ssl is False:
            raise ConfigurationError("ssl=False would send the token to anyone; pass an SSLContext with your CA")
        _check_kinds(retry=(retry, RetryPolicy), rate_limit=(rate_limit, RateLimit))
        if isinstance(max_response_bytes, bool) or not isinstance(max_response_bytes, int) or max_response_bytes < 1:
            raise ConfigurationError("max_response_bytes must be a whole number of at least 1")
        if not isinstance(observers, Iterable) or not all(callable(observer) for observer in observers):
            raise ConfigurationError("observers are functions that take an event")
        tokens = token_source(given)
        options = _checked(Options(timeout=timeout, deadline=deadline, retry=retry or RetryPolicy()))
        time = clock or SystemClock()
        settings = Settings(
            # An empty argument is a mistake that must not end at production.
            base_url=checked_url(base_url if base_url is not None else os.environ.get("BREX_BASE_URL") or PRODUCTION),
            session=session,
            ssl=ssl,
            trust_env=trust_env,
            user_agent=checked_text("user_agent", user_agent or user_agent_of(__version__)),
            max_response_bytes=max_response_bytes,
        )
        core = Core(
            settings=settings,
            limiter=limiter or SlidingLog(rate_limit or RateLimit(), time),
            clock=time,
            observers=tuple(observers),
            log=logging.getLogger("brex_accounting"),
        )
        core.keep(given)
        self._bind(View(core=core, key="", tokens=tokens, options=options), owner=True)

    def _bind(self, view: View, *, owner: bool) -> None:
        self._view = view
        self._owner = owner
        self.integrations: Integrations = Integrations(view)
        self.records: Records = Records(view)

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
    ) -> BrexAccounting:
        """A view on the same connections with other options (seconds; None keeps the current)."""
        given = {"timeout": timeout, "deadline": deadline, "retry": retry}
        changes = {name: value for name, value in given.items() if value is not None}
        options = _checked(attrs.evolve(self._view.options, **changes))  # type: ignore[arg-type]
        return self._derived(attrs.evolve(self._view, options=options))

    @discreet
    def for_company(self, company_id: str, *, token: str | TokenFunction | TokenSource) -> BrexAccounting:
        """A view of another company, with its own token and its own rate limit."""
        if not isinstance(company_id, str) or not company_id.strip():
            raise ConfigurationError("company_id is blank")
        tokens = token_source(token)
        self._view.core.keep(token)
        return self._derived(attrs.evolve(self._view, key=company_id, tokens=tokens))

    def _derived(self, view: View) -> BrexAccounting:
        derived = object.__new__(type(self))
        derived._bind(view, owner=False)
        return derived

    async def server_now(self) -> datetime:
        """Brex's clock, from its last answer; asks once if there was none yet. Whole seconds, UTC.

        Use it for ``updated_at`` windows: a local clock that runs fast skips records.
        """
        if self._view.core.server_now is None:
            # The newest window is the cheapest question: one record at most.
            today = record_filters(updated_at=UpdatedAt(gte=self._view.core.clock.now()))
            await self._view.run(endpoints.list_records(today, page_size=1, cursor=None, on_bad_record=_ignore))
        now = self._view.core.server_now
        if now is None:
            raise BrexError("the server sends no Date header, so its clock is not known")
        return now

    def __repr__(self) -> str:
        company = f", company={self._view.key!r}" if self._view.key else ""
        return f"{type(self).__name__}(base_url={self._view.core.settings.base_url!r}{company})"


def _ignore(_bad: object) -> None:
    return None


def _check_kinds(**given: tuple[object, type]) -> None:
    for name, (value, kind) in given.items():
        if value is not None and not isinstance(value, kind):
            raise ConfigurationError(f"{name} takes a {kind.__name__}, not {type(value).__name__}")


def _checked(options: Options) -> Options:
    _check_kinds(retry=(options.retry, RetryPolicy))
    for name, seconds in (("timeout", options.timeout), ("deadline", options.deadline)):
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < float("inf"):
            raise ConfigurationError(f"{name} must be a number of seconds above 0")
    return options
