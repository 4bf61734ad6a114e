"""A month exported by workers that are killed all the time: the report differs nowhere. In a bounded size."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..posters.month import JUNE, Plan, month
from ..sync.lives import Workers


@pytest.mark.slow
async def test_a_month_with_kills_in_between_differs_nowhere(tmp_path: Path) -> None:
    """In May, June and July; and June's books are what the records come to when they are added up by hand."""
    async with Workers() as workers:
        figures = await month(Plan(records=600, kills=8, seed=7), workers, tmp_path / "month")
    assert figures.problems == []
    assert figures.kills == 8
    assert figures.at_failpoints > 0
    report = figures.reports[JUNE]
    assert len(report.accounts) > 60
    assert sum(row.posted != 0 for row in report.rows) > 100
