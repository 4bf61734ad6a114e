"""How an export ends, and how one that never does goes on: stop, cancellation, signals, waits between runs."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web

from brex_accounting import StoreCorrupt, StoreMismatch
from brex_accounting.sync import ExportSync

from .world import ENTRIES, HOUR, LEASE, MINUTE, Ledger, Seen, World

ROOT = Path(__file__).parent.parent.parent


@attrs.define
class Gate:
    """Books that take their time: posts come in and wait until the gate opens."""

    inside: int = 0
    opened: asyncio.Event = attrs.field(factory=asyncio.Event)
    changed: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def __call__(self, *_: Any) -> None:
        self.inside += 1
        self.changed.set()
        await self.opened.wait()

    async def holds(self, count: int) -> None:
        """Wait until so many posts are inside."""
        async with asyncio.timeout(30):
            while self.inside < count:
                self.changed.clear()
                await self.changed.wait()


async def proven(world: World) -> None:
    world.put("accr_0")
    await world.run(Ledger())
    world.clock.advance(HOUR)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not what():
            await asyncio.sleep(0.01)


async def test_stop_lets_running_posts_end_and_begins_nothing(world: World) -> None:
    """Three are in the books when the run returns, three were never begun; the next worker goes on from there."""
    await proven(world)
    world.many(6)
    gate = Gate()
    books = Ledger(gate)
    async with world.sync(books, parallel=3) as sync:
        run = asyncio.create_task(sync.run_once())
        await gate.holds(3)
        sync.stop()
        await asyncio.sleep(0.05)
        assert not run.done()
        gate.opened.set()
        summary = await run
        assert (summary.posted, summary.open, len(books.booked)) == (3, 0, 3)
        assert (await world.in_state("POSTED"), await world.in_state("DISCOVERED")) == (3, 3)
        assert (await sync.run_once()).posted == 0
    summary = await world.run(books, later=MINUTE)
    assert (summary.posted, summary.reported, sorted(set(books.booked)) == sorted(books.booked)) == (3, 6, True)


async def test_stopped_before_it_begins_a_run_asks_for_nothing(world: World) -> None:
    """No list, no post, no report."""
    world.put("accr_1")
    async with world.sync() as sync:
        sync.stop()
        await sync.run_once()
        await sync.run_forever(every=HOUR)
    assert world.kinds("queue", "bills", "post", "report") == []


async def test_a_cancelled_run_waits_for_its_posts(world: World) -> None:
    """Their outcomes are in the store before the cancellation goes on; nothing is left open."""
    await proven(world)
    world.many(6)
    gate = Gate()
    async with world.sync(Ledger(gate), parallel=3) as sync:
        run = asyncio.create_task(sync.run_once())
        await gate.holds(3)
        run.cancel()
        await asyncio.sleep(0.05)
        assert not run.done()
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert (await world.in_state("POSTED"), await world.in_state("INTENT")) == (3, 0)
    assert (await world.run(Ledger(), later=MINUTE)).reported == 6


async def test_cancelled_twice_it_does_not_wait(world: World) -> None:
    """What was being posted is open, and settled when its lease has ended; nothing is booked twice under a key."""
    await proven(world)
    world.many(3)
    gate = Gate()
    async with world.sync(Ledger(gate), parallel=3) as sync:
        run = asyncio.create_task(sync.run_once())
        await gate.holds(3)
        run.cancel()
        await asyncio.sleep(0.05)
        run.cancel()
        await asyncio.wait({run}, timeout=30)
        assert run.cancelled()
    assert await world.in_state("INTENT") == 3
    books = Ledger()
    assert (await world.run(books, later=LEASE - MINUTE)).open == 3
    assert (await world.run(books, later=MINUTE)).reported == 3
    assert sorted(books.booked) == ["accr_0000.1", "accr_0001.1", "accr_0002.1"]


async def test_a_cancelled_run_waits_no_longer_than_the_lease(world: World) -> None:
    """A post that never ends does not keep the process for ever."""
    await proven(world)
    world.put("accr_1")
    gate = Gate()
    async with world.sync(Ledger(gate), lease=timedelta(seconds=1)) as sync:
        run = asyncio.create_task(sync.run_once())
        await gate.holds(1)
        run.cancel()
        await asyncio.wait({run}, timeout=30)
        assert run.cancelled()
    assert await world.in_state("INTENT") == 1


async def test_a_cancelled_report_is_read_back(world: World) -> None:
    """Cut off between Brex's work and its answer: after the lease Brex is asked, and nothing is sent twice."""
    await proven(world)
    world.put("accr_1", "accr_2")
    async with world.sync(Ledger()) as sync:
        run = asyncio.create_task(sync.run_once())
        world.hooks.append(lambda seen: run.cancel() if seen.what == "report" else None)
        with pytest.raises(asyncio.CancelledError):
            await run
    world.hooks.clear()
    assert await world.in_state("REPORTING") == 2
    await world.run(Ledger(), later=LEASE)
    assert (await world.in_state("REPORTED"), len(world.posts())) == (3, 0)


async def test_sigterm_ends_a_process_between_posts(world: World) -> None:
    """A child that stops on the signal: exit code 0, every post it began is in its store, and a worker goes on."""
    ids = world.many(12)
    child: asyncio.subprocess.Process | None = None

    def strike(seen: Seen) -> None:
        if seen.what == "post" and len(world.posts()) == 5 and child is not None:
            child.send_signal(signal.SIGTERM)

    world.hooks.append(strike)
    servers = [world.sandbox.url, world.sandbox.token, world.erp.url, world.erp.token]
    command = [sys.executable, "-m", "tests.sync.terminated", str(world.path / "exports.db"), *servers]
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    async with asyncio.timeout(60):
        assert await child.wait() == 0
    begun = len(world.posts())
    assert begun < 12
    assert len(await world.erp.control.documents()) == begun
    assert (await world.in_state("POSTED", "REPORTED"), await world.in_state("INTENT", "REPORTING")) == (begun, 0)
    world.hooks.clear()
    await world.run(later=HOUR)
    assert (await world.booked(), await world.doubled()) == (dict.fromkeys(ids, 1), ())


# For ever

SHORT = timedelta(seconds=111)


@attrs.define
class Forever:
    """An export that runs on and on beside the test."""

    world: World
    sync: ExportSync
    task: asyncio.Task[None]

    async def waits(self, count: int) -> list[float]:
        """The first so many waits between runs, once it is in the last of them."""
        await until(lambda: len(self._between()) >= count or self.task.done())
        return self._between()[:count]

    def _between(self) -> list[float]:
        # While something is posted, its lease is renewed each third of it.
        return [wait for wait in self.world.clock.waits if wait != SHORT.total_seconds() / 3]


def forever(world: World, sync: ExportSync) -> Forever:
    world.clock.waits.clear()
    return Forever(world, sync, asyncio.create_task(sync.run_forever(every=HOUR)))


async def test_for_ever_is_a_run_an_hour_until_stop(world: World) -> None:
    """It waits for as long as it was told, does what came meanwhile, and stop ends a wait at once."""
    books = Ledger()
    async with world.sync(books, lease=SHORT) as sync:
        running = forever(world, sync)
        for number in range(1, 4):
            await running.waits(number)
            world.put(f"accr_{number}")
            world.clock.advance(HOUR)
        assert await running.waits(4) == [3600.0] * 4
        sync.stop()
        await asyncio.wait_for(running.task, 30)
    assert books.booked == ["accr_1.1", "accr_2.1", "accr_3.1"]


async def test_for_ever_tries_again_soon_after_an_error_and_then_later(world: World) -> None:
    """10 s, 20, 40 and so on, never above the usual wait; one good run and it is back to that."""
    world.hooks.append(lambda seen: web.Response(status=500) if seen.what == "queue" else None)
    async with world.sync(lease=SHORT) as sync:
        running = forever(world, sync)
        for number in range(1, 11):
            waits = await running.waits(number)
            world.clock.advance(timedelta(seconds=waits[-1]))
        assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]
        world.hooks.clear()
        assert (await running.waits(11))[-1] == 3600
        sync.stop()
        await asyncio.wait_for(running.task, 30)


async def test_for_ever_settles_what_is_open_when_its_lease_ends(world: World) -> None:
    """After a lost answer the next run comes with the end of the lease, not an hour later."""
    world.put("accr_1")
    await world.erp.control.order("drop-after", next=1, path=ENTRIES, method="POST")
    async with world.sync(lease=SHORT) as sync:
        running = forever(world, sync)
        assert await running.waits(1) == [SHORT.total_seconds()]
        world.clock.advance(SHORT)
        assert await running.waits(2) == [SHORT.total_seconds(), HOUR.total_seconds()]
        sync.stop()
        await asyncio.wait_for(running.task, 30)
    assert (await world.states("accr_1"), await world.doubled()) == (["REPORTED"], ())


async def test_for_ever_outlasts_a_store_that_is_away(world: World) -> None:
    """A folder that is not mounted yet is waited for."""
    folder = world.path / "later"
    world.put("accr_1")
    store = type(world.store())(folder / "exports.db")
    async with asyncio.timeout(60):
        sync = world.sync(store=store, lease=SHORT)
        running = forever(world, sync)
        assert await running.waits(1) == [10.0]
        folder.mkdir()
        world.clock.advance(timedelta(seconds=10))
        assert (await running.waits(2))[-1] == 3600.0
        sync.stop()
        await running.task
        await sync.aclose()
    assert await world.booked() == {"accr_1": 1}


@pytest.mark.parametrize("problem", ["damaged", "of another company"])
async def test_for_ever_ends_with_what_no_waiting_mends(world: World, problem: str) -> None:
    """Raised at once, and nothing is posted on it."""
    await world.run(company="cuacc_1")
    world.put("accr_1")
    world.wire.clear()
    if problem == "damaged":
        (world.path / "exports.db").write_bytes(b"no database " * 1000)
    sync = world.sync(company="cuacc_2" if problem == "of another company" else "cuacc_1")
    with pytest.raises(StoreCorrupt if problem == "damaged" else StoreMismatch):
        await asyncio.wait_for(sync.run_forever(every=HOUR), 30)
    await sync.aclose()
    assert world.wire == []


async def test_for_ever_cancelled_in_its_wait_ends_at_once(world: World) -> None:
    """And leaves no task behind."""
    async with world.sync(lease=SHORT) as sync:
        running = forever(world, sync)
        await running.waits(1)
        before = asyncio.all_tasks()
        running.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running.task
        assert asyncio.all_tasks() < before
