"""The SQLite store passes the suite of all stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from brex_accounting.sync.sqlite import SqliteStore

from .desk import MakeStore
from .store_suite import StoreSuite


class TestSqliteStore(StoreSuite):
    @pytest.fixture
    def make(self, tmp_path: Path) -> MakeStore:
        return lambda: SqliteStore(tmp_path / "exports.db")

    @pytest.fixture
    def opening(self, tmp_path: Path) -> list[str]:
        return ["sqlite", str(tmp_path / "exports.db")]
