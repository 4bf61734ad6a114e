"""Dry runs: what they say is what the next run does, and nothing is changed by saying it."""

from __future__ import annotations

import hashlib
import random
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web

from brex_accounting import BrexAccounting, RateLimit, ServerError
from brex_accounting.posters.chart import Chart
from brex_accounting.posters.chart_file import parse_chart
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.posters.csv.rows import flat
from brex_accounting.posters.entries import Entry
from brex_accounting.preview import Preview, check, dry_run, read_usage
from brex_accounting.sandbox import Rules, Sandbox, lifelike_chart
from brex_accounting.sync import ExportSync, SqliteStore, State
from brex_accounting.sync.sqlite import read_snapshot

from ..posters.booked import balances
from ..posters.charts import chart
from ..sync.world import HOUR, MINUTE, PREPARE, READY, Seen, World
from ..unit.granting import locals_of
from .coded import CHART, bill, content, entries, journal, payment

CLOSED = chart(("closed_through = 2026-05-31", "closed_through = 2026-06-30"))


async def previewed(world: World, books: Chart = CHART, **options: Any) -> Preview:
    """A dry run with the store and the books as they are; files, records and clocks stay as they were."""
    before = files(world.path)
    versions = [(one.id, one.version, one.review_status) for one in world.sandbox.brex.records()]
    path = world.path / "exports.db"
    store = await read_snapshot(path) if path.exists() else None
    found = await dry_run(world.brex, books, store=store, ledger=journal(world, books), **options)
    assert files(world.path) == before
    assert [(one.id, one.version, one.review_status) for one in world.sandbox.brex.records()] == versions
    return found


def files(folder: Path) -> dict[str, str]:
    """What is in a folder, byte for byte, but for the ERP, which nobody uses."""
    found = sorted(one for one in folder.iterdir() if one.is_file() and not one.name.startswith("erp"))
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in found}


async def as_it_says(world: World, books: Chart = CHART) -> Preview:
    """A dry run, and the run after it: it writes what was shown, refuses what was shown, and leaves the rest."""
    shown, before = await previewed(world, books), await entries(world)
    summary = await world.run(journal(world, books))
    after = await entries(world)
    assert sorted(one.key for one in shown.entries) == sorted(one.key for one in after[len(before) :])
    assert {one.key: one for one in shown.entries} == {one.key: one for one in after[len(before) :]}
    assert len(shown.refusals) == summary.rejected
    return shown


async def test_the_first_run(world: World) -> None:
    """Entries with their totals, each reason with its count; what is dated before the books begin is left out."""
    world.put("accr_1", "accr_2", **content("10.00", "0.55"))
    world.put("accr_3", **content(currency="EUR"))
    world.put("accr_4", "accr_5", **content(DEPARTMENT=None))
    world.put("accr_6", **content(GL_ACCOUNT="6710"))
    world.put("accr_7", **content() | {"erp_posting_date": "2026-05-31T00:00:00Z"})
    world.put("accr_8", **bill("40.00", status="DRAFT"))
    world.put("accr_9", **bill("40.00"))
    world.put("accr_p", **content(), review_status=PREPARE)
    shown = await as_it_says(world)
    assert (shown.read, len(shown.entries), shown.paused) == (9, 4, None)
    assert {(one.account, one.currency): (one.lines, one.debits, one.credits) for one in shown.totals} == {
        ("6100 Airfare", "USD"): (5, Decimal("61.10"), Decimal(0)),
        ("6100 Airfare", "EUR"): (1, Decimal("10.00"), Decimal(0)),
        ("2100 Brex card", "USD"): (2, Decimal(0), Decimal("21.10")),
        ("2100 Brex card", "EUR"): (1, Decimal(0), Decimal("10.00")),
        ("2000 Accounts payable", "USD"): (1, Decimal(0), Decimal("40.00")),
    }
    assert {f"{one.credits:f}" for one in shown.totals if not one.credits} == {"0.00"}
    assert [(one.code.value, one.count, one.example) for one in shown.reasons] == [
        ("FIELD_MISSING", 2, "accr_4"),
        ("ACCOUNT_INACTIVE", 1, "accr_6"),
    ]
    assert (dict(shown.left), dict(shown.skipped)) == (
        {State.OUT_OF_SCOPE: 1},
        {"it is a draft, void or cancelled": 1},
    )


async def test_what_is_posted_is_left_out(world: World) -> None:
    """After a run the same records are shown as in the books; what came since is shown alone."""
    world.put("accr_1", **content())
    world.put("accr_2", **bill("40.00"))
    await as_it_says(world)
    world.put("accr_3", **content())
    world.clock.advance(MINUTE)
    shown = await as_it_says(world)
    assert [one.key for one in shown.entries] == ["accr_3.1"]
    assert dict(shown.left) == {State.POSTED: 1}


async def test_changes_are_shown_as_the_books_would_take_them(world: World) -> None:
    """An edited bill is taken out and booked anew, a cancelled one voided, a paid one refused."""
    for number in (1, 2, 3):
        world.put(f"accr_{number}", **bill("40.00", source_id=f"bill_{number}"))
    world.put("accr_4", **payment("40.00", source_id="bill_3"))
    await as_it_says(world)
    world.clock.advance(HOUR)
    world.edit("accr_1", **content("50.00"))
    world.edit("accr_2", status="CANCELED")
    world.edit("accr_3", memo="changed")
    shown = await as_it_says(world)
    assert sorted((one.key, one.kind.value) for one in shown.entries) == [
        ("accr_1.2", "replacement"),
        ("accr_1.2.rev", "reversal"),
        ("accr_2.2", "void"),
    ]
    [refusal] = shown.refusals
    assert (refusal.record_id, "was paid" in refusal.message) == ("accr_3", True)
    assert balances(shown.entries)["6100 Airfare", "USD"] == Decimal(-30)


async def test_changes_without_the_books(world: World) -> None:
    """Nobody knows how they would be booked: they are counted, and the words say what to name."""
    world.put("accr_1", **bill("40.00"))
    await world.run(journal(world))
    world.clock.advance(HOUR)
    world.edit("accr_1", **content("50.00"))
    found = await dry_run(world.brex, CHART, store=await read_snapshot(world.path / "exports.db"))
    assert (found.entries, found.refusals) == ((), ())
    assert [("name the books" in reason, count) for reason, count in found.skipped.items()] == [(True, 1)]


async def test_what_was_refused_waits_for_its_next_attempt(world: World) -> None:
    """Still out of the queue it is not tried, and is shown so; ready again it is, under its first key."""
    world.put("accr_1", **content())
    world.put("accr_2", **bill("40.00"))
    await as_it_says(world, CLOSED)
    world.clock.advance(HOUR)
    shown = await as_it_says(world)
    assert (shown.entries, dict(shown.left)) == ((), {State.REJECTED: 1})
    world.clock.advance(HOUR)
    world.move("accr_1", READY)
    shown = await as_it_says(world)
    assert [one.key for one in shown.entries] == ["accr_1.1"]


async def test_what_a_person_decided_is_shown(world: World) -> None:
    """Held changes and skipped records are left; a pause is told, and what would be posted after it."""
    world.put("accr_1", "accr_2", **content())
    await as_it_says(world)
    world.clock.advance(HOUR)
    world.edit("accr_1", memo="changed", review_status=READY)
    async with world.admin() as admin:
        await admin.pause("month end", by="Ann")
    world.put("accr_3", **content())
    shown = await previewed(world)
    assert [one.key for one in shown.entries] == ["accr_3.1"]
    assert dict(shown.left) == {State.HELD: 1}
    assert shown.paused is not None
    assert shown.paused.reason == "month end"


async def test_bills_can_be_left_out(world: World) -> None:
    """As the run would: none at all, or those changed since."""
    world.put("accr_1", **content())
    world.put("accr_2", **bill("40.00"), updated_at="2026-06-20T00:00:00Z")
    assert len((await previewed(world, bills=False)).entries) == 1
    assert len((await previewed(world, since=world.clock.now())).entries) == 1
    assert len((await previewed(world)).entries) == 2


async def test_a_record_that_cannot_be_read_is_named(world: World) -> None:
    """It is none of the others, and its values are in no words."""
    world.put("accr_1", "accr_2", **content())
    world.broken.add("accr_2")
    shown = await previewed(world)
    assert [one.record_id for one in shown.unreadable] == ["accr_2"]
    assert "canary" not in repr(shown)
    assert len(shown.entries) == 1


async def test_a_list_whose_cursor_is_refused_is_read_again(world: World) -> None:
    """From its beginning, once; nothing is shown twice."""
    world.many(101, **content())
    refusals = [web.json_response({"code": "INVALID_REQUEST", "message": "cursor", "details": {}}, status=400)]
    world.hooks.append(lambda seen: refusals.pop() if refusals and "cursor" in seen.query else None)
    shown = await previewed(world)
    assert (len(shown.entries), shown.read, refusals) == (101, 101, [])


async def test_a_record_that_moves_while_it_is_read_counts_as_it_was_last(world: World) -> None:
    """A page is read twice after a refused cursor, and the record has changed in between."""
    ids = world.many(101, **content())
    refused: list[str] = []

    def moves(seen: Seen) -> web.Response | None:
        if refused or "cursor" not in seen.query:
            return None
        refused.append("once")
        world.edit(ids[0], **content(DEPARTMENT=None))
        world.edit(ids[1], **content("11.00"))
        world.edit(ids[2], **content())
        return web.json_response({"code": "INVALID_REQUEST", "message": "cursor", "details": {}}, status=400)

    world.put("accr_bad", ids[2], **content(DEPARTMENT=None))
    world.hooks.append(moves)
    shown = await dry_run(world.brex, CHART)
    assert (shown.read, len(shown.entries)) == (102, 100)
    assert sorted(one.record_id for one in shown.refusals) == [ids[0], "accr_bad"]
    assert {one.account: one.debits for one in shown.totals}["6100 Airfare"] == Decimal("1001.00")


async def test_a_list_that_fails_takes_no_record_with_it(world: World) -> None:
    """Neither the error nor a variable of its frames says what was read before."""
    world.many(101, **content() | {"memo": "a canary in a memo"})

    def fails(seen: Seen) -> web.Response | None:
        return web.Response(status=500) if "cursor" in seen.query else None

    world.hooks.append(fails)
    for reading in (dry_run(world.brex, CHART), check(world.brex, CHART), read_usage(world.brex)):
        with pytest.raises(ServerError) as raised:
            await reading
        printed = "".join(traceback.format_exception(raised.value)) + locals_of(raised.value)
        assert "canary" not in printed


async def test_a_lifelike_month(tmp_path: Path) -> None:
    """What was shown of several hundred records of all types is what came into the books, to the last field."""
    books, path = parse_chart(lifelike_chart()), tmp_path / "journal.csv"
    async with Sandbox(records=600, rules=Rules(rate_limit=None)) as sandbox:
        rate = RateLimit(limit=10**9)
        async with BrexAccounting(sandbox.token, base_url=sandbox.url, rate_limit=rate) as brex:
            shown = await dry_run(brex, books)
            store, poster = SqliteStore(tmp_path / "exports.db"), CsvPoster(path, books)
            async with ExportSync(brex, poster, store=store, post_from=books.post_from) as sync:
                summary = await sync.run_once()
            again = await dry_run(brex, books, store=await read_snapshot(tmp_path / "exports.db"), ledger=poster)
    written = await CsvPoster(path, books).entries()
    assert {one.key: on_one_line(one) for one in shown.entries} == {one.key: one for one in written}
    assert len(written) == len(shown.entries) == summary.posted > 100
    assert len(shown.refusals) == summary.rejected > 0
    assert again.entries == ()
    assert sum(again.left.values()) + sum(again.skipped.values()) == again.read
    assert Counter(one.type for one in shown.entries) == Counter(one.type for one in written)


def on_one_line(entry: Entry) -> Entry:
    """As a CSV file holds it."""
    lines = tuple(attrs.evolve(line, memo=line.memo and flat(line.memo)) for line in entry.lines)
    return attrs.evolve(entry, memo=entry.memo and flat(entry.memo), lines=lines)


@pytest.mark.parametrize("path", ["missing.db", "folder"])
async def test_no_store(tmp_path: Path, path: str) -> None:
    """A store that is not there is not made."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(Exception, match="there is no store"):
        await read_snapshot(tmp_path / path)
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("seed", range(3))
async def test_any_history(world: World, seed: int) -> None:
    """Whatever customers, accountants and charts did before: each dry run shows exactly what the run after it does."""
    chance, shown = random.Random(seed), 0
    company = Company(world, chance)
    for begin in (company.spend, company.owe, company.owe):
        await begin()
    for _ in range(14):
        for _ in range(chance.randrange(1, 4)):
            await chance.choice(company.actions)()
        world.clock.advance(HOUR)
        found = await as_it_says(world, chance.choice([CHART, CHART, CLOSED]))
        shown += len(found.entries) + len(found.refusals)
    assert shown > 5


@attrs.define
class Company:
    """People who do what people do, at random."""

    world: World
    chance: random.Random
    cards: list[str] = attrs.field(factory=list)
    bills: list[str] = attrs.field(factory=list)

    @property
    def actions(self) -> list[Callable[[], Awaitable[None]]]:
        return [self.spend, self.spend, self.owe, self.pay, self.edit, self.cancel, self.export_again, self.decide]

    async def spend(self) -> None:
        self.cards.append(f"accr_card_{len(self.cards)}")
        department = self.chance.choice(["D01", "D01", None])
        self.world.put(self.cards[-1], **content(DEPARTMENT=department))

    async def owe(self) -> None:
        number = len(self.bills)
        self.bills.append(f"accr_bill_{number}")
        status = self.chance.choice(["APPROVED", "APPROVED", "DRAFT"])
        self.world.put(self.bills[-1], **bill("40.00", source_id=f"bill_{number}", status=status))

    async def pay(self) -> None:
        if self.bills:
            number = self.chance.randrange(len(self.bills))
            self.world.put(f"accr_pay_{number}", **payment("40.00", source_id=f"bill_{number}"))

    async def edit(self) -> None:
        if self.cards + self.bills:
            one = self.chance.choice(self.cards + self.bills)
            self.world.edit(one, **content(f"{self.chance.randrange(1, 90)}.00", GL_ACCOUNT="6110"))

    async def cancel(self) -> None:
        if self.bills:
            status = self.chance.choice(["CANCELED", "APPROVED"])
            self.world.edit(self.chance.choice(self.bills), status=status)

    async def export_again(self) -> None:
        if self.cards:
            self.world.move(self.chance.choice(self.cards), READY)

    async def decide(self) -> None:
        if not (self.world.path / "exports.db").exists():
            return
        async with self.world.admin() as admin:
            for item in (await admin.exceptions())[:1]:
                if item.export.state is State.HELD:
                    await admin.resolve(item.export.record_id, None, why="x", by="Ann")
                elif item.export.state in (State.REJECTED, State.REPORTED_FAILED):
                    await admin.retry(item.export.record_id, why="x", by="Ann")
