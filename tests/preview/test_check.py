"""Checks: everything on its way to the books, held against the chart before anybody presses export."""

from __future__ import annotations

from typing import Any

from brex_accounting.posters.chart import Chart
from brex_accounting.preview import Check, check
from brex_accounting.sync import Skipped
from brex_accounting.sync.sqlite import read_snapshot

from ..posters.charts import chart
from ..sync.world import EXPORTED, HOUR, PREPARE, World
from .coded import CHART, bill, content, entries, journal

REVIEW = "REVIEW"
VENDORS = chart(("[control]", 'vendors = ["vendor_1"]\n[control]'))


async def checked(world: World, books: Chart = CHART, **options: Any) -> Check:
    """A check with the store and the books as they are; nothing is written."""
    path, before = world.path / "exports.db", await entries(world)
    store = await read_snapshot(path) if path.exists() else None
    found = await check(world.brex, books, store=store, ledger=journal(world, books), **options)
    assert await entries(world) == before
    assert world.reports() == []
    return found


async def test_everything_on_its_way_is_checked(world: World) -> None:
    """READY_FOR_EXPORT and REVIEW, and bills whatever their status; what is not coded yet or was exported is not."""
    for status in (REVIEW, "READY_FOR_EXPORT", PREPARE, EXPORTED):
        world.put(f"accr_{status.lower()}", **content(GL_ACCOUNT="6710"), review_status=status)
    world.put("accr_bill", **bill("40.00") | content("40.00", DEPARTMENT=None))
    found = await checked(world)
    assert [(one.record_id, one.code.value) for one in found.findings] == [
        ("accr_ready_for_export", "ACCOUNT_INACTIVE"),
        ("accr_review", "ACCOUNT_INACTIVE"),
        ("accr_bill", "FIELD_MISSING"),
    ]
    assert (found.checked, dict(found.by_code), found.is_clean) == (
        3,
        {"ACCOUNT_INACTIVE": 2, "FIELD_MISSING": 1},
        False,
    )
    assert [one.count for one in found.reasons] == [2, 1]
    assert (await checked(world, bills=False)).checked == 2


async def test_mapping_dimensions_periods_and_vendors(world: World) -> None:
    """Each kind of mistake has its code, and the words of the rules."""
    world.put("accr_1", **content(GL_ACCOUNT="9999"), review_status=REVIEW)
    world.put("accr_2", **content(DEPARTMENT=None), review_status=REVIEW)
    world.put("accr_3", **content(ENTITY="LWX"), review_status=REVIEW)
    world.put("accr_4", **content(), review_status=REVIEW)
    world.put("accr_5", **bill("40.00", vendor={"id": "vendor_2", "name": "Fennelby Inns"}))
    june_closed = chart(("closed_through = 2026-05-31", "closed_through = 2026-06-30"))
    assert {one.record_id: one.code.value for one in (await checked(world, VENDORS)).findings} == {
        "accr_1": "ACCOUNT_UNKNOWN",
        "accr_2": "FIELD_MISSING",
        "accr_3": "ACCOUNT_UNKNOWN",
        "accr_5": "VENDOR_UNKNOWN",
    }
    found = await checked(world, june_closed)
    assert dict(found.by_code) == {"CLOSED_PERIOD": 5}


async def test_what_is_clean(world: World) -> None:
    """All of it would be taken; what is dated before the books begin is told, and no finding."""
    world.put("accr_1", **content(), review_status=REVIEW)
    world.put("accr_2", **content() | {"erp_posting_date": "2026-05-31T00:00:00Z"}, review_status=REVIEW)
    found = await checked(world)
    assert (found.checked, found.findings, found.is_clean) == (2, (), True)
    assert dict(found.skipped) == {"it is dated before the books begin": 1}


async def test_what_is_in_the_books_is_not_looked_at_again(world: World) -> None:
    """A period that was closed after a bill was posted is nobody's mistake; a change of it then is."""
    world.put("accr_1", **bill("40.00"))
    world.put("accr_2", **bill("40.00"))
    await world.run(journal(world))
    world.clock.advance(HOUR)
    june_closed = chart(("closed_through = 2026-05-31", "closed_through = 2026-06-30"))
    found = await checked(world, june_closed)
    assert (found.checked, found.left, found.is_clean) == (0, 2, True)
    world.edit("accr_2", memo="changed")
    found = await checked(world, june_closed)
    [finding] = found.findings
    assert (finding.record_id, finding.code, found.left) == ("accr_2", "CLOSED_PERIOD", 1)
    assert "reopen the period" in finding.message


async def test_what_was_refused_is_looked_at_again(world: World) -> None:
    """Mended in the chart, it is clean before anybody retries it; what a person left out stays out."""
    world.put("accr_1", "accr_2", **bill("40.00") | content("40.00", GL_ACCOUNT="6710"))
    await world.run(journal(world))
    assert [one.record_id for one in (await checked(world)).findings] == ["accr_1", "accr_2"]
    active = chart(('inactive = ["6710 Utilities"]', "inactive = []"))
    assert (await checked(world, active)).is_clean
    async with world.admin() as admin:
        await admin.retry("accr_1", why="to be left out", by="Ann")
        await admin.resolve("accr_1", Skipped("booked by hand"), why="it was booked by hand", by="Ann")
    found = await checked(world)
    assert ([one.record_id for one in found.findings], found.left) == (["accr_2"], 1)


async def test_a_field_that_no_line_carries(world: World) -> None:
    """A chart that misspells a field is told so, once."""
    world.put("accr_1", **content(), review_status=REVIEW)
    found = await checked(world, chart(('required_fields = ["DEPARTMENT"]', 'required_fields = ["DEPARTEMENT"]')))
    assert found.absent == ("TAX", "DEPARTEMENT")
    assert [one.message for one in found.findings] == ["Line 1 has no value for DEPARTEMENT: choose one"]


async def test_a_record_that_cannot_be_read_is_not_clean(world: World) -> None:
    """It is named, whatever the rest is."""
    world.put("accr_1", **content(), review_status=REVIEW)
    world.broken.add("accr_1")
    found = await checked(world)
    assert ([one.record_id for one in found.unreadable], found.checked, found.is_clean) == (["accr_1"], 0, False)
