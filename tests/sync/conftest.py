"""A world for the tests of the engine, and a schema for those of its stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from brex_accounting.testing.erp_poster import SameKeyErpPoster

from ..postgres_server import PostgresServer
from .world import World, world_of


@pytest.fixture
async def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """An ERP that knows keys; another one and its poster by indirect parameter."""
    async with world_of(tmp_path, monkeypatch, getattr(request, "param", SameKeyErpPoster)) as made:
        yield made


@pytest.fixture
def conninfo(postgres: PostgresServer) -> str:
    """A schema of the test's own."""
    return postgres.schema()
