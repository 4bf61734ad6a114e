"""Tables fit where there is little room, and every amount stays whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from brex_accounting.cli.tables import Column, Table, lines

COLUMNS = (
    *(Column("entity"), Column("currency"), Column("account"), Column("count", is_number=True)),
    *(Column("debits", is_number=True), Column("moved", is_number=True, may_go=True)),
)


def table(*rows: tuple[str, ...], heads: int = 2) -> Table:
    return Table(title="A table", columns=COLUMNS, rows=rows, heads=heads)


WIDE = table(
    ("LWI", "USD", "6100 Airfare", "12", "12345678901234.56", "0.00"),
    ("LWI", "USD", "6110 Lodging", "1", "7.00", "0.00"),
    ("LWU", "GBP", "6100 Airfare", "1", "-7.00", "0.00"),
)


def test_with_room_every_column_is_there_and_numbers_end_together() -> None:
    """As on a page, or in a pipe."""
    found = list(lines(WIDE, None))
    assert found == [
        "entity  currency  account       count             debits  moved",
        "LWI     USD       6100 Airfare     12  12345678901234.56   0.00",
        "LWI     USD       6110 Lodging      1               7.00   0.00",
        "LWU     GBP       6100 Airfare      1              -7.00   0.00",
    ]
    assert list(lines(WIDE, len(found[0]))) == found


def test_with_less_room_empty_columns_go_then_heads_stand_above() -> None:
    """A column that holds something never goes."""
    assert next(lines(WIDE, 60)) == "entity  currency  account       count             debits"
    assert list(lines(WIDE, 50)) == [
        "  account       count             debits",
        "LWI  USD",
        "  6100 Airfare     12  12345678901234.56",
        "  6110 Lodging      1               7.00",
        "LWU  GBP",
        "  6100 Airfare      1              -7.00",
    ]
    moved = table(("LWI", "USD", "6100 Airfare", "1", "7.00", "-0.01"))
    assert "moved" in next(lines(moved, 50))


def test_each_group_has_only_the_columns_it_needs_before_values_are_listed() -> None:
    """A column that one group needs costs the others nothing; a group that does not fit is listed by itself."""
    mixed = table(
        ("LWI", "USD", "6100 Airfare", "12", "12345678901234.56", "0.00"),
        ("LWU", "GBP", "6100 Airfare", "1", "7.00", "-7.00"),
    )
    assert list(lines(mixed, 40)) == [
        "LWI  USD",
        "  account       count             debits",
        "  6100 Airfare     12  12345678901234.56",
        "LWU  GBP",
        "  account       count  debits  moved",
        "  6100 Airfare      1    7.00  -7.00",
    ]
    assert list(lines(mixed, 36))[1:5] == [
        "  account  6100 Airfare",
        "  count    12",
        "  debits   12345678901234.56",
        "LWU  GBP",
    ]


def test_with_hardly_any_room_each_value_has_a_line() -> None:
    """Amounts are whole, however narrow it is."""
    found = list(lines(WIDE, 20))
    assert found[:4] == ["LWI  USD", "  account  6100 Airfare", "  count    12", "  debits   12345678901234.56"]


def test_wide_characters_count_for_two() -> None:
    """An account named in Japanese stands in line."""
    (head, first, second) = lines(
        table(("LWJ", "JPY", "旅費", "1", "120", "0"), ("LWJ", "JPY", "x", "1", "9", "0")), None
    )
    assert cell_len(first) == cell_len(second) == cell_len(head)


def test_a_table_without_rows_is_its_columns() -> None:
    """Nothing fails."""
    assert list(lines(table(), None)) == ["entity  currency  account  count  debits  moved"]


AMOUNT = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**17), max_value=10**17)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["LWI", "LWU", ""]), st.sampled_from(["USD", "JPY"]), st.text(max_size=30), AMOUNT, AMOUNT
    ),
    min_size=1,
    max_size=6,
)


@given(ROWS, st.integers(1, 120))
def test_no_amount_is_lost_or_shortened(rows: list[tuple[object, ...]], width: int) -> None:
    """In the order of the rows, at any width; and what fits a line at all keeps to the width."""
    texts = [(*(str(cell).replace("\n", " ") for cell in row[:3]), "1", *map(str, row[3:])) for row in rows]
    found = "\n".join(lines(table(*texts), width))
    at = 0
    for row in texts:
        at = found.index(row[4], at) + len(row[4])
        if row[5].strip("-0."):
            at = found.index(row[5], at) + len(row[5])


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_what_fits_keeps_to_the_width(width: int) -> None:
    """No line of a table that has a layout for this width is longer."""
    assert max(map(cell_len, lines(WIDE, width))) <= width
