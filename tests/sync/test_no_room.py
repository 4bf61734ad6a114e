"""A disk that is full, a store that is locked: the run says so, nothing is lost, and it goes on when it can."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import cycle
from pathlib import Path

from brex_accounting.sync.states import State

from .crashes import Case, cases_of, chosen, play_all, ways_of
from .lives import Company, Workers, company, document

ROOM = {"full": "StoreFull", "unavailable": "StoreUnavailable"}


async def troubled(workers: Workers, folder: Path, case: Case, action: str) -> tuple[Case, Sequence[str], object]:
    """A record whose store fails once, the same process going on afterwards."""
    async with company(workers, folder, case.poster) as world:
        world.put(document("accr_1", receipts=1, refused=case.way.refused))
        life, end = await world.run(verb="twice", failpoint=case.failpoint, action=action)
        assert life.struck
        assert end.result is not None
        await world.settled()
        states = [one.state for one in await world.exports()]
        found = (states, dict(await world.documents()), world.status_at_brex("accr_1"))
        return case, end.result.errors, found


async def test_each_write_once(tmp_path: Path) -> None:
    """Whichever write of a run finds no room, or a lock: the run raises it, and ends as if it had not been."""
    async with Workers() as workers:
        unharmed = await play_all(workers, tmp_path / "unharmed", [(one, "") for one in ways_of("find", "booked")])
        cases = [
            case
            for case in chosen(cases_of(unharmed))
            if case.feed == "queue" and case.failpoint.startswith("store.") and case.failpoint.endswith(":before")
        ]
        assert len(cases) >= 10
        ends = await asyncio.gather(
            *(
                troubled(workers, tmp_path / str(number), case, action)
                for number, (case, action) in enumerate(zip(cases, cycle(ROOM), strict=False))
            )
        )
    right = ([State.REPORTED], {("accr_1", 1): 1}, "EXPORTED")
    assert [end for end in ends if end[2] != right] == []
    assert {errors for _, errors, _ in ends} == {(name,) for name in ROOM.values()}


async def check(world: Company, count: int) -> None:
    await world.settled()
    exports = await world.exports()
    assert [one.state for one in exports] == [State.REPORTED] * count
    assert set((await world.documents()).values()) == {1}
    assert len(await world.documents()) == count


async def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """The operating system refuses the write somewhere in a run: with room again, the same process goes on."""
    async with Workers() as workers, company(workers, tmp_path / "one", "find") as world:
        world.put(*(document(f"accr_{number}", memo="x" * 500) for number in range(60)))
        errors: list[str] = []
        for room in (200_000, 400_000, 600_000):
            _, end = await world.run(verb="twice", room=room)
            assert end.result is not None
            errors += end.result.errors
            world.put(*(document(f"accr_{room}_{number}", memo="x" * 500) for number in range(60)))
        assert errors
        assert set(errors) <= {"StoreFull", "StoreUnavailable"}
        await check(world, 240)


async def test_a_lock_that_is_held_for_too_long(tmp_path: Path) -> None:
    """Another process keeps the store locked while the run posts: it says so, and the next one goes on."""
    async with Workers() as workers, company(workers, tmp_path / "one", "find") as world:
        world.put(document("accr_1"))
        life = workers.start(world.life(failpoint="poster.post:before", action="stop", busy_timeout=0.1))
        assert await life.until_struck()
        with closing(sqlite3.connect(world.store, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            await life.go_on()
            end = await life.ended()
            connection.execute("ROLLBACK")
        assert end.result is not None
        assert end.result.errors == ("StoreUnavailable",)
        assert [one.state for one in await world.exports()] == [State.INTENT]
        await check(world, 1)
