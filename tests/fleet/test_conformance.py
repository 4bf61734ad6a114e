"""The promise, in every store and engine, while workers die, freeze, are replaced, and lose their database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from .cases import CASES
from .conformance import Place, judged
from .town import Setting, Verdict

SLOWER = {"freeze-writing", "killer-beside"}
"""They wait for a time that is not ours to choose."""
LOOPS = {"kill"}
"""By default the plain engine has to show this alone."""


async def verdicts(name: str, settings: list[Setting], place: Place, folder: Path, companies: int) -> list[Verdict]:
    """Side by side; what stops PostgreSQL stops it for all, and goes alone."""
    judging = [judged(name, one, place, folder / str(one), companies=companies) for one in settings]
    if name == "database":
        return [await one for one in judging]
    return await asyncio.gather(*judging)


def check(found: list[Verdict]) -> None:
    for one in found:
        assert (one.lost, one.doubled, one.unconfirmed) == (0, 0, 0)


@pytest.mark.parametrize("name", sorted(CASES.keys() - SLOWER))
async def test_nothing_is_lost_and_nothing_doubled(name: str, place: Place, tmp_path: Path) -> None:
    """In either store: each case in small, with books that take a second document without a word."""
    settings = [one for one in CASES[name].settings if one.engine == "fleet" or name in LOOPS]
    check(await verdicts(name, settings, place, tmp_path, companies=7))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CASES))
async def test_nothing_is_lost_and_nothing_doubled_of_many(name: str, place: Place, tmp_path: Path) -> None:
    """Every case wherever it applies."""
    check(await verdicts(name, list(CASES[name].settings), place, tmp_path, companies=40))
