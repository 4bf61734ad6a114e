"""``export``: from a sandbox into a CSV journal, through whatever ends it."""

from __future__ import annotations

import asyncio
import csv
import fcntl
import json
import os
import pty
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import IO

import attrs
import pytest

from brex_accounting import Money, StoreUnavailable
from brex_accounting.sandbox import Fault, Sandbox
from brex_accounting.sync import Binding, ExportAdmin, SqliteStore, State

from .conftest import Ended, Shell
from .journal import DueTotals, check_journal

EXPORT = ("export", "--store", "exports.db", "--csv", "journal.csv", "--post-from", "2026-01-01")
JSON_EXPORT = (*EXPORT, "--json")


def due_in(sandbox: Sandbox) -> DueTotals:
    due = DueTotals()
    for record in sandbox.brex.records():
        due.add(record)
    return due


def entries(shell: Shell, name: str = "journal.csv") -> Counter[str]:
    with (shell.folder / name).open(newline="") as file:
        return Counter(row["record_id"] for row in csv.DictReader(file) if row["entry_end"])


def all_exported(sandbox: Sandbox, due: DueTotals) -> bool:
    return {sandbox.brex.get_record(one).review_status for one in due.ready} == {"EXPORTED"}


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await true():
            await asyncio.sleep(0.01)


def failed_with_one_line(ended: Ended) -> None:
    assert (ended.code, ended.err.count("\n")) == (1, 1), ended.err
    assert ended.err.startswith("error: ")


async def test_an_export_posts_and_reports_everything_once(shell: Shell, sandbox: Sandbox) -> None:
    """The journal holds what was due, Brex knows, the table says so, and a second run finds nothing to do."""
    due = due_in(sandbox)
    ended = await shell(*EXPORT)
    assert (ended.code, ended.err) == (0, "")
    check_journal(shell.folder / "journal.csv", due)
    assert all_exported(sandbox, due)
    numbers = {line.split()[0]: line.split()[1] for line in ended.lines[:-1]}
    assert (numbers["posted"], numbers["reported"]) == (str(len(due.ids)), str(len(due.ready)))
    assert max(map(len, ended.lines)) < 80
    before = (shell.folder / "journal.csv").read_bytes()
    again = json.loads((await shell(*JSON_EXPORT)).out)
    assert (again["posted"], again["reported"], again["open"], again["paused"]) == (0, 0, 0, None)
    assert (shell.folder / "journal.csv").read_bytes() == before


async def test_a_paused_export_fails_and_says_why(shell: Shell, sandbox: Sandbox) -> None:
    """A person's pause is told with what ends it; what is said for people is said once."""
    await shell(*EXPORT, "--no-bills", "--parallel", "1")
    await shell("sync", "pause", "--store", "exports.db", "--why", "month end")
    paused = await shell(*EXPORT)
    failed_with_one_line(paused)
    assert "month end" in paused.err
    assert "sync resume" in paused.err
    await shell("sync", "resume", "--store", "exports.db", "--why", "closed")
    due = due_in(sandbox)
    assert (await shell(*EXPORT)).code == 0
    assert due.bills
    assert set(due.bills) <= entries(shell).keys()


async def test_a_dead_token_pauses_until_it_lives(shell: Shell, sandbox: Sandbox) -> None:
    """It fails in one line, as JSON too, the store remembers why, and the next run goes on by itself."""
    due, scopes = due_in(sandbox), sandbox.brex.tokens.pop(sandbox.token)
    paused = await shell(*EXPORT)
    failed_with_one_line(paused)
    assert "make a new one" in paused.err
    as_json = await shell(*JSON_EXPORT)
    assert json.loads(as_json.err)["error"]["exit_code"] == as_json.code == 1
    assert json.loads(as_json.out)["paused"]["code"] == "DEAD_TOKEN"
    status = await shell("sync", "status", "--store", "exports.db")
    assert "DEAD_TOKEN by engine" in status.out
    sandbox.brex.tokens[sandbox.token] = scopes
    assert (await shell(*EXPORT)).code == 0
    check_journal(shell.folder / "journal.csv", due)


async def test_files_that_do_not_fit_are_refused(shell: Shell, sandbox: Sandbox) -> None:
    """A journal or store that cannot be used is one line with its reason; nothing is asked for and nothing changed."""
    (shell.folder / "notes").write_text("keep me, I am somebody's only copy of what is in here: " * 10)
    async with ExportAdmin(SqliteStore(shell.folder / "exports.db"), binding=Binding(company="cuacc_1")) as admin:
        assert (await admin.status()).open == 0
    for code, hint, *arguments in (
        (2, "cannot be opened", "--store=new.db", "--csv=missing/journal.csv"),
        (2, "take another file", "--store=new.db", "--csv=notes"),
        (1, "folder does not exist", "--store=missing/exports.db", "--csv=journal.csv"),
        (1, "no export store", "--store=notes", "--csv=journal.csv"),
        (1, "cuacc_1", "--store=exports.db", "--csv=journal.csv", "--company=cuacc_2"),
    ):
        ended = await shell("export", "--post-from=2026-01-01", *map(str, arguments))
        assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1), ended.err
        assert str(hint) in ended.err
    assert (shell.folder / "notes").read_text().startswith("keep me")
    assert sandbox.statistics.requests == 0


async def test_brex_that_does_not_answer_is_one_line(shell: Shell, sandbox: Sandbox) -> None:
    """A list that fails ends the run with 1 and the advice to run again; the next one does everything."""
    due = due_in(sandbox)
    sandbox.faults.add(Fault(kind="html", method="GET", every=1))
    failed = await shell(*EXPORT)
    failed_with_one_line(failed)
    assert "the same command goes on" in failed.err
    sandbox.faults.clear()
    assert (await shell(*EXPORT)).code == 0
    check_journal(shell.folder / "journal.csv", due)


async def test_ctrl_c_lets_posts_come_to_their_end(shell: Shell, sandbox: Sandbox) -> None:
    """Interrupted while posts are under way, it waits for them and says so; the next run does the rest, each once."""
    due, held = due_in(sandbox), Held(shell, sandbox)
    process = await shell.start(*EXPORT)
    await until(held.is_waited_for)
    process.send_signal(signal.SIGINT)
    held.release()
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert b"the same command goes on" in err
    assert not await is_posting(shell)
    assert 1 < len(entries(shell)) < len(due.ids)
    assert (await shell(*EXPORT)).code == 0
    check_journal(shell.folder / "journal.csv", due)
    assert all_exported(sandbox, due)


class Held:
    """The journal, locked when the first report arrives at Brex: the posts after it wait for ``release``."""

    def __init__(self, shell: Shell, sandbox: Sandbox) -> None:
        self._shell = shell
        self._file: IO[bytes] | None = None
        strike = sandbox.faults.strike

        def lock(method: str, path: str) -> str | None:
            if method == "POST" and self._file is None:
                self._file = (shell.folder / "journal.csv").open("rb")
                fcntl.flock(self._file, fcntl.LOCK_EX)
            return strike(method, path)

        sandbox.faults.strike = lock  # type: ignore[method-assign]

    async def is_waited_for(self) -> bool:
        return self._file is not None and await is_posting(self._shell)

    def release(self) -> None:
        assert self._file is not None
        self._file.close()


async def test_what_another_worker_is_posting_is_told(shell: Shell, sandbox: Sandbox) -> None:
    """The second worker on a store does the rest, and says what is open and when it can be settled."""
    due, held = due_in(sandbox), Held(shell, sandbox)
    first = await shell.start(*EXPORT)
    await until(held.is_waited_for)
    second = await shell("export", "--store=exports.db", "--csv=other.csv", "--post-from=2026-01-01")
    assert second.code == 0
    assert "have no known outcome. What is open is settled by the first run after " in second.err
    held.release()
    assert await asyncio.wait_for(first.wait(), 60) == 0
    assert entries(shell) + entries(shell, "other.csv") == Counter(due.ids)
    assert all_exported(sandbox, due)


async def is_posting(shell: Shell) -> bool:
    try:
        async with ExportAdmin(SqliteStore(shell.folder / "exports.db")) as admin:
            return (await admin.status()).by_state.get(State.INTENT, 0) > 0
    except StoreUnavailable:  # it is being made
        return False


async def test_sigterm_ends_a_single_run_early_with_143(shell: Shell, sandbox: Sandbox) -> None:
    """What is under way comes to its end, the numbers are printed, and a caller knows that it was not everything."""
    due, held = due_in(sandbox), Held(shell, sandbox)
    process = await shell.start(*JSON_EXPORT, "--parallel", "3")
    await until(held.is_waited_for)
    process.send_signal(signal.SIGTERM)
    held.release()
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, err) == (143, b"terminated\n")
    summary = json.loads(out)
    assert summary["posted"] == len(entries(shell)) < len(due.ids)
    assert summary["open"] == 0
    assert (await shell(*EXPORT)).code == 0
    check_journal(shell.folder / "journal.csv", due)


async def test_again_and_again_until_sigterm(shell: Shell, sandbox: Sandbox) -> None:
    """With --every there is a line per run, what comes later is exported later, and SIGTERM ends it with 0."""
    due = due_in(sandbox)
    late = next(record for record in sandbox.brex.records() if record.id == due.ready[0])
    sandbox.brex.table.remove(row(sandbox, late.id))
    process = await shell.start(*JSON_EXPORT, "--every", "1s")
    assert process.stdout is not None
    first = json.loads(await process.stdout.readline())
    assert (first["posted"], first["open"]) == (len(due.ids) - 1, 0)
    sandbox.brex.table.put(late)
    while json.loads(await process.stdout.readline())["posted"] == 0:
        pass
    process.send_signal(signal.SIGTERM)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, err) == (0, b"")
    assert all(json.loads(line)["open"] == 0 for line in out.splitlines())
    check_journal(shell.folder / "journal.csv", due)


def row(sandbox: Sandbox, record_id: str) -> int:
    found = sandbox.brex.table.row_of(record_id)
    assert found is not None
    return found


async def test_a_reader_that_leaves_ends_it_quietly(shell: Shell, sandbox: Sandbox) -> None:
    """``| head -n 1`` is no error, and what was posted stays known."""
    due = due_in(sandbox)
    process = await shell.start(*EXPORT, "--every", "1s")
    assert process.stdout is not None
    assert process.stderr is not None
    assert b"posted" in await process.stdout.readline()
    process.stdout._transport.close()  # type: ignore[attr-defined]
    err = await asyncio.wait_for(process.stderr.read(), 60)
    assert (await process.wait(), err) == (0, b"")
    assert (await shell(*EXPORT)).code == 0
    check_journal(shell.folder / "journal.csv", due)


@pytest.mark.parametrize("width", [30, 200])
async def test_progress_is_shown_on_a_terminal_alone(shell: Shell, sandbox: Sandbox, width: int) -> None:
    """A terminal sees the numbers grow on one line of its width, and stdout holds the table alone."""
    assert sandbox.url
    shell.environment |= {"COLUMNS": str(width), "TERM": "xterm"}
    terminal, theirs = pty.openpty()
    try:
        process = await shell.start(*EXPORT, stderr=theirs)
        os.close(theirs)
        seen = asyncio.create_task(asyncio.to_thread(read_all, terminal))
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        shown = await seen
    finally:
        os.close(terminal)
    assert process.returncode == 0
    assert b"read " in shown
    assert shown.count(b"\n") <= 1, shown
    assert out.startswith(b"read ")
    assert b"\x1b" not in out


def read_all(terminal: int) -> bytes:
    seen = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other side has closed
            return seen
        if not piece:
            return seen
        seen += piece


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows[:1],
        lambda rows: [*rows, rows[0]],
        lambda rows: [attrs.evolve(rows[0], cents=1), rows[1]],
    ],
)
def test_a_journal_that_is_wrong_is_found_out(tmp_path: Path, spoil: Callable[[list[Row]], list[Row]]) -> None:
    """The check that these tests rely on sees a missing entry, a second one, and a cent too many."""
    rows, due = [Row("accr_1"), Row("accr_2")], DueTotals(ready=["accr_1", "accr_2"])
    for one in rows:
        due.totals.book("CARD_EXPENSE_POST", "DEBIT", Money(amount=one.amount, currency="USD"))
    path = tmp_path / "journal.csv"
    path.write_text(written(rows))
    check_journal(path, due)
    path.write_text(written(spoil(rows)))
    with pytest.raises(AssertionError):
        check_journal(path, due)


@attrs.frozen
class Row:
    record_id: str
    cents: int = 0

    @property
    def amount(self) -> Decimal:
        return Decimal("10.00") + Decimal(self.cents) / 100


def written(rows: list[Row]) -> str:
    lines = [f"{one.record_id},CARD_EXPENSE_POST,DEBIT,{one.amount},USD,1 lines x" for one in rows]
    return "\n".join(["record_id,type,side,amount,currency,entry_end", *lines, ""])
