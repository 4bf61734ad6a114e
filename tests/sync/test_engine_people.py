"""What a person sees and decides, and what is refused at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from brex_accounting import ConfigurationError, MoveRefused, StoreMismatch, StoreUnavailable
from brex_accounting.sync import ExportSync, Posted, Skipped, Summary

from .world import BILL, EXPORTED, HOUR, POST_FROM, PREPARE, READY, Ledger, World


async def test_nothing_differs_after_a_clean_run(world: World) -> None:
    """Reported, refused, left out and bills: every record stands in Brex as the store says."""
    world.many(5)
    world.put("accr_bill", **BILL)
    world.put("accr_old", erp_posting_date="2026-05-01T00:00:00Z")
    world.put("accr_refused", vendor={"id": "vendor_1", "name": "a name"})
    await world.erp.control.change(vendors=[])
    async with world.sync() as sync:
        await sync.run_once()
        found = await sync.verify()
    assert (found.checked, found.differences) == (7, ())


async def test_each_kind_of_difference_is_found(world: World) -> None:
    """Gone, changed, not exported after all, and taken back while it waits; the rest is not named."""
    world.put("accr_same", "accr_gone", "accr_changed", "accr_undone")
    async with world.sync() as sync:
        await sync.run_once()
        world.put("accr_waits", "accr_back")
        await sync.pause("closing June", by="Ann")
        world.clock.advance(HOUR)
        await sync.run_once()
        world.remove("accr_gone")
        world.edit("accr_changed", memo="another")
        world.move("accr_undone", READY)
        world.move("accr_back", PREPARE)
        found = await sync.verify()
    assert found.checked == 6
    assert {one.record_id: (one.state.value, one.what) for one in found.differences} == {
        "accr_gone": ("REPORTED", "Brex does not return it"),
        "accr_changed": ("REPORTED", "its content is another one"),
        "accr_undone": ("REPORTED", "it was reported as exported and reads READY_FOR_EXPORT"),
        "accr_back": ("DISCOVERED", "it waits to be exported and reads PREPARE"),
    }


async def test_verifying_changes_nothing(world: World) -> None:
    """The store's history and both servers' records are as before; only lists are asked for."""
    world.many(3)
    await world.run()
    before = (await world.history("accr_0000"), world.record("accr_0000"), await world.erp.control.documents())
    world.wire.clear()
    async with world.sync() as sync:
        await sync.verify()
    assert {seen.method for seen in world.wire} == {"GET"}
    assert (await world.history("accr_0000"), world.record("accr_0000"), await world.erp.control.documents()) == before


async def test_a_verification_goes_on_over_a_record_that_cannot_be_read(world: World) -> None:
    """It is named as a difference, and the others are compared."""
    world.put("accr_1", "accr_2")
    await world.run()
    world.broken.add("accr_1")
    async with world.sync() as sync:
        found = await sync.verify()
    assert found.checked == 2
    assert [(one.record_id, one.what) for one in found.differences] == [("accr_1", "it cannot be read")]


async def test_replay_lets_in_what_was_left_out_and_nothing_else(world: World) -> None:
    """By name or all; when one of the names has a document, nothing is let in."""
    world.put("accr_old", "accr_older", erp_posting_date="2026-05-01T00:00:00Z")
    world.put("accr_1", "accr_skipped")

    async def post(_: Any, key: str) -> Skipped | None:
        return Skipped("the bank feed has it") if key == "accr_skipped.1" and not books.booked[1:] else None

    books = Ledger(post)
    summary = await world.run(books)
    assert (summary.out_of_scope, summary.posted, summary.skipped) == (2, 1, 1)
    async with world.admin() as admin:
        with pytest.raises(MoveRefused, match="accr_1"):
            await admin.replay(reason="May too", by="Ann", record_ids=["accr_old", "accr_1"])
        with pytest.raises(MoveRefused, match="no such export"):
            await admin.replay(reason="May too", by="Ann", record_ids=["accr_old", "accr_unknown"])
        assert await world.states("accr_old") == ["OUT_OF_SCOPE"]
        await admin.replay(reason="May too", by="Ann", record_ids=["accr_old"])
    await world.run(books, later=HOUR)
    async with world.admin() as admin:
        assert {one.record_id for one in await admin.replay(reason="all", by="Ann")} == {"accr_older", "accr_skipped"}
    await world.run(books, later=HOUR)
    assert books.booked == ["accr_1.1", "accr_old.1", "accr_older.1", "accr_skipped.1"]


async def test_the_history_says_who_and_why(world: World) -> None:
    """Every move of a record in order, the engine's and the person's, with the person's own words."""
    world.put("accr_1", erp_posting_date="2026-05-01T00:00:00Z")
    await world.run()
    async with world.admin() as admin:
        await admin.replay(reason="May is ours after all", by="Ann")
    await world.run(later=HOUR)
    moves = await world.history("accr_1")
    assert [(move.after.value, move.by) for move in moves] == [
        ("OUT_OF_SCOPE", "engine"),
        ("DISCOVERED", "Ann"),
        *((state, "engine") for state in ("INTENT", "POSTED", "REPORTING", "REPORTED")),
    ]
    assert "May is ours after all" in moves[1].why
    assert all(move.why for move in moves)
    async with world.admin() as admin:
        assert [move async for move in admin.history()] == moves


@pytest.mark.parametrize("words", [{"why": " ", "by": "Ann"}, {"why": "because", "by": ""}])
async def test_whoever_decides_says_why_and_who_they_are(world: World, words: dict[str, Any]) -> None:
    """Without both nothing is decided."""
    world.put("accr_1", erp_posting_date="2026-05-01T00:00:00Z")
    await world.run()
    async with world.admin() as admin:
        decisions = [
            admin.resolve("accr_1", None, **words),
            admin.replay(reason=words["why"], by=words["by"]),
            admin.pause(words["why"], by=words["by"]),
            admin.resume(**words),
        ]
        for decision in decisions:
            with pytest.raises(ConfigurationError, match="required"):
                await decision
    assert await world.states("accr_1") == ["OUT_OF_SCOPE"]


async def test_retry_is_for_what_was_refused(world: World) -> None:
    """Anything else is refused, by its state's name."""
    world.put("accr_1")
    await world.run()
    async with world.admin() as admin:
        with pytest.raises(MoveRefused, match="REPORTED"):
            await admin.retry("accr_1", why="once more", by="Ann")
        with pytest.raises(MoveRefused):
            await admin.resolve("accr_1", Posted("JE-9"), why="found it", by="Ann")


WRONG: dict[str, dict[str, Any]] = {
    "post_from is a datetime": {"post_from": datetime(2026, 6, 1, tzinfo=UTC)},
    "post_from is a text": {"post_from": "2026-06-01"},
    "since is naive": {"since": datetime(2026, 6, 1)},  # noqa: DTZ001 - the point
    "since is a date": {"since": date(2026, 6, 1)},
    "parallel is 0": {"parallel": 0},
    "parallel is too much": {"parallel": 65},
    "parallel is true": {"parallel": True},
    "lease is a number": {"lease": 120},
    "lease is too short": {"lease": timedelta(seconds=0.9)},
    "recovery is unknown": {"poster": Ledger(recovery="retry")},
    "find without find()": {"poster": Ledger(recovery="find")},
    "no poster at all": {"poster": object()},
}


@pytest.mark.parametrize("what", WRONG)
async def test_wrong_arguments_are_refused_at_once(world: World, what: str) -> None:
    """Before anything is opened, made, or asked."""
    given: dict[str, Any] = {"poster": Ledger(), "post_from": POST_FROM} | WRONG[what]
    with pytest.raises(ConfigurationError):
        ExportSync(world.brex, given.pop("poster"), store=world.store(), **given)
    assert (world.wire, [*world.path.glob("exports.db*")]) == ([], [])


@pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=-1), 3600])
async def test_a_wait_that_is_none_is_refused(world: World, every: Any) -> None:
    """Before the first run."""
    with pytest.raises(ConfigurationError):
        await world.sync().run_forever(every=every)
    assert world.wire == []


async def test_a_store_of_another_company_is_refused(world: World) -> None:
    """Before anything is asked or posted; who only looks takes whatever there is."""
    world.put("accr_1")
    await world.run(company="cuacc_1", vendor="acme", vendor_account_id="books-1")
    world.wire.clear()
    world.put("accr_2")
    others: list[dict[str, Any]] = [{"company": "cuacc_2"}, {"vendor": "other"}, {"vendor_account_id": "books-2"}]
    for other in others:
        with pytest.raises(StoreMismatch):
            await world.run(**other)
    assert (world.wire, await world.exports("accr_2")) == ([], ())
    assert (await world.run(company="cuacc_1", later=HOUR)).reported == 1
    async with world.admin() as admin:
        assert (await admin.status()).binding.company == "cuacc_1"


async def test_whoever_looks_makes_no_store(world: World) -> None:
    """A misspelled name is told, not made."""
    with pytest.raises(StoreUnavailable):
        async with world.admin():
            pass
    assert [*world.path.glob("exports.db*")] == []


async def test_the_status_adds_up(world: World) -> None:
    """States, open ones, watermark and pause as they are; exported in Brex as many as reported here."""
    world.many(4)
    await world.run()
    world.put("accr_later")
    async with world.sync() as sync:
        await sync.pause("closing June", by="Ann")
        world.clock.advance(HOUR)
        await sync.run_once()
        status = await sync.status()
    assert {state.value: count for state, count in status.by_state.items()} == {"REPORTED": 4, "DISCOVERED": 1}
    assert (status.open, status.paused is not None and status.paused.by) == (0, "Ann")
    assert status.watermarks["bills"] == world.clock.now() - timedelta(seconds=5)
    assert sum(world.status(f"accr_000{number}") == EXPORTED for number in range(4)) == 4


async def test_a_watcher_sees_the_numbers_grow(world: World) -> None:
    """Each call holds the whole so far; the last one is the summary's."""
    world.many(3)
    seen: list[Summary] = []
    summary = await world.run(watch=seen.append)
    assert [one.posted for one in seen] == sorted(one.posted for one in seen)
    assert (seen[-1].posted, seen[-1].reported) == (summary.posted, summary.reported) == (3, 3)
