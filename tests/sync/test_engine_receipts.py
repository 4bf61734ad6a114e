"""Receipts: attached when the document is there, never in the way of it, their addresses kept nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from brex_accounting.testing.erp_poster import FindErpPoster, ParkErpPoster, SameKeyErpPoster

from .world import BILL, HOUR, LEASE, MINUTE, Ledger, Seen, World

SECRET = "presigned-signature-6c1f"


def receipts(*ids: str) -> list[dict[str, Any]]:
    """Receipts with addresses that open them for a few minutes."""
    return [{"id": one, "download_uris": [f"https://files.example/{one}?X-Signature={SECRET}"]} for one in ids]


async def attached(world: World, record_id: str = "accr_1") -> list[str]:
    """The names of the files of the record's documents."""
    documents = [one for one in await world.erp.control.documents() if one.draft.record == record_id]
    return [file.name for document in documents for file in document.attachments]


@pytest.mark.parametrize("world", [SameKeyErpPoster, FindErpPoster, ParkErpPoster], indirect=True)
async def test_receipts_are_attached_after_the_report(world: World) -> None:
    """The entry and its report come first; each receipt is attached once, also when runs follow."""
    world.put("accr_1", receipts=receipts("r1", "r2"))
    world.put("accr_2")
    summary = await world.run()
    assert (summary.posted, summary.reported, summary.attached) == (2, 2, 1)
    files = [number for number, seen in enumerate(world.wire) if seen.path.endswith("/attachments")]
    assert files[0] > max(number for number, seen in enumerate(world.wire) if seen.what in ("post", "report"))
    assert (await world.run(later=HOUR)).attached == 0
    assert await attached(world) == ["r1", "r2"]


async def test_refused_receipts_block_nothing(world: World) -> None:
    """The record is booked and reported; its receipts are tried again when their lease has ended."""
    world.put("accr_1", receipts=receipts("r1"))
    await world.erp.control.order("500", every=1, path="/attachments")
    summary = await world.run()
    assert (summary.reported, summary.attached, summary.paused, summary.open) == (1, 0, None, 0)
    await world.erp.control.calm()
    assert (await world.run(later=LEASE - MINUTE)).attached == 0
    assert (await world.run(later=MINUTE)).attached == 1
    assert await attached(world) == ["r1"]


async def test_a_lost_answer_attaches_nothing_twice(world: World) -> None:
    """The poster sees what is there already."""
    world.put("accr_1", receipts=receipts("r1", "r2"))
    await world.erp.control.order("drop-after", next=1, path="/attachments")
    assert (await world.run()).attached == 0
    assert (await world.run(later=LEASE)).attached == 1
    assert await attached(world) == ["r1", "r2"]


async def test_a_new_receipt_is_attached_and_amends_nothing(world: World) -> None:
    """One document of one revision, with the new file beside the old one."""
    world.put("accr_1", **BILL, receipts=receipts("r1"))
    await world.run()
    world.edit("accr_1", receipts=receipts("r1", "r2"))
    summary = await world.run(later=HOUR)
    assert (summary.amended, summary.posted, summary.attached) == (0, 0, 1)
    assert (await world.states("accr_1"), await attached(world)) == (["POSTED"], ["r1", "r2"])


async def test_the_newest_document_gets_the_receipts(world: World) -> None:
    """An amended bill has its receipts where its content is."""
    world.put("accr_1", **BILL, receipts=receipts("r1"))
    await world.run()
    world.edit("accr_1", memo="two chairs")
    await world.run(later=HOUR)
    first, second = await world.erp.control.documents()
    assert (second.replaced_by, [file.name for file in second.attachments]) == (None, ["r1"])
    assert first.replaced_by == second.id


async def test_addresses_are_asked_for_when_they_are_needed_and_kept_nowhere(world: World) -> None:
    """The poster gets living addresses; the store's files never hold one, while open or after."""
    given: list[str] = []

    class Attaching(Ledger):
        async def attach(self, *_: Any, receipts: Any, **__: Any) -> None:
            given.extend(address for receipt in receipts for address in receipt.download_uris)

    world.put("accr_1", "accr_2", receipts=receipts("r1"))
    found = []
    async with world.sync(Attaching()) as sync:
        assert (await sync.run_once()).attached == 2
        found += [one.name for one in world.path.glob("exports.db*") if SECRET.encode() in one.read_bytes()]
    stored = [one.read_bytes() for one in world.path.glob("exports.db*")]
    assert (found, [one for one in stored if SECRET.encode() in one]) == ([], [])
    assert any(b'"r1"' in one for one in stored)
    assert (len(given), all(SECRET in address for address in given)) == (2, True)


async def test_a_record_that_is_gone_keeps_its_receipts_waiting(world: World) -> None:
    """Brex returns it no longer when its addresses are asked for: nothing breaks, the others get theirs."""
    world.put("accr_1", "accr_2", receipts=receipts("r1"))

    def between(seen: Seen) -> None:
        if seen.what == "report" and len(world.reports()) == 2:
            world.hooks.clear()
            world.hooks.append(
                lambda seen: world.remove("accr_1") if seen.what == "again" and world.reports() else None
            )

    world.hooks.append(between)
    summary = await world.run()
    assert (summary.reported, summary.attached) == (2, 1)
    assert (await attached(world, "accr_1"), await attached(world, "accr_2")) == ([], ["r1"])


async def test_a_poster_without_attach_is_asked_for_nothing(world: World) -> None:
    """Receipts wait in the store; Brex is not asked for them."""
    world.put("accr_1", receipts=receipts("r1"))
    summary = await world.run(Ledger())
    assert (summary.reported, summary.attached, world.kinds("again")) == (1, 0, [])
