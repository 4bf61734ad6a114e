"""A world whose books are kept by a chart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ..sync.world import World, world_of


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A local Brex, a clock that a test moves, and a folder for the books."""
    async with world_of(tmp_path, monkeypatch) as made:
        yield made
