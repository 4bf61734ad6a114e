"""Many companies at one Brex: one server, and a company costs its records alone. The bearer token tells whose it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from brex_accounting.enums import ReviewStatus
from brex_accounting.sandbox.faults import FaultPlan
from brex_accounting.sandbox.oauth import LocalOAuth
from brex_accounting.sandbox.rules import ALL_SCOPES, LocalBrex, Rules
from brex_accounting.sandbox.seeds import make_seed
from brex_accounting.sandbox.server import Front
from brex_accounting.sandbox.statistics import Statistics

__all__ = ["Company", "company", "served"]

_PREPARE = ReviewStatus.PREPARE


@attrs.frozen
class Company:
    """A company's Brex, and which of its records are to be exported."""

    brex: LocalBrex
    due: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.brex.company.id

    @property
    def token(self) -> str:
        return f"token_{self.id}"

    @property
    def is_exported(self) -> bool:
        """Whether Brex counts all as exported."""
        table = self.brex.table
        return all(table.review_status(table.row_of(one) or 0) == ReviewStatus.EXPORTED for one in self.due)


def company(number: int, records: int) -> Company:
    """One of which so many records wait to be exported."""
    brex = LocalBrex(
        make_seed("lifelike", records=4 * records + 12, seed=number),
        now=lambda: datetime.now(UTC),
        rules=Rules(rate_limit=None),
    )
    held = list(brex.records())
    brex.review([one.id for one in held], _PREPARE)
    due = [one.id for one in held if one.source_type != "BILL"][:records]
    brex.export(due)
    made = Company(brex, tuple(due))
    brex.tokens[made.token] = ALL_SCOPES
    return made


@asynccontextmanager
async def served(companies: Mapping[str, Company]) -> AsyncIterator[str]:
    """The address of all of them, by their tokens. Any other token is shown to the first."""
    doors: dict[str, list[Handler]] = {}

    first = next(iter(companies))

    async def answer(number: int, request: web.Request) -> web.StreamResponse:
        named = request.headers.get("Authorization", "").removeprefix("Bearer token_")
        owner = named if named in companies else first
        if owner not in doors:
            doors[owner] = [route.handler for route in _routes(companies[owner].brex)]
        return await doors[owner][number](request)

    app = web.Application(client_max_size=16 * 2**20)
    for number, route in enumerate(_routes(companies[first].brex)):
        app.router.add_route(route.method, route.path, partial(answer, number))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, max_line_size=64 * 1024)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def _routes(brex: LocalBrex) -> list[web.RouteDef]:
    oauth = LocalOAuth(brex, fresh=lambda: "never asked for")
    return Front(brex, oauth, FaultPlan(()), Statistics()).routes()
