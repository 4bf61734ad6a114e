"""The whole loop of a partner, with 20 companies in one process and deliveries that go wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from .loop import BOUNDED, FULL, play


async def test_a_partners_loop(tmp_path: Path) -> None:
    """From twenty consents to twenty companies' books: whatever becomes of the events, every record is booked once, in
    its own company's books, and reported once; every token is refreshed once each time that it dies.
    """
    figures = await play(tmp_path, BOUNDED, seed=1)
    assert max(figures.clicks) >= 300
    assert min(figures.mishaps[kind] for kind in ("lose", "double", "delay", "reorder")) > 0
    assert 0 < figures.by_events < figures.records
    assert figures.again > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
async def test_a_partners_loop_in_full(tmp_path: Path, seed: int) -> None:
    """The same with 2,000 records."""
    figures = await play(tmp_path, FULL, seed=seed)
    assert (figures.companies, figures.records, figures.reported) == (20, 2000, 2000)
    assert sum(size >= 300 for size in figures.clicks) >= 3
    print("\n" + figures.told())  # noqa: T201 - the figures
