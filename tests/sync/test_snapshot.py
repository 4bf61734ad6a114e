"""A store that is looked into: the same as its owner sees, and not a byte of anything changes."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from brex_accounting.errors import StoreCorrupt, StoreTooNew, StoreUnavailable
from brex_accounting.sync import ExportAdmin, SqliteStore
from brex_accounting.sync.sqlite import read_snapshot

from .world import READY, World


async def filled(world: World) -> Path:
    """A store with several revisions of one record, and others in several states."""
    world.put("accr_1", "accr_2", "accr_3")
    await world.run()
    for memo in ("once", "twice"):
        world.edit("accr_1", memo=memo, review_status=READY)
        await world.run()
    return world.path / "exports.db"


def files(path: Path) -> dict[str, str]:
    """What lies beside the store, byte for byte."""
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in path.parent.glob(f"{path.name}*")}


async def test_it_is_what_the_owner_sees(world: World) -> None:
    """Every revision of every record, oldest first, and the pause; bodies are left out."""
    path = await filled(world)
    async with world.admin() as admin:
        await admin.pause("month end", by="Ann")
        expected = {one: await admin.exports_of(one) for one in ("accr_1", "accr_2", "accr_3")}
    found = await read_snapshot(path)
    assert found.exports == {
        one: tuple(attrs.evolve(export, body=b"") for export in exports) for one, exports in expected.items()
    }
    assert len(found.exports["accr_1"]) > 1
    assert found.paused is not None
    assert found.paused.reason == "month end"


async def test_a_closed_store_stays_one_file(world: World) -> None:
    """Nothing is made beside it: neither a log nor a lock."""
    path = await filled(world)
    before, stamp = files(path), path.stat().st_mtime_ns
    await read_snapshot(path)
    assert (files(path), path.stat().st_mtime_ns) == (before, stamp)
    assert list(before) == ["exports.db"]


async def test_a_store_that_is_being_written(world: World) -> None:
    """What its owner has committed is seen, while it is open, and the owner goes on."""
    path = await filled(world)
    async with ExportAdmin(SqliteStore(path), clock=world.clock) as admin:
        await admin.pause("month end", by="Ann")
        first = await read_snapshot(path)
        await admin.resume(why="closed", by="Ann")
        second = await read_snapshot(path)
        await admin.pause("again", by="Ann")
    assert first.paused is not None
    assert second.paused is None


async def test_many_look_while_one_writes(world: World) -> None:
    """Each sees the store as it was at one moment: whole, and never damaged."""
    path = await filled(world)

    async def write() -> None:
        for _ in range(20):
            async with ExportAdmin(SqliteStore(path), clock=world.clock) as admin:
                await admin.pause("x", by="Ann")
                await admin.resume(why="y", by="Ann")

    async def look() -> None:
        for _ in range(20):
            assert len((await read_snapshot(path)).exports) == 3

    await asyncio.gather(write(), look(), look())


async def test_what_a_killed_process_left_is_read(world: World) -> None:
    """A commit that stands in the log alone is seen."""
    path = await filled(world)
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA wal_autocheckpoint = 0');"
        "c.execute(\"INSERT INTO pauses (at, is_pause, reason, code, by) VALUES ('2026-07-01T00:00:00+00:00', 1,"
        " 'killed', 'X', 'Ann')\"); c.commit(); os.kill(os.getpid(), 9)"
    )
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script, str(path)], check=False)
    assert ended.returncode == -9
    assert path.with_name("exports.db-wal").stat().st_size > 0
    found = await read_snapshot(path)
    assert found.paused is not None
    assert found.paused.reason == "killed"


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("missing", StoreUnavailable),
        ("empty", StoreUnavailable),
        ("text", StoreCorrupt),
        ("database", StoreCorrupt),
        ("newer", StoreTooNew),
        ("older", StoreUnavailable),
    ],
)
async def test_what_is_no_store_of_this_version(world: World, what: str, expected: type[Exception]) -> None:
    """It is refused in words, and stays as it is."""
    path = await filled(world)
    if what == "missing":
        path.unlink()
    elif what in ("empty", "text"):
        path.write_text("" if what == "empty" else "a text of somebody, long enough to be looked at. " * 100)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute(
                {
                    "database": "PRAGMA application_id = 7",
                    "newer": "PRAGMA user_version = 99",
                    "older": "PRAGMA user_version = 1",
                }[what]
            )
        connection.close()
    before = files(path)
    with pytest.raises(expected):
        await read_snapshot(path)
    assert files(path) == before
