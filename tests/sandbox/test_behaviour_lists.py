"""Listing: the window that hides history, filters, cursors, and walks while records change."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from brex_accounting import AccountingRecord
from brex_accounting.enums import LineItemType, ReviewStatus, SourceType
from brex_accounting.sandbox import LocalBrex, Profile, Rules, make_seed

from .drivers import ALL, TODAY, Answer, Driver, Opener, all_records, ids_of

MOMENT = datetime(2026, 9, 1, 8, 30, 0, 250, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def put_at(brex: LocalBrex, name: str, moment: datetime, **changes: object) -> None:
    base = attrs.evolve(make_seed("lifelike", records=1).record(0), id=name, updated_at=moment)
    brex.table.put(attrs.evolve(base, **changes))  # type: ignore[arg-type]


def wire(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def walk(driver: Driver, *filters: tuple[str, str], limit: int = 7) -> list[Answer]:
    """Every page of a list."""
    pages = [await driver.ask("list", query=[*filters, ("limit", str(limit))])]
    while pages[-1].body["has_next_page"]:
        cursor = ("cursor", pages[-1].body["next_cursor"])
        pages.append(await driver.ask("list", query=[*filters, ("limit", str(limit)), cursor]))
    return pages


@pytest.mark.parametrize("with_filter", ["nothing", "ids", "review_status"])
async def test_without_a_window_history_is_silently_left_out(driver: Driver, with_filter: str) -> None:
    """A list without updated_at is empty, whatever else is asked for, until something changes."""
    record = next(one for one in all_records(driver.brex) if one.review_status == "READY_FOR_EXPORT")
    query = {
        "nothing": [],
        "ids": [("ids", record.id)],
        "review_status": [("review_status", "EXPORTED")],
    }[with_filter]
    answer = await driver.ask("list", query=query)
    assert answer.body == {"items": [], "next_cursor": None, "has_next_page": False, "total_count": 0}
    report = {"results": [{"accounting_record_id": record.id, "success": {}}]}
    await driver.ask("report", content=report)
    assert ids_of(await driver.ask("list", query=query)) == [record.id]
    driver.clock.tick(25 * 3600)
    assert ids_of(await driver.ask("list", query=query)) == []


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"gt": 0}, ["d"]),
        ({"gte": 0}, ["b", "c", "d"]),
        ({"lt": 0}, ["a"]),
        ({"lte": 0}, ["a", "b", "c"]),
        ({"gte": 0, "lte": 0}, ["b", "c"]),
        ({"gt": 0, "lt": 0}, []),
        ({"gt": -1, "lt": 1}, ["b", "c"]),
        ({"gte": -1, "lt": 1}, ["a", "b", "c"]),
        ({"gt": -1, "lte": 1}, ["b", "c", "d"]),
        ({"gte": 1, "lte": -1}, []),
    ],
)
async def test_windows_tell_microseconds_apart(opener: Opener, bounds: dict[str, int], found: list[str]) -> None:
    """Each bound includes or excludes exactly the records at its own instant, equal ones together."""
    async with opener(records=0) as driver:
        for name, offset in (("d", 1), ("c", 0), ("a", -1), ("b", 0)):
            put_at(driver.brex, name, MOMENT + offset * MICROSECOND)
        query = [(f"updated_at[{key}]", wire(MOMENT + offset * MICROSECOND)) for key, offset in bounds.items()]
        answer = await driver.ask("list", query=query)
        assert sorted(ids_of(answer)) == found
        assert answer.body["total_count"] == len(found)


async def test_a_date_is_its_midnight(opener: Opener) -> None:
    """A bare date as a bound means 00:00 UTC, and another offset means the same instant."""
    midnight = datetime(2026, 9, 2, tzinfo=UTC)
    async with opener(records=0) as driver:
        put_at(driver.brex, "before", midnight - MICROSECOND)
        put_at(driver.brex, "at", midnight)
        for bound in ("2026-09-02", "2026-09-02T02:00:00+02:00"):
            assert ids_of(await driver.ask("list", query=[("updated_at[gte]", bound)])) == ["at"]
            assert ids_of(await driver.ask("list", query=[("updated_at[lt]", bound)])) == ["before"]


@pytest.mark.parametrize("profile", ["lifelike", "awkward", "mixed"])
async def test_filters_select_what_they_say(opener: Opener, profile: Profile) -> None:
    """review_status and source_type, alone and together, list exactly the matching records, in order."""
    async with opener(records=90, profile=profile) as driver:
        held = all_records(driver.brex)
        for status in (None, *ReviewStatus):
            for source in (None, *SourceType):
                if status is not None and source == SourceType.BILL:
                    continue
                query = [("review_status", status)] if status else []
                query += [("source_type", source)] if source else []
                pages = await walk(driver, ALL, *query, limit=40)
                wanted = [
                    one.id for one in held if status in (None, one.review_status) and source in (None, one.source_type)
                ]
                assert [one for page in pages for one in ids_of(page)] == wanted
                assert {page.body["total_count"] for page in pages} == {len(wanted)}


async def test_ids_are_repeated_keys(driver: Driver) -> None:
    """ids=a&ids=b asks for both, an unknown one is left out, and one string of several is one id."""
    first, second = (record.id for record in all_records(driver.brex)[3:5])
    query = [ALL, ("ids", second), ("ids", "accr_nobody"), ("ids", first)]
    assert ids_of(await driver.ask("list", query=query)) == [first, second]
    assert ids_of(await driver.ask("list", query=[ALL, ("ids", f"{first},{second}")])) == []
    assert ids_of(await driver.ask("list", query=[ALL, ("ids", "")])) == []


async def test_at_most_500_ids(driver: Driver) -> None:
    """500 ids are served, 501 are refused."""
    ids = [("ids", f"accr_{number:024x}") for number in range(501)]  # as long as real ones
    assert (await driver.ask("list", query=[ALL, *ids[:500]])).status == 200
    answer = await driver.ask("list", query=[ALL, *ids])
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "query",
    [
        [("review_status", "EXPORTED"), ("source_type", "BILL")],
        [("review_status", "exported")],
        [("source_type", "INVOICE")],
        [("status", "EXPORTED")],
        [("ids[]", "accr_1")],
        [("updated_at", "2026-01-01")],
        [("updated_at[eq]", "2026-01-01")],
        [("updated_at[gt]", "2026-01-01"), ("updated_at[gte]", "2026-01-01")],
        [("updated_at[lt]", "2026-01-01"), ("updated_at[lte]", "2026-01-01")],
        [("updated_at[gt]", "2026-01-01"), ("updated_at[gt]", "2026-01-01")],
        [("updated_at[gt]", "yesterday")],
        [("updated_at[gt]", "2026-01-01T00:00:00")],
        [("updated_at[gt]", "2026-02-30")],
        [("updated_at[gt]", "")],
        [("single_entry", "True")],
        [("limit", "0")],
        [("limit", "1001")],
        [("limit", "-1")],
        [("limit", "1e2")],
        [("limit", "\u0661\u0660")],
        [("limit", "9" * 5000)],
        [("limit", "")],
        [("cursor", "")],
        [("cursor", "nonsense")],
        [("cursor", "bm9uc2Vuc2U=")],
        [("cursor", "é\x00")],
        [("cursor", "a"), ("cursor", "b")],
    ],
)
async def test_what_cannot_be_meant_is_refused(driver: Driver, query: list[tuple[str, str]]) -> None:
    """Unknown keys, values, bounds, limits and cursors get a 400, never a guess."""
    answer = await driver.ask("list", query=query)
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")
    assert set(answer.body) == {"error_code", "message"}


async def test_limits_from_1_to_1000(opener: Opener) -> None:
    """A page holds 100 records unless the limit says otherwise."""
    async with opener(records=1_100) as driver:
        for query, count in (([], 100), ([("limit", "1")], 1), ([("limit", "1000")], 1000)):
            answer = await driver.ask("list", query=[ALL, *query])
            assert (len(ids_of(answer)), answer.body["total_count"]) == (count, 1_100)
            assert answer.body["has_next_page"] is True


@pytest.mark.parametrize("profile", ["lifelike", "awkward", "mixed"])
@pytest.mark.parametrize("limit", [1, 7, 59, 60, 61])
async def test_a_walk_covers_everything_once(opener: Opener, profile: Profile, limit: int) -> None:
    """Every page size gives every record exactly once, oldest update first, equal instants included."""
    async with opener(profile=profile) as driver:
        pages = await walk(driver, ALL, limit=limit)
        assert [one for page in pages for one in ids_of(page)] == [one.id for one in all_records(driver.brex)]
        times = [datetime.fromisoformat(one["updated_at"]) for page in pages for one in page.body["items"]]
        assert times == sorted(times)
        assert all(len(ids_of(page)) == limit for page in pages[:-1])
        assert all((page.body["next_cursor"] is None) is not page.body["has_next_page"] for page in pages)


async def test_a_cursor_belongs_to_its_filters(driver: Driver) -> None:
    """A cursor is refused with other filters; the page size may change and the order of keys too."""
    status = ("review_status", "EXPORTED")
    page = await driver.ask("list", query=[ALL, status, ("limit", "3")])
    cursor = ("cursor", page.body["next_cursor"])
    for query in ([ALL], [status], [ALL, ("review_status", "PREPARE")], [ALL, status, ("single_entry", "true")]):
        refused = await driver.ask("list", query=[*query, cursor])
        assert (refused.status, refused.code) == (400, "INVALID_REQUEST")
        assert "cursor" in refused.body["message"]
    for query in ([status, cursor, ALL], [cursor, ALL, status, ("limit", "9")]):
        again = await driver.ask("list", query=query)
        assert again.status == 200
        assert set(ids_of(again)).isdisjoint(ids_of(page))


@pytest.mark.parametrize("seed", range(6))
async def test_nothing_is_skipped_while_records_change(driver: Driver, seed: int) -> None:
    """Records that move, appear and go during a walk: what stays is seen, no version twice."""
    chance = random.Random(seed)
    table, clock = driver.brex.table, driver.clock
    before = {record.id for record in all_records(driver.brex)}
    if seed % 2:
        clock.moment = datetime(2026, 6, 20, tzinfo=UTC)  # behind most records: they must not move back
    seen: list[tuple[str, int]] = []
    removed: set[str] = set()
    cursor: list[tuple[str, str]] = []
    for number in range(200):
        answer = await driver.ask("list", query=[ALL, ("limit", "7"), *cursor])
        seen += [(one["id"], one["version"]) for one in answer.body["items"]]
        if not answer.body["has_next_page"]:
            break
        cursor = [("cursor", answer.body["next_cursor"])]
        clock.tick()
        if number < 12:
            for one in chance.sample(sorted(before - removed), 3):
                table.change(table.row_of(one) or 0, chance.choice(list(ReviewStatus)), clock.moment)
            put_at(driver.brex, f"accr_new_{number}", max(clock.moment, TODAY))
            one = chance.choice(sorted(before - removed))
            removed.add(one)
            table.remove(table.row_of(one) or 0)
    assert before - removed <= {one for one, _ in seen}
    assert {f"accr_new_{number}" for number in range(7)} <= {one for one, _ in seen}
    assert max(Counter(seen).values()) == 1


async def test_single_entry_leaves_the_balancing_side_out(driver: Driver) -> None:
    """single_entry=true keeps the coded lines, on a list and on one record; false keeps all."""
    whole = (await driver.ask("list", query=[ALL])).body["items"]
    short = (await driver.ask("list", query=[ALL, ("single_entry", "true")])).body["items"]
    assert (await driver.ask("list", query=[ALL, ("single_entry", "false")])).body["items"] == whole
    for full, cut in zip(whole, short, strict=True):
        coded = [line for line in full["line_items"] if line.get("accounting_field_values")]
        assert cut["line_items"] == (coded or [one for one in full["line_items"] if one["type"] == LineItemType.DEBIT])
        assert 0 < len(cut["line_items"]) < len(full["line_items"])
        assert {**cut, "line_items": full["line_items"]} == full
        alone = await driver.ask("get", target=full["id"], query=[("single_entry", "true")])
        assert alone.body == cut


async def test_get_one(driver: Driver) -> None:
    """One record is what the list shows; another id is a 404, another query key a 400."""
    shown = (await driver.ask("list", query=[ALL, ("limit", "1")])).body["items"][0]
    assert (await driver.ask("get", target=shown["id"])).body == shown
    unknown = await driver.ask("get", target="accr_nobody")
    assert (unknown.status, unknown.code) == (404, "NOT_FOUND")
    assert "details" not in unknown.body
    assert (await driver.ask("get", target=shown["id"], query=[("limit", "1")])).status == 400


async def test_the_width_of_the_default_window_is_a_switch(opener: Opener) -> None:
    """Rules(default_window=...) decides how much an unwindowed list holds."""
    async with opener(rules=Rules(default_window=timedelta(days=400))) as driver:
        assert (await driver.ask("list")).body["total_count"] == 60


async def test_total_count_follows_every_change(driver: Driver) -> None:
    """total_count is the number of matching records, right after each change."""
    table = driver.brex.table

    async def count() -> object:
        return (await driver.ask("list", query=[ALL, ("review_status", "REVIEW"), ("limit", "1")])).body["total_count"]

    def held() -> list[AccountingRecord]:
        return [one for one in all_records(driver.brex) if one.review_status == "REVIEW"]

    assert await count() == len(held())
    row = table.row_of(held()[0].id)
    assert row is not None
    table.change(row, ReviewStatus.EXPORTED, TODAY)
    assert await count() == len(held())
    put_at(driver.brex, "accr_more", TODAY, review_status=ReviewStatus.REVIEW)
    assert await count() == len(held())
    table.remove(table.row_of("accr_more") or 0)
    assert await count() == len(held())
