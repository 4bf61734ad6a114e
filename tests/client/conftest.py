"""A sandbox, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from brex_accounting import BrexAccounting
from brex_accounting.sandbox import Sandbox, local
from brex_accounting.sandbox.server import make_app

from .support import client_of
from .wiretap import Tap


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see no token, host or proxy of the machine they run on."""
    for name in ("BREX_TOKEN", "BREX_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NETRC"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Sixty lifelike records."""
    async with Sandbox(records=60) as running:
        yield running


@pytest.fixture
async def brex(sandbox: Sandbox) -> AsyncIterator[BrexAccounting]:
    """A client of the sandbox that does not wait long between attempts."""
    async with client_of(sandbox) as client:
        yield client


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> Tap:
    """On every sandbox that starts after it: use it with ``usefixtures`` beside ``sandbox``."""
    tap = Tap()

    def tapped(*given: Any) -> web.Application:
        return tap.on(make_app(*given))

    monkeypatch.setattr(local, "make_app", tapped)
    return tap
