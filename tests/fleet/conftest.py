"""What a fleet needs: a schema in a real PostgreSQL, and where workers come from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from brex_accounting.sync.fleet import Keyring

from ..postgres_server import PostgresServer
from .conformance import Place
from .nursery import Nursery, running_nursery


@pytest.fixture(scope="session")
def place(postgres: PostgresServer) -> Iterator[Place]:
    """The PostgreSQL of all tests, and a server of workers, ended with the tests."""
    with running_nursery() as workers:
        yield Place(postgres, workers)


@pytest.fixture
def nursery(place: Place) -> Nursery:
    """Where workers come from."""
    return place.nursery


@pytest.fixture
def dsn(place: Place) -> str:
    """An empty schema."""
    return place.server.schema()


@pytest.fixture
def keyring() -> Keyring:
    """One new key."""
    return Keyring([Keyring.new_key()])
