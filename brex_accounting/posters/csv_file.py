"""The file under ``CsvPoster``: entries made of rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .appended import AppendedFile
from .contents import Changed
from .rows import HEADER, encode, is_end, is_whole, parse, safe

__all__ = ["CsvFile"]


class CsvFile:
    """Entries in a CSV file. Every method blocks, and raises, as ``AppendedFile`` does."""

    def __init__(self, path: Path) -> None:
        self._file = AppendedFile(path, what="CSV file", header=HEADER, contents=_Rows)

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


class _Rows:
    """What a CSV file holds."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self._entry: list[list[str]] = []

    def take(self, line: bytes) -> bool:
        row = parse(line)
        if row is None:
            raise Changed
        self._entry.append(row)
        if not is_end(row):
            return False
        if not is_whole(self._entry):
            raise Changed
        self.keys.add(row[0])
        self._entry = []
        return True

    def drop(self, rest: bytes) -> None:  # noqa: ARG002 - a row may be torn anywhere
        self._entry = []
