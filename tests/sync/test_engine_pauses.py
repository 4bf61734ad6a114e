"""What pauses a company, what goes on all the same, and what lets it post again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from brex_accounting import AccountingRecord
from brex_accounting.sandbox.rules import ALL_SCOPES, RECORD_READ, RECORD_WRITE
from brex_accounting.sync import ExportKey, NotNow
from brex_accounting.testing.erp_poster import FindErpPoster, SameKeyErpPoster

from .world import ENTRIES, HOUR, MINUTE, PREPARE, WAYS, Ledger, Seen, World

TEN = 10 * MINUTE


async def test_a_missing_scope_leaves_one_document(world: World) -> None:
    """Its report is refused before a second record is posted; granted, it is reported first, then all go."""
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES - {RECORD_WRITE}
    world.many(3)
    for _ in range(3):
        summary = await world.run(later=HOUR)
        assert summary.paused is not None
        assert (summary.paused.code, summary.paused.by, summary.open) == ("SCOPE", "engine", 0)
    assert (await world.booked(), await world.states("accr_0000")) == ({"accr_0000": 1}, ["POSTED"])
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES
    world.wire.clear()
    summary = await world.run(later=HOUR)
    assert world.kinds("post", "report") == ["report", "post", "post", "report"]
    assert (summary.paused, summary.posted, summary.reported) == (None, 2, 3)
    assert await world.doubled() == ()


@pytest.mark.parametrize("cause", ["token", "integration"])
async def test_what_dies_mid_run_stops_the_posts_after_it(world: World, cause: str) -> None:
    """Found out with the next report: nothing more is posted, what is posted waits, and is reported afterwards."""
    world.many(104)
    broken = False

    def breaks(seen: Seen) -> web.Response | None:
        nonlocal broken
        broken = broken or (seen.what == "post" and len(world.posts()) == 40)
        if broken and cause == "token":
            world.sandbox.brex.tokens.pop(world.sandbox.token, None)
        if broken and cause == "integration" and seen.what == "report":
            return web.json_response({"error_code": "INTEGRATION_NOT_ACTIVE", "message": "no"}, status=409)
        return None

    world.hooks.append(breaks)
    summary = await world.run()
    code = {"token": "DEAD_TOKEN", "integration": "INTEGRATION_NOT_ACTIVE"}[cause]
    assert (summary.paused is not None and summary.paused.code, summary.open) == (code, 0)
    assert (summary.posted, summary.reported, await world.in_state("POSTED")) == (101, 1, 100)
    again = await world.run(later=HOUR)
    assert (again.posted, await world.pause()) == (0, code)
    world.hooks.clear()
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES
    world.wire.clear()
    summary = await world.run(later=HOUR)
    assert world.kinds("post", "report") == ["report", "post", "post", "post", "report"]
    assert (summary.paused, summary.posted, summary.reported) == (None, 3, 103)
    assert await world.doubled() == ()


async def test_a_token_that_is_dead_from_the_start_posts_nothing(world: World) -> None:
    """The list already pauses; the token renewed, the next run does everything."""
    world.put("accr_1")
    world.sandbox.brex.tokens.clear()
    summary = await world.run()
    assert (summary.paused is not None and summary.paused.code, world.posts()) == ("DEAD_TOKEN", [])
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES
    summary = await world.run(later=HOUR)
    assert (summary.paused, summary.reported) == (None, 1)


async def test_a_scope_for_reading_that_comes_back_is_noticed(world: World) -> None:
    """A refused list pauses. Answered again, nothing shows yet that reports are taken: one post goes alone."""
    world.many(3)
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES - {RECORD_WRITE, RECORD_READ}
    summary = await world.run()
    assert (summary.paused is not None and summary.paused.code, world.posts()) == ("SCOPE", [])
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES
    assert (await world.run(later=HOUR)).reported == 3
    assert world.kinds("post", "report") == ["post", "report", "post", "post", "report"]


async def test_a_refused_report_that_nobody_waits_for_any_more_does_not_pause_for_ever(world: World) -> None:
    """The one document whose report was refused was taken back in Brex: the next post is tried, alone."""
    world.put("accr_0")
    await world.run()
    world.put("accr_1")
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES - {RECORD_WRITE}
    await world.run(later=HOUR)
    world.move("accr_1", PREPARE)
    world.put("accr_2", "accr_3")
    summary = await world.run(later=HOUR)
    assert (summary.posted, summary.paused is not None and summary.paused.code) == (1, "SCOPE")
    assert (await world.run(later=HOUR)).posted == 0
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES
    summary = await world.run(later=HOUR)
    assert (summary.posted, summary.reported, summary.paused) == (1, 2, None)
    assert await world.states("accr_1") == ["POSTED"]


async def down(world: World, how: str) -> None:
    if how == "offline":
        await world.erp.control.offline(3600)
    elif how == "login":
        await world.erp.control.change(login_refused=True)
    elif how == "slow":
        await world.erp.control.order("slow", every=1, path=ENTRIES, seconds=1.5)
    elif how == "lost":
        await world.erp.control.order("drop-after", every=1, path=ENTRIES)
    else:
        await world.erp.control.order("503", every=1, path=ENTRIES if how == "503 for posts" else "/v1/", seconds=60)


async def up(world: World, how: str) -> None:
    if how == "offline":
        assert world.erp._reopening is not None
        world.erp._reopening.cancel()
        await world.erp._listen()
    await world.erp.control.calm()
    await world.erp.control.change(login_refused=False)


@pytest.mark.parametrize("how", ["offline", "login", "503", "503 for posts", "slow", "lost"])
@pytest.mark.parametrize("world", [SameKeyErpPoster, FindErpPoster], indirect=True)
async def test_books_that_are_down_for_an_hour(world: World, how: str) -> None:
    """No failure is reported, the company is paused, and once they are back everything is booked once, unasked."""
    world.put("accr_first")
    await world.run()
    ids = world.many(12)
    await down(world, how)
    patience = 0.3 if how == "slow" else 20.0
    async with world.kind(world.erp.url, world.erp.token, accounts={"efo_1": "6100"}, timeout=patience) as poster:
        for _ in range(3):
            summary = await world.run(poster, later=20 * MINUTE)
            assert summary.paused is not None
            assert (summary.paused.by, summary.rejected, summary.reported_failed) == ("engine", 0, 0)
    await up(world, how)
    for _ in range(2):
        summary = await world.run(later=20 * MINUTE)
    assert (summary.paused, summary.open) == (None, 0)
    assert await world.booked() == dict.fromkeys(["accr_first", *ids], 1)
    assert await world.doubled() == ()
    results = [result for seen in world.wire for result in seen.results]
    assert sorted(result["accounting_record_id"] for result in results) == sorted(["accr_first", *ids])
    assert all("success" in result for result in results)


async def test_five_posts_that_were_put_off_pause(world: World) -> None:
    """The sixth is not tried; the books' own word of when is respected, record by record."""
    world.many(7)
    await world.erp.control.order("503", every=1, path=ENTRIES, seconds=1800)
    summary = await world.run(parallel=1)
    assert (len(world.posts()), summary.not_now) == (5, 5)
    assert (summary.paused is not None and summary.paused.code) == "NOT_NOW"
    await world.erp.control.calm()
    summary = await world.run(later=TEN)
    assert (summary.paused, summary.posted) == (None, 2)
    assert (await world.run(later=19 * MINUTE)).posted == 0
    assert (await world.run(later=2 * MINUTE)).posted == 5
    assert await world.doubled() == ()


async def test_put_off_without_a_word_of_when_comes_again_after_a_minute(world: World) -> None:
    """And other posts go on meanwhile: one that is put off is not the books being down."""
    put_off = {"accr_1.1"}

    async def busy(_: AccountingRecord, key: ExportKey) -> NotNow | None:
        return NotNow("busy") if key in put_off else None

    books = Ledger(busy)
    world.put("accr_1", "accr_2", "accr_3")
    summary = await world.run(books)
    assert (summary.posted, summary.not_now, summary.paused) == (2, 1, None)
    put_off.clear()
    assert (await world.run(books, later=timedelta(seconds=59))).posted == 0
    assert (await world.run(books, later=timedelta(seconds=2))).posted == 1


@pytest.mark.parametrize("recovery", ["same_key", "park"])
@pytest.mark.parametrize("answer", [NotNow("down"), None])
async def test_books_without_a_check_rest_for_ten_minutes(world: World, answer: NotNow | None, recovery: str) -> None:
    """Then they are tried again; but lost answers that cost a person's time wait for a person's word."""
    is_down = True

    async def post(*_: Any) -> NotNow | None:
        if is_down and answer is None:
            raise ConnectionResetError
        return answer if is_down else None

    books = Ledger(post, recovery=recovery)
    world.many(8)
    paused = (await world.run(books, parallel=1)).paused
    assert (paused is not None and paused.code) == ("NOT_NOW" if answer else "NO_ANSWERS")
    is_down = False
    assert (await world.run(books, later=9 * MINUTE)).posted == 0
    summary = await world.run(books, later=2 * MINUTE)
    if answer is None and recovery == "park":
        assert (summary.posted, await world.pause()) == (0, "NO_ANSWERS")
        async with world.sync(books) as sync:
            await sync.resume(why="they are up", by="Ann")
        summary = await world.run(books, later=MINUTE)
        assert (summary.posted, await world.in_state("UNCONFIRMED")) == (3, 5)
    else:
        assert (summary.paused, summary.posted) == (None, 8)


async def test_a_persons_pause_is_a_persons_to_end(world: World) -> None:
    """Nothing is posted, what is posted is still reported, and no run of the engine lifts it."""
    world.put("accr_1")
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES - {RECORD_WRITE}
    await world.run()
    async with world.admin() as admin:
        await admin.resume(why="asked the customer", by="Ann")
        await admin.pause("closing June", by="Ann")
    world.sandbox.brex.tokens[world.sandbox.token] = ALL_SCOPES
    world.put("accr_2")
    for _ in range(3):
        summary = await world.run(later=HOUR)
        assert summary.paused is not None
        assert (summary.paused.reason, summary.paused.by, summary.paused.code) == ("closing June", "Ann", "PERSON")
    assert (world.posts(), await world.states("accr_1")) == (["accr_1"], ["REPORTED"])
    async with world.admin() as admin:
        await admin.resume(why="June is closed", by="Ann")
    assert (await world.run(later=HOUR)).posted == 1


async def test_a_pause_takes_hold_in_the_middle_of_a_run(world: World) -> None:
    """From the next claim on nothing is posted, also when another process said so."""
    world.many(6)

    async def post(_: AccountingRecord, key: ExportKey) -> None:
        if key == "accr_0002.1":
            async with world.admin() as admin:
                await admin.pause("stop", by="Ann")

    summary = await world.run(Ledger(post), parallel=1)
    assert (summary.posted, summary.reported, await world.in_state("DISCOVERED")) == (3, 3, 3)


def test_each_poster_has_its_erp() -> None:
    """The worlds of these tests are those of the three recoveries."""
    assert {kind.recovery for kind in WAYS} == {"same_key", "find", "park"}
