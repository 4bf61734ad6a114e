"""Companies in the same tables, writes in the same transaction, and what the database itself holds to."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from typing import Any

import attrs
import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from brex_accounting import (
    ConfigurationError,
    LeaseLost,
    MoveRefused,
    StoreError,
    StoreFull,
    StoreTooNew,
    StoreUnavailable,
)
from brex_accounting.sync.exports import Binding, Judgement, Verdict
from brex_accounting.sync.poster import NotNow, Posted, Skipped
from brex_accounting.sync.postgres import Pool, PostgresStore
from brex_accounting.sync.postgres.failing import failed
from brex_accounting.sync.states import State

from ..postgres_server import PostgresServer, with_options
from .desk import BINDING, START, Desk, copy_again, current, replayed
from .failpoints import STORE_READS, STORE_WRITES
from .test_failpoints import _CALLS

CANARY = "canary-77aa"


@pytest.fixture
async def pool(conninfo: str) -> AsyncIterator[Pool]:
    async with AsyncConnectionPool(conninfo, min_size=2, max_size=2, open=False) as made:
        yield made


async def desk_of(database: str | Pool, company: str = BINDING.company) -> Desk:
    store = PostgresStore(database, company)
    await store.open(Binding(company=company), now=START)
    return Desk(store, owner=company)


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    """A store with 8 exports."""
    made = await desk_of(pool)
    await made.see_all([{"id": f"accr_{number}", "memo": CANARY} for number in range(8)])
    yield made
    await made.store.close()


async def sql(conninfo: str, statement: str) -> list[tuple[Any, ...]]:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        cursor = await connection.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


# Companies


async def test_companies_know_nothing_of_each_other(pool: Pool) -> None:
    """The same record in the same tables, by as many companies as there are, on two connections."""
    desks = [await desk_of(pool, f"c{number}") for number in range(9)]
    await asyncio.gather(*(desk.see_all([{"id": f"accr_{one}"} for one in range(5)]) for desk in desks))
    first, *others = desks
    await first.store.pause("a test", code="", by="Ann", now=first.tick())
    assert await first.claim() == ()
    exports = await asyncio.gather(*(desk.post() for desk in others))
    assert [one.record_id for one in exports] == ["accr_0"] * 8
    await asyncio.gather(*(desk.report(State.REPORTED) for desk in others[1:]))
    assert (await first.store.counts()).by_state == {State.DISCOVERED: 5}
    assert (await others[0].store.counts()).by_state == {State.DISCOVERED: 4, State.POSTED: 1}
    assert [len(await desk.store.history()) for desk in desks] == [5, 7, *[9] * 7]
    assert await others[1].store.take_over_batches("w", now=others[1].tick(others[1].lease), until=others[1].now) == ()
    for desk in desks:
        assert await replayed(desk.store) == await current(desk.store)
        await desk.store.close()
    # The pool is not theirs.
    async with pool.connection() as connection:
        await connection.execute("SELECT 1")


async def test_a_company_that_was_held_up_holds_up_no_other(pool: Pool, conninfo: str) -> None:
    """Each has a lock of its own."""
    one, other = await desk_of(pool, "c1"), await desk_of(pool, "c2")
    async with await psycopg.AsyncConnection.connect(conninfo) as connection:
        await connection.execute("SELECT FROM brex_companies WHERE company = 'c1' FOR UPDATE")
        held = asyncio.create_task(one.see())
        await other.see()
        assert not held.done()
    await held
    assert await one.states() == ["DISCOVERED"]


async def test_a_row_that_somebody_holds_is_left_to_them(desk: Desk, conninfo: str) -> None:
    """A claim passes over it instead of waiting, and takes the next in turn."""
    async with await psycopg.AsyncConnection.connect(conninfo) as connection:
        await connection.execute("SELECT FROM brex_exports WHERE record_id = 'accr_0' FOR UPDATE")
        assert [one.export.record_id for one in await desk.claim(2)] == ["accr_1", "accr_2"]
    assert [one.export.record_id for one in await desk.claim(1)] == ["accr_0"]


async def test_the_tables_are_made_once(conninfo: str) -> None:
    """By many processes' first stores at the same time."""
    stores = [PostgresStore(conninfo, f"c{number}") for number in range(6)]
    bound = await asyncio.gather(*(store.open(Binding(vendor="acme"), now=START) for store in stores))
    assert [one.company for one in bound] == [f"c{number}" for number in range(6)]
    assert await sql(conninfo, "SELECT version FROM brex_version") == [(1,)]
    for store in stores:
        await store.close()


async def test_a_newer_store_is_left_alone(conninfo: str) -> None:
    """As it was."""
    await (await desk_of(conninfo)).store.close()
    await sql(conninfo, "UPDATE brex_version SET version = 2")
    with pytest.raises(StoreTooNew, match="version 2, and this package knows 1"):
        await desk_of(conninfo)
    assert await sql(conninfo, "SELECT count(*) FROM brex_companies") == [(1,)]


async def test_what_a_store_takes(conninfo: str) -> None:
    """A company's id, patience, and aware moments."""
    with pytest.raises(ConfigurationError, match="company"):
        PostgresStore(conninfo, "")
    with pytest.raises(ConfigurationError, match="patience"):
        PostgresStore(conninfo, "c1", patience=0)
    with pytest.raises(ConfigurationError, match="aware"):
        await PostgresStore(conninfo, BINDING.company).open(BINDING, now=START.replace(tzinfo=None))


async def test_no_server(postgres: PostgresServer) -> None:
    """The error comes when patience ends, and holds neither the password nor the address."""
    conninfo = f"host={postgres.inner.pgdata}/nowhere user=ann password={CANARY}"
    with pytest.raises(StoreUnavailable) as caught:
        await PostgresStore(conninfo, "c1", patience=0.1).open(BINDING, now=START)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


# One transaction


async def test_what_waits_shares_one_commit(desk: Desk, conninfo: str) -> None:
    """Eight outcomes at once are two transactions: the first, and all that came while it ran."""
    claims = await desk.claim()
    [(before,)] = await sql(conninfo, "SELECT writes FROM brex_companies")
    exports = await asyncio.gather(*(desk.finish(claim, Posted(f"JE-{claim.export.key}")) for claim in claims))
    assert [one.reference_id for one in exports] == [f"JE-accr_{number}.1" for number in range(8)]
    [(after,)] = await sql(conninfo, "SELECT writes FROM brex_companies")
    assert after - before <= 2
    assert set((await current(desk.store)).values()) == {State.POSTED}


async def test_one_that_fails_undoes_itself_alone(desk: Desk) -> None:
    """A page that fails at its second record, a lost lease and a call that PostgreSQL refuses, among others."""
    claims = await desk.claim()
    await desk.finish(claims[3], Posted("JE-before"))
    before = len(await desk.store.history())
    store: Any = desk.store

    def judge(copy: Any, _: Any) -> Judgement:
        if copy.record_id == "accr_a":
            return Judgement(verdict=Verdict.NEW, begin=State.DISCOVERED)
        raise MoveRefused("on purpose")

    async def broken(session: Any) -> None:
        await session.run("UPDATE brex_exports SET rejections = 99 WHERE company = %(company)s")
        await session.run("DELETE FROM brex_history")

    copies = [attrs.evolve(copy_again(claims[0].export), record_id=f"accr_{one}") for one in "ab"]
    calls: list[Any] = [desk.finish(claim, Posted(f"JE-{claim.export.key}")) for claim in claims]
    calls.insert(5, desk.store.record_seen(copies, judge, now=desk.now))
    calls.insert(7, store._database.write(broken))
    results = await asyncio.gather(*calls, return_exceptions=True)
    failures = {index: type(one) for index, one in enumerate(results) if isinstance(one, Exception)}
    assert failures == {3: LeaseLost, 5: MoveRefused, 7: StoreError}
    assert str(results[7]).endswith("PostgreSQL failed (23001)")
    assert set(await current(desk.store)) == {(f"accr_{number}", 1) for number in range(8)}
    assert {one.rejections for one in await desk.store.exports(tuple(State))} == {0}
    assert len(await desk.store.history()) == before + 7


async def test_one_that_was_cancelled_while_it_waited(desk: Desk) -> None:
    """It is dropped; what had begun comes to its end without its caller."""
    claims = await desk.claim()
    tasks = [asyncio.create_task(desk.finish(claim, Posted("JE"))) for claim in claims]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for index in (0, 5):
        tasks[index].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await desk.store.pause("the last write", code="", by="Ann", now=desk.now)
    states = await current(desk.store)
    assert states["accr_5", 1] in (State.INTENT, State.POSTED)
    assert {state for (name, _), state in states.items() if name not in ("accr_0", "accr_5")} == {State.POSTED}
    assert await replayed(desk.store) == states


async def test_close_waits_for_what_was_asked_for(desk: Desk) -> None:
    """A post that is under way is written."""
    [claim] = await desk.claim(1)
    finishing = asyncio.create_task(desk.finish(claim, Posted("JE")))
    await asyncio.sleep(0)
    await desk.store.close()
    assert (await finishing).state is State.POSTED


# What the database holds to


@pytest.mark.parametrize("table", ["brex_history", "brex_pauses"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET by = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
async def test_the_history_only_grows(desk: Desk, conninfo: str, table: str, statement: str) -> None:
    """Also for who has the right to write it."""
    await desk.store.pause("r", code="", by="Ann", now=desk.now)
    with pytest.raises(psycopg.errors.RestrictViolation, match="only grows"):
        await sql(conninfo, statement.format(table))
    for other in ("brex_exports", "brex_batches"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            await sql(conninfo, f"DELETE FROM {other}")


async def test_a_commit_is_on_disk(postgres: PostgresServer) -> None:
    """Also in a database that does not wait for its disk by itself."""
    conninfo = postgres.schema(synchronous_commit="off")
    desk = await desk_of(conninfo)
    store: Any = desk.store

    async def asked(session: Any) -> str:
        return str((await session.only("SHOW synchronous_commit"))["synchronous_commit"])

    assert await store._database.read(asked) == "off"
    assert await store._database.write(asked) == "on"
    await desk.store.close()


async def test_moments_are_told_in_utc(postgres: PostgresServer) -> None:
    """Whatever the connection's time zone."""
    desk = await desk_of(postgres.schema(TimeZone="Asia/Kolkata"))
    await desk.see()
    one = await desk.newest()
    assert one.read_at.isoformat() == "2026-07-01T12:00:01+00:00"
    await desk.store.close()


@pytest.mark.parametrize("outcome", [Posted("JE\x00-\ud800"), NotNow("down\x00"), Skipped("\ud800no")], ids=str)
async def test_text_that_postgresql_does_not_hold(desk: Desk, outcome: Any) -> None:
    """What a poster says never makes its outcome be lost: what cannot be kept of it is replaced."""
    export = await desk.post(outcome)
    kept = export.reference_id or export.message or ""
    assert kept.replace("\ufffd", "").replace("?", "") in ("JE-", "down", "no")


async def test_what_reads_does_not_write(conninfo: str) -> None:
    """Where nothing may be written, what is listed as reading works and what is listed as writing fails."""
    desk = await desk_of(conninfo)
    await desk.bring(State.REPORTING)
    await desk.see("accr_2", receipts=[{"id": "receipt_1"}])
    [claim] = await desk.claim()
    desk.tick(desk.lease * 12)
    [batch] = await desk.store.take_over_batches(desk.owner, now=desk.now, until=desk.now + desk.lease)
    thing = batch, claim, await desk.newest()
    await desk.store.close()
    store: Any = PostgresStore(with_options(conninfo, **_options(conninfo), default_transaction_read_only="on"), "c")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await store.open(BINDING, now=START)
    reading = AsyncConnectionPool(store._database._database, open=False)
    await reading.open()
    desk.store = store = PostgresStore(reading, BINDING.company)
    store._database._pool = reading
    worked, refused = set(), set()
    for name in sorted(STORE_READS | STORE_WRITES - {"open", "close"}):
        try:
            await _CALLS[name](desk, thing)
        except StoreUnavailable:
            refused.add(name)
        else:
            worked.add(name)
    # Nothing is there to be claimed, and that much is only read.
    without = {"claim", "claim_receipts"}
    assert worked == STORE_READS | without
    assert refused == STORE_WRITES - {"open", "close"} - without
    await reading.close()


def _options(conninfo: str) -> dict[str, str]:
    told = psycopg.conninfo.conninfo_to_dict(conninfo)
    return dict(one.removeprefix("-c").split("=", 1) for one in str(told["options"]).split())


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (psycopg.errors.DiskFull, StoreFull, "no room"),
        (psycopg.errors.InsufficientPrivilege, StoreUnavailable, "rights"),
        (psycopg.errors.DeadlockDetected, StoreUnavailable, "in the way"),
        (psycopg.errors.TooManyConnections, StoreUnavailable, "lost"),
        (psycopg.errors.InvalidSqlStatementName, StoreUnavailable, "max_prepared_statements"),
        (psycopg.errors.DuplicatePreparedStatement, StoreUnavailable, "max_prepared_statements"),
        (psycopg.errors.AdminShutdown, StoreUnavailable, "lost"),
        (psycopg.OperationalError, StoreUnavailable, "lost"),
        (psycopg.errors.DataCorrupted, StoreError, "damaged"),
        (psycopg.errors.UniqueViolation, StoreError, "failed .23505."),
    ],
)
def test_errors_are_told_without_values(error: type[psycopg.Error], kind: type[Exception], words: str) -> None:
    """By what is to be done about them."""
    with pytest.raises(kind, match=words) as caught:
        raise failed("c1", error(CANARY))
    assert CANARY not in repr(caught.value)
