"""Posts whose answer never came: one document all the same, and nothing is asked before the lease has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from brex_accounting import MoveRefused
from brex_accounting.sync import Posted, Rejected, Skipped
from brex_accounting.testing.erp_poster import FindErpPoster, ParkErpPoster, SameKeyErpPoster

from .world import ENTRIES, HOUR, LEASE, MINUTE, START, World

PROCESSED = {"drop-after": True, "500-after": True, "cut": True, "drop": False, "500": False, "html": False}


def asked(world: World) -> list[str]:
    """What the ERP was asked about its journal."""
    return [seen.method for seen in world.wire if seen.path.startswith(ENTRIES)]


@pytest.mark.parametrize("fault", PROCESSED)
@pytest.mark.parametrize("world", [SameKeyErpPoster, FindErpPoster], indirect=True)
async def test_a_lost_answer_becomes_one_document(world: World, fault: str) -> None:
    """Not before the lease has ended; then the key is posted again, or looked up first, and reported."""
    world.put("accr_1")
    await world.erp.control.order(fault, next=1, path=ENTRIES, method="POST")
    summary = await world.run()
    assert (summary.posted, summary.open, summary.reported_failed) == (0, 1, 0)
    assert len(await world.erp.control.documents()) == PROCESSED[fault]
    again = await world.run(later=LEASE - MINUTE)
    assert (asked(world), again.open) == (["POST"], 1)
    summary = await world.run(later=MINUTE)
    finds = world.kind is FindErpPoster
    assert asked(world)[1:] == (["GET"] if finds and PROCESSED[fault] else ["GET", "POST"] if finds else ["POST"])
    assert (summary.posted, summary.reported, summary.open) == (1, 1, 0)
    assert (await world.booked(), await world.doubled()) == ({"accr_1": 1}, ())
    [export] = await world.exports("accr_1")
    assert (export.state.value, export.attempt) == ("REPORTED", 2)


@pytest.mark.parametrize("world", [ParkErpPoster], indirect=True)
@pytest.mark.parametrize("fault", PROCESSED)
async def test_a_lost_answer_is_parked(world: World, fault: str) -> None:
    """Nobody can ask: it is never posted again by itself, and a person has its key in the books' own length."""
    world.put("accr_1", "accr_2")
    await world.erp.control.order(fault, next=1, path=ENTRIES, method="POST")
    summary = await world.run()
    assert (summary.unconfirmed, summary.posted, summary.open) == (1, 1, 0)
    for _ in range(3):
        await world.run(later=HOUR)
    assert (world.posts(), await world.states("accr_1")) == (["accr_1", "accr_2"], ["UNCONFIRMED"])
    async with world.admin() as admin:
        [item] = await admin.exceptions()
    assert item.export.key.short in item.what_to_do
    assert (item.export.key.short in (await world.erp.control.counts()).by_number) == PROCESSED[fault]


RESOLVED: dict[str, tuple[Any, str, list[str]]] = {
    "booked": (Posted("JE-000001"), "REPORTED", ["success"]),
    "refused": (Rejected("OTHER", "Not in these books"), "REPORTED_FAILED", ["failure"]),
    "left out": (Skipped("the bank feed has it"), "SKIPPED", []),
    "not there": (None, "REPORTED", ["success"]),
}


@pytest.mark.parametrize("world", [ParkErpPoster], indirect=True)
@pytest.mark.parametrize("what", RESOLVED)
async def test_a_person_resolves_what_is_parked(world: World, what: str) -> None:
    """Each of the four ways, with its report; only what is not in the books is posted again. Said once."""
    outcome, after, told = RESOLVED[what]
    world.put("accr_1")
    await world.erp.control.order("drop-after" if what == "booked" else "drop", next=1, path=ENTRIES, method="POST")
    await world.run()
    async with world.admin() as admin:
        await admin.resolve("accr_1", outcome, why="looked it up", by="Ann")
        with pytest.raises(MoveRefused):
            await admin.resolve("accr_1", Posted("JE-2"), why="looked again", by="Ann")
    await world.run(later=HOUR)
    assert await world.states("accr_1") == [after]
    results = [result for seen in world.wire for result in seen.results]
    assert [key for result in results for key in ("success", "failure") if key in result] == told
    assert await world.booked() == ({"accr_1": 1} if told == ["success"] else {})
    moves = await world.history("accr_1")
    assert [(move.by, move.why.endswith("looked it up")) for move in moves if move.by != "engine"] == [("Ann", True)]


class Slow:
    """A find that fails."""

    recovery = "find"

    def __init__(self, poster: FindErpPoster, answers: Sequence[object]) -> None:
        self._poster = poster
        self._answers = list(answers)

    async def post(self, record: Any, *, key: Any, supersedes: Any) -> Any:
        return await self._poster.post(record, key=key, supersedes=supersedes)

    async def find(self, key: Any) -> Any:
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, Exception):
            raise answer
        return await self._poster.find(key) if answer is None else answer


@pytest.mark.parametrize("world", [FindErpPoster], indirect=True)
@pytest.mark.parametrize("answer", [TimeoutError("no"), "not a Posted"])
async def test_a_look_up_that_fails_is_made_again(world: World, answer: object) -> None:
    """Nothing is posted on it: the record waits for the next lease to end."""
    world.put("accr_1")
    await world.erp.control.order("drop-after", next=1, path=ENTRIES, method="POST")
    assert isinstance(world.poster, FindErpPoster)
    poster = Slow(world.poster, [answer])
    await world.run(poster)
    assert (await world.run(poster, later=LEASE)).open == 1
    assert world.posts() == ["accr_1"]
    summary = await world.run(poster, later=LEASE)
    assert (summary.open, summary.reported, world.posts()) == (0, 1, ["accr_1"])
    assert await world.doubled() == ()


@pytest.mark.parametrize("world", [SameKeyErpPoster, FindErpPoster, ParkErpPoster], indirect=True)
@pytest.mark.parametrize("processed", [False, True])
async def test_what_a_dead_worker_began(world: World, processed: bool) -> None:
    """Claimed and perhaps posted by a worker that is gone: others wait for its lease, then settle it."""
    world.put("accr_0")
    await world.run()
    world.put("accr_1")
    async with world.sync() as sync:
        await sync.pause("read only", by="Ann")
        await sync.run_once()
        await sync.resume(why="go", by="Ann")
    store, now = world.store(), START
    await store.open(None, now=now)
    [claim] = await store.claim("dead", now=now, until=now + LEASE, read_since=now - HOUR, limit=1)
    if processed:
        export = claim.export
        await world.poster.post(world.record("accr_1"), key=export.key, supersedes=export.supersedes)
    await store.close()
    before = len(asked(world))
    assert (await world.run()).open == 1
    assert len(asked(world)) == before
    await world.run(later=LEASE)
    if world.kind is ParkErpPoster:
        assert await world.states("accr_1") == ["UNCONFIRMED"]
    else:
        assert (await world.states("accr_1"), (await world.booked())["accr_1"]) == (["REPORTED"], 1)
    assert await world.doubled() == ()


async def test_an_amendment_waits_for_the_post_before_it(world: World) -> None:
    """Edited while nobody knows of its first post: the first is settled, then the second takes its place."""
    world.put("accr_1", source_type="BILL", type="BILL_EXPENSE", review_status="PREPARE")
    await world.erp.control.order("drop-after", next=1, path=ENTRIES, method="POST")
    await world.run()
    world.edit("accr_1", memo="changed")
    await world.run(later=MINUTE)
    assert (world.posts(), await world.states("accr_1")) == (["accr_1"], ["INTENT", "DISCOVERED"])
    await world.run(later=LEASE)
    assert await world.states("accr_1") == ["POSTED", "POSTED"]
    assert [(one.draft.key, one.draft.supersedes) for one in await world.erp.control.documents()] == [
        ("accr_1.1", None),
        ("accr_1.2", "accr_1.1"),
    ]
    assert await world.booked() == {"accr_1": 1}


@pytest.mark.parametrize("world", [ParkErpPoster], indirect=True)
async def test_a_person_resolves_what_has_an_amendment_behind_it(world: World) -> None:
    """Without a revision the one that nobody knows of is meant, not the newer one that waits for it."""
    world.put("accr_1", source_type="BILL", type="BILL_EXPENSE", review_status="PREPARE")
    await world.erp.control.order("drop-after", next=1, path=ENTRIES, method="POST")
    await world.run()
    world.edit("accr_1", memo="changed")
    await world.run(later=MINUTE)
    assert await world.states("accr_1") == ["UNCONFIRMED", "DISCOVERED"]
    async with world.admin() as admin:
        resolved = await admin.resolve("accr_1", Posted("JE-000001"), why="looked it up", by="Ann")
    assert (resolved.revision, resolved.state.value) == (1, "POSTED")
    await world.run(later=MINUTE)
    assert await world.states("accr_1") == ["POSTED", "POSTED"]
