"""What all tests share."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import aiohttp
import aiohttp.web_app
import aioresponses.core
import pytest
from aioresponses import aioresponses as Canned  # noqa: N812 - a class, whatever its case
from hypothesis import HealthCheck, settings

from .forks import COMMANDS, Forks
from .idle_time import IdleTime
from .postgres_server import PostgresServer, running_server

# How long an example takes, or is in the making, shows how busy the machine is, and nothing else.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no collection of garbage looks through it again."""
    # Many tests collect garbage themselves. Most of what each of them looked through would be this.
    gc.collect()
    gc.freeze()


def pytest_runtest_teardown() -> None:
    """A test's servers go when it ends."""
    # aiohttp keeps the last 1,024 handlers that middlewares were put around, and with each a whole server and its data.
    aiohttp.web_app._cached_build_middleware.cache_clear()


@pytest.fixture(autouse=True, scope="session")
def ctrl_c() -> None:
    """Children obey Ctrl-C also when the tests run in the background, where a shell makes them deaf to it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Forks Pythons that have imported the package and its command line."""
    with Forks(COMMANDS) as server:
        yield server


@pytest.fixture(scope="session")
def watchful_forks() -> Iterator[Forks]:
    """The same in development mode, where asyncio looks after itself."""
    with Forks(("brex_accounting.client",), ("-W", "error", "-X", "dev")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL for the whole run, started for the first test that asks for it."""
    with running_server() as server:
        yield server


@pytest.fixture
async def idle_time(monkeypatch: pytest.MonkeyPatch) -> IdleTime:
    """Time passes only while the test's loop has nothing to do."""
    return IdleTime(monkeypatch)


class _CannedResponse(aiohttp.ClientResponse):
    """A response that aioresponses can make."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, stream_writer=Mock(output_size=0), **kwargs)


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Canned]:
    """aioresponses: answers without a socket, and the requests as they were made."""
    # aioresponses 0.7.9 does not know ClientResponse's argument stream_writer, required from 3.14 on.
    if tuple(int(part) for part in aiohttp.__version__.split(".")[:2]) >= (3, 14):
        monkeypatch.setattr(aioresponses.core, "ClientResponse", _CannedResponse)
    with Canned() as answers:
        yield answers
