"""Every cell of the matrix, and that the matrix notices what it is there for."""

from __future__ import annotations

import logging

import attrs
import pytest

from brex_accounting import BrexError, endpoints
from brex_accounting.session.call import Repeat
from brex_accounting.session.events import CallEnded, CallStarted

from .canary import BODY, TOKEN, Canary
from .kinds import KINDS, MISSING
from .matrix import MATRIX, cells
from .running import run_cell

pytestmark = pytest.mark.usefixtures("idle_time")

TELLING = ("reset-always", "cut-half", "500-before")

ROWS = {
    "READ": ("get", "list first", "list middle"),
    "CREATE": ("create",),
    "SWITCH": ("disconnect", "reactivate"),
    "REPORT": ("report",),
}


async def red(faults: tuple[str, ...], operations: tuple[str, ...]) -> list[str]:
    found = []
    for fault in faults:
        for operation, expected in cells(fault):
            if operation in operations and (seen := await run_cell(fault, operation)) != expected:
                found.append(f"{fault}, {operation}: {seen}, not {expected}")
    return found


def test_every_kind_of_fault_has_a_row() -> None:
    """No kind is forgotten in the table, and none is written that does not exist."""
    assert list(MATRIX) == list(KINDS)


@pytest.mark.parametrize("fault", MATRIX)
async def test_a_row_of_the_matrix(fault: str) -> None:
    """Outcome, requests counted at the server and claims are as written down; nothing secret is printed."""
    assert fault not in MISSING, "the [dev] extra installs its decoder"
    with Canary() as canary:
        seen = {operation: await run_cell(fault, operation, canary) for operation, _ in cells(fault)}
    assert seen == dict(cells(fault))
    assert canary.lines
    assert canary.hits() == []


def test_no_cell_is_vague() -> None:
    """Each names one outcome and three numbers; the bare root of the errors counts as missing."""
    for fault in MATRIX:
        for _, cell in cells(fault):
            outcome, numbers, *claims = cell.split(" ")
            assert outcome not in ("BrexError", "WRONG")
            assert [part.isdigit() for part in numbers.split("-")] == [True] * 3
            assert claims in ([], ["maybe"], ["maybe", "ours"])


def test_no_change_is_lost_from_sight() -> None:
    """Wherever a change was processed and an error came back, the error says that it may have happened."""
    writes = ("create", "disconnect", "reactivate", "report")
    for fault in MATRIX:
        for operation, cell in cells(fault):
            outcome, numbers, *claims = cell.split(" ")
            if operation in writes and outcome != "ok" and not numbers.endswith("-0"):
                assert "maybe" in claims, (fault, operation)


def test_a_report_is_processed_once_at_most() -> None:
    """No row lets a report reach the sandbox twice."""
    assert {dict(cells(fault))["report"].split(" ")[1][-2:] for fault in MATRIX if fault != "cursor-repeats"} == {
        "-0",
        "-1",
    }


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


def test_the_canary_sings() -> None:
    """A secret in a log line, an event or an exception is found."""
    with Canary() as canary:
        logging.getLogger("brex_accounting.x").debug("with %s", TOKEN)
        canary.event({"token": TOKEN})
        canary.error(BrexError(f"about {BODY}"))
        found = len(canary.hits())
        observer = canary.spans()
        observer(CallStarted(id=1, call=f"call {TOKEN}", method="GET", path="/", key=""))
        observer(CallEnded(id=1, call="c", key="", attempts=0, elapsed=0.0, error=None))
    assert found >= 6
    assert len(canary.hits()) > found
