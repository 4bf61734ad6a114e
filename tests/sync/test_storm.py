"""Storms: two workers on one store, killed at random, while Brex and the books misbehave. In a bounded size."""

from __future__ import annotations

from pathlib import Path

import pytest

from .lives import Workers
from .storm import Plan, storm


async def check(plan: Plan, folder: Path) -> None:
    async with Workers() as workers:
        figures = await storm(plan, workers, folder / "storm")
    assert figures.lost == ()
    assert figures.doubled == ()
    assert figures.misreported == ()
    assert figures.missed == frozenset()
    assert figures.kills >= plan.kills
    assert figures.unconfirmed == 0 or plan.poster == "park"


async def test_a_storm(tmp_path: Path) -> None:
    """Books that refuse a second document of a key: nothing lost, nothing doubled, reports right."""
    await check(Plan(poster="same_key", records=60, kills=3, lease=60.0, longest_life=2.0, by_hand=True), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("poster", ["find", "park"])
async def test_a_longer_storm(tmp_path: Path, poster: str) -> None:
    """Books that can be asked, and books that a person must look into; leases end by time, of the living too."""
    await check(Plan(poster=poster, records=250, kills=6, seed=2), tmp_path)
