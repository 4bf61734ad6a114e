"""``fields list``, ``fields values`` and ``fields sync-accounts``."""

from __future__ import annotations

import json

import pytest

from brex_accounting import from_json
from brex_accounting.fields import Field, FieldValue
from brex_accounting.sandbox import Fault, Sandbox
from brex_accounting.sandbox.field_reading import read_fields_request

from .conftest import Shell

HEADING = "remote_id,value,value_id,is_disabled"


def fields_of(sandbox: Sandbox) -> tuple[Field, ...]:
    return sandbox.brex.fields.list_fields(read_fields_request([])).items


def accounts(sandbox: Sandbox) -> dict[str | None, FieldValue]:
    """The accounts that the sandbox holds now, by their remote id."""
    (field,) = (field for field in fields_of(sandbox) if field.remote_id == "GL_ACCOUNT")
    return {value.remote_id: value for value in sandbox.brex.fields.values(field.brex_id)}


def chart(shell: Shell, *lines: str, heading: str = HEADING) -> str:
    """A chart as a file, and its name."""
    (shell.folder / "chart.csv").write_text("\n".join([heading, *lines]) + "\n", encoding="utf-8")
    return "chart.csv"


def as_lines(values: dict[str | None, FieldValue]) -> list[str]:
    """What would be exported by an accounting system that holds these values."""
    return [f"{one.remote_id},{one.value},{one.value_id},{one.is_disabled}" for one in values.values()]


async def test_lists_print_what_the_sandbox_holds(shell: Shell, sandbox: Sandbox) -> None:
    """Fields and values as JSON Lines read back whole; a table shows whole ids."""
    listed = await shell("fields", "list")
    assert (listed.code, listed.err) == (0, "")
    held = fields_of(sandbox)
    assert tuple(from_json(line.encode(), Field) for line in listed.lines) == held
    printed = await shell("fields", "values", held[0].brex_id)
    assert [from_json(line.encode(), FieldValue) for line in printed.lines] == list(accounts(sandbox).values())
    some = await shell("fields", "values", held[0].brex_id, "--remote-id", "6100", "--remote-id", "6110")
    assert [json.loads(line)["remote_id"] for line in some.lines] == ["6100", "6110"]
    table = await shell("fields", "values", held[0].brex_id, "--format", "table", "--max-items", "2")
    assert [line.split()[-1] for line in table.lines[1:]] == [one.brex_id for one in accounts(sandbox).values()][:2]
    fields = await shell("fields", "list", "--format", "table")
    assert [line.split()[-1] for line in fields.lines[1:]] == [field.brex_id for field in held]


async def test_a_dry_run_prints_the_plan_and_changes_nothing(shell: Shell, sandbox: Sandbox) -> None:
    """Each change is a line, and the sandbox is as it was; without --dry-run the same lines are printed and done."""
    before = accounts(sandbox)
    kept = [line for line in as_lines(before) if not line.startswith(("6100", "6110"))]
    name = chart(shell, '6100,"Airfare, rail",6100,', "7000,Travel insurance,7000,", *kept)
    dry = await shell("fields", "sync-accounts", name, "--dry-run")
    assert (dry.code, dry.err) == (0, "would be: 1 created, 1 updated, 1 deactivated, 18 unchanged\n")
    assert [json.loads(line) for line in dry.lines] == [
        {"action": "create", "remote_id": "7000", "value_id": "7000", "value": "Travel insurance"},
        {"action": "rename", "remote_id": "6100", "value_id": "6100", "value": "Airfare, rail", "was": "6100 Airfare"},
        {"action": "deactivate", "remote_id": "6110", "value_id": "6110", "value": "6110 Lodging"},
    ]
    assert accounts(sandbox) == before
    done = await shell("fields", "sync-accounts", name)
    assert (done.code, done.lines) == (0, dry.lines)
    after = accounts(sandbox)
    assert (after["6100"].value, after["6110"].is_disabled, after["7000"].value) == (
        "Airfare, rail",
        True,
        "Travel insurance",
    )
    again = await shell("fields", "sync-accounts", name, "--format", "table")
    assert (again.code, len(again.lines), again.err) == (0, 1, "done: 21 unchanged\n")


async def test_missing_accounts_can_be_deleted_or_kept(shell: Shell, sandbox: Sandbox) -> None:
    """--missing keep leaves them, --missing delete deletes them."""
    name = chart(shell, *as_lines(accounts(sandbox))[:3])
    kept = await shell("fields", "sync-accounts", name, "--missing", "keep")
    assert (kept.lines, len(accounts(sandbox))) == ([], 20)
    deleted = await shell("fields", "sync-accounts", name, "--missing", "delete", "--format", "table")
    assert [line.split()[0] for line in deleted.lines[1:]] == ["delete"] * 17
    assert len(accounts(sandbox)) == 3


@pytest.mark.parametrize("format_", ["jsonl", "table"])
@pytest.mark.parametrize("dry_run", [True, False])
async def test_conflicts_are_all_printed_and_nothing_is_changed(
    shell: Shell, sandbox: Sandbox, format_: str, dry_run: bool
) -> None:
    """A chart that contradicts Brex fails with exit code 1, every reason on stdout and a count on stderr."""
    before = accounts(sandbox)
    name = chart(shell, "6100,Airfare,9999,", "a,Something,6200,", "b,New,7000,")
    ended = await shell("fields", "sync-accounts", name, "--format", format_, *(["--dry-run"] if dry_run else []))
    assert (ended.code, len(ended.lines)) == (1, 2)
    assert ended.err == "error: 2 conflicts, printed above; nothing was changed\n"
    assert "cannot be changed" in ended.out
    assert "belongs to another value" in ended.out
    assert accounts(sandbox) == before


@pytest.mark.parametrize(
    ("lines", "heading", "told"),
    [
        (["6100,Airfare"], "remote_id,name", "names the columns"),
        (["6100,Airfare"], "remote_id,value,remote_id", "names the columns"),
        (["6100,Airfare,6100"], HEADING, "row 2 has 3 cells"),
        (["6100,Airfare,,no"], HEADING, "is_disabled is true, false or empty"),
        (["6100,,,"], HEADING, "row 2: value is empty"),
        (["", ",Airfare,,"], HEADING, "row 3: remote_id is empty"),
        (['6100,"Air"fare,,'], HEADING, "is not CSV"),
        ([], HEADING, "there are no values"),
    ],
)
async def test_a_file_that_is_no_chart_is_wrong_usage(
    shell: Shell, sandbox: Sandbox, lines: list[str], heading: str, told: str
) -> None:
    """It is told with its row, and nothing is asked of Brex."""
    ended = await shell("fields", "sync-accounts", chart(shell, *lines, heading=heading))
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
    assert ended.err.count("\n") == 1
    assert sandbox.statistics.requests == 0


async def test_a_spreadsheets_file_is_read(shell: Shell, sandbox: Sandbox) -> None:
    """A byte order mark, Windows line ends, blanks around cells and empty lines are no hindrance; Latin-1 is told."""
    text = "\ufeffremote_id , value\r\n 7000 , Büro & Reise \r\n\r\n"
    (shell.folder / "chart.csv").write_bytes(text.encode())
    ended = await shell("fields", "sync-accounts", "chart.csv", "--missing", "keep")
    assert (ended.code, accounts(sandbox)["7000"].value) == (0, "Büro & Reise")
    (shell.folder / "chart.csv").write_bytes("remote_id,value\n7000,Büro\n".encode("latin-1"))
    assert "not UTF-8" in (await shell("fields", "sync-accounts", "chart.csv")).err


async def test_a_run_that_fails_says_how_far_it_came(shell: Shell, sandbox: Sandbox) -> None:
    """After a failure the same command does the rest."""
    name = chart(shell, "7000,Travel insurance,7000,", *as_lines(accounts(sandbox))[1:])
    sandbox.faults.add(Fault(kind="html", next=1, method="PUT"))
    failed = await shell("fields", "sync-accounts", name)
    assert failed.code == 1
    assert "1 changes were made, 1 may have been, 0 are left: the same command does the rest." in failed.err
    done = await shell("fields", "sync-accounts", name)
    assert done.err == "done: 1 deactivated, 20 unchanged\n"
