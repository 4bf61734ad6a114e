"""What the tests of Monite share: a sandbox whose requests are written down, its client, and time that hurries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from brex_accounting import RateLimit, RetryPolicy
from brex_accounting.monite import MoniteAccounting
from brex_accounting.sandbox.monite import MoniteSandbox

from ..client.granting import Hurried

__all__ = ["Hurried", "Seen", "Tap", "client_of", "connected"]

QUICK = RetryPolicy(base=0.001, cap=0.01, throttle_base=0.005)


@attrs.frozen
class Seen:
    """One request as the server got it."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes

    @property
    def line(self) -> str:
        """Method and path below the base URL."""
        return f"{self.method} {self.path.removeprefix('/v1')}"


@attrs.define
class Tap:
    """``seen`` are the requests in order; ``instead`` may answer one in place of the sandbox."""

    seen: list[Seen] = attrs.field(factory=list)
    instead: Callable[[Seen], web.Response | None] = lambda _: None

    @property
    def lines(self) -> list[str]:
        """Every request but those for tokens."""
        return [one.line for one in self.seen if "/auth/" not in one.path]

    def on(self, app: web.Application) -> web.Application:
        """The application, tapped."""

        @web.middleware
        async def tapped(request: web.Request, handler: Handler) -> web.StreamResponse:
            headers = {name.lower(): value for name, value in request.headers.items()}
            query = tuple(request.query.items())
            one = Seen(request.method, request.rel_url.raw_path, query, headers, await request.read())
            self.seen.append(one)
            return self.instead(one) or await handler(request)

        app.middlewares.insert(0, tapped)
        return app


def client_of(sandbox: MoniteSandbox, **options: Any) -> MoniteAccounting:
    """A client of a sandbox, with its credentials unless a token is given."""
    credentials = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    given = {
        **({} if "token" in options else credentials),
        "entity_id": sandbox.entity_id,
        "base_url": sandbox.url,
        "retry": QUICK,
        "rate_limit": RateLimit(limit=10**9),
        **options,
    }
    return MoniteAccounting(**given)


async def connected(sandbox: MoniteSandbox, monite: MoniteAccounting) -> str:
    """The id of a new connection that a person has authorised."""
    made = await monite.connections.create()
    sandbox.monite.authorise(made.id)
    return made.id
