"""The file of the SQLite store: what is refused stays as it was, and what was committed stays whatever comes."""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import os
import resource
import shutil
import signal
import sqlite3
import stat
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from brex_accounting import (
    BrexError,
    LeaseLost,
    MoveRefused,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreMismatch,
    StoreTooNew,
    StoreUnavailable,
)
from brex_accounting.sync.exports import Judgement, Verdict
from brex_accounting.sync.poster import Posted
from brex_accounting.sync.sqlite import SqliteStore
from brex_accounting.sync.sqlite import store as store_module
from brex_accounting.sync.sqlite.schema import APPLICATION_ID, MIGRATIONS
from brex_accounting.sync.states import State

from ..forks import Forks
from .desk import BINDING, REJECTED, START, Desk, copy_again, current, replayed

ROOT = Path(__file__).parent.parent.parent
PACKAGE = str(ROOT / "brex_accounting")
CANARY = "canary-77aa"


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A store with 40 exports, closed."""
    path = tmp_path / "exports.db"
    desk = await opened(path)
    await desk.see_all([{"id": f"accr_{number}", "memo": "x" * 300} for number in range(40)])
    await desk.post()
    await desk.store.close()
    return path


async def opened(path: Path, **changes: Any) -> Desk:
    store = SqliteStore(path, **changes)
    await store.open(BINDING, now=START)
    return Desk(store)


async def inside(desk: Desk, work: Callable[[sqlite3.Connection], Any]) -> Any:
    """Something done to the store's own connection, on its thread and outside of a transaction."""
    store: Any = desk.store
    database = store._database
    return await database._run(lambda: work(database._connection))


def bytes_of(path: Path) -> dict[str, bytes]:
    """The file, and what it has not taken over from its log."""
    names = [path, path.with_name(f"{path.name}-wal")]
    return {one.name: one.read_bytes() for one in names if one.exists() and one.stat().st_size}


async def refused(path: Path, error: type[StoreError], match: str, **changes: Any) -> None:
    """Opening raises the error, says where, and leaves the file byte for byte."""
    before = bytes_of(path)
    store = SqliteStore(path, busy_timeout=0.05)
    with pytest.raises(error, match=match) as caught:
        await store.open(attrs.evolve(BINDING, **changes), now=START)
    await store.close()
    assert type(caught.value) is error
    assert str(path) in str(caught.value)
    assert bytes_of(path) == before


# Refused files


@pytest.mark.parametrize(
    "content", [b"x", b"not a database, but long enough for a header" * 9, b"SQLite format 4\0" * 9]
)
async def test_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    """It may be anybody's."""
    path = tmp_path / "exports.db"
    path.write_bytes(content)
    await refused(path, StoreCorrupt, "another kind")


@pytest.mark.parametrize("journal", ["wal", "delete"])
async def test_a_database_of_something_else(tmp_path: Path, journal: str) -> None:
    """A database with tables of others is not made a store of."""
    path = tmp_path / "exports.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("CREATE TABLE theirs (x)")
        connection.commit()
    await refused(path, StoreCorrupt, "something else")


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """So does a database without tables: a process that was killed while it made a store leaves either."""
    (tmp_path / "empty.db").touch()
    with closing(sqlite3.connect(tmp_path / "bare.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    for name in ("empty.db", "bare.db"):
        desk = await opened(tmp_path / name)
        await desk.see()
        await desk.store.close()


async def test_a_store_of_a_newer_version(path: Path) -> None:
    """An older package neither reads nor changes it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    await refused(path, StoreTooNew, "Upgrade")


@pytest.mark.parametrize("part", ["company", "vendor", "vendor_account_id"])
async def test_a_store_of_somebody_else_keeps_its_bytes(path: Path, part: str) -> None:
    """Also what a killed process left in the log beside it."""
    await refused(path, StoreMismatch, part, **{part: "another"})
    desk = await opened(path)
    await desk.see("accr_new")
    copied = path.parent / "killed" / path.name
    copied.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copied}{suffix}")
    assert len(bytes_of(copied)) == 2
    await refused(copied, StoreMismatch, part, **{part: "another"})
    await desk.store.close()
    again = await opened(copied)
    assert await again.states("accr_new") == ["DISCOVERED"]
    await again.store.close()


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _zeroed(content: bytes) -> bytes:
    return content[:8192] + bytes(8192) + content[16384:]


def _scrambled(content: bytes) -> bytes:
    return b"".join(
        content[at : at + 4096] if at == 0 else bytes([255]) * 64 + content[at + 64 : at + 4096]
        for at in range(0, len(content), 4096)
    )


def _headless(content: bytes) -> bytes:
    return content[:16] + b"\xff" * 84 + content[100:]


@pytest.mark.parametrize("damage", [_truncated, _zeroed, _scrambled, _headless])
async def test_a_damaged_store(path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Half a file, an empty page, overwritten pages, a broken header: nothing is posted from it or written to it."""
    path.write_bytes(damage(path.read_bytes()))
    await refused(path, StoreCorrupt, "damaged")


async def test_damage_that_shows_later(path: Path) -> None:
    """A page that breaks while the store is open: the call fails by name and nothing of it is kept."""
    desk = await opened(path)
    content = path.read_bytes()
    path.write_bytes(_scrambled(content))
    with pytest.raises(StoreCorrupt, match="damaged"):
        await current(desk.store)
    path.write_bytes(content)
    await desk.store.close()


async def test_no_folder(tmp_path: Path) -> None:
    """A mistyped path makes no folders."""
    await refused(tmp_path / "no" / "exports.db", StoreUnavailable, "folder does not exist")
    assert not (tmp_path / "no").exists()


async def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """Nor is anything else that is no file."""
    store = SqliteStore(tmp_path)
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        await store.open(BINDING, now=START)
    await store.close()


def _unprivileged() -> None:
    # As root nothing is read-only; file rights are checked by thread, so the store's thread alone gives them up.
    ctypes.CDLL(None).setfsuid(65534)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs file rights by thread")
@pytest.mark.parametrize("folder_too", [False, True])
async def test_a_store_that_cannot_be_written(path: Path, shared_folder: Path, folder_too: bool) -> None:
    """It is told when it is opened, not after the first post; without rights on its folder as well."""
    copied = shared_folder / path.name
    shutil.copy(path, copied)
    if os.geteuid() == 0:
        os.chown(copied, 65534, 65534)
        os.chown(shared_folder, 65534, 65534)
    copied.chmod(0o444)
    shared_folder.chmod(0o555 if folder_too else 0o755)
    before = copied.read_bytes()
    store: Any = SqliteStore(copied, busy_timeout=0.05)
    if os.geteuid() == 0:
        store._database._thread = ThreadPoolExecutor(max_workers=1, initializer=_unprivileged)
    with pytest.raises(StoreUnavailable, match=r"cannot be .*rights"):
        await store.open(BINDING, now=START)
    await store.close()
    shared_folder.chmod(0o755)
    assert copied.read_bytes() == before


async def test_a_locked_store(path: Path) -> None:
    """Another process that writes for too long: every call says so, and goes on when that one is done."""
    desk = await opened(path, busy_timeout=0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        await refused(path, StoreUnavailable, "locked")
        with pytest.raises(StoreUnavailable, match="locked"):
            await desk.see("accr_new")
        assert (await desk.store.counts()).by_state == {State.DISCOVERED: 39, State.POSTED: 1}
        connection.execute("ROLLBACK")
    await desk.see("accr_new")
    await desk.store.close()


async def test_a_lock_is_waited_for_off_the_loop(path: Path) -> None:
    """While a call waits for another process, everything else on the loop goes on."""
    desk = await opened(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(desk.see("accr_new"))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done()
        # On the loop itself the wait would have ended only by its timeout, before this line.
        connection.execute("ROLLBACK")
    await waiting
    await desk.store.close()


# Disk full


async def fill(desk: Desk) -> None:
    """Three records in a transaction until there is no room, which is long before the last."""
    for number in range(2000):
        await desk.see_all([{"id": f"accr_new_{number}_{part}", "memo": "y" * 900} for part in range(3)])


async def test_no_room(path: Path) -> None:
    """Everything committed before stays, the call that found no room leaves nothing, and with room it goes on."""
    desk = await opened(path)
    pages = await inside(desk, lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    await inside(desk, lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 12}").fetchone())
    with pytest.raises(StoreFull, match="Make room"):
        await fill(desk)
    stored = len(await current(desk.store)) - 40
    assert stored > 0
    assert stored % 3 == 0
    assert len(await current(desk.store)) == 40 + stored
    assert await replayed(desk.store) == await current(desk.store)
    await inside(desk, lambda connection: connection.execute("PRAGMA max_page_count = 100000").fetchone())
    await desk.see("accr_new")
    await desk.store.close()
    desk = await opened(path)
    assert len(await current(desk.store)) == 41 + stored
    await desk.store.close()


async def test_a_file_that_may_not_grow(path: Path) -> None:
    """The operating system refuses the write itself: the same, by whatever name SQLite gives it."""
    desk = await opened(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        with pytest.raises(StoreUnavailable, match=r"room|disk"):
            await fill(desk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    new = [one for one, _ in await current(desk.store) if "new" in one]
    assert len(new) % 3 == 0
    await desk.see("accr_last")
    assert await replayed(desk.store) == await current(desk.store)
    await desk.store.close()


# Killed


async def storm(forks: Forks, path: Path, owner: str, lines: int) -> list[str]:
    """What a process said that was killed in the middle of its transactions."""
    process = await forks.start("storm", owner, "sqlite", str(path), module="tests.sync.worker")
    assert process.stdout is not None
    said = [(await process.stdout.readline()).decode() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    said += (await process.stdout.read()).decode().splitlines(keepends=True)
    assert await process.wait() == -signal.SIGKILL
    return [line for line in said if line.endswith("\n")]


async def check_storm(forks: Forks, path: Path, rounds: int) -> None:
    said: list[str] = []
    for number in range(rounds):
        both = await asyncio.gather(
            storm(forks, path, f"a{number}", 1 + number * 3), storm(forks, path, f"b{number}", 2 + number)
        )
        said += [line for lines in both for line in lines]
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        desk = await opened(path)
        states = await current(desk.store)
        assert await replayed(desk.store) == states
        moves: set[str] = set()
        after = 0
        while lines := await desk.store.history(after=after):
            moves |= {f"{line.record_id} {line.after.value}\n" for line in lines}
            after = lines[-1].number
        assert set(said) <= moves
        await desk.store.close()
    assert len(said) > rounds * 3


async def test_killed_in_the_middle(forks: Forks, tmp_path: Path) -> None:
    """Two processes at a time, killed again and again: the file is sound and every move they told of is there."""
    await check_storm(forks, tmp_path / "exports.db", 6)


@pytest.mark.slow
async def test_killed_in_the_middle_many_times(forks: Forks, tmp_path: Path) -> None:
    """The same, sixty times on the same file."""
    await check_storm(forks, tmp_path / "exports.db", 60)


@pytest.mark.parametrize("tables", [0, 20])
async def test_killed_while_it_was_made(tmp_path: Path, tables: int) -> None:
    """What such a process leaves is made a store by the next; a database of others with a journal is let be."""
    path = tmp_path / "exports.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 0")
        for number in range(tables):
            connection.execute(f"CREATE TABLE theirs_{number} (x)")
    # The header of a rollback journal: magic, no pages, nonce, pages before, sector and page size.
    before = 1 + tables if tables else 0
    header = bytes.fromhex("d9d505f920a163d7") + struct.pack(">5I", 0, 0, before, 512, 4096)
    Path(f"{path}-journal").write_bytes(header.ljust(512, b"\0"))
    if tables:
        await refused(path, StoreUnavailable, "cannot be written")
    else:
        desk = await opened(path)
        await desk.see()
        assert await desk.states() == ["DISCOVERED"]
        await desk.store.close()


async def test_made_by_many_at_once(tmp_path: Path) -> None:
    """Stores that make and bind the same file together all end up with the same one."""
    path = tmp_path / "exports.db"
    desks = await asyncio.gather(*(opened(path) for _ in range(8)))
    await asyncio.gather(*(desk.see(f"accr_{number}") for number, desk in enumerate(desks)))
    assert len(await current(desks[0].store)) == 8
    for desk in desks:
        await desk.store.close()


# What it is like


async def test_how_it_is_kept(path: Path) -> None:
    """A write-ahead log, synced at each commit, foreign keys on, its mark in the header, for the owner alone."""
    desk = await opened(path)
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "application_id": APPLICATION_ID}
    pragmas["user_version"] = len(MIGRATIONS)
    found = await inside(
        desk, lambda connection: {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas}
    )
    assert found == pragmas
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(f"{path}-wal").stat().st_mode) == 0o600
    await desk.store.close()
    assert not Path(f"{path}-wal").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history SET why = 'another'",
        "UPDATE history SET number = number + 1",
        "DELETE FROM history WHERE number = 1",
        "REPLACE INTO history SELECT * FROM history",
        "DELETE FROM exports",
        "DELETE FROM batches",
        "UPDATE pauses SET reason = ''",
        "DELETE FROM pauses",
    ],
)
async def test_what_only_grows(path: Path, statement: str) -> None:
    """History, pauses, exports and batches refuse to be changed or deleted, whoever asks."""
    desk = await opened(path)
    await desk.open_batch()
    await desk.store.pause("r", code="", by="Ann", now=START)
    await desk.store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA recursive_triggers = ON")
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            connection.execute(statement)


async def test_migrations(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of an older version is brought to this one with all it holds, in one step or not at all."""
    held = path.read_bytes()
    more = (*MIGRATIONS, ("ALTER TABLE exports ADD COLUMN extra TEXT NOT NULL DEFAULT 'x'", "CREATE TABLE more (x)"))
    broken = (*more, ("CREATE TABLE last (x)", "CREATE TABLE more (x)"))
    monkeypatch.setattr(store_module, "MIGRATIONS", broken)
    with pytest.raises(StoreError, match="SQLite failed"):
        await opened(path)
    assert version_of(path) == len(MIGRATIONS)
    monkeypatch.setattr(store_module, "MIGRATIONS", more)
    desk = await opened(path)
    assert await inside(desk, lambda connection: connection.execute("SELECT extra FROM exports").fetchone()[0]) == "x"
    assert (await desk.store.counts()).by_state == {State.DISCOVERED: 39, State.POSTED: 1}
    await desk.see("accr_new")
    await desk.store.close()
    assert version_of(path) == len(more)
    monkeypatch.setattr(store_module, "MIGRATIONS", MIGRATIONS)
    await refused(path, StoreTooNew, "Upgrade")
    assert held != path.read_bytes()


async def test_a_store_of_the_first_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it holds is counted and found by what came later."""
    path = tmp_path / "exports.db"
    monkeypatch.setattr(store_module, "MIGRATIONS", MIGRATIONS[:1])
    desk = await opened(path)
    await desk.see_all([{"id": f"accr_{number}", "receipts": [{"id": "r1"}]} for number in range(5)])
    posted = "UPDATE exports SET state = 'POSTED', reference_id = 'JE', why = 'posted' WHERE number > 3"
    await inside(desk, lambda connection: connection.execute(posted))
    await desk.store.close()
    monkeypatch.setattr(store_module, "MIGRATIONS", MIGRATIONS)
    desk = await opened(path)
    assert (await desk.store.counts()).by_state == {State.DISCOVERED: 3, State.POSTED: 2}
    assert [one.order for one in await desk.store.reportable(limit=9)] == [4, 5]
    until = desk.now + desk.lease
    assert len(await desk.store.claim_receipts("w1", now=desk.now, until=until, limit=9)) == 2
    await desk.post()
    await desk.see("accr_new")
    assert (await desk.store.counts()).by_state == {State.DISCOVERED: 3, State.POSTED: 3}
    await desk.store.close()


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_released_migration_never_changes() -> None:
    """Stores out there were made by exactly these statements."""
    found = {index: sha256("\n".join(statements)) for index, statements in enumerate(MIGRATIONS)}
    assert found == {
        0: "80b8fe1d34eaeb1b818c4eb835bbe730dac13478d6c22db70033831aefd80434",
        1: "80680d7b6b68e4fb371f767ad888eec82f70ae94dff10c6c3a4c60bf6cd06c8a",
        2: "58d35c4ff85e4cf168c9e44664d3c6c2915891a87993f621f9e7d93bced0a95e",
    }


def sha256(text: str) -> str:
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


# Closing and errors


async def test_closing_drains(path: Path) -> None:
    """What was asked for before close is done; nothing is left running."""
    desk = await opened(path)
    asked = [asyncio.create_task(desk.see(f"accr_late_{number}")) for number in range(5)]
    await asyncio.sleep(0)
    await desk.store.close()
    await asyncio.gather(*asked)
    desk = await opened(path)
    assert len(await current(desk.store)) == 45
    await desk.store.close()


async def test_a_cancelled_close_closes(path: Path) -> None:
    """The file is let go all the same: its log is gone once the thread has ended."""
    desk = await opened(path)
    store: Any = desk.store
    thread = store._database._thread
    closing_it = asyncio.create_task(desk.store.close())
    await asyncio.sleep(0)
    closing_it.cancel()
    await asyncio.gather(closing_it, return_exceptions=True)
    thread.shutdown(wait=True)
    assert not Path(f"{path}-wal").exists()


async def test_a_store_that_is_dropped_after_a_failed_open(tmp_path: Path) -> None:
    """A refused store holds no connection open, closed or not."""
    path = tmp_path / "exports.db"
    path.write_bytes(b"x" * 999)
    store: Any = SqliteStore(path)
    with pytest.raises(StoreCorrupt):
        await store.open(BINDING, now=START)
    assert store._database._connection is None
    await store.close()


@pytest.fixture
async def secret(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = await opened(tmp_path / "exports.db", busy_timeout=0.0)
    await desk.see_all(
        [{"id": f"accr_{number}", "memo": CANARY, "vendor": {"id": "v", "name": CANARY}} for number in (1, 2)]
    )
    yield desk
    await desk.store.close()


async def test_no_body_in_a_repr(secret: Desk) -> None:
    """Nor in any value that a store gives."""
    claims = await secret.claim(1)
    await secret.finish(claims[0], Posted("JE-1"), detail=CANARY)
    batch = await secret.open_batch()
    values = [claims, batch, await secret.newest(), await secret.store.history(), await secret.store.counts()]
    assert CANARY.encode() in claims[0].export.body
    assert CANARY not in repr(values) + repr(secret.store)


async def _lease_lost(desk: Desk) -> None:
    [claim] = await desk.claim(1)
    await desk.finish(claim, REJECTED)
    await desk.finish(claim, REJECTED)


async def _moved(desk: Desk) -> None:
    [claim] = await desk.claim(1)
    export = await desk.finish(claim, Posted("JE-1"))
    await desk.open_batch([export])
    await desk.open_batch([export])


async def _misjudged(desk: Desk) -> None:
    judgement = Judgement(verdict=Verdict.NEWER_COPY, keep_copy=True, move=State.REPORTED)
    export = await desk.newest()
    await desk.store.record_seen([copy_again(export)], lambda *_: judgement, now=START)


async def _no_room(desk: Desk) -> None:
    await inside(desk, lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchone())
    for number in range(99):
        await desk.see(f"accr_new_{number}", memo=CANARY * 30)


async def _locked(desk: Desk) -> None:
    path = await inside(desk, lambda connection: connection.execute("PRAGMA database_list").fetchone()[2])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        await desk.see(memo=CANARY)


async def _broken_rule(desk: Desk) -> None:
    await inside(desk, lambda connection: connection.execute("DROP TABLE history"))
    await desk.see("accr_new", memo=CANARY)


@pytest.mark.parametrize(
    ("work", "error"),
    [
        (_lease_lost, LeaseLost),
        (_moved, MoveRefused),
        (_misjudged, MoveRefused),
        (_no_room, StoreFull),
        (_locked, StoreUnavailable),
        (_broken_rule, StoreError),
    ],
)
async def test_errors_hold_no_record(secret: Desk, work: Callable[[Desk], Any], error: type[BrexError]) -> None:
    """Neither text, nor causes, nor a variable of ours in the traceback."""
    with pytest.raises(error) as caught:
        await work(secret)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    ours = [frame for frame in frames if frame.f_code.co_filename.startswith(PACKAGE)]
    assert ours
    assert CANARY not in "".join(repr(frame.f_locals) for frame in ours) + repr(caught.value) + str(vars(caught.value))


async def test_an_error_of_a_judge_is_raised_as_it_is(path: Path) -> None:
    """A bug in what the caller passed in is the caller's to see; nothing of the page is kept."""
    desk = await opened(path)

    def judge(*_: Any) -> Any:
        raise ZeroDivisionError

    export = await desk.newest("accr_0")
    with pytest.raises(ZeroDivisionError):
        await desk.store.record_seen([copy_again(export)], judge, now=START)
    assert len(await current(desk.store)) == 40
    await desk.store.close()


def test_importing_opens_nothing() -> None:
    """No thread and no file before a store is opened."""
    code = (
        "import threading\n"
        "from brex_accounting.sync.sqlite import SqliteStore\n"
        "SqliteStore('never-made.db')\n"
        "print(threading.active_count())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    assert not (ROOT / "never-made.db").exists()
