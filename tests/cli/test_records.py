"""``records list`` and ``records get``."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import os
import signal
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from brex_accounting import AccountingRecord, Checkpoint, from_json
from brex_accounting.cli.durable import replace_file
from brex_accounting.models import Vendor
from brex_accounting.sandbox import Fault, Sandbox, local
from brex_accounting.sandbox.server import make_app

from .conftest import Shell


@attrs.define
class Gate:
    """Answers ``left`` requests, and none after them."""

    left: float = float("inf")

    def on(self, app: web.Application) -> web.Application:
        """The application behind it."""

        @web.middleware
        async def passing(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.left -= 1
            if self.left < 0:
                await asyncio.Event().wait()
            return await handler(request)

        app.middlewares.insert(0, passing)
        return app


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Open."""
    made = Gate()
    monkeypatch.setattr(local, "make_app", lambda *given: made.on(make_app(*given)))
    return made


@pytest.fixture
async def gated(gate: Gate, shell: Shell) -> AsyncIterator[Sandbox]:
    """A sandbox of 250 records behind the gate, that the shell's environment names."""
    assert gate.left > 0
    async with Sandbox(records=250) as running:
        shell.environment |= {"BREX_TOKEN": running.token, "BREX_BASE_URL": running.url}
        yield running


def ids(lines: list[str]) -> list[str]:
    return [json.loads(line)["id"] for line in lines]


def whole_and_cut(lines: list[str]) -> tuple[list[str], int]:
    """The records of the lines that are whole, and how many are not."""
    whole = []
    for line in lines:
        with contextlib.suppress(json.JSONDecodeError):
            whole.append(json.loads(line)["id"])
    return whole, len(lines) - len(whole)


async def test_json_lines_hold_every_record_exactly(shell: Shell, sandbox: Sandbox) -> None:
    """One line per record, each reading back as the record the sandbox holds."""
    ended = await shell("records", "list", "--page-size", "40")
    assert (ended.code, ended.err) == (0, "")
    assert [from_json(line.encode(), AccountingRecord) for line in ended.lines] == list(sandbox.brex.records())


async def test_filters_are_options(shell: Shell, sandbox: Sandbox) -> None:
    """--review-status, --source-type, --id and --updated-... reach the query."""
    some = [record.id for record in sandbox.brex.records()][:2]
    by_id = await shell("records", "list", "--id", some[0], "--id", some[1])
    assert ids(by_id.lines) == some
    bills = await shell("records", "list", "--source-type", "BILL")
    assert {json.loads(line)["source_type"] for line in bills.lines} == {"BILL"}
    ready = await shell("records", "list", "--review-status", "READY_FOR_EXPORT", "--max-items", "3")
    assert [json.loads(line)["review_status"] for line in ready.lines] == ["READY_FOR_EXPORT"] * 3
    late = await shell("records", "list", "--updated-gte", "2026-06-20", "--updated-lt", "2026-06-21T00:00:00+00:00")
    assert {json.loads(line)["updated_at"][:10] for line in late.lines} == {"2026-06-20"}
    assert (await shell("records", "list", "--no-window")).out == ""


async def test_csv_has_a_row_per_line_with_exact_amounts(shell: Shell, sandbox: Sandbox) -> None:
    """Debits and credits of the CSV add up to the sandbox's, and a memo cannot become a formula."""
    first = next(sandbox.brex.records())
    evil = attrs.evolve(first, vendor=Vendor(id="v", name="=HYPERLINK(1)"), memo="-cmd")
    sandbox.brex.table.put(evil)
    ended = await shell("records", "list", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert len(rows) == sum(len(record.line_items) or 1 for record in sandbox.brex.records())
    for side in ("DEBIT", "CREDIT"):
        printed = sum(Decimal(row["amount"]) for row in rows if row["side"] == side)
        lines = [line for record in sandbox.brex.records() for line in record.line_items if line.type == side]
        assert printed == sum(line.amount.amount for line in lines)
    assert {row["vendor"] for row in rows if row["record_id"] == first.id} == {"'=HYPERLINK(1)"}
    assert not [row for row in rows if row["memo"].startswith(("=", "+", "@", "-"))]


async def test_a_table_cuts_no_amount_and_no_id(shell: Shell, sandbox: Sandbox) -> None:
    """The table shows whole amounts and ids, a line per record, and no control characters."""
    ended = await shell("records", "list", "--format", "table")
    heading, *rows = ended.lines
    assert heading.split()[:3] == ["DATE", "TYPE", "STATUS"]
    for row, record in zip(rows, sandbox.brex.records(), strict=True):
        assert f"{record.amount.amount:f}" in row.split()
        assert row.endswith(record.id)
        assert row.isprintable()


async def test_resume_goes_on_after_what_was_printed(shell: Shell, sandbox: Sandbox) -> None:
    """Runs that stop early and fail add up to every record once, in order."""
    printed: list[str] = []
    for size in ("30", "45"):
        ended = await shell("records", "list", "--resume", "cp", "--max-items", size, "--page-size", "20")
        printed += ids(ended.lines)
    sandbox.faults.add(Fault(kind="html", next=1))
    failed = await shell("records", "list", "--resume", "cp")
    assert (failed.code, failed.out) == (1, "")
    assert "goes on after it" in failed.err
    rest = await shell("records", "list", "--resume", "cp")
    assert printed + ids(rest.lines) == [record.id for record in sandbox.brex.records()]
    assert from_json((shell.folder / "cp").read_bytes(), Checkpoint).after is not None


async def test_resume_refuses_another_query_and_a_foreign_file(shell: Shell, sandbox: Sandbox) -> None:
    """A checkpoint of other filters fails with one line; a file that is none is wrong usage and stays as it is."""
    await shell("records", "list", "--resume", "cp", "--max-items", "1")
    other = await shell("records", "list", "--resume", "cp", "--source-type", "CARD")
    assert other.code == 1
    assert "other filters" in other.err
    (shell.folder / "notes").write_text("keep me")
    foreign = await shell("records", "list", "--resume", "notes")
    assert (foreign.code, (shell.folder / "notes").read_text()) == (2, "keep me")
    assert sandbox.statistics.requests == 1


async def test_ctrl_c_keeps_the_checkpoint(shell: Shell, gate: Gate, gated: Sandbox) -> None:
    """After Ctrl-C in the middle, the next run prints exactly the rest."""
    gate.left = 3
    process = await shell.start("records", "list", "--resume", "cp", "--page-size", "20")
    assert process.stdout is not None
    first = await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 130
    assert "Traceback" not in err.decode()
    printed = ids([first.decode(), *out.decode().splitlines()])
    assert 0 < len(printed) < 250
    gate.left = float("inf")
    rest = await shell("records", "list", "--resume", "cp")
    assert printed + ids(rest.lines) == [record.id for record in gated.brex.records()]


async def test_a_reader_that_leaves_is_no_error(shell: Shell, sandbox: Sandbox) -> None:
    """``| head`` ends the command quietly."""
    process = await shell.start("records", "list", "--page-size", "10")
    assert process.stdout is not None
    assert process.stderr is not None
    await process.stdout.readline()
    process.stdout._transport.close()  # type: ignore[attr-defined]
    err = await asyncio.wait_for(process.stderr.read(), 60)
    assert (await process.wait(), err) == (0, b"")
    assert sandbox.statistics.requests > 0


async def test_get_prints_one_record(shell: Shell, sandbox: Sandbox) -> None:
    """``records get`` prints the record; an unknown id fails with one line and the trace id."""
    record = next(sandbox.brex.records())
    found = await shell("records", "get", record.id)
    assert from_json(found.out.encode(), AccountingRecord) == record
    missing = await shell("records", "get", "accr_unknown")
    assert missing.code == 1
    assert missing.err.count("\n") == 1
    assert "404 NOT_FOUND (trace id sandbox-" in missing.err


async def test_text_is_utf_8_whatever_the_locale_says(shell: Shell, sandbox: Sandbox) -> None:
    """Under LANG=C a name beyond ASCII comes out whole."""
    shell.environment |= {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    record = attrs.evolve(next(sandbox.brex.records()), memo="Zürich 東京 🧾")
    sandbox.brex.table.put(record)
    for format_ in ("jsonl", "csv"):
        ended = await shell.started("records", "list", "--id", record.id, "--format", format_)
        assert "Zürich 東京 🧾" in ended.out


async def test_kill_loses_nothing_and_repeats_at_most_a_page(shell: Shell, gate: Gate, gated: Sandbox) -> None:
    """SIGKILL at eight moments of one listing: every record is printed, and each kill repeats less than a page."""
    everything = [record.id for record in gated.brex.records()]
    out = shell.folder / "lines"
    out.touch()
    for _ in range(8):
        before = out.stat().st_size
        gate.left = 2
        with out.open("ab") as file:
            process = await shell.fork("records", "list", "--resume", "cp", "--page-size", "10", stdout=file)
            async with asyncio.timeout(60):
                while out.stat().st_size == before:
                    await asyncio.sleep(0.01)
            process.kill()
            assert await process.wait() == -signal.SIGKILL
    gate.left = float("inf")
    with out.open("ab") as file:
        assert await (await shell.fork("records", "list", "--resume", "cp", stdout=file)).wait() == 0
    printed, cut = whole_and_cut(out.read_text().splitlines())
    assert set(printed) == set(everything)
    assert len(printed) - len(everything) <= 10 * 8
    assert cut <= 8


@pytest.mark.parametrize("format_", ["jsonl", "csv"])
async def test_what_a_crash_cut_takes_no_other_line_with_it(shell: Shell, sandbox: Sandbox, format_: str) -> None:
    """A page cut in its first line, and not noted: the next run begins a line of its own, and says so."""
    out = shell.folder / "lines"
    command = ("records", "list", "--resume", "cp", "--page-size", "50", "--format", format_)

    async def run(*more: str) -> str:
        with out.open("ab") as file:
            process = await shell.fork(*command, *more, stdout=file)
            _, said = await process.communicate()
            assert process.returncode == 0
        return said.decode()

    assert await run("--max-items", "50") == ""
    noted, size = (shell.folder / "cp").read_bytes(), out.stat().st_size
    assert await run("--max-items", "50") == ""
    (shell.folder / "cp").write_bytes(noted)
    os.truncate(out, size + 30)
    assert "The last line of the output was cut" in await run()
    lines = out.read_text().splitlines()
    if format_ == "csv":
        printed = {row[0] for row in csv.reader(lines[1:]) if len(row) == len(lines[0].split(","))}
    else:
        found, cut = whole_and_cut(lines)
        assert (len(found), cut) == (250, 1)
        printed = set(found)
    assert printed == {record.id for record in sandbox.brex.records()}


def test_a_checkpoint_file_is_the_old_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure while the new content is written leaves the old file whole."""
    path = tmp_path / "cp"
    replace_file(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new content")
    assert path.read_bytes() == b"old"
