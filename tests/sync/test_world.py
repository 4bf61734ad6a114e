"""Races of the export engine that need a worker to stand still in one place, told step by step in the model world."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from brex_accounting.sync.states import State

from .world_company import Company

PAST_A_LEASE = timedelta(seconds=130)


def first(_: int) -> int:
    """Which of the turns that could come."""
    return 0


@asynccontextmanager
async def made(tmp_path: Path, recovery: str) -> AsyncIterator[Company]:
    """A company with one record to export; in the end nothing of what must never happen did."""
    async with Company(tmp_path / "exports.db", recovery, shrinks=False, parallel=1) as company:
        company.customer("accr_0", "a", "write")
        yield company
        await company.check()
        await company.calm(forgiving=True)


@pytest.mark.parametrize("recovery", ["find", "park"])
async def test_whoever_stood_still_after_a_claim_does_not_post(tmp_path: Path, recovery: str) -> None:
    """Between a claim and its post a lease may end, and somebody else may have posted, or parked it."""
    async with made(tmp_path, recovery) as company:
        await company.until("w1", "claim")
        await company.step("w1", 1, first)
        company.time.wait(PAST_A_LEASE)
        await company.poll("w2")
        await company.poll("w1")
        assert company.books.sent == ({"accr_0.1": 1} if recovery == "find" else {})


@pytest.mark.parametrize("fate", ["lost", "nothing", "late"])
@pytest.mark.parametrize("recovery", ["same_key", "find", "park"])
async def test_a_post_without_an_answer_leaves_one_document(tmp_path: Path, recovery: str, fate: str) -> None:
    """It is asked for, or posted again, when its lease has ended; or it waits for a person."""
    async with made(tmp_path, recovery) as company:
        company.books.fates.append(fate)
        for seconds in (10, 130, 130):
            await company.poll("w1")
            company.time.wait(timedelta(seconds=seconds))
        company.books.arrive()
        assert len(company.books.documents) == (0 if (recovery, fate) == ("park", "nothing") else 1)
        assert recovery != "park" or company.books.sent == {"accr_0.1": 1}


async def test_an_outcome_under_a_lost_lease_is_not_kept(tmp_path: Path) -> None:
    """While another worker asks for the document, the first one's answer counts no more."""
    async with made(tmp_path, "find") as company:
        await company.until("w1", "post answered")
        company.time.wait(PAST_A_LEASE)
        await company.until("w2", "find")
        await company.poll("w1")
        await company.check()
        assert company.states == {("accr_0", 1): State.INTENT}


@pytest.mark.parametrize("done", [False, True])
async def test_a_batch_of_a_killed_worker_is_read_back(tmp_path: Path, done: bool) -> None:
    """Nothing counts as reported that Brex did not take."""
    async with made(tmp_path, "same_key") as company:
        await company.until("w1", "report")
        await company.kill("w1", done=done)
        company.time.wait(PAST_A_LEASE)
        await company.until("w1", "settle")
        await company.step("w1", 1, first)
        await company.check()
        assert company.states == {("accr_0", 1): State.REPORTED if done else State.POSTED}


async def test_the_watermark_waits_for_the_last_page(tmp_path: Path) -> None:
    """A worker that is killed between two pages of bills has skipped none."""
    async with made(tmp_path, "same_key") as company:
        for number in range(3):
            company.customer(f"bill_{number}", "a", "write")
        company.time.wait(timedelta(minutes=20))
        await company.until("w1", "bills answered")
        await company.step("w1", 1, first)
        await company.until("w1", "bills")
        await company.check()
        await company.kill("w1", done=False)


async def test_nothing_is_posted_while_a_person_paused(tmp_path: Path) -> None:
    """Neither what is new, nor what somebody left behind; and no run lifts it."""
    async with made(tmp_path, "same_key") as company:
        company.books.fates.append("nothing")
        await company.poll("w1")
        await company.observer.pause("stocktaking", code="PERSON", by="Ann", now=company.time.now)
        company.customer("accr_2", "a", "write")
        for _ in range(2):
            company.time.wait(timedelta(minutes=20))
            await company.poll("w1")
        assert company.books.sent == {"accr_0.1": 1}


async def test_what_was_taken_back_during_a_long_run_is_not_posted(tmp_path: Path) -> None:
    """A copy that grew old is read again before it is posted."""
    async with made(tmp_path, "same_key") as company:
        await company.until("w1", "take_over")
        company.time.wait(timedelta(minutes=6))
        company.customer("accr_0", None, "take back")
        company.time.wait(timedelta(minutes=6))
        await company.poll("w1")
        assert not company.books.sent


@pytest.mark.parametrize("recovery", ["same_key", "find", "park"])
async def test_a_post_that_is_put_off_does_not_end_one_without_an_answer(tmp_path: Path, recovery: str) -> None:
    """A document of a post whose answer was lost is found and replaced, also when the next post came too early."""
    async with made(tmp_path, recovery) as company:
        company.books.fates.extend(["lost", "not now"])
        for _ in range(2):
            await company.poll("w1")
            company.time.wait(PAST_A_LEASE)
        company.customer("accr_0", "b", "write")
        await company.poll("w1")


async def test_whoever_waited_too_long_for_find_does_not_post(tmp_path: Path) -> None:
    """Between the question for a key and the post, a lease may end, and somebody else may have posted."""
    async with made(tmp_path, "find") as company:
        company.books.fates.append("nothing")
        await company.poll("w1")
        company.time.wait(PAST_A_LEASE)
        await company.until("w1", "find answered")
        company.time.wait(PAST_A_LEASE)
        await company.poll("w2")
        await company.poll("w1")
        assert len(company.books.documents) == 1


@pytest.mark.parametrize("recovery", ["same_key", "find", "park"])
async def test_a_report_is_not_sent_again_after_its_lease(tmp_path: Path, recovery: str) -> None:
    """A failure is not repeated by a worker that stood still, while others posted the record after all."""
    async with made(tmp_path, recovery) as company:
        company.books.refused.add("accr_0")
        await company.until("w1", "report")
        company.brex.fates.append("nothing")
        await company.until("w1", "ids answered")
        company.time.wait(PAST_A_LEASE)
        company.books.refused.clear()
        for _ in range(2):
            await company.poll("w2")
            company.time.wait(timedelta(seconds=5))
        company.customer("accr_0", None, "press")
        await company.until("w2", "report")
        assert company.books.live("accr_0")
        await company.poll("w1")
        await company.poll("w2")
        assert company.brex.accounts["accr_0"].review_status == "EXPORTED"
