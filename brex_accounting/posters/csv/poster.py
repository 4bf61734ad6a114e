"""Journal lines appended to a CSV file that any spreadsheet or import takes.

    poster = CsvPoster("journal.csv", parse_chart(Path("chart.toml").read_text()))

One row per line item. With a chart the posting rules decide what is booked, on which accounts; ``COLUMNS`` of
``posters.entry_rows`` says what is in the columns. Without one every balanced record is written as Brex sent it,
with the columns of ``posters.rows``. What was posted is on disk and stays so through SIGKILL: an entry that was
torn in the middle of its writing is removed when the file is next opened, and then booked again. Several processes
may write the same file. It is only ever appended to; whoever wants to edit it edits a copy, or the poster refuses
it. POSIX only, on a local disk (it locks with ``flock``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import ConfigurationError
from ...models import AccountingRecord
from ...sync.content import is_live
from ...sync.keys import ExportKey
from ...sync.poster import NotNow, Outcome, Posted, Recovery, Rejected, RejectionCode, Skipped
from ..entries import Entry
from ..standing import append_only
from .entry_rows import rows_of_entry
from .file import CsvFile, ledger_file
from .rows import encode, rows_of

if TYPE_CHECKING:
    from ..chart import Chart

__all__ = ["CsvPoster"]

_LONGEST_CELL: Final = 32_767
"""What spreadsheets take."""


class CsvPoster:
    """Books records as rows of the CSV file at ``path``, which is made when it is missing.

    After an unknown outcome the file is asked. The reference of an entry is its key. Move the file away only
    while no export uses it.

    With a ``chart`` a changed record is a reversal and a replacement, so that the file always adds up to what
    stands. Without one a new revision is an entry of its own, whose ``supersedes`` names the one to reverse.
    """

    recovery: Recovery = "find"

    def __init__(self, path: str | PathLike[str], chart: Chart | None = None) -> None:
        self._books = _AsSent(Path(path)) if chart is None else _Charted(Path(path), chart)

    async def check(self) -> None:
        """Raise if the file cannot be written, or was changed by somebody else; mend it if it was torn."""
        await asyncio.to_thread(self._books.has, ExportKey("-"))

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        """Append the record's lines. An entry that is there already stays, and is what was posted."""
        try:
            return await asyncio.to_thread(self._books.post, record, key, supersedes)
        except ConfigurationError as error:
            return NotNow(str(error))

    async def find(self, key: ExportKey) -> Posted | None:
        """The entry with the key."""
        return Posted(str(key)) if await asyncio.to_thread(self._books.has, key) else None

    async def entries(self) -> tuple[Entry, ...]:
        """What the file holds, in the order written; nothing when there is no file. It is left as it is.

        Raises ``ConfigurationError`` without a chart: there are no accounts in such a file.
        """
        if isinstance(self._books, _AsSent):
            raise ConfigurationError("a CSV file holds accounts only when it is kept with a chart: give one")
        return await asyncio.to_thread(self._books.entries)


class _AsSent:
    """Records as Brex sent them, without accounts. What blocks waits for other writers and for the disk."""

    def __init__(self, path: Path) -> None:
        self._file = CsvFile(path)

    def has(self, key: ExportKey) -> bool:
        return self._file.has(key)

    def post(self, record: AccountingRecord, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        if not is_live(record):
            return Skipped("it is not due") if supersedes is None else _to_reverse(supersedes)
        if not record.is_balanced:
            return Rejected(RejectionCode.UNBALANCED, "Debits and credits of the record differ, or a side is missing")
        rows = rows_of(record, key, supersedes)
        if _is_too_long(rows):
            return _too_long()
        self._file.add(key, rows)
        return Posted(str(key))


class _Charted:
    """The entries of the posting rules, with their accounts. It blocks in the same way."""

    def __init__(self, path: Path, chart: Chart) -> None:
        self._file = ledger_file(path)
        self._chart = chart

    def has(self, key: ExportKey) -> bool:
        with self._file.opened() as file:
            return key in file.contents.index.entries

    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._file.looked_at().index.entries.values())

    def post(self, record: AccountingRecord, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        # Here: the rules need the currency table, and a journal without a chart does not.
        from ..rules import entries_for

        with self._file.opened() as file:
            index = file.contents.index
            if key in index.entries:
                return Posted(str(key))
            standing = index.standing(supersedes, is_live=is_live(record)) if supersedes else None
            made = entries_for(record, self._chart, key=key, supersedes=supersedes, standing=standing)
            if not isinstance(made, tuple):
                return made
            pieces = [rows_of_entry(entry) for entry in append_only(made, standing)]
            if any(map(_is_too_long, pieces)):
                return _too_long()
            for rows in pieces:
                file.append(encode(rows))
        return Posted(str(key))


def _is_too_long(rows: Iterable[Sequence[str]]) -> bool:
    return any(len(cell) > _LONGEST_CELL for row in rows for cell in row)


def _too_long() -> Rejected:
    return Rejected(RejectionCode.TOO_LONG, f"A text of the record is longer than {_LONGEST_CELL} characters")


def _to_reverse(supersedes: ExportKey) -> Rejected:
    return Rejected(RejectionCode.OTHER, f"Reverse entry {supersedes} in the books: the bill is no longer due")
