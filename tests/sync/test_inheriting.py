"""A store in SQLite handed over to PostgreSQL: everything arrives, and nothing can be posted from both."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from psycopg_pool import AsyncConnectionPool

from brex_accounting import StoreMismatch, StoreUnavailable
from brex_accounting.sync import SqliteStore
from brex_accounting.sync.exports import Binding, Feed
from brex_accounting.sync.postgres import Pool, PostgresStore, inherit_store, make_tables
from brex_accounting.sync.postgres.session import Session
from brex_accounting.sync.sqlite.snapshot import read_snapshot
from brex_accounting.sync.states import MOVES, State
from brex_accounting.sync.store import SyncStore

from .desk import NOT_NOW, START, Desk, current, make_move, replayed

NUMBERED: dict[str, Any] = {"order": 0, "batch": None}
HOUR = timedelta(hours=1)
CANARY = "canary-51cd"


@pytest.fixture
async def pool(conninfo: str) -> AsyncIterator[Pool]:
    async with AsyncConnectionPool(conninfo, min_size=1, max_size=3, open=False) as made:
        await make_tables(made)
        yield made


@attrs.define
class Fixed:
    """A clock that stands where a desk's does."""

    desk: Desk

    def now(self) -> Any:
        return self.desk.now

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, _: float) -> None:
        raise AssertionError


async def sqlite_desk(path: Path, company: str) -> Desk:
    store = SqliteStore(path)
    await store.open(Binding(company=company, vendor="acme", vendor_account_id="books-1"), now=START)
    return Desk(store)


async def handed_over(desk: Desk, path: Path, pool: Pool, company: str) -> Desk:
    """The same desk at the other store, once its leases have ended."""
    desk.tick(HOUR)
    await inherit_store(path, pool, company, clock=Fixed(desk))
    store = PostgresStore(pool, company)
    await store.open(now=desk.now)
    return attrs.evolve(desk, store=store)


async def told(store: SyncStore) -> dict[str, Any]:
    """All that a store tells, but for the numbers that it gives."""
    exports = {
        one: [attrs.evolve(export, **NUMBERED) for export in await store.exports_of(one)]
        for one in sorted({record_id for record_id, _ in await current(store)})
    }
    return {
        "exports": exports,
        "history": [attrs.evolve(line, number=0) for line in await store.history(limit=10_000)],
        "counts": await store.counts(),
        "paused": await store.paused(),
        "feed": await store.feed("bills"),
        "leases": [await store.lease_of(one, 1) for one in exports],
    }


@pytest.mark.parametrize("state", State)
async def test_every_state_arrives(tmp_path: Path, pool: Pool, state: State) -> None:
    """With its revisions, documents, leases, history in order, pause, watermark and binding."""
    path = tmp_path / "exports.db"
    desk = await sqlite_desk(path, "c1")
    await desk.bring(state)
    await desk.see_all(
        [{"id": f"accr_{number}", "memo": "façade \x00"} for number in (7, 8)], feed=Feed(name="bills", watermark=START)
    )
    await desk.store.pause("closing June", code="", by="Ann", now=desk.tick())
    before = await told(desk.store)
    heir = await handed_over(desk, path, pool, "c1")
    assert await told(heir.store) == before
    assert await replayed(heir.store) == await current(heir.store)
    assert await heir.store.open(now=desk.now) == Binding(company="c1", vendor="acme", vendor_account_id="books-1")
    await heir.store.close()
    await desk.store.close()


async def test_every_move_goes_on(tmp_path: Path, pool: Pool) -> None:
    """From each state each move that there is, as if nothing had happened in between."""
    moves = [(before, after) for before, after in sorted(MOVES) if before is not after]
    for number, (before, after) in enumerate(moves):
        path, company = tmp_path / f"{number}.db", f"c{number}"
        desk = await sqlite_desk(path, company)
        await desk.bring(before)
        if before is State.REPORTING:
            await desk.see("accr_2")
        heir = await handed_over(desk, path, pool, company)
        await make_move(heir, before, after)
        assert after.value in await heir.states(), (before, after)
        await heir.store.close()
        await desk.store.close()
    assert len(moves) > 20


async def test_nobody_writes_the_file_any_more(tmp_path: Path, pool: Pool) -> None:
    """Neither who had it open nor who opens it; both are told where to go. What it held can still be read."""
    path = tmp_path / "exports.db"
    desk = await sqlite_desk(path, "c1")
    await desk.see_all([{"id": f"accr_{number}"} for number in range(3)])
    [claim] = await desk.claim(1)
    heir = await handed_over(desk, path, pool, "c1")
    for write in (desk.claim(), desk.take_over(), desk.see("accr_9"), desk.finish(claim, NOT_NOW)):
        with pytest.raises(StoreUnavailable, match="takes no writes any more"):
            await write
    await desk.store.close()
    for binding in (None, Binding(company="c1")):
        with pytest.raises(StoreUnavailable, match="go on in PostgreSQL since 2026-07-01T13"):
            await SqliteStore(path).open(binding, now=desk.now)
    assert set((await read_snapshot(path)).exports) == {"accr_0", "accr_1", "accr_2"}
    assert [one.export.record_id for one in await heir.take_over()] == ["accr_0"]
    await heir.store.close()


@pytest.mark.parametrize("state", [State.INTENT, State.REPORTING])
async def test_who_works_is_not_disturbed(tmp_path: Path, pool: Pool, state: State) -> None:
    """While a lease counts the file stays what it is, and the company has nothing in PostgreSQL."""
    path = tmp_path / "exports.db"
    desk = await sqlite_desk(path, "c1")
    await desk.bring(state)
    with pytest.raises(StoreUnavailable, match="an export works on it"):
        await inherit_store(path, pool, "c1", clock=Fixed(desk))
    assert await desk.states() == [state.value]
    await desk.see("accr_2")
    await handed_over(desk, path, pool, "c1")
    await desk.store.close()


async def test_what_does_not_fit_is_refused(tmp_path: Path, pool: Pool) -> None:
    """Another company's file, no file, and a company that has exports already: nothing changes anywhere."""
    path = tmp_path / "exports.db"
    desk = await sqlite_desk(path, "c1")
    await desk.see()
    with pytest.raises(StoreMismatch, match="company c1"):
        await inherit_store(path, pool, "c2", clock=Fixed(desk))
    with pytest.raises(StoreUnavailable, match="there is no store"):
        await inherit_store(tmp_path / "none.db", pool, "c2", clock=Fixed(desk))
    assert not (tmp_path / "none.db").exists()
    await desk.see("accr_2")
    heir = await handed_over(desk, path, pool, "c1")
    with pytest.raises(StoreMismatch, match="has exports in PostgreSQL already"):
        await inherit_store(path, pool, "c1", clock=Fixed(desk))
    assert await heir.states("accr_2") == ["DISCOVERED"]
    await desk.store.close()
    await heir.store.close()


async def test_what_was_cut_short_is_begun_again(tmp_path: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is in PostgreSQL, the file is left all the same, and the second time all of it arrives."""
    path = tmp_path / "exports.db"
    desk = await sqlite_desk(path, "c1")
    await desk.see_all([{"id": f"accr_{number}", "memo": CANARY} for number in range(5)])
    before = await told(desk.store)
    run = Session.run

    async def fail(session: Session, statement: str, values: Any = None) -> None:
        if values is not None and values.get("record_id") == "accr_3":
            statement = "SELECT 1/0"
        await run(session, statement, values)

    with monkeypatch.context() as broken:
        broken.setattr(Session, "run", fail)
        with pytest.raises(Exception, match="PostgreSQL failed") as caught:
            await handed_over(desk, path, pool, "c1")
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(StoreUnavailable):
        await PostgresStore(pool, "c1").open(now=desk.now)
    with pytest.raises(StoreUnavailable, match="takes no writes"):
        await desk.claim()
    heir = await handed_over(desk, path, pool, "c1")
    assert await told(heir.store) == before
    await desk.store.close()
    await heir.store.close()
