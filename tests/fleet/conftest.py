"""A real PostgreSQL for the tests that need one, and a database of its own for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from brex_accounting.sync.fleet import Keyring

from .conformance import Place, running_place
from .nursery import Nursery


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """PostgreSQL in a temporary folder and a server of workers, ended with the tests."""
    with running_place() as running:
        yield running


@pytest.fixture
def nursery(place: Place) -> Nursery:
    """Where workers come from."""
    return place.nursery


@pytest.fixture
def dsn(place: Place) -> str:
    """An empty database."""
    return place.database()


@pytest.fixture
def keyring() -> Keyring:
    """One new key."""
    return Keyring([Keyring.new_key()])
