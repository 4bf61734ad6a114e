"""A world for the tests of the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from brex_accounting.testing.erp_poster import SameKeyErpPoster

from .world import World, world_of


@pytest.fixture
async def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """An ERP that knows keys; another one and its poster by indirect parameter."""
    async with world_of(tmp_path, monkeypatch, getattr(request, "param", SameKeyErpPoster)) as made:
        yield made
