"""A town of companies with a Brex, an ERP that does not know doubles, a PostgreSQL, and workers that can be killed."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

from brex_accounting.enums import ReviewStatus
from brex_accounting.sandbox import Rules, Sandbox
from brex_accounting.sandbox.rules import ALL_SCOPES
from brex_accounting.sync.fleet import Fleet, FleetStatus, Keyring
from brex_accounting.testing.erp import FakeErp

from ..companies.gateway import behind
from .fleet_worker import Orders

__all__ = ["Town", "Verdict", "town"]

ROOT = Path(__file__).parent.parent.parent
EXPORTED, READY, PREPARE = ReviewStatus.EXPORTED, ReviewStatus.READY_FOR_EXPORT, ReviewStatus.PREPARE


@attrs.frozen(kw_only=True)
class Verdict:
    """What the ERP counts against what Brex has: documents that are missing, and those there are twice."""

    lost: int
    doubled: int
    unconfirmed: int
    seconds: float


@attrs.define(eq=False)
class Town:
    """``due``: the records of each company that are to be exported."""

    fleet: Fleet
    orders: Orders
    erp: FakeErp
    sandboxes: dict[str, Sandbox]
    due: dict[str, list[str]]
    workers: list[Process] = attrs.field(factory=list)
    began: float = attrs.field(factory=time.monotonic)

    async def worker(self, **changes: Any) -> Process:
        """Start one."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fleet.fleet_worker", stdin=PIPE, cwd=ROOT
        )
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(attrs.evolve(self.orders, **changes)) + b"\n")
        await process.stdin.drain()
        self.workers.append(process)
        return process

    def exported(self, *, without: str = "") -> bool:
        """Whether Brex counts all as exported."""
        return all(
            self.sandboxes[company_id].brex.get_record(one).review_status == EXPORTED
            for company_id, records in self.due.items()
            if company_id != without
            for one in records
        )

    async def until(self, is_so: Callable[[], bool], *, patience: float = 30.0) -> None:
        """Wait for it."""
        try:
            async with asyncio.timeout(patience):
                while not is_so():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pytest.fail(f"it did not come to be so: {await self.fleet.status()}")

    async def status_when(self, is_so: Callable[[FleetStatus], bool], *, patience: float = 30.0) -> FleetStatus:
        """The status, once it is so."""
        async with asyncio.timeout(patience):
            while not is_so(status := await self.fleet.status()):
                await asyncio.sleep(0.05)
        return status

    async def verdict(self, *, without: str = "") -> Verdict:
        """Count."""
        status = await self.status_when(lambda status: not status.running)
        counts = await self.erp.control.counts()
        due = [one for company_id, records in self.due.items() if company_id != without for one in records]
        return Verdict(
            lost=sum(counts.standing.get(one, 0) == 0 for one in due),
            doubled=sum(sum(revisions.values()) - len(revisions) for revisions in counts.by_revision.values()),
            unconfirmed=status.unconfirmed,
            seconds=round(time.monotonic() - self.began, 1),
        )

    async def end(self) -> None:
        """Kill who is left."""
        for process in self.workers:
            if process.returncode is None:
                process.kill()
            await process.wait()


def _company(number: int, records: int) -> tuple[Sandbox, list[str]]:
    """A company of which so many records wait to be exported."""
    sandbox = Sandbox(records=4 * records + 12, seed=number, rules=Rules(rate_limit=None))
    held = list(sandbox.brex.records())
    sandbox.brex.review([one.id for one in held], PREPARE)
    due = [one.id for one in held if one.source_type != "BILL"][:records]
    sandbox.brex.export(due)
    return sandbox, due


@asynccontextmanager
async def town(dsn: str, folder: Path, *, companies: int, records: int = 3) -> AsyncIterator[Town]:
    """So many companies, all due at once, and no worker yet."""
    made = [_company(number, records) for number in range(companies)]
    key = Keyring.new_key()
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(behind([sandbox for sandbox, _ in made]))
        erp = await stack.enter_async_context(FakeErp(folder / "erp.db", dedupe="none", lookup="number"))
        fleet = await stack.enter_async_context(Fleet(dsn, keyring=Keyring([key]), every=timedelta(hours=1)))
        await fleet.init()
        for sandbox, _ in made:
            company_id = sandbox.brex.company.id
            sandbox.brex.tokens[f"token_{company_id}"] = ALL_SCOPES
            await fleet.add(company_id, f"token_{company_id}")
        orders = Orders(dsn=dsn, key=key, brex=gateway.url, erp=erp.url, erp_token=erp.token, stores=str(folder))
        ids = {sandbox.brex.company.id: sandbox for sandbox, _ in made}
        due = {sandbox.brex.company.id: records for sandbox, records in made}
        there = Town(fleet, orders, erp, ids, due)
        stack.push_async_callback(there.end)
        yield there
