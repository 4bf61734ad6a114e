"""An export's whole world on loopback: the sandbox, the fake ERP, and a clock that moves when a test says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from brex_accounting import AccountingRecord, BrexAccounting, RateLimit, RetryPolicy, from_json, to_json
from brex_accounting.enums import ReviewStatus
from brex_accounting.sandbox import Rules, Sandbox, local
from brex_accounting.sandbox.server import make_app
from brex_accounting.sync import Export, ExportAdmin, ExportKey, ExportSync, Move, Posted, SqliteStore, Summary
from brex_accounting.sync.poster import Outcome, Poster
from brex_accounting.testing.erp import FakeErp
from brex_accounting.testing.erp_poster import ErpPoster, FindErpPoster, ParkErpPoster, SameKeyErpPoster

from ..unit.documents import encoded, record

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
POST_FROM = date(2026, 6, 1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LEASE = timedelta(minutes=2)

READY, PREPARE, EXPORTED = "READY_FOR_EXPORT", "PREPARE", "EXPORTED"
BILL: Any = MappingProxyType({"source_type": "BILL", "type": "BILL_EXPENSE", "review_status": PREPARE})
RECORDS, REPORT = "/v3/accounting/records", "/v3/accounting/records/export-results"
ENTRIES = "/v1/journal-entries"
WAYS: Mapping[type[ErpPoster], Mapping[str, Any]] = MappingProxyType(
    {
        SameKeyErpPoster: {"dedupe": "key", "lookup": "key"},
        FindErpPoster: {"dedupe": "none", "lookup": "number"},
        ParkErpPoster: {"dedupe": "none", "lookup": "none"},
    }
)
"""Each poster with the ERP that it is for."""
QUICK = RetryPolicy(base=0.001, cap=0.01, throttle_base=0.005)


class SteeredClock:
    """Stands still until ``advance``. Sleeps below a second are those of retries, and real."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        """How long the sleeps were to be, but for those below a second."""
        self._passed = 0.0
        self._sleepers: set[asyncio.Future[None]] = set()

    def monotonic(self) -> float:
        return 1_000.0 + self._passed

    def now(self) -> datetime:
        return START + timedelta(seconds=self._passed)

    async def sleep(self, seconds: float) -> None:
        if seconds < 1:
            await asyncio.sleep(seconds)
            return
        self.waits.append(seconds)
        due = self._passed + seconds
        while self._passed < due:
            waking = asyncio.get_running_loop().create_future()
            self._sleepers.add(waking)
            await waking

    def advance(self, by: timedelta) -> None:
        self._passed += by.total_seconds()
        sleepers, self._sleepers = self._sleepers, set()
        for waking in sleepers:
            if not waking.done():
                waking.set_result(None)


@attrs.define
class Ledger:
    """Books in memory, and their poster. ``answer`` says what a post comes to; None: it is booked."""

    answer: Callable[[AccountingRecord, ExportKey], Awaitable[Outcome | None]] | None = None
    recovery: str = "same_key"
    booked: list[str] = attrs.field(factory=list)
    supersedes: list[str | None] = attrs.field(factory=list)

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        outcome = await self.answer(record, key) if self.answer is not None else None
        if outcome is not None:
            return outcome
        self.booked.append(key)
        self.supersedes.append(supersedes)
        return Posted(f"JE-{key}")


@attrs.frozen
class Seen:
    """A request as it arrived at Brex or at the ERP."""

    at: str
    method: str
    path: str
    query: Mapping[str, str]
    body: Any

    @property
    def what(self) -> str:
        """Its kind, in one word."""
        if self.at == "erp":
            return "post" if (self.method, self.path) == ("POST", ENTRIES) else "other"
        if self.path == REPORT:
            return "report"
        if self.query.get("limit") == "1":
            return "clock"
        return "bills" if self.query.get("source_type") == "BILL" else "again" if "ids" in self.query else "queue"

    @property
    def results(self) -> list[dict[str, Any]]:
        """What it reports."""
        found: list[dict[str, Any]] = self.body["results"] if self.what == "report" else []
        return found

    @property
    def reported(self) -> list[str]:
        """The records it reports."""
        return [one["accounting_record_id"] for one in self.results]


Hook = Callable[[Seen], object]
"""Called when a request has arrived, before it is served; a response that it returns is the answer."""


class TappedErp(FakeErp):
    """A fake ERP whose requests a test sees."""

    def __init__(self, *given: Any, tap: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._tap = tap

    def _application(self) -> web.Application:
        app = super()._application()
        app.middlewares.insert(0, self._tap("erp", "/v1/"))
        return app


@attrs.define
class World:
    """``wire``: the requests at both servers as they arrived. ``hooks`` see each before it is served.

    ``broken``: ids of records that Brex sends in a form that nobody can read.
    """

    clock: SteeredClock
    path: Path
    kind: type[ErpPoster]
    wire: list[Seen] = attrs.field(factory=list)
    hooks: list[Hook] = attrs.field(factory=list)
    broken: set[str] = attrs.field(factory=set)
    sandbox: Sandbox = attrs.field(init=False)
    brex: BrexAccounting = attrs.field(init=False)
    erp: FakeErp = attrs.field(init=False)
    poster: ErpPoster = attrs.field(init=False)

    # The customer

    def put(self, *record_ids: str, **changes: Any) -> None:
        """Records in Brex, ready to be exported."""
        for record_id in record_ids:
            made = {"id": record_id, "review_status": READY, "updated_at": self._updated()} | changes
            self.sandbox.brex.table.put(from_json(encoded(record(**made)), AccountingRecord))

    def many(self, count: int, **changes: Any) -> list[str]:
        """So many of them, each of a source of its own."""
        ids = [f"accr_{number:04}" for number in range(count)]
        self.put(*ids, **changes)
        return ids

    def edit(self, record_id: str, **changes: Any) -> None:
        """Another version of a record."""
        now = self.record(record_id)
        plain = json.loads(to_json(now)) | {"version": now.version + 1, "updated_at": self._updated()} | changes
        self.sandbox.brex.table.put(from_json(encoded(plain), AccountingRecord))

    def move(self, record_id: str, *statuses: str) -> None:
        """A record through these review statuses."""
        table = self.sandbox.brex.table
        for status in statuses:
            table.change(self._row(record_id), ReviewStatus(status), self.clock.now())

    def remove(self, record_id: str) -> None:
        """A record that Brex no longer returns."""
        self.sandbox.brex.table.remove(self._row(record_id))

    def record(self, record_id: str) -> AccountingRecord:
        """A record as it stands in Brex."""
        return self.sandbox.brex.table.record(self._row(record_id))

    def status(self, record_id: str) -> str:
        """Its review status there."""
        return str(self.record(record_id).review_status)

    def _row(self, record_id: str) -> int:
        row = self.sandbox.brex.table.row_of(record_id)
        assert row is not None
        return row

    def _updated(self) -> str:
        # A window of bills ends a few seconds before now.
        return (self.clock.now() - MINUTE).isoformat().replace("+00:00", "Z")

    # The export

    def store(self) -> SqliteStore:
        """The store, through another connection each time."""
        return SqliteStore(self.path / "exports.db")

    def sync(self, poster: Poster | None = None, **options: Any) -> ExportSync:
        """An export; each is a worker of its own."""
        given: dict[str, Any] = {
            "store": self.store(),
            "post_from": POST_FROM,
            "lease": LEASE,
            "clock": self.clock,
        } | options
        return ExportSync(self.brex, poster or self.poster, **given)

    async def run(self, poster: Poster | None = None, *, later: timedelta = timedelta(0), **options: Any) -> Summary:
        """One run of a worker that begins and ends with it."""
        self.clock.advance(later)
        async with self.sync(poster, **options) as sync:
            return await sync.run_once()

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[ExportAdmin]:
        """What a person has in hand."""
        async with ExportAdmin(self.store(), clock=self.clock) as admin:
            yield admin

    async def exports(self, record_id: str) -> tuple[Export, ...]:
        """Its revisions in the store."""
        async with self.admin() as admin:
            return await admin.exports_of(record_id)

    async def states(self, record_id: str) -> list[str]:
        """Where they stand."""
        return [export.state.value for export in await self.exports(record_id)]

    async def in_state(self, *states: str) -> int:
        """How many exports are in one of these."""
        async with self.admin() as admin:
            by_state = (await admin.status()).by_state
        return sum(by_state.get(state, 0) for state in by_state if state.value in states)

    async def history(self, record_id: str) -> list[Move]:
        """Its moves."""
        async with self.admin() as admin:
            return [move async for move in admin.history(record_id)]

    async def pause(self) -> str | None:
        """The code of the pause."""
        async with self.admin() as admin:
            paused = (await admin.status()).paused
        return paused.code if paused else None

    # What came of it

    def kinds(self, *wanted: str) -> list[str]:
        """The kinds of the requests in the order of their arrival, those asked for."""
        return [seen.what for seen in self.wire if seen.what in wanted]

    def posts(self) -> list[str]:
        """Record ids in the order in which the ERP was asked to book them."""
        return [seen.body["record"] for seen in self.wire if seen.what == "post"]

    def reports(self) -> list[list[str]]:
        """Record ids of each report."""
        return [seen.reported for seen in self.wire if seen.what == "report"]

    async def booked(self) -> dict[str, int]:
        """How many documents count in the ERP's books, by record."""
        return {record_id: count for record_id, count in (await self.erp.control.counts()).standing.items() if count}

    async def doubled(self) -> tuple[str, ...]:
        """What was booked twice. It should be empty."""
        return (await self.erp.control.counts()).doubled

    def tap(self, at: str, below: str) -> Any:
        """A middleware that keeps what arrives."""

        @web.middleware
        async def tapped(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.path.startswith(below):
                return await handler(request)
            is_json = request.content_type == "application/json" or request.path == ENTRIES
            body = json.loads(await request.read() or b"null") if request.method == "POST" and is_json else None
            seen = Seen(at, request.method, request.path, dict(request.query), body)
            self.wire.append(seen)
            for hook in tuple(self.hooks):
                answer = hook(seen)
                if isinstance(answer, web.Response):
                    answer.headers["Date"] = format_datetime(self.clock.now(), usegmt=True)
                    return answer
            return self._broken(await handler(request))

        return tapped

    def _broken(self, response: web.StreamResponse) -> web.StreamResponse:
        if self.broken and isinstance(response, web.Response) and isinstance(response.body, bytes):
            page = json.loads(response.body)
            for item in page.get("items", ()):
                if item.get("id") in self.broken:
                    item["amount"] = {"amount": "canary-of-a-bad-record", "currency": "USD"}
            response.body = json.dumps(page).encode()
        return response


@asynccontextmanager
async def world_of(
    path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[ErpPoster] = SameKeyErpPoster
) -> AsyncIterator[World]:
    """A world in which everything runs and nothing is."""
    clock = SteeredClock()
    world = World(clock, path, kind)

    def tapped(*given: Any) -> web.Application:
        app = make_app(*given)
        app.middlewares.insert(0, world.tap("brex", "/v3/"))
        return app

    monkeypatch.setattr(local, "make_app", tapped)
    erp = TappedErp(path / "erp.db", tap=world.tap, **WAYS[kind])
    async with Sandbox(records=0, now=clock.now, rules=Rules(rate_limit=None)) as sandbox, erp:
        rate = RateLimit(limit=10**9)
        brex = BrexAccounting(sandbox.token, base_url=sandbox.url, retry=QUICK, rate_limit=rate, clock=clock)
        poster = kind(erp.url, erp.token, accounts={"efo_1": "6100"}, fetch=_content)
        async with brex, poster:
            world.sandbox, world.brex, world.erp, world.poster = sandbox, brex, erp, poster
            yield world


async def _content(receipt: Any) -> bytes:
    return f"content of {receipt.id}".encode()
