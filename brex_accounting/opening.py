"""Making a client's core and its first view of checked arguments, whichever provider it talks to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from ssl import SSLContext
from typing import TYPE_CHECKING

import attrs

from ._version import __version__
from .arguments import checked_text
from .auth import TokenFunction, TokenSource, token_source
from .core import Core, Settings, View, user_agent_of
from .errors import ConfigurationError
from .session.clock import Clock, SystemClock
from .session.events import Observer, checked_observers
from .session.limiter import TURN_LASTS, Limiter, RateLimit, SlidingLog
from .session.retry import RetryPolicy
from .session.services import Options
from .urls import checked_url

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = ["open_view", "with_options"]


def open_view(
    token: str | TokenFunction | TokenSource,
    *,
    base_url: str,
    timeout: float,
    deadline: float,
    retry: RetryPolicy | None,
    rate_limit: RateLimit,
    limiter: Limiter | None,
    session: ClientSession | None,
    ssl: SSLContext | bool | None,
    trust_env: bool,
    user_agent: str | None,
    observers: Sequence[Observer],
    max_response_bytes: int,
    clock: Clock | None,
) -> View:
    """A view that owns its core. Raises ``ConfigurationError``."""
    _check_kinds(ssl=(None if ssl is True or ssl is False else ssl, SSLContext), clock=(clock, Clock))
    if ssl is False:
        raise ConfigurationError("ssl=False would send the token to anyone; pass an SSLContext with your CA")
    _check_kinds(retry=(retry, RetryPolicy), rate_limit=(rate_limit, RateLimit))
    if isinstance(max_response_bytes, bool) or not isinstance(max_response_bytes, int) or max_response_bytes < 1:
        raise ConfigurationError("max_response_bytes must be a whole number of at least 1")
    watching = checked_observers(observers)
    tokens = token_source(token)
    options = _checked(Options(timeout=timeout, deadline=deadline, retry=retry or RetryPolicy()))
    time = clock or SystemClock()
    settings = Settings(
        base_url=checked_url(base_url),
        session=session,
        ssl=ssl,
        trust_env=trust_env,
        user_agent=checked_text("user_agent", user_agent or user_agent_of(__version__)),
        max_response_bytes=max_response_bytes,
    )
    core = Core(
        settings=settings,
        limiter=limiter or SlidingLog(rate_limit, time),
        turn_lasts=rate_limit.per * TURN_LASTS,
        clock=time,
        observers=watching,
        log=logging.getLogger("brex_accounting"),
    )
    core.keep(token)
    return View(core=core, key="", tokens=tokens, options=options)


def with_options(view: View, *, timeout: float | None, deadline: float | None, retry: RetryPolicy | None) -> View:
    """The same view with other options; None keeps the current."""
    given = {"timeout": timeout, "deadline": deadline, "retry": retry}
    changes = {name: value for name, value in given.items() if value is not None}
    return attrs.evolve(view, options=_checked(attrs.evolve(view.options, **changes)))  # type: ignore[arg-type]


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
