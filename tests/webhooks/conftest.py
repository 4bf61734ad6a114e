"""A sandbox, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from brex_accounting import BrexAccounting
from brex_accounting.sandbox import Sandbox

from ..client.support import client_of


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Twenty lifelike records."""
    async with Sandbox(records=20) as running:
        yield running


@pytest.fixture
async def brex(sandbox: Sandbox) -> AsyncIterator[BrexAccounting]:
    """A client of the sandbox that does not wait long between attempts."""
    async with client_of(sandbox) as client:
        yield client
