"""One driver fixture, so that each behavioural test runs on the rules and over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .drivers import Driver, HttpDriver, Opener, http, rules_alone


@pytest.fixture(params=[rules_alone, http], ids=["rules", "http"])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Makes a driver with a seed and rules of the test's own."""
    chosen: Opener = request.param
    return chosen


@pytest.fixture
async def driver(opener: Opener) -> AsyncIterator[Driver]:
    """Sixty lifelike records."""
    async with opener() as one:
        yield one


@pytest.fixture
async def served() -> AsyncIterator[HttpDriver]:
    """Sixty lifelike records, over HTTP only."""
    async with http() as one:
        yield one
