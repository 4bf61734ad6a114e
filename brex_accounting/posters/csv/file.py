"""The file under ``CsvPoster``: entries made of rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..appended import AppendedFile
from .contents import EntryRows, Rows
from .rows import encode, header_of, safe

__all__ = ["CsvFile", "ledger_file"]

_WHAT: Final = "CSV file"
_HINT: Final = ". One that was begun without a chart has no accounts, and goes on without one"


class CsvFile:
    """Entries in a CSV file without accounts. Every method blocks, and raises, as ``AppendedFile`` does."""

    def __init__(self, path: Path) -> None:
        self._file = AppendedFile(path, what=_WHAT, header=header_of(Rows.columns), contents=Rows, hint=_HINT)

    def has(self, key: str) -> bool:
        """Whether there is an entry with the key."""
        with self._file.opened() as file:
            return safe(key) in file.contents.keys

    def add(self, key: str, rows: Sequence[Sequence[str]]) -> bool:
        """Append an entry, on disk before this returns. False when there is one with the key, which stays."""
        with self._file.opened() as file:
            if safe(key) in file.contents.keys:
                return False
            file.append(encode(rows))
            return True


def ledger_file(path: Path) -> AppendedFile[EntryRows]:
    """A CSV file of entries with their accounts."""
    return AppendedFile(path, what=_WHAT, header=header_of(EntryRows.columns), contents=EntryRows, hint=_HINT)
