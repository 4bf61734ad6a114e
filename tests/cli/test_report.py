"""``sync report``: a person reads the month, a script does, and both are told when something differs."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import pty
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from brex_accounting.cli.app import run
from brex_accounting.enums import ReviewStatus
from brex_accounting.sync.keys import ExportKey

from ..closing.office import Office, office
from ..posters.booked import coding, record
from ..posters.charts import GOOD
from .conftest import Ended, Shell

BOOKS = ("--store=exports.db", "--csv=books.csv", "--chart=chart.toml")
COMMAND = ("sync", "report", "--period=2026-06", *BOOKS)


@pytest.fixture
async def books(shell: Shell) -> AsyncIterator[Office]:
    """A small month that was exported; the shell works in its folder."""
    (shell.folder / "chart.toml").write_text(GOOD)
    async with office(shell.folder, seeded=60) as made:
        shell.environment |= {"BREX_TOKEN": made.sandbox.token, "BREX_BASE_URL": made.sandbox.url}
        made.turn(ReviewStatus.EXPORTED, ReviewStatus.READY_FOR_EXPORT)
        await made.export()
        yield made


async def damage(books: Office) -> None:
    """One more entry, that nobody knows of in Brex."""
    await books.books.post(record(id="accr_by_hand"), key=ExportKey("mine"), supersedes=None)


@pytest.mark.usefixtures("books")
async def test_a_month_that_is_right_is_shown_whole(shell: Shell) -> None:
    """Each part with its title, in columns, and nothing on stderr."""
    ended = await shell(*COMMAND)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].startswith("2026-06: ")
    titles = [line for before, line in zip(ended.lines, ended.lines[1:], strict=False) if before == ""]
    assert [title.split(" (")[0] for title in titles] == [
        *("Brex and the books", "By account", "What waits to be posted"),
        *("What is READY_FOR_EXPORT in Brex, and where it stands here: none", "Differences: none"),
    ]
    rows = [line for line in ended.lines if line.startswith("LWI ") and "CARD_EXPENSE_POST" in line]
    assert rows
    assert all(line.endswith(" 0.00") for line in rows)


async def test_what_differs_is_one_clear_line_and_fails(shell: Shell, books: Office) -> None:
    """The part that was asked for is printed all the same, and names the record."""
    await damage(books)
    ended = await shell(*COMMAND, "--part", "differences")
    assert "By account" not in ended.out
    assert ended.code == 1
    assert ended.err == "error: the difference is not 0.00: 1 record in 2 rows\n"
    found = [line for line in ended.lines if line.startswith("accr_by_hand")]
    assert len(found) == 2
    assert all("Brex" in line or "books" in line for line in found)


async def test_csv_is_a_row_for_each_place(shell: Shell, books: Office) -> None:
    """Amounts are plain numbers that add up to the difference; the file ends with an error all the same."""
    await damage(books)
    ended = await shell(*COMMAND, "--format", "csv")
    assert ended.code == 1
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    explained = ("posted", "moved", "skipped", "rejected", "exceptions", "not_yet", "difference")
    for row in rows:
        assert Decimal(row["debits"]) - Decimal(row["credits"]) == sum(Decimal(row[name]) for name in explained)
        assert Decimal(row["difference"]).as_tuple().exponent == -2
    assert sum(Decimal(row["difference"]) != 0 for row in rows) == 2


async def test_json_holds_every_part(shell: Shell, books: Office) -> None:
    """One object; amounts are texts with all their digits."""
    await damage(books)
    ended = await shell(*COMMAND, "--format", "json")
    assert ended.code == 1
    found = json.loads(ended.out)
    assert set(found) == {
        *("period", "made_at", "records", "is_clean", "problems", "rows", "accounts", "roll_forward", "queue"),
        *("differences", "unreadable", "disagreeing"),
    }
    assert (found["period"], found["is_clean"]) == ("2026-06", False)
    assert {one["record_id"] for one in found["differences"]} == {"accr_by_hand"}
    assert {one["difference"] for one in found["differences"]} == {"171.75", "-171.75"}
    assert all(one["holds"] for one in found["roll_forward"])


@pytest.mark.usefixtures("books")
async def test_another_month_is_empty(shell: Shell) -> None:
    """A quiet month is no error."""
    ended = await shell("sync", "report", "--period=2026-01", *BOOKS)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].startswith("2026-01: 0 records")
    assert "Brex and the books (from posted on: debits less credits): none" in ended.lines


async def test_a_month_from_its_export_to_its_report(shell: Shell) -> None:
    """By commands alone, into a Beancount ledger; and once more after somebody took the ledger away."""
    (shell.folder / "chart.toml").write_text(GOOD)
    books = ("--store=exports.db", "--beancount=books.beancount", "--chart=chart.toml")
    async with office(shell.folder, seeded=60) as made:
        shell.environment |= {"BREX_TOKEN": made.sandbox.token, "BREX_BASE_URL": made.sandbox.url}
        made.turn(ReviewStatus.EXPORTED, ReviewStatus.READY_FOR_EXPORT)
        exported = await shell("export", *books)
        assert exported.code == 0, exported.err
        ended = await shell("sync", "report", "--period=2026-06", *books)
        assert (ended.code, ended.err) == (0, "")
        (shell.folder / "books.beancount").unlink()
        ended = await shell("sync", "report", "--period=2026-06", *books, "--part=differences")
        assert ended.code == 1
        assert "the books do not hold it" in ended.out
        assert not (shell.folder / "books.beancount").exists()


async def on_a_terminal(shell: Shell, columns: int, *arguments: str) -> Ended:
    """A command whose stdout is a terminal of that width."""
    shell.environment |= {"COLUMNS": str(columns), "TERM": "xterm"}
    master, slave = pty.openpty()
    with os.fdopen(slave, "wb") as terminal:
        process = await shell.start(*arguments, stdout=terminal)
    seen = bytearray()

    def read() -> None:
        try:
            while data := os.read(master, 1 << 16):
                seen.extend(data)
        except OSError:  # the other end is closed
            pass

    _, (_, err) = await asyncio.gather(asyncio.to_thread(read), process.communicate())
    os.close(master)
    return Ended(process.returncode or 0, seen.decode().replace("\r\n", "\n"), err.decode())


async def test_a_terminal_shows_every_amount_whole_within_its_width(shell: Shell, books: Office) -> None:
    """Whatever is in the full table is in the narrow one, but for columns that hold nothing."""
    values = coding("6900", entity="LWG")
    large = record(id="accr_large", amounts=("12345678901234.56",), currency="CAD", values=values)
    books.put(large)
    await books.export()
    plain = await shell(*COMMAND, "--format", "csv")
    for columns in (60, 100):
        ended = await on_a_terminal(shell, columns, *COMMAND, "--part", "rows")
        assert ended.code == 0
        assert max(map(len, ended.lines[3:])) <= columns
        assert ended.out.count("12345678901234.56") >= 3
        for row in csv.DictReader(io.StringIO(plain.out)):
            assert row["posted"] in ended.out
            assert row["account"] in ended.out


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("--period=2026-13", *BOOKS), 2, "a month like 2026-06"),
        (("--period=2026-06", *BOOKS), 1, "there is no store"),
        (("--period=2026-06", "--store=exports.db", "--chart=chart.toml"), 2, "--beancount"),
        (("--period=2026-06", "--store=exports.db", "--csv=books.csv", "--chart=none.toml"), 2, "none.toml"),
        (("--period=2026-06", *BOOKS, "--format=json", "--part=rows"), 2, "--part"),
        (("--period=2026-06", *BOOKS, "--format=xml"), 2, "--help"),
    ],
)
def test_wrong_usage_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    hint: str,
) -> None:
    """Nothing is printed, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BREX_TOKEN", "bxt_nobody")
    Path("chart.toml").write_text(GOOD)
    assert run(["sync", "report", *arguments]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert hint in err
    assert [one.name for one in tmp_path.iterdir()] == ["chart.toml"]


@pytest.mark.usefixtures("books")
async def test_books_that_are_none_are_one_line(shell: Shell) -> None:
    """A file that was not written here is left as it is."""
    ended = await shell("sync", "report", "--period=2026-06", "--store=exports.db", "--csv=chart.toml", BOOKS[2])
    assert (ended.code, ended.out) == (2, "")
    assert "CSV file" in ended.err
    assert (shell.folder / "chart.toml").read_text() == GOOD
