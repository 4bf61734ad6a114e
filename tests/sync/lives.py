"""The other side of ``export_worker``, and a company whose workers may be killed: its Brex, its books, its store."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import attrs
import msgspec

from brex_accounting import AccountingRecord, from_json
from brex_accounting.posters.csv.rows import is_end, parse
from brex_accounting.sandbox import Rules, Sandbox
from brex_accounting.sync import SqliteStore
from brex_accounting.sync.exports import Export
from brex_accounting.sync.postgres import PostgresStore
from brex_accounting.sync.states import State
from brex_accounting.sync.store import SyncStore
from brex_accounting.testing.erp import FakeErp

from ..unit.documents import encoded, line, money, record
from .desk import current, replayed
from .export_worker import Life, News, Order, Result

__all__ = ["ROOT", "Company", "End", "Running", "Workers", "company", "document"]

ROOT = Path(__file__).parent.parent.parent
BILL = {"source_type": "BILL", "type": "BILL_EXPENSE"}


def document(
    record_id: str, *, bill: bool = False, refused: bool = False, receipts: int = 0, **changes: Any
) -> AccountingRecord:
    """A record in the queue, or a bill; one that is refused does not balance."""
    sides = [line(amount=money(2 if refused else 1)), line(id="accrli_2", type="CREDIT")]
    kind: dict[str, Any] = (
        {**BILL, "review_status": "PREPARE", "status": "APPROVED"} if bill else {"review_status": "READY_FOR_EXPORT"}
    )
    given = {
        "id": record_id,
        "source_id": f"source_{record_id}",
        "line_items": sides,
        "receipts": [{"id": f"receipt_{number}"} for number in range(receipts)],
        "updated_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
    }
    return from_json(encoded(record(**(kind | given | changes))), AccountingRecord)


@attrs.frozen
class End:
    """How a life ended: its exit code, negative after a signal, and its result unless it was killed."""

    status: int
    result: Result | None


@attrs.define(eq=False, repr=False)
class Running:
    """A process at work. ``reached``: the failpoints it came to, in their order."""

    number: int
    _workers: Workers
    reached: list[str] = attrs.field(factory=list)
    struck: bool = False
    went_on: bool = False
    news: asyncio.Condition = attrs.field(factory=asyncio.Condition)
    end: End | None = None
    text: str = ""
    _result: Result | None = None

    def send(self, number: int) -> None:
        """Send it a signal, if it still lives."""
        self._workers.order(Order(number=self.number, signal=number))

    async def until_struck(self) -> bool:
        """Wait for what was ordered to happen; False when it ended without."""
        async with self.news:
            await self.news.wait_for(lambda: self.struck or self.end is not None)
        return self.struck

    async def go_on(self) -> None:
        """Let it go on after it was stopped. More than once: it is struck a moment before it stops."""
        while not self.went_on and self.end is None:
            self.send(signal.SIGCONT)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1), self.news:
                    await self.news.wait_for(lambda: self.went_on or self.end is not None)

    async def ended(self) -> End:
        """Wait for its end."""
        async with self.news:
            await self.news.wait_for(lambda: self.end is not None)
        assert self.end is not None
        return self.end

    async def hear(self, news: News) -> None:
        """Take in what it said."""
        *lines, self.text = (self.text + news.text).split("\n")
        for one in lines:
            if one.startswith("= "):
                self._result = msgspec.json.decode(one[2:], type=Result)
            elif one == "struck":
                self.struck = True
            elif one == "went on":
                self.went_on = True
            else:
                self.reached.append(one)
        async with self.news:
            if news.status is not None:
                self.end = End(news.status, self._result)
            self.news.notify_all()


class Workers:
    """A server that forks worker processes. All of them end with the block."""

    def __init__(self) -> None:
        self._running: dict[int, Running] = {}
        self._number = 0
        self._server: Process | None = None
        self._hearing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        command = (sys.executable, "-W", "error", "-m", "tests.sync.export_worker")
        self._server = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE, limit=2**22)
        self._hearing = asyncio.create_task(self._hear())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._server.stdin is not None
        assert self._hearing is not None
        self._server.stdin.close()
        await self._server.wait()
        await self._hearing

    @property
    def next_number(self) -> int:
        """The number of the next life."""
        return self._number + 1

    def start(self, life: Life) -> Running:
        """Begin a life."""
        self._number += 1
        running = self._running[self._number] = Running(self._number, self)
        self.order(Order(number=self._number, life=life))
        return running

    async def run(self, life: Life) -> tuple[Running, End]:
        """A whole life."""
        running = self.start(life)
        return running, await running.ended()

    def order(self, order: Order) -> None:
        """Pass an order on."""
        assert self._server is not None
        assert self._server.stdin is not None
        self._server.stdin.write(msgspec.json.encode(order) + b"\n")

    async def _hear(self) -> None:
        assert self._server is not None
        assert self._server.stdout is not None
        while data := await self._server.stdout.readline():
            news = msgspec.json.decode(data, type=News)
            await self._running[news.number].hear(news)
            if news.status is not None:
                del self._running[news.number]
        for left in list(self._running.values()):  # the server itself died
            await left.hear(News(number=left.number, status=-signal.SIGKILL))


_BOOKS: Mapping[str, Mapping[str, Any]] = {
    "same_key": {"dedupe": "key", "lookup": "key"},
    "find": {"dedupe": "none", "lookup": "number"},
    "park": {"dedupe": "none", "lookup": "none"},
    "csv": {},
}


@attrs.define(kw_only=True)
class Company:
    """One company. Its Brex's clock is ahead of ours by ``ahead``: a lease ends when we say so.

    Its store is the file ``store``, or in PostgreSQL where ``conninfo`` says.
    """

    workers: Workers
    sandbox: Sandbox
    erp: FakeErp
    store: Path
    poster: str
    lease: float
    conninfo: str = ""
    ahead: timedelta = timedelta()

    def life(self, **changes: Any) -> Life:
        """A life of one of its workers."""
        plain = Life(
            brex=self.sandbox.url,
            token=self.sandbox.token,
            erp=self.erp.url,
            erp_token=self.erp.token,
            poster=self.poster,
            store=self.conninfo or str(self.store),
            kind="postgres" if self.conninfo else "sqlite",
            lease=self.lease,
        )
        return attrs.evolve(plain, **changes)

    def put(self, *records: AccountingRecord) -> None:
        """Records into Brex."""
        for one in records:
            self.sandbox.brex.table.put(one)

    def jump(self) -> None:
        """Let every lease end."""
        self.ahead += timedelta(seconds=self.lease + 2)

    async def run(self, **changes: Any) -> tuple[Running, End]:
        """A life from its beginning to its end."""
        return await self.workers.run(self.life(**changes))

    async def settled(self, most: int = 6, **changes: Any) -> Result:
        """Run until nothing is open, each time past the lease of what was left; the last run's result."""
        for _ in range(most):
            self.jump()
            _, end = await self.run(**changes)
            assert end.status == 0, end
            assert end.result is not None
            assert end.result.errors == ()
            if not end.result.open:
                return end.result
        raise AssertionError(f"still open after {most} runs past the lease: {end.result}")

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[SyncStore]:
        """Its store, looked into from here."""
        store: SyncStore = PostgresStore(self.conninfo, "cuacc_1") if self.conninfo else SqliteStore(self.store)
        await store.open(now=datetime.now(UTC))
        try:
            yield store
        finally:
            await store.close()

    async def exports(self) -> list[Export]:
        """Everything in the store; its history must lead to the same states."""
        async with self.opened() as store:
            assert await replayed(store) == await current(store)
            return list(await store.exports(tuple(State), limit=100_000))

    async def documents(self) -> Mapping[tuple[str, int], int]:
        """How many documents were ever made of each revision."""
        if self.poster == "csv":
            file = Path(f"{self.store}.csv")
            rows = [parse(one) for one in file.read_bytes().splitlines()[1:]] if file.exists() else []
            keys = Counter(row[0].rpartition(".") for row in rows if row is not None and is_end(row))
            return {(key[0], int(key[2])): count for key, count in keys.items()}
        counts = await self.erp.control.counts()
        return {(one, number): n for one, found in counts.by_revision.items() for number, n in found.items()}

    async def attached(self) -> Mapping[str, int]:
        """How many files each record's documents hold."""
        found: Counter[str] = Counter()
        for one in await self.erp.control.documents():
            found[str(one.draft.record)] += len(one.attachments)
        return found

    def status_at_brex(self, record_id: str) -> str:
        """How a record reads."""
        table = self.sandbox.brex.table
        row = table.row_of(record_id)
        return "gone" if row is None else table.review_status(row).value


@contextlib.asynccontextmanager
async def company(
    workers: Workers, folder: Path, poster: str, *, lease: float = 30.0, conninfo: str = ""
) -> AsyncIterator[Company]:
    """A company of its own, with empty books."""
    folder.mkdir(parents=True)
    made: list[Company] = []

    def now() -> datetime:
        return datetime.now(UTC) + (made[0].ahead if made else timedelta())

    async with (
        Sandbox(records=0, rules=Rules(rate_limit=None), now=now) as sandbox,
        FakeErp(folder / "erp.db", **_BOOKS[poster]) as erp,
    ):
        store = folder / "exports.db"
        parts: dict[str, Any] = {"workers": workers, "sandbox": sandbox, "erp": erp, "conninfo": conninfo}
        made.append(Company(store=store, poster=poster, lease=lease, **parts))
        yield made[0]
