"""The limiter whose rows all processes share."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg_pool import AsyncConnectionPool

from brex_accounting import ConfigurationError, StoreTooNew, StoreUnavailable
from brex_accounting.session.limiter import PausableLimiter, RateLimit
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


@pytest.mark.usefixtures("pool")
async def test_two_processes_stay_under_one_limit(conninfo: str) -> None:
    """Each would use the whole of it alone; together no window of theirs holds more, and both come to turns."""
    limit, per, turns = 60, 3.0, 45
    workers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.sync.limited", conninfo, str(limit), str(per), str(turns)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    outputs = [(await worker.communicate())[0].decode().split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    first, second = ([float(one) for one in output] for output in outputs)
    assert len(first) == len(second) == turns
    assert most(sorted(first + second), per) <= limit
    # They did run side by side.
    assert max(first[0], second[0]) < min(first[-1], second[-1])


async def test_a_refusal_in_one_process_pauses_all(pool: Pool) -> None:
    """The other one's callers wait, also those who stand in line already; other keys do not."""
    one, other = PostgresLimiter(pool, PLENTY), PostgresLimiter(pool, PLENTY)
    await one.turn(KEY)
    begun = time.monotonic()
    await other.throttled(KEY, 0.4)
    waiting = asyncio.create_task(one.turn(KEY))
    # Its turn is booked before this one's; it sleeps until the end of the first pause, and finds another one.
    await one.turn("client/cuacc_2")
    await other.pause(KEY, 0.6)
    was_too_late = waiting.done()
    await waiting
    assert time.monotonic() - begun >= (0.4 if was_too_late else 0.6)


async def test_attempts_after_the_first_go_first(pool: Pool) -> None:
    """A call whose deadline runs does not stand behind those that have not begun; a cancelled one lets the next in."""
    limiter = PostgresLimiter(pool, PLENTY)
    await limiter.pause(KEY, 0.1)
    order: list[str] = []

    async def call(name: str, again: bool) -> None:
        await limiter.turn(KEY, again=again)
        order.append(name)

    tasks = [asyncio.create_task(call(f"fresh {number}", again=False)) for number in range(3)]
    tasks.append(asyncio.create_task(call("again", again=True)))
    await asyncio.sleep(0.02)
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["again", "fresh 1"]
    assert limiter._lanes == {}


async def test_a_database_that_answers_late(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later than a turn lasts, each time: turns are taken all the same, two booked for each."""
    bookings = 0

    def counted(bucket: Bucket, now: float, rate: RateLimit) -> tuple[Bucket, float]:
        nonlocal bookings
        bookings += 1
        return booked(bucket, now, rate)

    monkeypatch.setattr("brex_accounting.sync.postgres.limiter.booked", counted)
    limiter = PostgresLimiter(pool, RateLimit(limit=10**6, per=0.01))
    async with asyncio.timeout(20):
        for _ in range(10):
            await limiter.turn(KEY)
    assert bookings >= 20


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
