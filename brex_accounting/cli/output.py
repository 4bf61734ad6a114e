"""Records as JSON Lines, CSV or a table, a line at a time, so that any number fits in memory."""

from __future__ import annotations

import csv
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from typing import Literal, Protocol

from ..converters import to_json
from ..models import AccountingRecord, LineItem
from .console import one_line

__all__ = ["Format", "Writer", "ends_in_a_cut_line", "open_writer"]

Format = Literal["jsonl", "table", "csv"]

_CSV_COLUMNS = (
    *("record_id", "type", "review_status", "source_type", "source_id", "accounting_date", "version"),
    *("vendor", "memo", "line_id", "side", "amount", "currency", "coding"),
)
_TABLE = (("DATE", 10), ("TYPE", 30), ("STATUS", 16), ("AMOUNT", 18), ("CUR", 3), ("VENDOR", 24), ("ID", 34))


class Writer(Protocol):
    """Writes records to stdout."""

    def header(self) -> None:
        """What comes before the first record."""

    def write(self, record: AccountingRecord) -> None:
        """One record."""

    def end_line(self) -> None:
        """What comes next stands on a line of its own."""

    def flush(self) -> None:
        """Hand everything written to the reader, in one piece: what is killed seldom cuts a line."""


def open_writer(format_: Format) -> Writer:
    """The writer of a format."""
    # Bytes: the locale's encoding may not hold what Brex sends.
    out = sys.stdout.buffer
    if format_ == "csv":
        return _Lines(out.write, out.flush, _csv_header, _csv_lines)
    if format_ == "table":
        return _Lines(out.write, out.flush, _table_header, _table_line)
    return _Lines(out.write, out.flush, lambda: b"", lambda record: to_json(record) + b"\n")


def ends_in_a_cut_line() -> bool:
    """Whether stdout is a file, opened to append to, whose last line has no end. False where it can't be looked at."""
    try:
        end = os.fstat(sys.stdout.fileno())
        if not stat.S_ISREG(end.st_mode) or not end.st_size:
            return False
        # Stdout itself can only be written to.
        file = os.open(f"/dev/fd/{sys.stdout.fileno()}", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.pread(file, 1, end.st_size - 1) != b"\n"
    finally:
        os.close(file)


class _Lines:
    def __init__(
        self,
        write: Callable[[bytes], object],
        flush: Callable[[], object],
        header: Callable[[], bytes],
        line: Callable[[AccountingRecord], bytes],
    ) -> None:
        self._write = write
        self._flush = flush
        self._header = header
        self._line = line
        self._lines: list[bytes] = []

    def header(self) -> None:
        self._lines.append(self._header())

    def write(self, record: AccountingRecord) -> None:
        self._lines.append(self._line(record))

    def end_line(self) -> None:
        self._lines.append(b"\n")

    def flush(self) -> None:
        self._write(b"".join(self._lines))
        self._lines.clear()
        self._flush()


def _csv_header() -> bytes:
    return _csv_bytes([list(_CSV_COLUMNS)])


def _csv_lines(record: AccountingRecord) -> bytes:
    return _csv_bytes([[_not_a_formula(cell) for cell in row] for row in _rows(record)])


def _rows(record: AccountingRecord) -> Iterator[list[str]]:
    start = [
        *(record.id, record.type, record.review_status, record.source_type, record.source_id or ""),
        *(record.accounting_date.isoformat(), str(record.version)),
        record.vendor.name if record.vendor else "",
    ]
    for line in record.line_items:
        yield [*start, line.memo or record.memo or "", line.id, line.type, *_money(line), _coding(line)]
    if not record.line_items:
        yield [*start, record.memo or "", "", "", f"{record.amount.amount:f}", record.amount.currency, ""]


def _money(line: LineItem) -> tuple[str, str]:
    return f"{line.amount.amount:f}", line.amount.currency


def _coding(line: LineItem) -> str:
    return "; ".join(
        f"{one.field_name or one.remote_field_id or one.brex_field_id}={_value(one.field_value_name, one)}"
        for one in line.coding
    )


def _value(name: str | None, one: object) -> str:
    ids = (getattr(one, "remote_field_value_id", None), getattr(one, "brex_field_value_id", None))
    return name or next((found for found in ids if found), "")


def _not_a_formula(cell: str) -> str:
    # A spreadsheet runs a cell that begins like this, and memos are written by anyone. Amounts pass.
    risky = cell.startswith(("=", "+", "@", "\t", "\r")) or (cell.startswith("-") and not cell[1:2].isdigit())
    return f"'{cell}" if risky else cell


def _csv_bytes(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _table_header() -> bytes:
    return _table_row([name for name, _ in _TABLE])


def _table_line(record: AccountingRecord) -> bytes:
    return _table_row(
        [
            record.accounting_date.isoformat(),
            record.type,
            record.review_status,
            f"{record.amount.amount:f}",
            record.amount.currency,
            record.vendor.name if record.vendor else "",
            record.id,
        ]
    )


def _table_row(cells: list[str]) -> bytes:
    padded = []
    for (name, width), cell in zip(_TABLE, cells, strict=True):
        # Amounts and ids are never cut: a shortened one is a wrong one.
        text = one_line(cell, width if name in ("TYPE", "VENDOR") else 200)
        padded.append(text.rjust(width) if name == "AMOUNT" else text.ljust(width))
    return ("  ".join(padded).rstrip() + "\n").encode()
