"""Journal lines appended to a CSV file that any spreadsheet or import takes.

    poster = CsvPoster("journal.csv")

One row per line item; ``COLUMNS`` of ``posters.rows`` says what is in them. What was posted is on disk and stays
so through SIGKILL: an entry that was torn in the middle of its writing is removed when the file is next opened,
and then booked again. Several processes may write the same file. It is only ever appended to; whoever
wants to edit it edits a copy, or the poster refuses it. POSIX only, on a local disk (it locks with ``flock``).
"""

from __future__ import annotations

import asyncio
from os import PathLike
from pathlib import Path
from typing import Final

from ..errors import ConfigurationError
from ..models import AccountingRecord
from ..sync.content import is_live
from ..sync.keys import ExportKey
from ..sync.poster import NotNow, Outcome, Posted, Recovery, Rejected, RejectionCode, Skipped
from .csv_file import CsvFile
from .rows import rows_of

__all__ = ["CsvPoster"]

_LONGEST_CELL: Final = 32_767
"""What spreadsheets take."""


class CsvPoster:
    """Books records as rows of the CSV file at ``path``, which is made when it is missing.

    After an unknown outcome the file is asked. A new revision is an entry of its own, whose ``supersedes`` names
    the one to reverse. The reference of an entry is its key. Move the file away only while no export uses it.
    """

    recovery: Recovery = "find"

    def __init__(self, path: str | PathLike[str]) -> None:
        self._file = CsvFile(Path(path))

    async def check(self) -> None:
        """Raise if the file cannot be written, or was changed by somebody else; mend it if it was torn."""
        await asyncio.to_thread(self._file.has, "")

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        """Append the record's lines. An entry that is there already stays, and is what was posted."""
        if not is_live(record):
            return Skipped("it is not due") if supersedes is None else _to_reverse(supersedes)
        if not record.is_balanced:
            return Rejected(RejectionCode.UNBALANCED, "Debits and credits of the record differ, or a side is missing")
        rows = rows_of(record, key, supersedes)
        if any(len(cell) > _LONGEST_CELL for row in rows for cell in row):
            return Rejected(RejectionCode.TOO_LONG, f"A text of the record is longer than {_LONGEST_CELL} characters")
        try:
            await asyncio.to_thread(self._file.add, key, rows)
        except ConfigurationError as error:
            return NotNow(str(error))
        return Posted(str(key))

    async def find(self, key: ExportKey) -> Posted | None:
        """The entry with the key."""
        return Posted(str(key)) if await asyncio.to_thread(self._file.has, key) else None


def _to_reverse(supersedes: ExportKey) -> Rejected:
    return Rejected(RejectionCode.OTHER, f"Reverse entry {supersedes} in the books: the bill is no longer due")
