"""Making views on a client's core: the first one with the core itself, and those derived from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from ssl import SSLContext
from typing import TYPE_CHECKING

import attrs

from . import endpoints
from .auth import TokenFunction, TokenSource, token_source
from .converters.pages import PageBody
from .converters.queries import record_filters
from .converters.wire import codec
from .core import View
from .errors import BrexError, ConfigurationError
from .models import AccountingRecord, UpdatedAt
from .opening import open_view, with_options
from .session.clock import Clock
from .session.events import Observer
from .session.limiter import Limiter, RateLimit
from .session.retry import RetryPolicy

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
    return open_view(
        given,
        # An empty argument is a mistake that must not end at production.
        base_url=base_url if base_url is not None else os.environ.get("BREX_BASE_URL") or PRODUCTION,
        timeout=timeout,
        deadline=deadline,
        retry=retry,
        rate_limit=rate_limit or RateLimit(),
        limiter=limiter,
        session=session,
        ssl=ssl,
        trust_env=trust_env,
        user_agent=user_agent,
        observers=observers,
        max_response_bytes=max_response_bytes,
        clock=clock,
    )


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
