"""Writes that wait for the SQLite store at the same time: one commit for all, and each whole or not at all."""

from __future__ import annotations

import asyncio
import resource
import signal
import sqlite3
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from brex_accounting import LeaseLost, MoveRefused, StoreUnavailable
from brex_accounting.sync.exports import Claim, Copy, Judgement, Verdict
from brex_accounting.sync.poster import Posted
from brex_accounting.sync.sqlite import SqliteStore
from brex_accounting.sync.states import State

from ..forks import Forks
from .desk import BINDING, START, Desk, copy_again, current, replayed

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A store with 8 exports."""
    store = SqliteStore(tmp_path / "exports.db", busy_timeout=0.05)
    await store.open(BINDING, now=START)
    desk = Desk(store)
    await desk.see_all([{"id": f"accr_{number}", "memo": "x" * 400} for number in range(8)])
    yield desk
    await store.close()


@attrs.define
class Thread:
    """The store's thread, held up, and what it says to SQLite from then on."""

    statements: list[str] = attrs.field(factory=list)
    go_on: threading.Event = attrs.field(factory=threading.Event)

    @property
    def ends(self) -> list[str]:
        return [one for one in self.statements if one in ("COMMIT", "ROLLBACK")]


async def together(desk: Desk, calls: list[Coroutine[Any, Any, Any]]) -> tuple[Thread, list[asyncio.Task[Any]]]:
    """Tasks whose writes all wait for the thread."""
    store: Any = desk.store
    database = store._database
    thread = Thread()
    await database._run(database._connection.set_trace_callback, thread.statements.append)
    holding = asyncio.create_task(database._run(thread.go_on.wait))
    tasks = [asyncio.create_task(call) for call in calls]
    while len(database._waiting) < len(tasks):
        await asyncio.sleep(0)
    assert not holding.done()
    return thread, tasks


async def results_of(thread: Thread, tasks: list[asyncio.Task[Any]]) -> list[Any]:
    thread.go_on.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def finishing(desk: Desk, claims: tuple[Claim, ...]) -> list[Coroutine[Any, Any, Any]]:
    return [desk.finish(claim, Posted(f"JE-{claim.export.key}")) for claim in claims]


async def test_what_waits_shares_one_commit(desk: Desk) -> None:
    """Eight outcomes, one commit, and each caller has its own export back."""
    claims = await desk.claim()
    thread, tasks = await together(desk, finishing(desk, claims))
    exports = await results_of(thread, tasks)
    assert thread.ends == ["COMMIT"]
    assert [one.reference_id for one in exports] == [f"JE-accr_{number}.1" for number in range(8)]
    assert set((await current(desk.store)).values()) == {State.POSTED}


async def test_nobody_is_told_before_the_commit(desk: Desk) -> None:
    """While a later one of the group is still at work, the callers of the earlier ones wait."""
    claims = await desk.claim(7)
    begun, go_on = threading.Event(), threading.Event()

    def slow(*_: Any) -> Judgement:
        begun.set()
        go_on.wait(30)
        return Judgement(verdict=Verdict.NOTHING)

    last = desk.store.record_seen([copy_again(await desk.newest("accr_7"))], slow, now=desk.now)
    thread, tasks = await together(desk, [*finishing(desk, claims), last])
    thread.go_on.set()
    await asyncio.to_thread(begun.wait)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
    with closing(sqlite3.connect(await path_of(desk))) as connection:
        posted = connection.execute("SELECT count(*) FROM exports WHERE state = 'POSTED'").fetchone()[0]
    assert posted == 0
    tasks[0].cancel()
    go_on.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    # What had begun came to its end without its caller.
    assert await desk.states("accr_0") == ["POSTED"]
    assert (await desk.store.counts()).by_state == {State.POSTED: 7, State.DISCOVERED: 1}


async def path_of(desk: Desk) -> str:
    store: Any = desk.store
    return str(store._database._path)


async def test_one_that_fails_undoes_itself_alone(desk: Desk) -> None:
    """A page that fails at its second record, and a lease that was lost, between others that are kept."""
    claims = await desk.claim()
    await desk.finish(claims[3], Posted("JE-before"))
    before = len(await desk.store.history())

    def judge(copy: Copy, _: Any) -> Judgement:
        if copy.record_id == "accr_b":
            raise MoveRefused("on purpose")
        return Judgement(verdict=Verdict.NEW, begin=State.DISCOVERED)

    copies = [attrs.evolve(copy_again(claims[0].export), record_id=f"accr_{one}") for one in "ab"]
    calls = finishing(desk, claims)
    calls.insert(5, desk.store.record_seen(copies, judge, now=desk.now))
    thread, tasks = await together(desk, calls)
    results = await results_of(thread, tasks)
    assert thread.ends == ["COMMIT"]
    failed = {index: type(one) for index, one in enumerate(results) if isinstance(one, Exception)}
    assert failed == {3: LeaseLost, 5: MoveRefused}
    assert set(await current(desk.store)) == {(f"accr_{number}", 1) for number in range(8)}
    assert (await desk.newest("accr_3")).reference_id == "JE-before"
    assert len(await desk.store.history()) == before + 7
    assert await replayed(desk.store) == await current(desk.store)


async def test_a_call_that_sqlite_refuses_undoes_itself_alone(desk: Desk) -> None:
    """A broken rule of a table is no trouble of the others."""
    store: Any = desk.store

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE exports SET rejections = 99")
        connection.execute("DELETE FROM history")

    thread, tasks = await together(desk, [desk.claim(1), store._database.write(broken), desk.claim(1)])
    first, refused, second = await results_of(thread, tasks)
    assert str(refused).endswith("SQLite failed (SQLITE_CONSTRAINT_TRIGGER)")
    assert [one.export.record_id for one in (*first, *second)] == ["accr_0", "accr_1"]
    assert {one.rejections for one in await desk.store.exports(tuple(State))} == {0}


@contextmanager
def no_room(path: Path) -> Iterator[None]:
    """The operating system lets no file grow beyond what this one takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


async def test_a_commit_that_fails_is_told_to_all(desk: Desk) -> None:
    """Each has its own error, nothing of any is kept, and with room all can be done again."""
    claims = await desk.claim()
    history = await desk.store.history()
    with no_room(Path(f"{await path_of(desk)}-wal")):
        thread, tasks = await together(desk, finishing(desk, claims))
        errors = await results_of(thread, tasks)
    assert "COMMIT" in thread.ends
    assert [isinstance(one, StoreUnavailable) for one in errors] == [True] * 8
    assert len({id(one) for one in errors}) == 8
    assert {one.__traceback__ is None for one in errors} == {False}
    assert set((await current(desk.store)).values()) == {State.INTENT}
    assert await desk.store.history() == history
    results = await asyncio.gather(*finishing(desk, claims))
    assert {one.state for one in results} == {State.POSTED}


async def test_a_lock_is_told_to_all(desk: Desk) -> None:
    """Another process writes for too long: the group waits for it once, not each of its calls."""
    claims = await desk.claim()
    with closing(sqlite3.connect(await path_of(desk), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        thread, tasks = await together(desk, finishing(desk, claims))
        errors = await results_of(thread, tasks)
        assert [isinstance(one, StoreUnavailable) for one in errors] == [True] * 8
        assert thread.statements == ["BEGIN IMMEDIATE"]
        connection.execute("ROLLBACK")
    assert len(await asyncio.gather(*finishing(desk, claims))) == 8


async def test_one_that_was_cancelled_while_it_waited(desk: Desk) -> None:
    """It is dropped, the others are kept."""
    claims = await desk.claim()
    thread, tasks = await together(desk, finishing(desk, claims))
    tasks[2].cancel()
    await asyncio.sleep(0)
    await results_of(thread, tasks)
    assert tasks[2].cancelled()
    assert thread.ends == ["COMMIT"]
    assert await desk.states("accr_2") == ["INTENT"]
    assert (await desk.store.counts()).by_state == {State.POSTED: 7, State.INTENT: 1}


async def test_all_that_waited_were_cancelled(desk: Desk) -> None:
    """Then there is nothing to write."""
    thread, tasks = await together(desk, [desk.claim(1), desk.claim(1)])
    for task in tasks:
        task.cancel()
    await asyncio.sleep(0)
    await results_of(thread, tasks)
    await desk.store.paused()
    assert "BEGIN IMMEDIATE" not in thread.statements
    assert set((await current(desk.store)).values()) == {State.DISCOVERED}


async def crowd(forks: Forks, path: Path, owner: str, lines: int) -> list[str]:
    """What a process said that was killed while it posted eight at a time."""
    process = await forks.start("crowd", owner, "sqlite", str(path), module="tests.sync.worker")
    assert process.stdout is not None
    said = [(await process.stdout.readline()).decode() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    said += (await process.stdout.read()).decode().splitlines(keepends=True)
    assert await process.wait() == -signal.SIGKILL
    return [line for line in said if line.endswith("\n")]


async def check_killed(forks: Forks, path: Path, rounds: int) -> None:
    said: set[str] = set()
    for number in range(rounds):
        said |= set(await crowd(forks, path, f"c{number}", 9 + 5 * number))
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        desk = Desk(SqliteStore(path))
        await desk.store.open(BINDING, now=START)
        states = await current(desk.store)
        assert await replayed(desk.store) == states
        moves: set[str] = set()
        after = 0
        while lines := await desk.store.history(after=after):
            moves |= {f"{line.record_id} {line.after.value}\n" for line in lines}
            after = lines[-1].number
        assert said <= moves
        counts = (await desk.store.counts()).by_state
        assert counts == {state: list(states.values()).count(state) for state in set(states.values())}
        await desk.store.close()


async def test_killed_in_the_middle_of_a_group(forks: Forks, tmp_path: Path) -> None:
    """Every move that a caller was told of is there, and the file is sound."""
    await check_killed(forks, tmp_path / "exports.db", 4)


@pytest.mark.slow
async def test_killed_in_the_middle_of_a_group_many_times(forks: Forks, tmp_path: Path) -> None:
    """The same, forty times on the same file."""
    await check_killed(forks, tmp_path / "exports.db", 40)
