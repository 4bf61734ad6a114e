"""What the SQLite store does again and again costs no more when it holds more."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from brex_accounting.sync.poster import Posted
from brex_accounting.sync.sqlite import SqliteStore
from brex_accounting.sync.states import State

from .desk import BINDING, START, Desk

HOUR = timedelta(hours=1)
FEW, MANY = 100, 1000
ROUND = 20
"""Exports of each size: so many are under way."""

Call = Callable[[Desk], Coroutine[Any, Any, Any]]


async def one_on_its_way(desk: Desk) -> None:
    [claim] = await desk.claim(1)
    await desk.store.renew(claim, now=desk.now, until=desk.now + HOUR)
    await desk.finish(claim, Posted("JE"))


async def a_report(desk: Desk) -> None:
    await desk.post()
    batch = await desk.open_batch(await desk.store.reportable(limit=9))
    await desk.settle(batch, State.REPORTED, left_queue=True)


CALLS = MappingProxyType[str, Call](
    {
        "see": lambda desk: desk.see("accr_another"),
        "claim to outcome": one_on_its_way,
        "claim nothing new enough": lambda desk: desk.claim(1, read_since=desk.now + HOUR),
        "take_over": lambda desk: desk.take_over(1),
        "stale, none is": lambda desk: desk.store.stale(now=desk.now, read_before=START, limit=9),
        "stale, all are": lambda desk: desk.store.stale(now=desk.now, read_before=desk.now + HOUR, limit=9),
        "reportable": lambda desk: desk.store.reportable(limit=9),
        "report": a_report,
        "take_over_batches": lambda desk: desk.store.take_over_batches("w", now=desk.now, until=desk.now, limit=9),
        "claim_receipts": lambda desk: desk.store.claim_receipts("w", now=desk.now, until=desk.now, limit=9),
        "counts": lambda desk: desk.store.counts(),
        "exports, rare": lambda desk: desk.store.exports([State.UNCONFIRMED, State.HELD]),
        "exports, first": lambda desk: desk.store.exports(tuple(State), limit=9),
        "exports, last": lambda desk: desk.store.exports(tuple(State), after=FEW, limit=9),
        "history": lambda desk: desk.store.history(limit=9),
        "paused": lambda desk: desk.store.paused(),
    }
)


async def store_of(path: Path, finished: int, waiting: int) -> Desk:
    """A store with so many exports that are done, bills that stay posted among them, and so many to be posted."""
    desk = Desk(SqliteStore(path))
    await desk.store.open(BINDING, now=START)
    for first, many in (("accr_old", finished), ("accr_new", waiting)):
        # The first half waits for the second, whose turn it is before.
        documents = [
            {"id": f"{first}_{half}_{number}", "source_id": f"{first}_{number}", "receipts": [{"id": "r"}]}
            for half in ("b", "a")
            for number in range(many // 2)
        ]
        await desk.see_all(documents)
        if first == "accr_old":
            await inside(desk, finish)
    return desk


async def reopened(path: Path) -> Desk:
    desk = Desk(SqliteStore(path))
    await desk.store.open(BINDING, now=START)
    return desk


def finish(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE exports SET state = iif(number % 2, 'REPORTED', 'POSTED'), reference_id = 'JE', "
        "source_type = iif(number % 2, 'CARD', 'BILL'), attached_hash = receipts_hash, left_queue = number % 2"
    )


async def inside(desk: Desk, work: Callable[[sqlite3.Connection], Any]) -> Any:
    store: Any = desk.store
    return await store._database.write(work)


async def steps(desk: Desk, call: Call) -> int:
    """How many steps SQLite's machine takes for it."""
    store: Any = desk.store
    connection = store._database._connection
    taken = [0]

    def count() -> None:
        taken[0] += 1

    await store._database._run(connection.set_progress_handler, count, 1)
    await call(desk)
    await store._database._run(connection.set_progress_handler, None, 1)
    return taken[0]


SIZES = {"few": (FEW, ROUND), "finished": (MANY, ROUND), "waiting": (FEW, MANY)}
"""Exports that are done, and that are to be posted."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of each size, closed."""
    folder = tmp_path_factory.mktemp("made")

    async def make() -> None:
        for name, (finished, waiting) in SIZES.items():
            desk = await store_of(folder / name, finished, waiting)
            await desk.store.close()

    asyncio.run(make())
    return folder


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("size", ["finished", "waiting"])
async def test_no_call_takes_longer_in_a_larger_store(made: Path, tmp_path: Path, name: str, size: str) -> None:
    """Ten times as many exports that are done, or that wait, take hardly more steps."""
    taken = []
    for one in ("few", size):
        desk = await reopened(Path(shutil.copy(made / one, tmp_path / one)))
        taken.append(await steps(desk, CALLS[name]))
        await desk.store.close()
    few, many = taken
    assert 0 < many <= few * 1.3 + 30
