"""Polls that do not come to their end, on a real PostgreSQL: what is written down, and what they may hold up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import attrs
import pytest

from brex_accounting import BrexError
from brex_accounting.sync import ExportSync
from brex_accounting.sync.fleet import Keyring
from brex_accounting.sync.fleet.database import Database
from brex_accounting.sync.fleet.polling import Poller, Traffic
from brex_accounting.sync.fleet.queue import Queue
from brex_accounting.sync.fleet.roster import Roster

HOUR = timedelta(hours=1)


@attrs.define(eq=False)
class Bench:
    """Exports that hang until they are let go, and then fail, as do those of ``failures``, with their error."""

    roster: Roster
    longest: timedelta = HOUR
    failures: dict[str, Exception] = attrs.field(factory=dict)
    hanging: set[str] = attrs.field(factory=set)
    begun: asyncio.Condition = attrs.field(factory=asyncio.Condition)
    gone: asyncio.Event = attrs.field(factory=asyncio.Event)

    def poller(self, *, places: int = 8) -> Poller:
        return Poller(self.roster, self._export, Traffic(), places=places, longest=self.longest)

    async def hang(self, *companies: str) -> None:
        """Return when the polls of exactly these hang."""
        async with self.begun, asyncio.timeout(30):
            await self.begun.wait_for(lambda: self.hanging == {*companies})

    async def stand(self, company_id: str) -> tuple[int, str | None]:
        """Attempts since the last poll that came to its end, and the last error."""
        status = await self.roster.status()
        return next((one.attempts, one.last_error) for one in status.companies if one.company_id == company_id)

    async def fail(self, company_id: str, times: int) -> None:
        """Let polls of it fail."""
        for _ in range(times):
            await self.roster.begin(company_id)
            await self.roster.failed(company_id, "why")

    def _export(self, company_id: str) -> AbstractAsyncContextManager[ExportSync]:
        return _Failing(company_id, self)


@attrs.frozen
class _Failing(AbstractAsyncContextManager[ExportSync]):
    company_id: str
    bench: Bench

    async def __aenter__(self) -> ExportSync:
        if self.company_id not in self.bench.failures:
            await self._hang()
        raise self.bench.failures.get(self.company_id, RuntimeError("canary"))

    async def __aexit__(self, *_: object) -> None:
        return None

    async def _hang(self) -> None:
        self.bench.hanging.add(self.company_id)
        try:
            async with self.bench.begun:
                self.bench.begun.notify_all()
            await self.bench.gone.wait()
        finally:
            self.bench.hanging.discard(self.company_id)


@pytest.fixture
async def bench(dsn: str, keyring: Keyring) -> AsyncIterator[Bench]:
    database = Database(dsn)
    roster = Roster(database, keyring, every=HOUR)
    await database.open()
    await Queue(database, roster).install()
    yield Bench(roster)
    await database.close()


async def test_a_poll_that_hangs_is_given_up(bench: Bench) -> None:
    """After ``longest``; its company's row says why, and it is due again."""
    await bench.roster.add("a", "token")
    bench.longest = timedelta(seconds=0.2)
    await bench.poller().poll("a")
    assert await bench.stand("a") == (1, "it took longer than 0.2 seconds: TimeoutError")
    (one,) = (await bench.roster.status()).companies
    assert not one.running


async def test_what_the_users_code_raises_is_not_told(bench: Bench) -> None:
    """Its kind alone: the text may show what the books were given. Our own errors are told in full."""
    for name in ("theirs", "slow", "ours"):
        await bench.roster.add(name, "token")
    bench.failures = {"theirs": ValueError("canary"), "slow": TimeoutError("canary"), "ours": BrexError("told")}
    for name in bench.failures:
        await bench.poller().poll(name)
    assert [await bench.stand(name) for name in bench.failures] == [
        (1, "ValueError"),
        (1, "TimeoutError"),
        (1, "told"),
    ]


async def test_those_that_never_end_leave_room_for_the_others(bench: Bench) -> None:
    """Of eight places two, from the third poll on; whoever finds none waits, which is no failure of its own."""
    doubtful = ["a", "b", "c", "d"]
    for name in [*doubtful, "new", "unlucky"]:
        await bench.roster.add(name, "token")
    for name in doubtful:
        await bench.fail(name, 2)
    await bench.fail("unlucky", 1)
    poller = bench.poller(places=8)
    async with asyncio.TaskGroup() as polls:
        for name in ("a", "b"):
            polls.create_task(poller.poll(name))
        await bench.hang("a", "b")
        await asyncio.wait_for(poller.poll("c"), 30)  # it comes back
        for name in ("new", "unlucky"):
            polls.create_task(poller.poll(name))
        await bench.hang("a", "b", "new", "unlucky")
        bench.gone.set()
    assert [(await bench.stand(name))[0] for name in doubtful] == [3, 3, 2, 2]
    bench.gone.clear()
    async with asyncio.TaskGroup() as polls:
        polls.create_task(poller.poll("d"))
        await bench.hang("d")  # their places are free again
        bench.gone.set()


async def test_even_a_single_place_is_theirs_in_their_turn(bench: Bench) -> None:
    """A worker with one poll at a time tries them too."""
    await bench.roster.add("a", "token")
    await bench.fail("a", 5)
    bench.gone.set()
    await bench.poller(places=1).poll("a")
    assert await bench.stand("a") == (6, "RuntimeError")
