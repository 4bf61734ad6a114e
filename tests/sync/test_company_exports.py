"""Many exports in one process: each begins with its company, ends with it, and fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import attrs
import pytest

from brex_accounting import ConfigurationError, StoreMismatch, UnknownCompany
from brex_accounting.sync import Binding, CompanyExports, ExportAdmin, ExportSync, SqliteStore, Summary
from brex_accounting.webhooks import WebhookEvent

from .test_triggered import event, until
from .world import EXPORTED, HOUR, READY, Ledger, World

ONE, TWO = "cuacc_1", "cuacc_2"


@attrs.define
class Office:
    """Two companies' exports on one Brex, which leaves it to the events who exports what."""

    world: World
    books: dict[str, Ledger] = attrs.field(factory=lambda: {ONE: Ledger(), TWO: Ledger()})
    open: list[str] = attrs.field(factory=list)
    ended: list[tuple[str, Summary]] = attrs.field(factory=list)
    failed: list[tuple[str, Exception]] = attrs.field(factory=list)
    unknown: list[WebhookEvent] = attrs.field(factory=list)
    trouble: Exception | None = None
    before: Callable[[], Any] | None = None

    def exports(self, **options: Any) -> CompanyExports:
        given: dict[str, Any] = {
            "every": HOUR,
            "ended": self.has_ended,
            "failed": lambda *one: self.failed.append(one),
            "unknown": self.unknown.append,
            "clock": self.world.clock,
        } | options
        return CompanyExports(self.make, **given)

    def make(self, company_id: str) -> AbstractAsyncContextManager[ExportSync]:
        """An export that closes in the task that opened it, or nobody could have a timeout around it."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[ExportSync]:
            async with asyncio.timeout(1000):
                if self.before is not None:
                    await self.before()
                store = SqliteStore(self.world.path / f"{company_id}.db")
                async with self.world.sync(self.books[company_id], store=store, company=company_id) as sync:
                    self.open.append(company_id)
                    yield sync
                    self.open.remove(company_id)

        return opened()

    def has_ended(self, company_id: str, summary: Summary) -> None:
        if self.trouble is not None and company_id == ONE:
            raise self.trouble
        self.ended.append((company_id, summary))

    async def polled(self, *company_ids: str) -> None:
        await until(lambda: sorted(one for one, _ in self.ended) == sorted(company_ids))
        self.ended.clear()


@pytest.fixture
def office(world: World) -> Office:
    """Nobody is in it yet."""
    return Office(world)


async def test_each_event_goes_to_its_company(office: Office) -> None:
    """Of two companies the one that an event names exports its record; for a third one nobody does."""
    world = office.world
    async with office.exports() as exports:
        await exports.add(ONE)
        await exports.add(TWO)
        await office.polled(ONE, TWO)
        world.put("accr_1", "accr_2", "accr_3")
        await exports(event("accr_2", company=TWO))
        await exports(event("accr_3", company="cuacc_3"))
        await exports(event("accr_3", company=None))
        await office.polled(TWO)
        assert [world.status(one) for one in ("accr_1", "accr_2", "accr_3")] == [READY, EXPORTED, READY]
        assert [one.company_id for one in office.unknown] == ["cuacc_3", None]
        assert (list(exports), len(exports), ONE in exports, "cuacc_3" in exports) == ([ONE, TWO], 2, True, False)
        assert repr(exports) == "CompanyExports(2)"
    assert [len(books.booked) for books in office.books.values()] == [0, 1]
    assert office.open == []
    assert office.failed == []


async def test_every_company_is_polled(office: Office) -> None:
    """By its own clock's hour, without any event."""
    async with office.exports() as exports:
        await exports.add(ONE)
        await exports.add(TWO)
        await office.polled(ONE, TWO)
        await until(lambda: office.world.clock.waits.count(HOUR.total_seconds()) == 2)
        office.world.clock.advance(HOUR)
        await office.polled(ONE, TWO)
    assert (office.open, office.failed) == ([], [])


async def test_a_company_comes_and_goes(office: Office) -> None:
    """Removed, it is closed, and its events are told as unknown; added again, it goes on with its own store."""
    world = office.world
    async with office.exports() as exports:
        await exports.add(ONE)
        await exports.add(TWO)
        await exports.remove(ONE)
        assert (list(exports), office.open) == ([TWO], [TWO])
        world.put("accr_1")
        await exports(event("accr_1", company=ONE))
        assert len(office.unknown) == 1
        await exports.add(ONE)
        await until(lambda: world.status("accr_1") == EXPORTED)
    assert office.books[ONE].booked == ["accr_1.1"]
    assert office.failed == []


async def test_running_posts_come_to_their_end_before_a_company_goes(office: Office) -> None:
    """What is being posted when it is removed is in the books by then, and reported when the company is back."""
    world, gate, posting = office.world, asyncio.Event(), asyncio.Event()

    async def hold(*_: Any) -> None:
        posting.set()
        await gate.wait()

    office.books[ONE].answer = hold
    world.put("accr_1")
    async with office.exports() as exports:
        await exports.add(ONE)
        await posting.wait()
        removing = asyncio.create_task(exports.remove(ONE))
        await asyncio.sleep(0.02)
        assert not removing.done()
        gate.set()
        await removing
        assert office.books[ONE].booked == ["accr_1.1"]
        await exports.add(ONE)
        await until(lambda: world.status("accr_1") == EXPORTED)
    assert office.books[ONE].booked == ["accr_1.1"]


async def test_what_opening_raises_is_the_callers(office: Office) -> None:
    """A store of another company: ``add`` says so, nothing is kept, and once it is mended the company can come."""
    path = office.world.path / f"{ONE}.db"
    async with ExportAdmin(SqliteStore(path), binding=Binding(company=TWO)):
        pass
    async with office.exports() as exports:
        with pytest.raises(StoreMismatch):
            await exports.add(ONE)
        assert (len(exports), office.failed) == (0, [])
        path.unlink()
        await exports.add(ONE)
        assert ONE in exports


async def test_one_that_fails_fails_alone(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """What ends one company's export is told with its name, and without its words; the other one goes on."""
    async with office.exports() as exports:
        await exports.add(TWO)
        await office.polled(TWO)
        office.trouble = OSError("canary of a disk")
        await exports.add(ONE)
        await until(lambda: bool(office.failed))
        assert office.failed == [(ONE, office.trouble)]
        assert list(exports) == [TWO]
        office.world.put("accr_2")
        await exports(event("accr_2", company=TWO))
        await office.polled(TWO)
        office.trouble = None
        await exports.add(ONE)
        await office.polled(ONE)
    assert f"the export of company {ONE} ended: OSError" in caplog.text
    assert "canary" not in caplog.text


async def test_whoever_is_told_of_a_failure_may_fail_too(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged by its kind, and costs nothing else."""

    def told(*_: Any) -> None:
        raise LookupError("canary of a pager")

    office.trouble = OSError()
    async with office.exports(failed=told) as exports:
        await exports.add(ONE)
        await until(lambda: "LookupError" in caplog.text)
        await until(lambda: len(exports) == 0)
    assert "canary" not in caplog.text


async def test_wrong_arguments(office: Office) -> None:
    """Twice the same company, one that is not there, exports that are stopped, and what never was one."""
    exports = office.exports()
    await exports.add(ONE)
    with pytest.raises(ConfigurationError, match="here already"):
        await exports.add(ONE)
    with pytest.raises(UnknownCompany):
        await exports.remove(TWO)
    exports.stop()
    await exports.run()
    with pytest.raises(ConfigurationError, match="stopped"):
        await exports.add(TWO)
    with pytest.raises(ConfigurationError, match="make"):
        CompanyExports(5, every=HOUR)  # type: ignore[arg-type]
    for every in (0, timedelta(), None):
        with pytest.raises(ConfigurationError, match="every"):
            office.exports(every=every)


async def test_stop_ends_all_and_run_waits_for_it(office: Office) -> None:
    """As a signal handler does it."""
    exports = office.exports()
    running = asyncio.create_task(exports.run())
    await exports.add(ONE)
    await exports.add(TWO)
    assert office.open == [ONE, TWO]
    exports.stop()
    await running
    assert (office.open, len(exports)) == ([], 0)


@pytest.mark.parametrize("how", ["cancelled", "stopped", "removed"])
async def test_an_end_while_a_company_is_opened(office: Office, how: str) -> None:
    """``add`` is cancelled, or says that it came to nothing; no task and nothing open is left."""
    opening = asyncio.Event()

    async def slowly() -> None:
        opening.set()
        await asyncio.sleep(3600)

    office.before = slowly
    exports = office.exports()
    before = asyncio.all_tasks()
    adding = asyncio.create_task(exports.add(ONE))
    await opening.wait()
    if how == "cancelled":
        adding.cancel()
    await (exports.remove(ONE) if how == "removed" else exports.aclose())
    with pytest.raises(asyncio.CancelledError if how == "cancelled" else ConfigurationError):
        await adding
    assert asyncio.all_tasks() <= before
    assert (office.open, len(exports)) == ([], 0)


async def test_cancelled_it_leaves_no_task(office: Office) -> None:
    """Whoever waits for the end is cancelled while posts are under way, once and again: those are cut off."""
    posting = asyncio.Event()

    async def hold(*_: Any) -> None:
        posting.set()
        await asyncio.sleep(3600)

    office.books[ONE].answer = hold
    office.world.put("accr_1")
    exports = office.exports()
    await exports.add(ONE)
    await posting.wait()
    running = asyncio.create_task(exports.run())
    exports.stop()
    await asyncio.sleep(0.01)
    for _ in range(200):
        running.cancel()
        await asyncio.sleep(0.01)
        if running.done():
            break
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: len(exports) == 0)
