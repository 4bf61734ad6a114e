"""``export --dry-run``, ``sync check``, ``sync chart`` and exports on a chart, as a user runs them."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

from brex_accounting.cli.preview_wording import preview_facts, preview_lines
from brex_accounting.enums import LineItemType, ReviewStatus
from brex_accounting.models import AccountingRecord
from brex_accounting.posters.chart_file import parse_chart
from brex_accounting.posters.entries import Kind, turned
from brex_accounting.preview import Preview
from brex_accounting.preview.outcomes import Unreadable
from brex_accounting.sandbox import Sandbox, lifelike_chart
from brex_accounting.sync import Pause, State
from brex_accounting.sync.keys import export_key

from ..posters.booked import entry_of, record
from .conftest import Ended, Shell

CHART = ("--chart", "chart.toml")
DRY = ("export", "--dry-run", *CHART)
EXPORT = ("export", "--store", "exports.db", "--csv", "journal.csv", *CHART)


@pytest.fixture
def company(shell: Shell, sandbox: Sandbox) -> Sandbox:
    """A sandbox, and the chart of its company in the folder."""
    (shell.folder / "chart.toml").write_text(lifelike_chart())
    return sandbox


def left_behind(shell: Shell) -> list[str]:
    return sorted(one.name for one in shell.folder.iterdir())


def failed_with_one_line(ended: Ended, code: int) -> None:
    assert (ended.code, ended.err.count("\n")) == (code, 1), ended.err
    assert ended.err.startswith("error: ")


def spoiled(sandbox: Sandbox, count: int, **changes: Any) -> list[str]:
    """So many ready card expenses without their departments, in this status."""
    found = [one for one in sandbox.brex.records() if is_ready_expense(one)][:count]
    assert len(found) == count
    for one in found:
        lines = tuple(attrs.evolve(line, accounting_field_values=without(line.coding)) for line in one.line_items)
        sandbox.brex.table.put(attrs.evolve(one, line_items=lines, version=one.version + 1, **changes))
    return [one.id for one in found]


def is_ready_expense(one: AccountingRecord) -> bool:
    return one.type == "CARD_EXPENSE_POST" and one.review_status == "READY_FOR_EXPORT"


def without(coding: Any) -> Any:
    return tuple(value for value in coding if value.remote_field_id != "DEPARTMENT")


def remove(sandbox: Sandbox, record_id: str) -> None:
    row = sandbox.brex.table.row_of(record_id)
    assert row is not None
    sandbox.brex.table.remove(row)


async def test_a_dry_run_changes_nothing_and_says_what_an_export_does(shell: Shell, company: Sandbox) -> None:
    """Its totals are those of the journal that the export then writes; it leaves nothing, and Brex hears nothing."""
    spoiled(company, 2)
    before = [(one.id, one.version, one.review_status) for one in company.brex.records()]
    ended = await shell(*DRY, "--store", "exports.db")
    assert (ended.code, ended.err.splitlines()) == (
        0,
        [
            "there is no store exports.db yet: nothing counts as posted",
            "A dry run: nothing was posted, reported or kept.",
        ],
    )
    is_aligned(ended.lines)
    assert left_behind(shell) == ["chart.toml"]
    assert [(one.id, one.version, one.review_status) for one in company.brex.records()] == before
    assert "    2  FIELD_MISSING: Line 1 has no value for DEPARTMENT: choose one (accr_" in ended.out
    assert (await shell(*EXPORT)).code == 0
    shown = {
        (account, currency): (Decimal(debit), Decimal(credit))
        for account, currency, debit, credit in re.findall(
            r"^    (.*?) +([A-Z]{3}) +\d+ +([\d.]+) +([\d.]+) +-?[\d.]+$", ended.out, re.MULTILINE
        )
    }
    assert shown == totals(shell.folder / "journal.csv")
    again = await shell(*DRY, "--store", "exports.db", "--csv", "journal.csv")
    assert " 0 entries to write, 0 refused, " in again.out
    assert "POSTED: in the books" in again.out


def is_aligned(lines: list[str]) -> None:
    """Debits end in one column, credits in another, and no amount is cut."""
    amounts = [re.match(r"    \S.*?  +(\d+\.\d\d) [A-Z]{3}(  |$)", line) for line in lines]
    ends = Counter(amount.end(1) for amount in amounts if amount)
    assert len(ends) == 2
    assert ends.total() > 50


def totals(path: Path) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    sums: Counter[tuple[str, str, str]] = Counter()
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sums[row["account"], row["currency"], row["side"]] += Decimal(row["amount"])  # type: ignore[assignment]
    return {
        (account, currency): (
            Decimal(sums[account, currency, LineItemType.DEBIT.value]),
            Decimal(sums[account, currency, LineItemType.CREDIT.value]),
        )
        for account, currency, _ in sums
    }


async def test_a_dry_run_as_json_lines(shell: Shell, company: Sandbox) -> None:
    """Entries, refusals, totals and reasons, an object each with exact amounts as texts, and the numbers at the end."""
    [spoiled_id] = spoiled(company, 1)
    ended = await shell(*DRY, "--json")
    assert (ended.code, ended.err) == (0, "")
    found = [json.loads(line) for line in ended.lines]
    kinds = Counter(next(iter(one)) for one in found)
    summary = found[-1]["summary"]
    assert (kinds["entry"], kinds["refusal"]) == (summary["entries"], summary["refused"])
    entry = found[0]["entry"]
    amounts = [Decimal(line["amount"]) * (1 if line["side"] == "DEBIT" else -1) for line in entry["lines"]]
    assert sum(amounts) == 0
    assert spoiled_id in [one["refusal"]["record_id"] for one in found if "refusal" in one]
    assert {"account", "currency", "lines", "debits", "credits", "balance"} == set(
        next(one["total"] for one in found if "total" in one)
    )


async def test_a_check_names_each_record_and_fails(shell: Shell, company: Sandbox) -> None:
    """In REVIEW the mistake is found before the books see it; mended, the check says so with 0."""
    for one in company.brex.records():  # what no rule books is nobody's mistake here
        if one.type == "BILL_MONEY_MOVEMENT_PAYIN":
            remove(company, one.id)
    ids = spoiled(company, 3, review_status=ReviewStatus.REVIEW)
    ended = await shell("sync", "check", *CHART)
    failed_with_one_line(ended, 1)
    assert "3 would be refused" in ended.err
    assert all(one in ended.out for one in ids)
    assert "    3  FIELD_MISSING\n" in ended.out
    as_json = await shell("sync", "check", *CHART, "--json")
    found = json.loads(as_json.out)
    assert (as_json.code, found["by_code"], len(found["findings"])) == (1, {"FIELD_MISSING": 3}, 3)
    for record_id in ids:
        remove(company, record_id)
    clean = await shell("sync", "check", *CHART)
    assert (clean.code, clean.err) == (0, "")
    assert "0 would be refused" in clean.out
    assert left_behind(shell) == ["chart.toml"]


async def test_a_chart_to_begin_with(shell: Shell, sandbox: Sandbox) -> None:
    """Written once and never again; what it leaves open is named line by line by whatever reads it."""
    assert sandbox.url
    ended = await shell("sync", "chart")
    assert (ended.code, ended.out) == (0, "")
    text = (shell.folder / "chart.toml").read_text()
    again = await shell("sync", "chart")
    failed_with_one_line(again, 2)
    assert "is not overwritten" in again.err
    assert (shell.folder / "chart.toml").read_text() == text
    unfilled = await shell(*EXPORT)
    lines = unfilled.err.splitlines()
    assert (unfilled.code, unfilled.out, len(lines)) == (2, "", text.count('= "?"'))
    assert lines[0].startswith("error: chart.toml:")
    assert all(re.match(r'(error: )?chart\.toml:\d+: \S+ is still "\?": ', line) for line in lines)
    as_json = await shell("sync", "check", *CHART, "--json")
    assert json.loads(as_json.err)["error"]["message"].count("\n") == len(lines) - 1
    assert left_behind(shell) == ["chart.toml"]
    missing = await shell("sync", "chart", "missing/chart.toml")
    failed_with_one_line(missing, 1)


async def test_an_export_on_a_chart(shell: Shell, company: Sandbox) -> None:
    """Each account is in the journal, what the rules refuse is reported in their words, and an exception tells them."""
    [record_id] = spoiled(company, 1)
    ended = await shell(*EXPORT, "--json")
    assert (ended.code, ended.err) == (0, "")
    accounts = {account for account, _ in totals(shell.folder / "journal.csv")}
    chart = parse_chart(lifelike_chart())
    assert accounts <= {*chart.accounts.values(), *chart.control.values(), "2110 Brex card UK", "2120 Brex card DE"}
    assert "2000 Accounts payable" in accounts
    assert company.brex.get_record(record_id).review_status == "PREPARE"
    exceptions = await shell("sync", "exceptions", "--store", "exports.db")
    assert "OTHER: Brex does not document what a payin for bills is: book it by hand" in exceptions.out


async def test_the_first_day_is_the_charts(shell: Shell, company: Sandbox) -> None:
    """It need not be said again, may be, and may not be contradicted; then nothing is asked for."""
    contradicted = await shell(
        "export", "--store=exports.db", "--beancount=books.beancount", *CHART, "--post-from=2026-01-01"
    )
    failed_with_one_line(contradicted, 2)
    assert "2026-06-01" in contradicted.err
    assert (company.statistics.requests, left_behind(shell)) == (0, ["chart.toml"])
    assert (
        await shell("export", "--store=exports.db", "--beancount=books.beancount", *CHART, "--post-from=2026-06-01")
    ).code == 0


async def test_books_and_charts_that_do_not_fit(shell: Shell, company: Sandbox) -> None:
    """A journal without accounts takes none; a ledger needs a chart; a chart is text."""
    assert company.url
    assert (await shell("export", "--store=a.db", "--csv=journal.csv", "--post-from=2026-06-01")).code == 0
    for arguments, hint in (
        (("--csv=journal.csv", *CHART), "begun without a chart"),
        (("--beancount=books.beancount", "--post-from=2026-06-01"), "--chart"),
        (("--csv=journal.csv", "--chart=journal.csv"), "journal.csv:"),
    ):
        ended = await shell("export", "--store=b.db", *arguments)
        failed_with_one_line(ended, 2)
        assert hint in ended.err


def test_what_a_preview_says_in_words() -> None:
    """What an entry amends, from where it was moved, what waits, what cannot be read, and why nothing is posted."""
    bill = entry_of(record("BILL_EXPENSE", ["40.00"], memo="two\nchairs\x1b[31m"))
    moved = attrs.evolve(bill, date=date(2026, 7, 1), moved_from=bill.date)
    void = turned(bill, key=export_key(bill.record_id, 2), kind=Kind.VOID, amends=bill.key)
    preview = Preview(
        read=4,
        entries=(moved, void),
        refusals=(),
        skipped={"it is dated before the books begin": 1},
        left={State.HELD: 1},
        unreadable=(Unreadable("accr_9", "at $.amount: a number was expected"),),
        paused=Pause(reason="month end", code="PERSON", since=datetime(2026, 7, 1, tzinfo=UTC), by="Ann"),
    )
    assert list(preview_lines(preview)) == [
        "2026-07-01  BILL_EXPENSE  accr_BILL_EXPENSE.1  Fennelby Inns  moved from 2026-06-11  two chairs [31m",
        "    6100 Airfare           40.00 USD  DEPARTMENT=D01",
        "    2000 Accounts payable             40.00 USD",
        "",
        "2026-06-11  BILL_EXPENSE  accr_BILL_EXPENSE.2  Fennelby Inns  void of accr_BILL_EXPENSE.1  two chairs [31m",
        "    6100 Airfare                      40.00 USD  DEPARTMENT=D01",
        "    2000 Accounts payable  40.00 USD",
        "",
        "",
        "What the entries come to",
        "    account                currency  lines  debits  credits  balance",
        "    2000 Accounts payable  USD           2   40.00    40.00     0.00",
        "    6100 Airfare           USD           2   40.00    40.00     0.00",
        "",
        "What cannot be read",
        "    accr_9: at $.amount: a number was expected",
        "",
        "What is left as it is",
        "    1  HELD: changed after it was exported: a person decides",
        "    1  it is dated before the books begin",
        "",
        "Posting is paused: month end. It goes on with 'sync resume'.",
        "",
        "4 read: 2 entries to write, 0 refused, 2 left as they are",
    ]
    assert [json.loads(msgspec.json.encode(one)) for one in preview_facts(preview)][-1] == {
        "summary": {
            "read": 4,
            "entries": 2,
            "refused": 0,
            "skipped": {"it is dated before the books begin": 1},
            "left": {"HELD": 1},
            "unreadable": 1,
            "paused": {"reason": "month end", "code": "PERSON", "since": "2026-07-01T00:00:00Z", "by": "Ann"},
        }
    }
