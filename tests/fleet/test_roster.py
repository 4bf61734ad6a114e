"""The rows and the queue on a real PostgreSQL: who is due, who is queued, who is kept, who is let go."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import psycopg
import pytest

from brex_accounting import StoreError, StoreUnavailable, UnknownCompany
from brex_accounting.sync.fleet import Fleet, Keyring
from brex_accounting.sync.fleet.database import Database
from brex_accounting.sync.fleet.queue import Queue
from brex_accounting.sync.fleet.roster import Poll, Roster
from brex_accounting.sync.fleet.spread import put_apart

from ..sync.test_triggered import event

HOUR = timedelta(hours=1)
EVERY = timedelta(days=10_000)
"""So far apart that no company's own turn comes while a test runs."""


@attrs.frozen
class Base:
    """What a worker has, opened, and a look at the rows behind it."""

    dsn: str
    roster: Roster
    queue: Queue

    async def rows(self, query: str) -> list[Any]:
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            found = await connection.execute(query)
            return list(await found.fetchall()) if found.description else []

    async def jobs(self) -> list[Any]:
        return await self.rows(
            "SELECT args ->> 'company_id', priority, status::text, args::text FROM procrastinate_jobs ORDER BY id"
        )


@pytest.fixture
async def base(dsn: str, keyring: Keyring) -> AsyncIterator[Base]:
    """A fleet without companies."""
    database = Database(dsn)
    roster = Roster(database, keyring, every=EVERY)
    queue = Queue(database, roster)
    await database.open()
    await queue.install()
    await queue.open()
    yield Base(dsn, roster, queue)
    await database.close()


async def test_a_poll_that_the_queue_lost_is_due_again(base: Base) -> None:
    """Waiting or running on the roster, with no job behind it; one that has its job is left alone."""
    for company_id in ("kept", "running", "waiting"):
        await base.roster.add(company_id, "token")
    await base.queue.put_due()
    assert await base.queue.rescue(HOUR) == 0
    await base.roster.begin("running")
    await base.rows("DELETE FROM procrastinate_jobs WHERE args->>'company_id' <> 'kept'")
    assert await base.queue.rescue(HOUR) == 2
    assert not any(one.running for one in (await base.roster.status()).companies)
    assert await base.queue.put_due() == 2
    assert await base.rows("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == [(3,)]


async def test_init_may_be_repeated(base: Base) -> None:
    """What is there stays."""
    await base.roster.add("a", "token")
    await base.queue.install()
    assert len((await base.roster.status()).companies) == 1


async def test_without_init_the_error_says_so(dsn: str, keyring: Keyring) -> None:
    """An empty database is told from one that is gone."""
    database = Database(dsn)
    await database.open()
    with pytest.raises(StoreUnavailable, match="run fleet init"):
        await Roster(database, keyring, every=HOUR).add("a", "token")
    await database.close()


async def test_each_company_is_queued_once(base: Base) -> None:
    """Due again before its job began, a company gets no second one, and the job carries its id alone."""
    await base.roster.add("a", "token")
    assert await base.queue.put_due() == 1
    assert await base.queue.put_due() == 0
    await base.rows("UPDATE brex_fleet_company SET due_at = now()")
    assert await base.queue.put_due() == 1
    assert await base.jobs() == [("a", 0, "todo", '{"company_id": "a"}')]


async def test_the_next_turn_is_within_the_interval(base: Base) -> None:
    """Once queued, a company is due at its own second of the next interval."""
    await base.roster.add("a", "token")
    await base.queue.put_due()
    query = "SELECT due_at > now() AND due_at <= now() + interval '10000 days' FROM brex_fleet_company"
    assert await base.rows(query) == [(True,)]


async def test_a_triggered_company_comes_first(base: Base) -> None:
    """Whether it waits already or not; one that the fleet does not poll is not queued."""
    for name in ("a", "b", "c"):
        await base.roster.add(name, "token")
    await base.queue.put_due()
    assert await base.queue.put_first("b")
    assert not await base.queue.put_first("stranger")
    assert [(one[0], one[1]) for one in sorted(await base.jobs())] == [("a", 0), ("b", 10), ("c", 0)]


async def test_a_poll_that_never_ends_counts_as_failed(base: Base) -> None:
    """Attempts are counted when they begin, and forgotten when one came to its end."""
    await base.roster.add("a", "token")
    assert await base.roster.begin("a")
    assert await base.roster.begin("a")
    assert await base.roster.attempts("a") == 2
    await base.roster.ended("a", Poll(unreported=3, requests=10, throttled=1))
    (one,) = (await base.roster.status()).companies
    assert (one.attempts, one.unreported, one.requests, one.running) == (0, 3, 10, False)


async def test_who_fails_is_put_off(base: Base) -> None:
    """The third failure in a row waits for two minutes, and its reason is shown."""
    await base.roster.add("a", "token")
    for _ in range(3):
        await base.roster.begin("a")
        await base.roster.failed("a", "why")
    query = "SELECT round(extract(epoch FROM due_at - ended_at)) FROM brex_fleet_company"
    assert [int(row[0]) for row in await base.rows(query)] == [120]
    assert [one.last_error for one in (await base.roster.status()).failing] == ["why"]


async def test_a_retired_company_is_polled_no_more(base: Base) -> None:
    """Its token is gone, its job that still waits begins nothing, and it comes back when it is added."""
    await base.roster.add("a", "token")
    await base.queue.put_due()
    async with base.roster.retiring("a"):
        pass
    assert not await base.roster.begin("a")
    assert await base.rows("SELECT secret FROM brex_fleet_company") == [(None,)]
    with pytest.raises(UnknownCompany):
        await base.roster.retiring("a").__aenter__()
    await base.roster.add("a", "token")
    assert await base.roster.begin("a")


async def test_a_company_is_not_retired_while_its_poll_runs(base: Base) -> None:
    """And the refusal leaves it polled."""
    await base.roster.add("a", "token")
    await base.roster.begin("a")
    with pytest.raises(StoreError, match="a poll of this company runs"):
        await base.roster.retiring("a").__aenter__()
    assert await base.roster.begin("a")


async def test_who_is_not_retired_after_all_is_polled_as_before(base: Base) -> None:
    """What keeps it is raised, and nothing of the row has changed."""
    await base.roster.add("a", "token")
    before = await base.rows("SELECT * FROM brex_fleet_company")
    with pytest.raises(StoreError, match="not yet"):
        async with base.roster.retiring("a"):
            raise StoreError("not yet")
    assert await base.rows("SELECT * FROM brex_fleet_company") == before


async def test_tokens_are_kept_encrypted_and_sealed_anew(base: Base, keyring: Keyring) -> None:
    """No row shows a token, and after a change of keys the old one opens nothing."""
    await base.roster.add("a", "canary")
    before = await base.rows("SELECT secret FROM brex_fleet_company")
    assert b"canary" not in before[0][0]
    assert await base.roster.seal_anew() == 1
    after = await base.rows("SELECT secret FROM brex_fleet_company")
    assert after != before
    assert b"canary" in keyring.unseal(after[0][0])


async def test_what_a_dead_worker_ran_is_queued_again(base: Base) -> None:
    """Before all that are merely due: at once the first time, later after that, for it may be the poll that kills."""
    await base.roster.add("a", "token")
    await base.queue.put_due()
    waits = [put_apart("a", attempts, every=HOUR) for attempts in (1, 2, 3)]
    assert timedelta() == waits[0] < waits[1] < waits[2]
    for wait in waits:
        await base.roster.begin("a")
        await base.rows("UPDATE procrastinate_jobs SET status = 'doing', scheduled_at = NULL")
        before = datetime.now(UTC)
        assert await base.queue.rescue(timedelta(seconds=1)) == 1
        [(priority, at)] = await base.rows("SELECT priority, scheduled_at FROM procrastinate_jobs")
        assert priority == 5
        assert before + wait <= at <= datetime.now(UTC) + wait


async def test_who_was_cut_short_goes_before_those_who_wait(base: Base) -> None:
    """Once: its poll given back by a worker that goes, and its store lost, but not its own failure."""
    for company_id in ("a", "b", "c"):
        await base.roster.add(company_id, "token")
        await base.roster.begin(company_id)
    await base.roster.given_back("a")
    await base.roster.failed("b", "gone", is_lost=True)
    await base.roster.failed("c", "its own")
    assert await base.queue.put_due() == 2
    assert [one[:2] for one in sorted(await base.jobs())] == [("a", 5), ("b", 5)]
    await base.rows("DELETE FROM procrastinate_jobs")
    await base.rows("UPDATE brex_fleet_company SET due_at = now()")
    await base.queue.put_due()
    assert [one[1] for one in await base.jobs()] == [0, 0, 0]


async def test_a_dead_workers_job_makes_way_for_the_one_that_waits(base: Base) -> None:
    """While the dead one stood, its lock held the other back; afterwards there is one job, which waits."""
    await base.roster.add("a", "token")
    await base.queue.put_due()
    await base.rows("UPDATE procrastinate_jobs SET status = 'doing'")
    await base.queue.put_first("a")
    assert await base.queue.rescue(timedelta(seconds=1)) == 1
    assert [(one[1], one[2]) for one in await base.jobs()] == [(10, "todo")]


async def test_a_live_workers_job_is_left_alone(base: Base) -> None:
    """Its last sign of life is young enough."""
    await base.roster.add("a", "token")
    await base.queue.put_due()
    await base.rows("INSERT INTO procrastinate_workers DEFAULT VALUES")
    await base.rows("UPDATE procrastinate_jobs SET status = 'doing', worker_id = 1")
    assert await base.queue.rescue(timedelta(minutes=1)) == 0


async def test_an_event_puts_its_company_first(base: Base, keyring: Keyring, caplog: pytest.LogCaptureFixture) -> None:
    """Strangers' events and those that name nobody are logged, and queue nothing."""
    await base.roster.add("a", "token")
    async with Fleet(base.dsn, keyring=keyring) as fleet:
        for company in ("a", "stranger", None):
            await fleet(event("accr_1", company=company))
    assert [(one[0], one[1]) for one in await base.jobs()] == [("a", 10)]
    assert len(caplog.records) == 2


async def test_a_token_is_in_no_error_of_a_database_that_is_gone(keyring: Keyring) -> None:
    """Neither it nor the password of the database stands in a message or in a frame behind it."""
    fleet = Fleet("host=127.0.0.1 port=1 password=canary_password", keyring=keyring)
    with pytest.raises(StoreUnavailable) as adding:
        await fleet.add("a", "canary_token")
    database = fleet._database
    with pytest.raises(StoreUnavailable) as looking:
        async with database.transaction():
            pass
    for caught in (adding, looking):
        frames = list(traceback.walk_tb(caught.value.__traceback__))[1:]
        shown = f"{caught.value!r} {[frame.f_locals for frame, _ in frames]}"
        assert "canary" not in shown
