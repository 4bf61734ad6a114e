"""The server goes away: what was told is kept, what was not is said, and all goes on when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool

from brex_accounting import StoreUnavailable
from brex_accounting.sync.exports import Binding
from brex_accounting.sync.poster import Posted
from brex_accounting.sync.postgres import Pool, PostgresStore
from brex_accounting.sync.states import State

from ..postgres_server import PostgresServer
from .desk import BINDING, START, Desk, current, replayed

# Stopped in the middle of writes


@attrs.define
class Storm:
    """What was told to the workers of many companies, and which of them were told that there is no server."""

    told: set[tuple[str, str]] = attrs.field(factory=set)
    failed: set[str] = attrs.field(factory=set)
    is_over: bool = False

    async def post(self, desk: Desk) -> None:
        """Records seen, claimed and posted, until it is over; what fails is left to those that come after."""
        number = 0
        while not self.is_over:
            number += 1
            try:
                await self._post_some(desk, number)
            except StoreUnavailable:
                self.failed.add(desk.owner)
                await asyncio.sleep(0.02)

    async def _post_some(self, desk: Desk, number: int) -> None:
        names = [f"accr_{desk.owner}_{number}_{one}" for one in range(4)]
        await desk.see_all([{"id": name} for name in names])
        self.told |= {(name, "DISCOVERED") for name in names}
        for claim in await desk.claim(4):
            self.told.add((claim.export.record_id, "INTENT"))
            done = await desk.finish(claim, Posted(f"JE-{claim.export.key}"))
            self.told.add((done.record_id, "POSTED"))


async def recovered(desk: Desk) -> set[tuple[str, str]]:
    """All that a company's history says, once what was left is taken over and posted."""
    desk.tick(timedelta(hours=1))
    for claim in (*await desk.take_over(1000), *await desk.claim(1000)):
        await desk.finish(claim, Posted(f"JE-{claim.export.key}"))
    states = await current(desk.store)
    assert set(states.values()) == {State.POSTED}
    assert await replayed(desk.store) == states
    assert (await desk.store.counts()).by_state == {State.POSTED: len(states)}
    return {(line.record_id, line.after.value) for line in await desk.store.history(limit=100_000)}


@pytest.fixture
async def pool(conninfo: str) -> AsyncIterator[Pool]:
    async with AsyncConnectionPool(conninfo, min_size=4, max_size=4, open=False) as made:
        yield made


async def desk_of(database: str | Pool, company: str) -> Desk:
    store = PostgresStore(database, company)
    await store.open(Binding(company=company), now=START)
    return Desk(store, owner=company)


@contextmanager
def impatient(desk: Desk, patience: float) -> Iterator[None]:
    """Short of it only while there is no server: what the server has to do in time has time."""
    store: Any = desk.store
    usual, store._database._patience = store._database._patience, patience
    try:
        yield
    finally:
        store._database._patience = usual


async def test_an_immediate_stop_loses_nothing(postgres: PostgresServer, pool: Pool) -> None:
    """The server is gone until each of six companies that write was told so: each has all that it was told before."""
    # The pool's size is short of the companies, so that some wait for a connection and some for a commit.
    desks = [await desk_of(pool, f"c{number}") for number in range(6)]
    storm = Storm()
    tasks = [asyncio.create_task(storm.post(desk)) for desk in desks]
    await until(lambda: len(storm.told) >= 200)
    with ExitStack() as patience:
        for desk in desks:
            patience.enter_context(impatient(desk, 0.5))
        try:
            await asyncio.to_thread(postgres.stop_at_once)
            before = len(storm.told)
            storm.failed.clear()
            await until(lambda: len(storm.failed) == len(desks))
        finally:
            await asyncio.to_thread(postgres.start)
    await until(lambda: len(storm.told) >= before + 200)
    storm.is_over = True
    await asyncio.gather(*tasks)
    histories = [await recovered(desk) for desk in desks]
    assert storm.told <= set().union(*histories)
    for desk in desks:
        await desk.store.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_connections_that_died_in_sleep(postgres: PostgresServer, pool: Pool) -> None:
    """A server that was started again between two calls is no trouble of the second."""
    desk = await desk_of(pool, "c1")
    await desk.see()
    try:
        await asyncio.to_thread(postgres.stop_at_once)
    finally:
        await asyncio.to_thread(postgres.start)
    assert await desk.states() == ["DISCOVERED"]
    await desk.post()
    assert await desk.states() == ["POSTED"]


# Lost between two answers


@attrs.define
class Wire:
    """A socket in front of the server's that breaks a connection at the question or the answer of a COMMIT."""

    server: str
    breaks: str = ""
    broken: int = 0
    stays_broken: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.broken and self.stays_broken:
            writer.close()
            return
        there, back = await asyncio.open_unix_connection(self.server)
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, back, "question"))
                pumps.create_task(self._pump(there, writer, "answer"))
        except* (ConnectionError, EOFError):
            pass
        finally:
            for end in (writer, back):
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, what: str) -> None:
        while some := await reader.read(65_536):
            if self.breaks == what and b"COMMIT\x00" in some:
                self.broken += 1
                raise ConnectionResetError
            writer.write(some)
            await writer.drain()
        raise EOFError


@pytest.fixture
async def wire(conninfo: str, tmp_path: Path) -> AsyncIterator[tuple[Wire, str]]:
    """It, and the connection string through it."""
    told = conninfo_to_dict(conninfo)
    path = tmp_path / ".s.PGSQL.5432"
    made = Wire(f"{told['host']}/.s.PGSQL.{told.get('port') or 5432}")
    server = await asyncio.start_unix_server(made.serve, path)
    yield made, make_conninfo(conninfo, host=str(tmp_path), port=5432)
    server.close()


@pytest.mark.parametrize(("lost", "kept"), [("question", False), ("answer", True)])
async def test_a_commit_whose_answer_is_lost(wire: tuple[Wire, str], lost: str, kept: bool) -> None:
    """The store finds out: what the server did is done, and what it did not do is an error of which nothing is kept."""
    made, conninfo = wire
    desk = await desk_of(conninfo, BINDING.company)
    await desk.see()
    [claim] = await desk.claim()
    made.breaks = lost
    finishing = asyncio.create_task(desk.finish(claim, Posted("JE-1")))
    await until(lambda: bool(made.broken))
    made.breaks = ""
    if kept:
        assert (await finishing).reference_id == "JE-1"
    else:
        with pytest.raises(StoreUnavailable, match="the connection was lost"):
            await finishing
    assert await desk.states() == ["POSTED" if kept else "INTENT"]
    assert await replayed(desk.store) == await current(desk.store)
    await desk.store.close()


async def test_nobody_says_what_became_of_a_commit(wire: tuple[Wire, str]) -> None:
    """When patience ends before the server is back, the error says that it may have been kept."""
    made, conninfo = wire
    desk = await desk_of(conninfo, BINDING.company)
    made.breaks, made.stays_broken = "answer", True
    with impatient(desk, 0.3), pytest.raises(StoreUnavailable, match="as after a crash"):
        await desk.see()
    made.breaks, made.stays_broken = "", False
    await desk.store.close()
    await desk.store.open(now=START)
    assert await desk.states() == ["DISCOVERED"]
    await desk.store.close()
