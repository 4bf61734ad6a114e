"""The ERP's disk: one SQLite file. What was committed is there after SIGKILL."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from .options import Options
from .values import Document

__all__ = ["Journal"]

_TABLES = """
CREATE TABLE IF NOT EXISTS documents (id TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS options (one INTEGER PRIMARY KEY CHECK (one = 1), body BLOB NOT NULL);
"""
# One ERP holds what is in the file: a second one on it would go on from an old state.
_PRAGMAS = ("busy_timeout = 1000", "locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL")


class Journal:
    """Documents and options on disk. One thread uses it, the one that made it.

    Raises ``OSError`` for a file that cannot be opened, is in use, or is none of its own.
    """

    def __init__(self, path: Path) -> None:
        with contextlib.ExitStack() as stack:
            try:
                self._database = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
                for pragma in _PRAGMAS:
                    self._database.execute(f"PRAGMA {pragma}").close()
                self._database.executescript(_TABLES).close()
            except sqlite3.Error:
                raise OSError("the store is in use, cannot be opened, or is no file of a fake ERP") from None
            stack.pop_all()

    def documents(self) -> list[Document]:
        """Every document, oldest first."""
        with closing(self._database.execute("SELECT body FROM documents ORDER BY rowid")) as rows:
            return [msgspec.json.decode(body, type=Document) for (body,) in rows]

    def options(self) -> Options | None:
        """The options that were kept, None in a new file."""
        with closing(self._database.execute("SELECT body FROM options")) as rows:
            found = rows.fetchone()
        return None if found is None else msgspec.json.decode(found[0], type=Options)

    def commit(self, documents: Iterable[Document]) -> None:
        """Write the new states in one step, on disk before it returns."""
        rows = [(document.id, msgspec.json.encode(document)) for document in documents]
        self._database.execute("BEGIN IMMEDIATE").close()
        try:
            for row in rows:
                # Not INSERT OR REPLACE: that would move an old document to the end.
                self._database.execute(
                    "INSERT INTO documents VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body", row
                ).close()
        except BaseException:
            self._database.execute("ROLLBACK").close()
            raise
        self._database.execute("COMMIT").close()

    def keep(self, options: Options) -> None:
        """Write the options."""
        body = msgspec.json.encode(options)
        self._database.execute("INSERT OR REPLACE INTO options VALUES (1, ?)", (body,)).close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
