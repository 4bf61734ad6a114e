"""The limiter whose rows all processes share."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
from psycopg_pool import AsyncConnectionPool

from brex_accounting import ConfigurationError, StoreTooNew, StoreUnavailable
from brex_accounting.session.clock import SystemClock
from brex_accounting.session.limiter import TURN_LASTS, PausableLimiter, RateLimit
from brex_accounting.sync.postgres import Pool, PostgresLimiter, make_tables
from brex_accounting.sync.postgres.pacing import Bucket, booked

from .test_pacing import most

ROOT = Path(__file__).parent.parent.parent
KEY = "client/cuacc_1"
PLENTY = RateLimit(limit=10**6)


@pytest.fixture
async def pool(conninfo: str) -> AsyncIterator[Pool]:
    """Connections to tables that are there."""
    async with AsyncConnectionPool(conninfo, min_size=2, open=False) as made:
        await make_tables(made)
        yield made


@attrs.define
class Gate(SystemClock):
    """A clock that moves when somebody slept on it; whoever sleeps does so until the test lets go."""

    slept: list[float] = attrs.field(factory=list)
    time: float = 0.0
    opened: asyncio.Event = attrs.field(factory=asyncio.Event)

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.opened.wait()
        self.time += seconds

    def let_go(self) -> None:
        """Of those who sleep now."""
        self.opened.set()
        self.opened = asyncio.Event()

    async def until_slept(self, times: int) -> None:
        """Wait until somebody sleeps for the so manieth time."""
        async with asyncio.timeout(30):
            while len(self.slept) < times:
                await asyncio.sleep(0.001)


async def end_of_pauses(pool: Pool) -> None:
    """As if their time had passed."""
    async with pool.connection() as connection:
        await connection.execute("UPDATE brex_limits SET paused_until = 0, next_at = 0")


LOG = """
CREATE TABLE turns (at float8);
CREATE FUNCTION log_turn() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO turns VALUES (NEW.next_at); RETURN NULL; END $$;
CREATE TRIGGER log_turns AFTER UPDATE ON brex_limits FOR EACH ROW EXECUTE FUNCTION log_turn()
"""
"""Keeps every turn that is booked. Where none start at once, the bucket is full again a fixed time after each."""


@attrs.frozen
class Start:
    """One that a process made, and how late it was for its turn; both in seconds."""

    at: float
    late: float


async def starts_of_two(conninfo: str, rate: RateLimit, turns: int) -> tuple[list[Start], list[Start]]:
    """What two processes start until each has made so many since both began."""
    found: tuple[list[Start], list[Start]] = [], []
    workers: list[asyncio.subprocess.Process] = []

    def is_enough() -> bool:
        if not all(found):
            return False
        begun = max(starts[0].at for starts in found)
        return all(sum(one.at >= begun for one in starts) >= turns for starts in found)

    async def read(worker: asyncio.subprocess.Process, starts: list[Start]) -> None:
        assert worker.stdout is not None
        async for line in worker.stdout:
            starts.append(Start(*map(float, line.split())))
            if is_enough():
                for one in workers:
                    assert one.stdin is not None
                    one.stdin.close()

    command = (sys.executable, "-m", "tests.sync.limited", conninfo, str(rate.limit), str(rate.per))
    try:
        for _ in found:
            workers.append(await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE))
        async with asyncio.timeout(60):
            await asyncio.gather(*map(read, workers, found))
            assert [await worker.wait() for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()
    return found


async def test_two_processes_stay_under_one_limit(pool: Pool, conninfo: str) -> None:
    """Each would use the whole of it alone; together no window holds more turns, nor more starts at their turns."""
    rate = RateLimit(limit=60, per=3.0)
    async with pool.connection() as connection:
        await connection.execute(LOG)
    first, second = await starts_of_two(conninfo, rate, 45)
    async with pool.connection() as connection:
        booked_turns = [row[0] for row in await (await connection.execute("SELECT at FROM turns")).fetchall()]
    assert len(booked_turns) >= len(first) + len(second)
    assert most(sorted(booked_turns), rate.per) <= rate.limit
    # Where a process or the database stood still, a start may be later than its turn, and a window hold more.
    in_time = [one.at for one in (*first, *second) if one.late <= rate.per * TURN_LASTS]
    assert most(sorted(in_time), rate.per) <= rate.limit


async def test_a_refusal_in_one_process_pauses_all(pool: Pool) -> None:
    """The other one's callers wait, also those who stand in line already; other keys do not."""
    clock = Gate()
    one, other = PostgresLimiter(pool, PLENTY, clock=clock), PostgresLimiter(pool, PLENTY)
    await one.turn(KEY)
    await other.throttled(KEY, 1000)
    waiting = asyncio.create_task(one.turn(KEY))
    await clock.until_slept(1)
    await one.turn("client/cuacc_2")
    await other.pause(KEY, 2000)
    clock.let_go()
    # It slept until the end of the first pause, and finds another one.
    await clock.until_slept(2)
    assert 0 < clock.slept[0] <= 1000 < clock.slept[1] <= 2000
    assert not waiting.done()
    await end_of_pauses(pool)
    clock.let_go()
    await waiting


async def test_attempts_after_the_first_go_first(pool: Pool) -> None:
    """A call whose deadline runs does not stand behind those that have not begun; a cancelled one lets the next in."""
    clock = Gate()
    limiter = PostgresLimiter(pool, PLENTY, clock=clock)
    await limiter.pause(KEY, 1000)
    order: list[str] = []

    async def call(name: str, again: bool) -> None:
        await limiter.turn(KEY, again=again)
        order.append(name)

    tasks = [asyncio.create_task(call(f"fresh {number}", again=False)) for number in range(3)]
    tasks.append(asyncio.create_task(call("again", again=True)))
    await clock.until_slept(1)
    tasks[0].cancel()
    tasks[2].cancel()
    await clock.until_slept(2)
    await end_of_pauses(pool)
    clock.let_go()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["again", "fresh 1"]
    assert limiter._lanes == {}


@attrs.define
class Late(SystemClock):
    """A clock on which everything takes a second."""

    time: float = 0.0

    def monotonic(self) -> float:
        self.time += 1
        return self.time


async def test_a_database_that_answers_late(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later than a turn lasts, each time: turns are taken all the same, two booked for each."""
    bookings = 0

    def counted(bucket: Bucket, now: float, rate: RateLimit) -> tuple[Bucket, float]:
        nonlocal bookings
        bookings += 1
        return booked(bucket, now, rate)

    monkeypatch.setattr("brex_accounting.sync.postgres.limiter.booked", counted)
    limiter = PostgresLimiter(pool, PLENTY, clock=Late())
    assert PLENTY.per * TURN_LASTS < 1
    for _ in range(10):
        await limiter.turn(KEY)
    assert bookings == 20


async def test_what_a_limiter_is(pool: Pool) -> None:
    """One that can be paused; a pause is a number of seconds."""
    limiter = PostgresLimiter(pool)
    assert isinstance(limiter, PausableLimiter)
    for seconds in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigurationError, match="seconds"):
            await limiter.pause(KEY, seconds)


async def test_without_tables_or_a_server(conninfo: str) -> None:
    """What is missing is said, and no value of ours with it."""
    async with AsyncConnectionPool(conninfo, min_size=1, open=False) as pool:
        with pytest.raises(StoreUnavailable, match="there is no store") as caught:
            await PostgresLimiter(pool).turn(KEY)
        assert KEY not in str(caught.value)
    with pytest.raises(StoreUnavailable, match="pool is closed"):
        await PostgresLimiter(pool).turn(KEY)
    with pytest.raises(StoreUnavailable, match="pool is closed"):
        await make_tables(pool)


async def test_tables_of_a_newer_version(pool: Pool) -> None:
    """They are left alone."""
    await make_tables(pool)
    async with pool.connection() as connection:
        await connection.execute("UPDATE brex_version SET version = 99")
    with pytest.raises(StoreTooNew, match="version 99"):
        await make_tables(pool)
