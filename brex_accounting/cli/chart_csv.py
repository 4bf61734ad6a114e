"""An accounting system's chart as CSV: one value per line, under a heading."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..fields.models import NewFieldValue
from .console import UsageError

__all__ = ["read_chart"]

_REQUIRED: Final = ("remote_id", "value")
_OPTIONAL: Final = ("value_id", "is_disabled")
_SWITCH: Final = {"": None, "true": True, "false": False}


def read_chart(path: Path) -> list[NewFieldValue]:
    """The values of a file. Raises ``UsageError`` with the line, and ``OSError`` when it cannot be read."""
    try:
        # Spreadsheets put a mark at the beginning.
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_values(csv.reader(file, strict=True), path))
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8; save it as 'CSV UTF-8'") from None
    except csv.Error as error:
        raise UsageError(f"{path} is not CSV: {error}") from None


def _values(rows: Iterator[list[str]], path: Path) -> Iterator[NewFieldValue]:
    heading = [cell.strip() for cell in next(rows, [])]
    missing = [name for name in _REQUIRED if name not in heading]
    unknown = [name for name in heading if name not in (*_REQUIRED, *_OPTIONAL)]
    if missing or unknown or len(set(heading)) < len(heading):
        wanted = f"{', '.join(_REQUIRED)} and, if you like, {', '.join(_OPTIONAL)}"
        raise UsageError(f"the first line of {path} names the columns {wanted}, each once and separated by commas")
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(heading):
            raise UsageError(f"{path}, row {number} has {len(row)} cells under {len(heading)} headings")
        yield _value(dict(zip(heading, map(str.strip, row), strict=True)), f"{path}, row {number}")


def _value(cells: dict[str, str], where: str) -> NewFieldValue:
    switch = cells.get("is_disabled", "").lower()
    if switch not in _SWITCH:
        raise UsageError(f"{where}: is_disabled is true, false or empty")
    for name in _REQUIRED:
        if not cells[name]:
            raise UsageError(f"{where}: {name} is empty")
    return NewFieldValue(
        value=cells["value"],
        remote_id=cells["remote_id"],
        value_id=cells.get("value_id") or None,
        is_disabled=_SWITCH[switch],
    )
