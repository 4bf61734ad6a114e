"""The PostgreSQL store passes the suite of all stores."""

from __future__ import annotations

import pytest

from brex_accounting.sync.postgres import PostgresStore

from .desk import BINDING, MakeStore
from .store_suite import StoreSuite


class TestPostgresStore(StoreSuite):
    @pytest.fixture
    def make(self, conninfo: str) -> MakeStore:
        return lambda: PostgresStore(conninfo, BINDING.company)

    @pytest.fixture
    def opening(self, conninfo: str) -> list[str]:
        return ["postgres", conninfo, BINDING.company]
