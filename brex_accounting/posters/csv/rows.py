"""A record as rows of a CSV file, and whether rows read back are a whole entry. No I/O.

Every row is one physical line. An entry's rows follow each other; the last one's ``entry_end`` says how many they
are and carries a checksum, and only that makes the entry one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from typing import Final

from ...models import AccountingFieldValue, AccountingRecord, LineItem
from ...sync.keys import ExportKey

__all__ = [
    "COLUMNS",
    "HEADER",
    "encode",
    "end_of",
    "flat",
    "header_of",
    "is_end",
    "is_formula",
    "is_whole",
    "parse",
    "rows_of",
    "safe",
]

COLUMNS: Final = (
    *("key", "supersedes", "record_id", "date", "type", "source_type", "source_id", "vendor_id", "vendor"),
    *("invoice_number", "memo", "line", "line_id", "side", "amount", "currency", "line_memo", "coding", "entry_end"),
)
"""The columns, in order. ``date`` is the accounting date. ``amount`` is exact, in major units, as Brex sent it;
``side`` gives the direction. ``coding`` lists the line's field values as FIELD=VALUE, in your ids where Brex knows
them, with "; " between. ``supersedes`` is the key of the entry that this one takes the place of: reverse that one.
"""

# Whatever the columns: the first is the key, the last the end.
_KEY: Final = 0
_END: Final = -1
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets read the wide ones too
_BREAKS: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]+")


def safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: with an apostrophe before it, unless it is a plain number.

    Line breaks and control characters become a blank.
    """
    line = flat(text)
    return f"'{line}" if is_formula(line) else line


def flat(text: str) -> str:
    """The text on one line."""
    return _BREAKS.sub(" ", text)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run it."""
    return text.startswith(_FORMULA) and not _NUMBER.fullmatch(text)


def rows_of(record: AccountingRecord, key: ExportKey, supersedes: ExportKey | None) -> list[list[str]]:
    """An entry's rows."""
    vendor = record.vendor
    head = [
        *(key, supersedes or "", record.id, record.accounting_date.isoformat(), record.type, record.source_type),
        *(record.source_id or "", vendor.id if vendor else "", vendor.name if vendor else ""),
        *(record.invoice_number or "", record.memo or ""),
    ]
    rows = [
        [safe(str(cell)) for cell in [*head, number, *_line(line)]] for number, line in enumerate(record.line_items, 1)
    ]
    end = end_of(rows)
    return [[*row, end if row is rows[-1] else ""] for row in rows]


def _line(line: LineItem) -> list[str]:
    money = line.amount
    coding = "; ".join(map(_coded, line.coding))
    return [line.id, line.type, f"{money.amount:f}", money.currency, line.memo or "", coding]


def _coded(value: AccountingFieldValue) -> str:
    field = value.remote_field_id or value.field_name or value.brex_field_id
    return f"{field}={value.remote_field_value_id or value.brex_field_value_id or ''}"


def encode(rows: Sequence[Sequence[str]]) -> bytes:
    """The bytes of rows, each with its line end."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def header_of(columns: Sequence[str]) -> bytes:
    """The first line of a file with these columns."""
    return (",".join(columns) + "\n").encode()


HEADER: Final = header_of(COLUMNS)
"""The first line of a file of these rows."""


def parse(line: bytes, columns: Sequence[str] = COLUMNS) -> list[str] | None:
    """The cells of one physical line without its end, None when it is no row of these columns."""
    try:
        rows = list(csv.reader([line.decode()], strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    return rows[0] if len(rows) == 1 and len(rows[0]) == len(columns) else None


def is_end(row: Sequence[str]) -> bool:
    """Whether a row says that its entry ends with it."""
    return row[_END] != ""


def is_whole(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows up to an end are one entry as it was written."""
    return rows[-1][_END] == end_of([row[:_END] for row in rows]) and len({row[_KEY] for row in rows}) == 1


def end_of(rows: Sequence[Sequence[str]]) -> str:
    """What the last row of an entry says in its last column. The rows are given without that column."""
    text = "\x1e".join("\x1f".join(row) for row in rows)
    checksum = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return f"{len(rows)} lines {checksum}"
