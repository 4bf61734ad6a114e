"""What a dead worker left is settled while another one is busy, not only when its run begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import attrs
import pytest

from brex_accounting import AccountingRecord, BrexAccounting, RateLimit
from brex_accounting.sync import ExportSync, SqliteStore
from brex_accounting.sync.keys import ExportKey
from brex_accounting.sync.poster import Posted
from brex_accounting.sync.states import State
from brex_accounting.sync.summary import Summary

from .lives import Company, Workers, company, document


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Company]:
    async with Workers() as workers, company(workers, tmp_path / "one", "same_key") as world:
        yield world


MANY = 9
"""Documents with receipts: more than are worked on at a time, so that Brex's clock is heard in between."""


@attrs.define
class LongWork:
    """Books in which the first post, or each file, lasts until every lease has ended."""

    world: Company
    attaching: bool = False
    keys: list[ExportKey] = attrs.field(factory=list)
    attached: list[ExportKey] = attrs.field(factory=list)
    broken: bool = False
    recovery: str = "same_key"

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Posted:  # noqa: ARG002
        if not self.keys and not self.attaching:
            self.world.jump()
        self.keys.append(key)
        return Posted(f"JE-{key}")

    async def attach(self, record: AccountingRecord, *, key: ExportKey, **_: object) -> None:  # noqa: ARG002
        self.attached.append(key)
        self.world.jump()
        if self.broken:
            raise TimeoutError


async def run(world: Company, poster: LongWork) -> Summary:
    """A run in this process."""
    client = BrexAccounting(world.sandbox.token, base_url=world.sandbox.url, rate_limit=RateLimit(limit=10**9))
    async with client as brex:
        lease = timedelta(seconds=world.lease)
        sync = ExportSync(brex, poster, store=SqliteStore(world.store), post_from=date(2026, 1, 1), lease=lease)
        async with sync:
            return await sync.run_once()


@pytest.mark.parametrize("attaching", [False, True])
@pytest.mark.parametrize(
    ("failpoint", "left"), [("poster.post:before", State.INTENT), ("brex.report:before", State.REPORTING)]
)
async def test_a_worker_that_died_while_another_is_busy(
    world: Company, failpoint: str, left: State, attaching: bool
) -> None:
    """Its lease ends while the other one posts or attaches, and the same run settles what it held."""
    world.put(document("accr_dead"))
    dead, _ = await world.run(failpoint=failpoint)
    assert dead.struck
    assert [one.state for one in await world.exports()] == [left]
    world.put(*(document(f"accr_{number}", receipts=1) for number in range(MANY)))
    poster = LongWork(world, attaching=attaching)
    assert (await run(world, poster)).open == 0
    assert [one.state for one in await world.exports()] == [State.REPORTED] * (1 + MANY)
    assert sorted(set(poster.keys)) == sorted(poster.keys)


async def test_receipts_that_fail_end_a_run(world: Company) -> None:
    """Each is tried once in a run, however short the lease, and again in the next."""
    world.put(*(document(f"accr_{number}", receipts=1) for number in range(MANY)))
    poster = LongWork(world, attaching=True, broken=True)
    for runs in (1, 2):
        async with asyncio.timeout(30):
            await run(world, poster)
        assert sorted(poster.attached) == sorted([f"accr_{number}.1" for number in range(MANY)] * runs)
        world.jump()
