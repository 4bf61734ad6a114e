"""Tables of text: as wide as they need to be, or laid out so that they fit. No amount is ever shortened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import attrs
from rich.cells import cell_len

__all__ = ["Column", "Table", "lines"]

_GAP: Final = "  "


@attrs.frozen
class Column:
    """``is_number``: set to the right. ``may_go``: left out where it holds nothing and there is no room."""

    name: str
    is_number: bool = False
    may_go: bool = False


@attrs.frozen(kw_only=True)
class Table:
    """Rows under columns. The first ``heads`` columns say what a group of rows has in common."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    heads: int = 0


def lines(table: Table, width: int | None) -> Iterator[str]:
    """The table without its title, in at most ``width`` cells as far as its texts allow; None: any width.

    Where there is no room, columns that hold nothing go first, then the heads of a group stand once above it, then
    each group has only the columns it needs, and in the end each value stands on a line of its own.
    """
    for layout in (_plain, _without_empty, _grouped):
        found = list(layout(table))
        if _fit(found, width):
            yield from found
            return
    for _, rows in groupby(table.rows, key=lambda row: row[: table.heads]):
        group = _narrowed(attrs.evolve(table, rows=list(rows)))
        found = list(_under_heads(group))
        yield from found if _fit(found, width) else _one_by_one(group)


def _fit(found: Sequence[str], width: int | None) -> bool:
    return width is None or all(cell_len(line) <= width for line in found)


def _plain(table: Table) -> Iterator[str]:
    return _aligned(table.columns, table.rows)


def _without_empty(table: Table) -> Iterator[str]:
    return _plain(_narrowed(table))


def _grouped(table: Table) -> Iterator[str]:
    small = _narrowed(table)
    cells = [_GAP + line for line in _aligned(small.columns[small.heads :], [row[small.heads :] for row in small.rows])]
    yield cells[0]
    for heads, rows in groupby(zip(small.rows, cells[1:], strict=True), key=lambda pair: pair[0][: small.heads]):
        yield _GAP.join(heads)
        yield from (line for _, line in rows)


def _under_heads(group: Table) -> Iterator[str]:
    yield _GAP.join(group.rows[0][: group.heads])
    rest = [row[group.heads :] for row in group.rows]
    yield from (_GAP + line for line in _aligned(group.columns[group.heads :], rest))


def _one_by_one(group: Table) -> Iterator[str]:
    names = [column.name for column in group.columns[group.heads :]]
    widest = max(map(cell_len, names), default=0)
    for row in group.rows:
        yield _GAP.join(row[: group.heads])
        yield from (
            f"{_GAP}{_padded(name, widest)}{_GAP}{cell}" for name, cell in zip(names, row[group.heads :], strict=True)
        )


def _narrowed(table: Table) -> Table:
    kept = [
        at
        for at, column in enumerate(table.columns)
        if not column.may_go or not all(_is_nothing(row[at]) for row in table.rows)
    ]
    return attrs.evolve(
        table, columns=[table.columns[at] for at in kept], rows=[[row[at] for at in kept] for row in table.rows]
    )


def _is_nothing(cell: str) -> bool:
    return not cell.strip("0.")


def _aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    names = [column.name for column in columns]
    widths = [max(map(cell_len, cells)) for cells in zip(names, *rows, strict=True)]
    for row in (names, *rows):
        cells = (
            _padded(cell, width, is_number=column.is_number)
            for column, width, cell in zip(columns, widths, row, strict=True)
        )
        yield _GAP.join(cells).rstrip()


def _padded(cell: str, width: int, *, is_number: bool = False) -> str:
    blank = " " * (width - cell_len(cell))
    return blank + cell if is_number else cell + blank
