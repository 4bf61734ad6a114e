"""Races of the export engine that need a worker to stand still in one place, told step by step in the model world."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from .world_company import Company

PAST_A_LEASE = timedelta(seconds=130)


@asynccontextmanager
async def made(tmp_path: Path, recovery: str) -> AsyncIterator[Company]:
    """A company with one record to export; in the end nothing of what must never happen did."""
    async with Company(tmp_path / "exports.db", recovery, shrinks=False, parallel=1) as company:
        company.customer("accr_0", "a", "write")
        yield company
        await company.check()
        await company.calm(forgiving=True)


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
