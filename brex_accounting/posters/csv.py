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

from ..errors import ConfigurationError
from ..models import AccountingRecord
from ..sync.content import is_live
from ..sync.keys import ExportKey
from ..sync.poster import NotNow, Outcome, Posted, Recovery, Rejected, RejectionCode, Skipped
from . import entry_rows
from .csv_file import CsvFile
from .entries import Entry
from .rows import COLUMNS, rows_of
from .standing import appended, standing_under

if TYPE_CHECKING:
    from .chart import Chart

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
        self._chart = chart
        self._file = CsvFile(Path(path), COLUMNS if chart is None else entry_rows.COLUMNS)

    async def check(self) -> None:
        """Raise if the file cannot be written, or was changed by somebody else; mend it if it was torn."""
        await asyncio.to_thread(self._file.has, "")

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        """Append the record's lines. An entry that is there already stays, and is what was posted."""
        try:
            if self._chart is None:
                return await self._post_as_sent(record, key, supersedes)
            return await asyncio.to_thread(self._post_by, self._chart, record, key, supersedes)
        except ConfigurationError as error:
            return NotNow(str(error))

    async def find(self, key: ExportKey) -> Posted | None:
        """The entry with the key."""
        return Posted(str(key)) if await asyncio.to_thread(self._file.has, key) else None

    async def entries(self) -> tuple[Entry, ...]:
        """What the file holds, in the order written; nothing when there is no file. It is left as it is.

        Raises ``ConfigurationError`` without a chart: there are no accounts in such a file.
        """
        if self._chart is None:
            raise ConfigurationError("a CSV file holds accounts only when it is kept with a chart: give one")
        return await asyncio.to_thread(self._entries)

    async def _post_as_sent(self, record: AccountingRecord, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        if not is_live(record):
            return Skipped("it is not due") if supersedes is None else _to_reverse(supersedes)
        if not record.is_balanced:
            return Rejected(RejectionCode.UNBALANCED, "Debits and credits of the record differ, or a side is missing")
        rows = rows_of(record, key, supersedes)
        if _is_too_long(rows):
            return _too_long()
        await asyncio.to_thread(self._file.add, key, rows)
        return Posted(str(key))

    def _post_by(self, chart: Chart, record: AccountingRecord, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        # Here: the rules need the currency table, and a journal without a chart does not.
        from .rules import entries_for

        standing = standing_under(self._entries(), supersedes, is_live=is_live(record)) if supersedes else None
        made = entries_for(record, chart, key=key, supersedes=supersedes, standing=standing)
        if not isinstance(made, tuple):
            return made
        pieces = [(entry.key, entry_rows.rows_of_entry(entry)) for entry in appended(made, standing)]
        if any(_is_too_long(rows) for _, rows in pieces):
            return _too_long()
        for piece_key, rows in pieces:
            self._file.add(piece_key, rows)
        return Posted(str(key))

    def _entries(self) -> tuple[Entry, ...]:
        return tuple(map(entry_rows.entry_of, self._file.entries()))


def _is_too_long(rows: Iterable[Sequence[str]]) -> bool:
    return any(len(cell) > _LONGEST_CELL for row in rows for cell in row)


def _too_long() -> Rejected:
    return Rejected(RejectionCode.TOO_LONG, f"A text of the record is longer than {_LONGEST_CELL} characters")


def _to_reverse(supersedes: ExportKey) -> Rejected:
    return Rejected(RejectionCode.OTHER, f"Reverse entry {supersedes} in the books: the bill is no longer due")
