"""What a dead worker left is settled while another one is busy, not only when its run begins."""

from __future__ import annotations

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

from .lives import Company, Workers, company, document


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Company]:
    async with Workers() as workers, company(workers, tmp_path / "one", "same_key") as world:
        yield world


@attrs.define
class LongWork:
    """Books in which the first post lasts until every lease has ended."""

    world: Company
    keys: list[ExportKey] = attrs.field(factory=list)
    recovery: str = "same_key"

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Posted:  # noqa: ARG002
        if not self.keys:
            self.world.jump()
        self.keys.append(key)
        return Posted(f"JE-{key}")


@pytest.mark.parametrize(
    ("failpoint", "left"), [("poster.post:before", State.INTENT), ("brex.report:before", State.REPORTING)]
)
async def test_a_worker_that_died_while_another_is_busy(world: Company, failpoint: str, left: State) -> None:
    """Its lease ends in the middle of the other's run, and the same run settles what it held."""
    world.put(document("accr_dead"))
    dead, _ = await world.run(failpoint=failpoint)
    assert dead.struck
    assert [one.state for one in await world.exports()] == [left]
    world.put(document("accr_next"))
    poster = LongWork(world)
    async with BrexAccounting(
        world.sandbox.token, base_url=world.sandbox.url, rate_limit=RateLimit(limit=10**9)
    ) as brex:
        lease = timedelta(seconds=world.lease)
        sync = ExportSync(brex, poster, store=SqliteStore(world.store), post_from=date(2026, 1, 1), lease=lease)
        async with sync:
            summary = await sync.run_once()
    assert summary.open == 0
    assert {one.record_id: one.state for one in await world.exports()} == {
        "accr_dead": State.REPORTED,
        "accr_next": State.REPORTED,
    }
    assert sorted(set(poster.keys)) == sorted(poster.keys)
