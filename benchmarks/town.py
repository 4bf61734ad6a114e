"""A town of companies: the Brex of all, a database, workers in processes of their own, and sweeps over everybody."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import attrs
import msgspec
import psycopg

from brex_accounting.sync.fleet import Keyring

from .database import Cost, Server, processor_seconds
from .fleet_worker import Orders, fleet_of
from .many_companies import company_id, token_of
from .server import CORES

__all__ = ["Sweep", "Town", "town"]

_ROOT = Path(__file__).parent.parent
_PATIENCE = 60.0


@attrs.frozen(kw_only=True)
class Sweep:
    """One poll of each company. ``seconds`` of the clock; of processors: the workers' all together, and the database's.

    ``wal`` in bytes.
    """

    companies: int
    records: int
    seconds: float
    workers: float
    database: float
    wal: int


@attrs.define(eq=False)
class Town:
    """``released``: records that were given to all companies."""

    server: Server
    orders: Orders
    companies: int
    workers: list[Process] = attrs.field(factory=list)
    released: int = 0

    async def populate(self) -> None:
        """The companies on the roster, all due."""
        async with fleet_of(self.orders) as fleet:
            await fleet.init()
            for number in range(self.companies):
                await fleet.add(company_id(number), token_of(company_id(number)))

    async def hire(self, workers: int) -> None:
        """Start so many, each on a core of its own while there are cores."""
        for number in range(workers):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.fleet_worker", stdin=PIPE, stdout=PIPE, cwd=_ROOT
            )
            self.workers.append(process)
            assert process.stdin is not None
            core = CORES[number % len(CORES)]
            process.stdin.write(msgspec.json.encode(attrs.evolve(self.orders, core=core)) + b"\n")
            await process.stdin.drain()

    async def sweep(self, records: int = 0) -> Sweep:
        """Give each company so many records, poll it, and see that Brex has all of them back, each once."""
        if records:
            await self._ask(f"/control/release/{self.companies}/{records}")
            self.released += self.companies * records
        before, worked = self.server.cost(), self._worked()
        async with await psycopg.AsyncConnection.connect(self.orders.dsn, autocommit=True) as connection:
            began = await connection.execute("UPDATE brex_fleet_company SET due_at = now() RETURNING now()")
            seconds = await self._ended(connection, (await began.fetchone() or [None])[0])
        after, works = self.server.cost(), self._worked()
        counts = await self._ask("/control/counts")
        wanted = {"released": self.released, "ready": 0, "reported": self.released, "twice": 0}
        assert counts == wanted, f"records were lost, or reported twice: {counts}"
        spent: Cost = after.since(before)
        return Sweep(
            companies=self.companies,
            records=records * self.companies,
            seconds=seconds,
            workers=works - worked,
            database=spent.seconds,
            wal=spent.wal,
        )

    async def dismiss(self) -> None:
        """Let the workers end; nobody may have posted what another one did, and nothing may be missing."""
        for process in self.workers:
            process.terminate()
        # Not communicate(): it closes their standard input, at whose end they end at once.
        told = [await asyncio.wait_for(_said(process), _PATIENCE) for process in self.workers]
        posted = [msgspec.json.decode(out) for out in told]
        self.workers.clear()
        assert sum(one["posted"] for one in posted) == self.released, f"posted twice, or not at all: {posted}"
        assert sum(one["keys"] for one in posted) == self.released, "a key was posted twice"

    async def end(self) -> None:
        """Kill who is left."""
        for process in self.workers:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def _worked(self) -> float:
        return sum(processor_seconds(process.pid) for process in self.workers)

    async def _ended(self, connection: psycopg.AsyncConnection[tuple[object, ...]], began: object) -> float:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            found = await connection.execute(
                """SELECT count(*) FILTER (WHERE ended_at IS NULL OR ended_at < %(began)s OR queued_at IS NOT NULL),
                count(*) FILTER (WHERE last_error IS NOT NULL OR paused_code IS NOT NULL),
                extract(epoch FROM max(ended_at) - min(started_at))::float8 FROM brex_fleet_company""",
                {"began": began},
            )
            left, failed, seconds = await found.fetchone() or (None, None, None)
            assert not failed, "polls failed"
            if not left:
                return float(str(seconds))
            await asyncio.sleep(0.05)
        raise TimeoutError("the workers did not poll every company")

    async def _ask(self, path: str) -> object:
        async with aiohttp.ClientSession() as session, session.get(self.orders.brex + path) as answer:
            return msgspec.json.decode(await answer.read())


@asynccontextmanager
async def town(
    server: Server, brex: str, *, companies: int, stores: str = "", polls: int = 8, every: float = 100 * 86_400
) -> AsyncIterator[Town]:
    """So many companies with a database of their own, all due, and no worker yet. ``stores``: a folder for SQLite."""
    orders = Orders(dsn=server.database(), key=Keyring.new_key(), brex=brex, stores=stores, polls=polls, every=every)
    there = Town(server=server, orders=orders, companies=companies)
    try:
        await there.populate()
        yield there
    finally:
        await there.end()


async def _said(process: Process) -> bytes:
    assert process.stdout is not None
    return await process.stdout.read()
