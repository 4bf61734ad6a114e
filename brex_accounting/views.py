"""Making views on a client's core: the first one with the core itself, and those derived from it."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import datetime
from ssl import SSLContext
from typing import TYPE_CHECKING

import attrs

from . import endpoints
from ._version import __version__
from .auth import TokenFunction, TokenSource, token_source
from .converters.pages import PageBody
from .converters.queries import checked_text, record_filters
from .converters.wire import codec
from .core import Core, Settings, View, user_agent_of
from .errors import BrexError, ConfigurationError
from .models import AccountingRecord, UpdatedAt
from .session.clock import Clock, SystemClock
from .session.events import Observer, checked_observers
from .session.limiter import TURN_LASTS, Limiter, RateLimit, SlidingLog
from .session.retry import RetryPolicy
from .session.services import Options
from .urls import checked_url

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = ["compile_decoder", "first_view", "for_company", "server_now", "with_options"]

PRODUCTION = "https://api.brex.com"


def first_view(
    token: str | TokenFunction | TokenSource | None,
    *,
    base_url: str | None,
    timeout: float,
    deadline: float,
    retry: RetryPolicy | None,
    rate_limit: RateLimit | None,
    limiter: Limiter | None,
    session: ClientSession | None,
    ssl: SSLContext | bool | None,
    trust_env: bool,
    user_agent: str | None,
    observers: Sequence[Observer],
    max_response_bytes: int,
    clock: Clock | None,
) -> View:
    """The arguments of ``BrexAccounting``, checked, with the core that they make."""
    given = token if token is not None else os.environ.get("BREX_TOKEN")
    if given is None:
        raise ConfigurationError("no token: pass one, or set the environment variable BREX_TOKEN")
    _check_kinds(ssl=(None if ssl is True or ssl is False else ssl, SSLContext), clock=(clock, Clock))
    if ssl is False:
        raise ConfigurationError("ssl=False would send the token to anyone; pass an SSLContext with your CA")
    _check_kinds(retry=(retry, RetryPolicy), rate_limit=(rate_limit, RateLimit))
    if isinstance(max_response_bytes, bool) or not isinstance(max_response_bytes, int) or max_response_bytes < 1:
        raise ConfigurationError("max_response_bytes must be a whole number of at least 1")
    watching = checked_observers(observers)
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
    rate = rate_limit or RateLimit()
    core = Core(
        settings=settings,
        limiter=limiter or SlidingLog(rate, time),
        turn_lasts=rate.per * TURN_LASTS,
        clock=time,
        observers=watching,
        log=logging.getLogger("brex_accounting"),
    )
    core.keep(given)
    return View(core=core, key="", tokens=tokens, options=options)


def with_options(view: View, *, timeout: float | None, deadline: float | None, retry: RetryPolicy | None) -> View:
    """The same view with other options; None keeps the current."""
    given = {"timeout": timeout, "deadline": deadline, "retry": retry}
    changes = {name: value for name, value in given.items() if value is not None}
    return attrs.evolve(view, options=_checked(attrs.evolve(view.options, **changes)))  # type: ignore[arg-type]


def for_company(view: View, company_id: str, token: str | TokenFunction | TokenSource) -> View:
    """A view of another company on the same core."""
    if not isinstance(company_id, str) or not company_id.strip():
        raise ConfigurationError("company_id is blank")
    tokens = token_source(token)
    view.core.keep(token)
    return attrs.evolve(view, key=company_id, tokens=tokens)


async def server_now(view: View) -> datetime:
    """Brex's clock, from its last answer; asks once if there was none yet."""
    if view.core.server_now is None:
        # The newest window is the cheapest question: one record at most.
        today = record_filters(updated_at=UpdatedAt(gte=view.core.clock.now()))
        await view.run(endpoints.list_records(today, page_size=1, cursor=None, on_bad_record=_ignore))
    now = view.core.server_now
    if now is None:
        raise BrexError("the server sends no Date header, so its clock is not known")
    return now


def compile_decoder() -> None:
    """Compile the decoder of a page of records."""
    codec().decode(b'{"items":[],"has_next_page":false}', PageBody[AccountingRecord])


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
