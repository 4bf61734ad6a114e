"""Every cell of the matrix about fields and companies, and that it notices what it is there for."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from brex_accounting.companies import endpoints as company_endpoints
from brex_accounting.fields import endpoints
from brex_accounting.session.call import Repeat

from .canary import Canary
from .field_matrix import FIELD_MATRIX
from .field_operations import FIELD_OPERATIONS
from .kinds import KINDS, MISSING
from .matrix import cells_of
from .running import run_cell

pytestmark = pytest.mark.usefixtures("idle_time")
SLOW = pytest.mark.slow
TELLING = ("slow-answer", "cut-half", "500-before")

ALIKE = {
    *("cut-0", "cut-1", "cut-last", "length-long", "length-short", "length-odd", "garbage", "bomb-deflate", "bomb-br"),
    *("bomb-zstd", "502-after", "504-after", "520", "520-after", "429-zero", "429-part", "429-negative", "429-date"),
    *("429-nan", "429-inf", "429-underscore", "429-arabic", "429-year-9999", "429-past-deadline", "503-zero"),
}
"""Kinds that come to what another kind comes to, in every column of either matrix."""

ROWS = {
    "READ": ("list values",),
    "CREATE": ("create values",),
    "UPDATE": ("update values",),
    "DELETE": ("delete values",),
}


def cells(fault: str) -> Iterator[tuple[str, str]]:
    return cells_of(FIELD_MATRIX[fault], FIELD_OPERATIONS)


async def red(operations: tuple[str, ...]) -> list[str]:
    found = []
    for fault in TELLING:
        for operation, expected in cells(fault):
            if operation in operations:
                seen = await run_cell(fault, operation, operations=FIELD_OPERATIONS)
                found += [f"{fault}, {operation}: {seen}"] if seen != expected else []
    return found


def test_every_kind_of_fault_has_a_row() -> None:
    """No kind is forgotten in the table, and none is written that does not exist."""
    assert list(FIELD_MATRIX) == list(KINDS)


@pytest.mark.parametrize("fault", [pytest.param(one, marks=SLOW if one in ALIKE else ()) for one in FIELD_MATRIX])
async def test_a_row_of_the_matrix(fault: str) -> None:
    """Outcome, requests counted at the server and claims are as written down; no token and no value is printed."""
    assert fault not in MISSING, "the [dev] extra installs its decoder"
    with Canary() as canary:
        seen = {name: await run_cell(fault, name, canary, operations=FIELD_OPERATIONS) for name, _ in cells(fault)}
    assert seen == dict(cells(fault))
    assert canary.lines
    assert canary.hits() == []


def test_no_change_is_lost_from_sight() -> None:
    """Wherever a change was processed and an error came back, the error says that it may have happened."""
    seen = 0
    for fault in FIELD_MATRIX:
        for operation, cell in cells(fault):
            outcome, numbers, *claims = cell.split(" ")
            if operation not in ("list values", "company") and outcome != "ok" and not numbers.endswith("-0"):
                assert claims == ["maybe"], (fault, operation)
                seen += 1
    assert seen > 40


def test_no_value_is_written_twice_and_none_is_missed() -> None:
    """A fault that ends costs a value nothing: what was created, changed or deleted is so, whatever was lost."""
    for fault in FIELD_MATRIX:
        outcomes = {cell.split(" ")[0] for operation, cell in cells(fault) if operation.endswith("values")}
        assert "NotFound" not in outcomes
        assert not {"BrexError", "WRONG"} & {cell.split(" ")[0] for _, cell in cells(fault)}


@pytest.mark.parametrize("name", ROWS)
async def test_a_flipped_repeat_turns_cells_red(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """With the opposite of a row's ``after_ambiguous`` the matrix no longer holds; with the row itself it does."""
    assert await red(ROWS[name]) == []
    row = getattr(endpoints, name)
    monkeypatch.setattr(endpoints, name, attrs.evolve(row, after_ambiguous=not row.after_ambiguous))
    assert len(await red(ROWS[name])) == len(TELLING) * len(ROWS[name])


async def test_the_flipped_repeat_of_the_company_turns_cells_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one row of the operation about companies is noticed as well."""
    row = company_endpoints.READ
    monkeypatch.setattr(company_endpoints, "READ", attrs.evolve(row, after_ambiguous=False))
    assert len(await red(("company",))) == len(TELLING)


def test_every_repeat_of_the_endpoints_is_flipped() -> None:
    """The rows above are all that there are, and each says on which sentence it rests."""
    rows = {name: value for name, value in vars(endpoints).items() if isinstance(value, Repeat)}
    assert set(rows) == set(ROWS)
    assert all(row.because.endswith(".") for row in rows.values())
    assert [value for value in vars(company_endpoints).values() if isinstance(value, Repeat)] == [
        company_endpoints.READ
    ]
