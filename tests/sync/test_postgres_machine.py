"""Random workers, people and crashes at the PostgreSQL store, beside the model of all stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from brex_accounting.sync.postgres import PostgresStore
from brex_accounting.sync.store import SyncStore

from ..postgres_server import PostgresServer
from .desk import BINDING
from .test_machine import BUSY, StoreMachine

SERVER: list[PostgresServer] = []


class PostgresMachine(StoreMachine):
    def __init__(self) -> None:
        super().__init__()
        self.conninfo = SERVER[-1].schema()

    def make(self) -> SyncStore:
        return PostgresStore(self.conninfo, BINDING.company)


class PostgresMachineAtLength(PostgresMachine):
    """The same, for longer."""


@pytest.fixture(autouse=True, scope="module")
def server(postgres: PostgresServer) -> Iterator[None]:
    """Where the machines, which take no fixtures, find it."""
    SERVER.append(postgres)
    yield
    SERVER.clear()


TestPostgresMachine = PostgresMachine.TestCase
TestPostgresMachine.settings = settings(BUSY, max_examples=12, stateful_step_count=40)
TestAtLength = pytest.mark.slow(PostgresMachineAtLength.TestCase)
TestAtLength.settings = settings(BUSY, max_examples=30)
