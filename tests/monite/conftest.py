"""A sandbox whose requests are written down, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.util import find_spec

import pytest

from brex_accounting.monite import MoniteAccounting
from brex_accounting.sandbox.monite import MoniteRules, MoniteSandbox, local
from brex_accounting.sandbox.monite.server import make_app

from .support import Hurried, Tap, client_of

# A test that cannot run is no test: only the [peers] extra installs what it compares with.
collect_ignore = [] if find_spec("monite") else ["test_official_package.py"]


@pytest.fixture
def clock() -> Hurried:
    """The time of the sandbox and of its client."""
    return Hurried()


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> Tap:
    """What the sandbox was asked."""
    tap = Tap()
    monkeypatch.setattr(local, "make_app", lambda *given: tap.on(make_app(*given)))
    return tap


@pytest.fixture
async def sandbox(tap: Tap, clock: Hurried) -> AsyncIterator[MoniteSandbox]:
    """A sandbox without a limit, on the clock."""
    assert not tap.seen
    async with MoniteSandbox(rules=MoniteRules(rate_limit=None), now=clock.now) as running:
        yield running


@pytest.fixture
async def monite(sandbox: MoniteSandbox, clock: Hurried) -> AsyncIterator[MoniteAccounting]:
    """A client on the same clock."""
    async with client_of(sandbox, clock=clock) as client:
        yield client
