"""``fields list``, ``fields values`` and ``fields sync-accounts``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brex_accounting import from_json
from brex_accounting.cli.chart_csv import read_chart
from brex_accounting.cli.console import UsageError
from brex_accounting.fields import Field, FieldValue, NewFieldValue
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
    """Fields and values as JSON Lines read back whole; a table shows whole ids, and filters are options."""
    listed = await shell("fields", "list")
    assert (listed.code, listed.err) == (0, "")
    held = fields_of(sandbox)
    assert tuple(from_json(line.encode(), Field) for line in listed.lines) == held
    printed = await shell("fields", "values", held[0].brex_id, "--max-items", "15")
    assert [from_json(line.encode(), FieldValue) for line in printed.lines] == [*accounts(sandbox).values()][:15]
    some = ("--remote-id", "6100", "--remote-id", "6110", "--format", "table")
    table = await shell("fields", "values", held[0].brex_id, *some)
    assert [line.split()[-1] for line in table.lines[1:]] == [
        accounts(sandbox)[one].brex_id for one in ("6100", "6110")
    ]


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


async def test_conflicts_are_all_printed_and_nothing_is_changed(shell: Shell, sandbox: Sandbox) -> None:
    """A chart that contradicts Brex fails with exit code 1, every reason on stdout and a count on stderr."""
    before = accounts(sandbox)
    name = chart(shell, "6100,Airfare,9999,", "a,Something,6200,", "b,New,7000,")
    ended = await shell("fields", "sync-accounts", name, "--dry-run")
    assert (ended.code, [json.loads(line) for line in ended.lines]) == (
        1,
        [
            {
                "conflict": "a value_id differs from Brex's, where it cannot be changed",
                "remote_id": "6100",
                "value_id": "9999",
                "brex_ids": [before["6100"].brex_id],
            },
            {
                "conflict": "a value_id belongs to another value in Brex",
                "remote_id": "a",
                "value_id": "6200",
                "brex_ids": [before["6200"].brex_id],
            },
        ],
    )
    assert ended.err == "error: 2 conflicts, printed above; nothing was changed\n"
    table = await shell("fields", "sync-accounts", name, "--format", "table")
    assert (table.code, table.err) == (1, ended.err)
    assert table.lines[1].startswith("a value_id belongs to another value in Brex: remote_id a, value_id 6200")
    assert accounts(sandbox) == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names the columns"),
        ("remote_id,name\n6100,Airfare\n", "names the columns"),
        ("remote_id,value,remote_id\n6100,Airfare,6100\n", "names the columns"),
        (f"{HEADING}\n6100,Airfare,6100\n", "row 2 has 3 cells under 4 headings"),
        (f"{HEADING}\n6100,Airfare,,no\n", "row 2: is_disabled is true, false or empty"),
        (f"{HEADING}\n6100,,,\n", "row 2: value is empty"),
        (f"{HEADING}\n\n,Airfare,,\n", "row 3: remote_id is empty"),
        (f'{HEADING}\n6100,"Air"fare,,\n', "is not CSV"),
    ],
)
def test_a_file_that_is_no_chart_is_told_with_its_row(tmp_path: Path, text: str, told: str) -> None:
    """What is wrong, and in which row."""
    file = tmp_path / "chart.csv"
    file.write_text(text)
    with pytest.raises(UsageError, match=told):
        read_chart(file)


def test_a_spreadsheets_file_is_read(tmp_path: Path) -> None:
    """A byte order mark, Windows line ends, blanks around cells and empty lines are no hindrance; Latin-1 is told."""
    file = tmp_path / "chart.csv"
    file.write_bytes("\ufeffremote_id , value,is_disabled\r\n 7000 , Büro & Reise,TRUE \r\n\r\n".encode())
    assert read_chart(file) == [NewFieldValue(remote_id="7000", value="Büro & Reise", is_disabled=True)]
    file.write_bytes("remote_id,value\n7000,Büro\n".encode("latin-1"))
    with pytest.raises(UsageError, match="not UTF-8"):
        read_chart(file)


async def test_wrong_usage_asks_nothing_of_brex(shell: Shell, sandbox: Sandbox) -> None:
    """A file without accounts ends with exit code 2 and one line; one that is not there with 1."""
    empty = await shell("fields", "sync-accounts", chart(shell))
    assert (empty.code, empty.out, empty.err.count("\n")) == (2, "", 1)
    assert "there are no values" in empty.err
    assert (await shell("fields", "sync-accounts", "nowhere.csv")).code == 1
    assert sandbox.statistics.requests == 0


async def test_a_run_that_fails_says_how_far_it_came(shell: Shell, sandbox: Sandbox) -> None:
    """After a failure the same command does the rest."""
    name = chart(shell, "7000,Travel insurance,7000,", *as_lines(accounts(sandbox))[1:])
    sandbox.faults.add(Fault(kind="html", next=1, method="PUT"))
    failed = await shell("fields", "sync-accounts", name)
    assert failed.code == 1
    assert "1 changes were made, 1 may have been, 0 are left: the same command does the rest." in failed.err
    done = await shell("fields", "sync-accounts", name)
    assert done.err == "done: 1 deactivated, 20 unchanged\n"
