"""A sandbox, a client of it, and a field of the client's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from brex_accounting import BrexAccounting
from brex_accounting.fields import Field
from brex_accounting.sandbox import Sandbox

from ..client.support import client_of


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Sixty lifelike records, and the fields that they are coded with."""
    async with Sandbox(records=60) as running:
        yield running


@pytest.fixture
async def brex(sandbox: Sandbox) -> AsyncIterator[BrexAccounting]:
    """A client of the sandbox that does not wait long between attempts."""
    async with client_of(sandbox) as client:
        yield client


@pytest.fixture
async def field(brex: BrexAccounting) -> Field:
    """A field without values."""
    return await brex.fields.create(name="Projects", group="ACCOUNTING", remote_id="PROJECT")
