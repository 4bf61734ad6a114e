"""What CSV files of ours hold, read row by row. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from ..contents import Changed
from ..standing import EntryIndex
from .entry_rows import COLUMNS, entry_of
from .rows import COLUMNS as COLUMNS_AS_SENT
from .rows import is_end, is_whole, parse

__all__ = ["EntryRows", "Rows"]


class Rows:
    """The keys of a file's entries. The first column is the key, the last the entry's end."""

    columns: Sequence[str] = COLUMNS_AS_SENT

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self._entry: list[list[str]] = []

    def take(self, line: bytes) -> bool:
        """The next line."""
        row = parse(line, self.columns)
        if row is None:
            raise Changed
        self._entry.append(row)
        if not is_end(row):
            return False
        if not is_whole(self._entry):
            raise Changed
        self.keep(self._entry)
        self._entry = []
        return True

    def drop(self, rest: bytes) -> None:  # noqa: ARG002 - a row may be torn anywhere
        """Forget the rows of an entry without an end."""
        self._entry = []

    def keep(self, rows: Sequence[Sequence[str]]) -> None:
        """An entry is whole."""
        self.keys.add(rows[0][0])


class EntryRows(Rows):
    """The entries of a file that is kept with a chart."""

    columns: Sequence[str] = COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self.index: EntryIndex = EntryIndex()

    def keep(self, rows: Sequence[Sequence[str]]) -> None:
        """An entry is whole."""
        self.index.add(entry_of(rows))
