"""Many companies in one process: each with its own tokens, all on one client's connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Final

from ..auth import TokenFunction, TokenSource, token_source
from ..errors import ConfigurationError, UnknownCompany
from ..session.discreet import discreet
from .secrets import secrets_of

if TYPE_CHECKING:
    from ..client import BrexAccounting
    from ..webhook_models import WebhookSecret
    from .models import Company

__all__ = ["Companies"]

_NOT_KNOWN_YET: Final = "a company that is not known yet"


class Companies:
    """Which tokens belong to which company.

        companies = Companies(brex)  # which may be BrexAccounting(NoToken()), a client of no company
        companies.add("cuacc_...", OAuthTokens(client_id, client_secret, refresh_token, save=...))
        async for record in companies.client("cuacc_...").records.list(): ...

    Every company has one view of the client ``brex``, with its own rate limit. Its source of tokens is shared
    by all who use that view, so an expired token is refreshed once, however many wait for it. Companies come
    and go at any time. The client is its caller's: closing it also closes the sources that are kept here.

    A company that is not here is an ``UnknownCompany``. No other company's tokens ever stand in for its own.
    """

    def __init__(self, brex: BrexAccounting) -> None:
        self._brex = brex
        self._clients: dict[str, BrexAccounting] = {}
        self._sources: dict[str, TokenSource] = {}

    @discreet
    def add(self, company_id: str, token: str | TokenFunction | TokenSource) -> BrexAccounting:
        """Keep a company's tokens; its view. ``company_id``: the ``id`` of its ``Company``, as webhooks name it.

        Raises ``ConfigurationError`` when it is here already: of two sources for one company, each would spend
        the other's refresh tokens. Remove the old one first.
        """
        if company_id in self._clients:
            raise ConfigurationError("this company is here already; remove it before you add it with other tokens")
        source = token_source(token)
        view = self._brex.for_company(company_id, token=source)
        self._sources[company_id], self._clients[company_id] = source, view
        return view

    async def connect(self, token: str | TokenFunction | TokenSource) -> Company:
        """Ask Brex which company a token belongs to, and keep it as that company's: for when a customer has consented.

        Raises ``ConfigurationError`` when that company is here already, and what the question itself raises.
        """
        source = token_source(token)
        del token  # error reporters print local variables
        company = await self._brex.for_company(_NOT_KNOWN_YET, token=source).company()
        self.add(company.id, source)
        return company

    async def remove(self, company_id: str) -> None:
        """Forget a company's tokens, once a refresh under way has ended, so that what it got is saved.

        Whoever still holds its view can use it as long as its tokens live; revoke them to end that.
        Raises ``UnknownCompany``.
        """
        self.client(company_id)
        source = self._sources.pop(company_id)
        del self._clients[company_id]
        close: Callable[[], Awaitable[object]] | None = getattr(source, "aclose", None)
        if close is not None:
            await close()

    def client(self, company_id: str | None) -> BrexAccounting:
        """The view of a company. Raises ``UnknownCompany``, also for an event that names none."""
        if company_id is None:
            raise UnknownCompany("no company is named, so nobody can tell whose tokens to use")
        if company_id not in self._clients:
            raise UnknownCompany(f"no tokens are kept for this company; {len(self)} others are known. Add it first")
        return self._clients[company_id]

    async def secrets(self) -> tuple[WebhookSecret, ...]:
        """What deliveries of any of the companies are signed with, each secret once. Pass it to ``Receiver`` as it is.

        All are asked side by side. One that cannot be asked, or does not answer within 8 s, is left out and logged:
        its deliveries are refused until it can be, the others' are not. Raises what the first raised when none can.
        """
        return await secrets_of(self._clients)

    def __contains__(self, company_id: object) -> bool:
        return company_id in self._clients

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._clients))

    def __len__(self) -> int:
        return len(self._clients)

    def __repr__(self) -> str:
        return f"Companies({len(self)})"
