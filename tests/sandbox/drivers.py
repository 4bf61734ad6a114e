"""Two ways to the same rules: called directly, and over HTTP on a loopback port."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import aiohttp
import attrs
from yarl import URL

from brex_accounting import AccountingRecord, to_json
from brex_accounting.converters.wire import codec
from brex_accounting.sandbox import ALL_SCOPES, TOKEN, LocalBrex, Profile, Refused, Rules, Sandbox, make_seed
from brex_accounting.sandbox.reading import read_integration, read_results
from brex_accounting.sandbox.table import Wanted

from .contract import Contract

Pairs = Sequence[tuple[str, str]]
TODAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
ALL = ("updated_at[gte]", "2000-01-01")
"""The window that holds every record."""


class Clock:
    """The server's clock, which moves only when told."""

    def __init__(self, moment: datetime = TODAY) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def tick(self, seconds: float = 1.0) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


@attrs.frozen(kw_only=True)
class Answer:
    """A status, the JSON of the body (None when empty), and over HTTP the headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def code(self) -> object:
        """The error code, in either shape of body."""
        return self.body.get("error_code", self.body.get("type"))


@attrs.frozen
class Operation:
    """One of Brex's operations: where it is served, and which scopes open it."""

    method: str
    path: str
    scopes: tuple[str, ...]


_READ, _WRITE = "accounting.record.read", "accounting.record.write"
_LINK = "accounting.integration.write"
OPERATIONS = {
    "list": Operation("GET", "/v3/accounting/records", (_READ, _WRITE)),
    "get": Operation("GET", "/v3/accounting/records/{record_id}", (_READ, _WRITE)),
    "report": Operation("POST", "/v3/accounting/records/export-results", (_WRITE,)),
    "create": Operation("POST", "/v3/accounting/integration", (_LINK,)),
    "disconnect": Operation("POST", "/v3/accounting/integration/{integration_id}/disconnect", (_LINK,)),
    "reactivate": Operation("POST", "/v3/accounting/integration/{integration_id}/reactivate", (_LINK,)),
}


class Driver(Protocol):
    """Asks for an operation; ``target`` is the id in its path, ``authorization`` the whole header."""

    brex: LocalBrex
    clock: Clock

    async def ask(
        self,
        operation: str,
        *,
        target: str = "",
        query: Pairs = (),
        content: object = None,
        authorization: str | None = f"Bearer {TOKEN}",
    ) -> Answer:
        """The answer, an error or not."""


class RulesDriver:
    """The rules as plain calls, with the authorization that a server would ask for first."""

    def __init__(self, brex: LocalBrex, clock: Clock) -> None:
        self.brex = brex
        self.clock = clock

    async def ask(
        self,
        operation: str,
        *,
        target: str = "",
        query: Pairs = (),
        content: object = None,
        authorization: str | None = f"Bearer {TOKEN}",
    ) -> Answer:
        """The answer, an error or not."""
        body = b"" if content is None else json.dumps(content).encode()
        try:
            self.brex.authorize(authorization, OPERATIONS[operation].scopes)
            return Answer(status=200, body=_plain(self._run(operation, target, query, body)))
        except Refused as refused:
            return Answer(status=refused.status, body=_plain(refused.body()))

    def _run(self, operation: str, target: str, query: Pairs, body: bytes) -> bytes:
        brex = self.brex
        actions: dict[str, Callable[[], bytes]] = {
            "list": lambda: codec().dumps(brex.list_records(query)),
            "get": lambda: to_json(brex.get_record(target, query)),
            "report": lambda: _updated(brex.report_export_results(read_results(body))),
            "create": lambda: to_json(brex.create_integration(*read_integration(body))),
            "disconnect": lambda: to_json(brex.disconnect_integration(target)),
            "reactivate": lambda: to_json(brex.reactivate_integration(target)),
        }
        return actions[operation]()


class HttpDriver:
    """The same over a loopback port. Every answer is held against the served OpenAPI document."""

    def __init__(self, sandbox: Sandbox, clock: Clock, session: aiohttp.ClientSession, contract: Contract) -> None:
        self.sandbox = sandbox
        self.brex = sandbox.brex
        self.clock = clock
        self.session = session
        self._contract = contract

    async def ask(
        self,
        operation: str,
        *,
        target: str = "",
        query: Pairs = (),
        content: object = None,
        authorization: str | None = f"Bearer {TOKEN}",
    ) -> Answer:
        """The answer, an error or not."""
        served = OPERATIONS[operation]
        path = served.path.replace("{record_id}", target).replace("{integration_id}", target)
        headers = {} if authorization is None else {"Authorization": authorization}
        url = URL(self.sandbox.url).with_path(path).with_query(list(query))
        async with self.session.request(served.method, url, json=content, headers=headers) as response:
            body = await response.read()
            self._contract.check(served.method, served.path, response.status, response.headers, body)
            return Answer(status=response.status, body=_plain(body), headers=response.headers)

    async def steer(self, method: str, path: str, content: object = None) -> Answer:
        """One request to the controls."""
        url = f"{self.sandbox.url}/_sandbox/{path}"
        async with self.session.request(method, url, json=content) as response:
            return Answer(status=response.status, body=_plain(await response.read()), headers=response.headers)


class Opener(Protocol):
    """Makes a driver over a seed and rules."""

    def __call__(
        self, *, records: int = 60, profile: Profile = "lifelike", rules: Rules | None = None
    ) -> AbstractAsyncContextManager[Driver]: ...


@asynccontextmanager
async def rules_alone(
    *, records: int = 60, profile: Profile = "lifelike", rules: Rules | None = None
) -> AsyncIterator[RulesDriver]:
    """The rules without a server."""
    clock = Clock()
    brex = LocalBrex(make_seed(profile, records=records), now=clock, rules=rules)
    brex.tokens[TOKEN] = ALL_SCOPES
    yield RulesDriver(brex, clock)


@asynccontextmanager
async def http(
    *, records: int = 60, profile: Profile = "lifelike", rules: Rules | None = None
) -> AsyncIterator[HttpDriver]:
    """A running sandbox and a session to it."""
    clock = Clock()
    async with (
        Sandbox(records=records, profile=profile, rules=rules, now=clock) as sandbox,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(sandbox.url + "/openapi.json") as response:
            contract = Contract(await response.json())
        yield HttpDriver(sandbox, clock, session, contract)


def ids_of(answer: Answer) -> list[str]:
    """The ids on a page."""
    return [record["id"] for record in answer.body["items"]]


def all_records(brex: LocalBrex) -> list[AccountingRecord]:
    """Every record that the sandbox holds now, read past its rules."""
    return [brex.table.record(row) for _, row in brex.table.rows(Wanted())]


def _plain(body: bytes) -> Any:
    return json.loads(body) if body else None


def _updated(ids: Sequence[str]) -> bytes:
    return json.dumps({"updated_accounting_record_ids": ids}).encode()
