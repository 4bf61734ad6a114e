"""Every cell of Monite's matrix, and that the matrix notices what it is there for."""

from __future__ import annotations

import attrs
import pytest

from brex_accounting.monite import endpoints
from brex_accounting.session.call import Repeat

from .canary import Canary
from .kinds import KINDS, MISSING
from .monite_matrix import MONITE_MATRIX, cells
from .monite_running import run_cell

pytestmark = pytest.mark.usefixtures("idle_time")

TELLING = ("reset-always", "cut-half", "500-before")

ROWS = {
    "READ": ("get", "list", "record", "records first", "records middle"),
    "CREATE": ("create",),
    "DISCONNECT": ("disconnect",),
    "SYNC": ("sync",),
    "PUSH": ("push",),
}
MARKS = dict.fromkeys(("slow-request", "slow-answer", "slow-always", "never-close"), pytest.mark.slow)
"""Rows that wait most often, and whose siblings wait less."""
WRITES = ("create", "disconnect", "sync", "push")


async def red(faults: tuple[str, ...], operations: tuple[str, ...]) -> list[str]:
    found = []
    for fault in faults:
        for operation, expected in cells(fault):
            if operation in operations and (seen := await run_cell(fault, operation)) != expected:
                found.append(f"{fault}, {operation}: {seen}, not {expected}")
    return found


def test_every_kind_of_fault_has_a_row() -> None:
    """No kind is forgotten in the table, and none is written that does not exist."""
    assert list(MONITE_MATRIX) == list(KINDS)


@pytest.mark.parametrize("fault", [pytest.param(one, marks=MARKS.get(one, ())) for one in MONITE_MATRIX])
async def test_a_row_of_the_matrix(fault: str) -> None:
    """Outcome, requests counted at the server and claims are as written down; nothing secret is printed."""
    assert fault not in MISSING, "the [dev] extra installs its decoder"
    with Canary() as canary:
        seen = {operation: await run_cell(fault, operation, canary) for operation, _ in cells(fault)}
    assert seen == dict(cells(fault))
    assert canary.lines
    assert canary.hits() == []


def test_no_change_is_lost_from_sight() -> None:
    """Wherever a change was processed and an error came back, the error says that it may have happened."""
    for fault in MONITE_MATRIX:
        for operation, cell in cells(fault):
            outcome, numbers, *claims = cell.split(" ")
            if operation in WRITES and outcome != "ok" and not numbers.endswith("-0"):
                assert "maybe" in claims, (fault, operation)


def test_what_makes_something_is_processed_once_at_most() -> None:
    """No row lets a create or a push reach the sandbox twice."""
    for operation in ("create", "push"):
        seen = {
            dict(cells(fault))[operation].split(" ")[1][-2:] for fault in MONITE_MATRIX if fault != "cursor-repeats"
        }
        assert seen == {"-0", "-1"}


@pytest.mark.parametrize("name", ROWS)
async def test_a_flipped_repeat_turns_cells_red(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """With the opposite of a row's ``after_ambiguous`` the matrix no longer holds; with the row itself it does."""
    assert await red(TELLING, ROWS[name]) == []
    row = getattr(endpoints, name)
    monkeypatch.setattr(endpoints, name, attrs.evolve(row, after_ambiguous=not row.after_ambiguous))
    assert len(await red(TELLING, ROWS[name])) == len(TELLING) * len(ROWS[name])


def test_every_repeat_of_the_endpoints_is_flipped() -> None:
    """The rows above are all that there are."""
    assert {name for name, value in vars(endpoints).items() if isinstance(value, Repeat)} == set(ROWS)
