"""BrexAccounting: opens and closes the connection, with one attribute per resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from .errors import ConfigurationError
from .session.discreet import discreet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from ssl import SSLContext
    from types import TracebackType

    from aiohttp import ClientSession

    from .auth import TokenFunction, TokenSource
    from .companies.models import Company
    from .core import View
    from .fields.verbs import Fields
    from .integrations import Integrations
    from .records import Records
    from .session.clock import Clock
    from .session.events import Observer
    from .session.limiter import Limiter, RateLimit
    from .session.retry import RetryPolicy
    from .webhooks.verbs import Webhooks

__all__ = ["BrexAccounting", "warm_up"]


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
    unrelated clients do not, so give them the same ``limiter`` if they serve one company. A shared
    limiter tells companies apart by the names given to ``for_company``; clients without one count as the same.

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
        # Here and not at the top: what a client is made of takes most of the import time.
        from .views import first_view

        view = first_view(
            token,
            base_url=base_url,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            rate_limit=rate_limit,
            limiter=limiter,
            session=session,
            ssl=ssl,
            trust_env=trust_env,
            user_agent=user_agent,
            observers=observers,
            max_response_bytes=max_response_bytes,
            clock=clock,
        )
        self._bind(view, owner=True)

    def _bind(self, view: View, *, owner: bool) -> None:
        from .fields.verbs import Fields
        from .integrations import Integrations
        from .records import Records
        from .webhooks.verbs import Webhooks

        self._view = view
        self._owner = owner
        self.fields: Fields = Fields(view)
        self.integrations: Integrations = Integrations(view)
        self.records: Records = Records(view)
        self.webhooks: Webhooks = Webhooks(view)

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
        from .views import with_options

        return self._derived(with_options(self._view, timeout=timeout, deadline=deadline, retry=retry))

    @discreet
    def for_company(self, company_id: str, *, token: str | TokenFunction | TokenSource) -> BrexAccounting:
        """A view of another company, with its own token and its own rate limit."""
        from .views import for_company

        return self._derived(for_company(self._view, company_id, token))

    def _derived(self, view: View) -> BrexAccounting:
        derived = object.__new__(type(self))
        derived._bind(view, owner=False)
        return derived

    async def company(self) -> Company:
        """The company that the token belongs to. Its ``id`` is the one that webhooks name."""
        from .companies.endpoints import get_company

        return await self._view.run(get_company())

    async def server_now(self) -> datetime:
        """Brex's clock, from its last answer; asks once if there was none yet. Whole seconds, UTC.

        Use it for ``updated_at`` windows: a local clock that runs fast skips records.
        """
        from .views import server_now

        return await server_now(self._view)

    def __repr__(self) -> str:
        company = f", company={self._view.key!r}" if self._view.key else ""
        return f"{type(self).__name__}(base_url={self._view.core.settings.base_url!r}{company})"


def warm_up() -> None:
    """Load now what the first client would load when it is made and opened, and compile what it would to decode.

    For services that would rather start slowly than answer their first request slowly: importing the
    package alone takes a small part of that.
    """
    from .fields.verbs import Fields  # noqa: F401 - loading these is the point
    from .integrations import Integrations  # noqa: F401
    from .records import Records  # noqa: F401
    from .session.transport import AiohttpTransport  # noqa: F401
    from .views import compile_decoder
    from .webhooks.verbs import Webhooks  # noqa: F401

    compile_decoder()
