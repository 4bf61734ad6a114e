"""CsvPoster: what is in its file, and what is in it after SIGKILL."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import signal
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.enums import LineItemType, SourceType
from brex_accounting.errors import ConfigurationError
from brex_accounting.models import AccountingRecord, Money
from brex_accounting.posters import appended
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.posters.csv.rows import COLUMNS, HEADER, encode, is_end, is_whole, parse, rows_of, safe
from brex_accounting.sync.keys import ExportKey, export_key
from brex_accounting.sync.poster import NotNow, Outcome, Posted, Rejected, RejectionCode, Skipped, checked_recovery

from ..forks import Forked, Forks
from .records import KEYS, RECORDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is neither flock nor SIGKILL")
RECORD, KEY = RECORDS[0], KEYS[0]


async def post(path: Path, record: AccountingRecord = RECORD, revision: int = 1) -> Outcome:
    before = export_key(record.id, revision - 1) if revision > 1 else None
    return await CsvPoster(path).post(record, key=export_key(record.id, revision), supersedes=before)


async def found(path: Path, keys: list[ExportKey]) -> list[ExportKey]:
    poster = CsvPoster(path)
    return [key for key in keys if await poster.find(key) is not None]


def entries(path: Path) -> list[list[dict[str, str]]]:
    """The entries as a reader sees them, each whole and in one piece."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    pieces = [list(piece) for _, piece in groupby(rows, key=lambda row: row["key"])]
    for piece in pieces:
        assert [row["entry_end"] != "" for row in piece] == [False] * (len(piece) - 1) + [True]
        assert piece[-1]["entry_end"].startswith(f"{len(piece)} lines ")
        assert is_whole([list(row.values()) for row in piece])
    return pieces


# What is in the file.


async def test_every_record_is_there_exactly(tmp_path: Path) -> None:
    """Each record once, with its lines in order; sums per side and currency are the records' own, to the last digit."""
    path = tmp_path / "journal.csv"
    poster = CsvPoster(path)
    assert checked_recovery(poster) == "find"
    for record, key in zip(RECORDS, KEYS, strict=True):
        assert await poster.post(record, key=key, supersedes=None) == Posted(key)
    pieces = entries(path)
    assert [piece[0]["key"] for piece in pieces] == KEYS
    written: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    expected: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for piece, record in zip(pieces, RECORDS, strict=True):
        assert [row["line_id"] for row in piece] == [line.id for line in record.line_items]
        for row in piece:
            written[row["side"], row["currency"]] += Decimal(row["amount"])
        for line in record.line_items:
            expected[line.type, line.amount.currency] += line.amount.amount
    assert written == expected


async def test_a_row(tmp_path: Path) -> None:
    """One row says what a reader needs, in the documented columns."""
    coded = next(record for record in RECORDS if record.vendor and record.line_items[0].coding)
    await post(tmp_path / "journal.csv", coded, 2)
    row = entries(tmp_path / "journal.csv")[0][0]
    line = coded.line_items[0]
    assert tuple(row) == COLUMNS
    assert (row["key"], row["supersedes"]) == (f"{coded.id}.2", f"{coded.id}.1")
    assert (row["date"], row["side"], row["line"]) == (coded.accounting_date.isoformat(), line.type, "1")
    assert row["amount"] == f"{line.amount.amount:f}"
    first = line.coding[0]
    assert row["coding"].split("; ")[0] == f"{first.remote_field_id}={first.remote_field_value_id}"


async def test_the_same_key_again_is_the_first_entry(tmp_path: Path) -> None:
    """Also with another memo: the file does not change."""
    path = tmp_path / "journal.csv"
    await post(path)
    before = path.read_bytes()
    assert await post(path, attrs.evolve(RECORD, memo="another")) == Posted(KEY)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-cmd", "'-cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("＝1", "'＝1"),  # noqa: RUF001
        ("-12.50", "-12.50"),
        ("+3", "+3"),
        ("-1-1", "'-1-1"),
        ("-1e3", "'-1e3"),
        ("a=b", "a=b"),
        ("one\r\ntwo\x00three", "one two three"),
        ("\n=1", " =1"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(text: str, cell: str) -> None:
    """What a spreadsheet would run is a text; plain numbers stay numbers; a row is one physical line."""
    assert safe(text) == cell


TEXT = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["=cmd|'/c calc'!A1", '"', ",", '=","', "\u2028", "\ud800"]
)


@given(TEXT, TEXT, st.decimals(allow_nan=False, allow_infinity=False, places=5))
def test_any_text_comes_back(memo: str, vendor: str, amount: Decimal) -> None:
    """Rows read back are whole; no cell starts as a formula but numbers; none holds a line end."""
    lines = tuple(
        attrs.evolve(line, memo=memo, amount=Money(amount=amount, currency="USD")) for line in RECORD.line_items
    )
    record = attrs.evolve(RECORD, memo=memo, line_items=lines, source_id=vendor)
    data = encode(rows_of(record, KEY, None))
    assert data.count(b"\n") == len(lines)
    rows = [row for row in map(parse, data.split(b"\n")[:-1]) if row]
    assert [is_end(row) for row in rows] == [False] * (len(lines) - 1) + [True]
    assert is_whole(rows)
    assert {Decimal(row[COLUMNS.index("amount")]) for row in rows} == {amount}
    for cell in (cell for row in rows for cell in row):
        assert cell[:1] not in tuple("=+-@\t") or Decimal(cell).is_finite()
    with io.StringIO(data.decode(), newline="") as file:
        assert list(csv.reader(file)) == rows


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (attrs.evolve(RECORD, line_items=RECORD.line_items[:1]), RejectionCode.UNBALANCED),
        (attrs.evolve(RECORD, line_items=()), RejectionCode.UNBALANCED),
        (attrs.evolve(RECORD, memo="x" * 32_768), RejectionCode.TOO_LONG),
    ],
)
async def test_what_is_rejected(tmp_path: Path, record: AccountingRecord, expected: str) -> None:
    """Nothing is written of it."""
    outcome = await post(tmp_path / "journal.csv", record)
    assert isinstance(outcome, Rejected)
    assert outcome.code == expected
    assert not (tmp_path / "journal.csv").exists()


async def test_bills_that_are_no_longer_due(tmp_path: Path) -> None:
    """Skipped when never booked; else a person reverses them. Another record with that status is booked."""
    assert isinstance(await post(tmp_path / "other.csv", attrs.evolve(RECORDS[1], status="VOID")), Posted)
    bill = attrs.evolve(RECORD, source_type=SourceType.BILL, status="VOID")
    assert isinstance(await post(tmp_path / "journal.csv", bill), Skipped)
    assert isinstance(await post(tmp_path / "journal.csv", bill, 2), Rejected)


async def test_a_record_of_an_unknown_line_type_is_refused(tmp_path: Path) -> None:
    """A direction that nobody knows is not balanced."""
    lines = tuple(attrs.evolve(line, type=LineItemType("SIDEWAYS")) for line in RECORD.line_items)
    assert isinstance(await post(tmp_path / "journal.csv", attrs.evolve(RECORD, line_items=lines)), Rejected)


async def test_the_date_is_the_accounting_date(tmp_path: Path) -> None:
    """Not that of settlement."""
    moved = attrs.evolve(RECORD, erp_posting_date=datetime(2026, 1, 31, 23, tzinfo=UTC), posted_at=datetime.now(UTC))
    await post(tmp_path / "journal.csv", moved)
    assert entries(tmp_path / "journal.csv")[0][0]["date"] == "2026-01-31"


# What is left of a torn file.


async def test_torn_at_every_byte(tmp_path: Path) -> None:
    """Cut anywhere: the entries before the cut are found, no other; and posting the rest makes the whole file again."""
    path = tmp_path / "journal.csv"
    ends = [0]
    chosen = [0, 1, 3]
    for row in chosen:
        await post(path, RECORDS[row])
        ends.append(path.stat().st_size)
    whole, keys = path.read_bytes(), [KEYS[row] for row in chosen]
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        poster = CsvPoster(path)
        there = [key for key in keys if await poster.find(key)]
        assert there == [key for key, end in zip(keys, ends[1:], strict=True) if end <= cut]
        if cut % 37 == 0:
            for row in chosen:
                await poster.post(RECORDS[row], key=KEYS[row], supersedes=None)
            assert path.read_bytes() == whole


@pytest.mark.parametrize("change", ["header", "amount", "line", "spreadsheet", "note", "swapped"])
async def test_a_file_that_somebody_changed_is_left_alone(tmp_path: Path, change: str) -> None:
    """Nothing is posted and nothing removed: the words say where, and no value of the file is in them."""
    path = tmp_path / "journal.csv"
    for record in RECORDS[:3]:
        await post(path, record)
    lines = path.read_bytes().splitlines(keepends=True)
    amount = f"{RECORD.line_items[0].amount.amount:f}".encode()
    changed = {
        "header": [b"other,columns" + b"," * 200 + b"\n", *lines[1:]],
        "amount": [lines[0], lines[1].replace(amount, b"9" + amount), *lines[2:]],
        "line": [lines[0], *lines[2:]],
        "spreadsheet": [line.replace(b",", b";") for line in lines],
        "note": [*lines, b"checked by Wren\n"],
        "swapped": [lines[0], lines[2], lines[1], *lines[3:]],
    }[change]
    path.write_bytes(b"".join(changed))
    outcome = await post(path, RECORDS[5])
    assert isinstance(outcome, NotNow)
    assert amount.decode() not in outcome.reason
    for asking in (CsvPoster(path).check(), CsvPoster(path).find(KEY)):
        with pytest.raises(ConfigurationError, match=r"changed after|begin with"):
            await asking
    assert path.read_bytes() == b"".join(changed)


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """Nothing can be written: it may be mended, and is no failure of the record."""
    assert isinstance(await post(tmp_path / "nowhere" / "journal.csv"), NotNow)
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        await CsvPoster(tmp_path).check()


async def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outcome is unknown and raised; the file tells afterwards that the entry is not there."""
    path, whole = tmp_path / "journal.csv", appended.write
    await post(path)

    def full(file: int, data: bytes, at: int) -> None:
        whole(file, data[: len(data) // 2], at)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(appended, "write", full)
        with pytest.raises(OSError, match="No space"):
            await post(path, RECORDS[1])
    assert await found(path, KEYS[:2]) == KEYS[:1]
    await post(path, RECORDS[1])
    assert len(entries(path)) == 2


async def test_a_file_that_was_moved_away(tmp_path: Path) -> None:
    """The next entry begins a new file with its header, and the old one stays as it was."""
    path, old = tmp_path / "journal.csv", tmp_path / "old.csv"
    poster = CsvPoster(path)
    await poster.post(RECORD, key=KEY, supersedes=None)
    path.rename(old)
    await poster.post(RECORDS[1], key=KEYS[1], supersedes=None)
    assert ([piece[0]["key"] for piece in entries(old)], [piece[0]["key"] for piece in entries(path)]) == (
        [KEY],
        [KEYS[1]],
    )
    assert path.read_bytes().startswith(HEADER)


async def test_posts_at_once_in_one_process(tmp_path: Path) -> None:
    """Two posters, a hundred posts at the same time, each key twice: every entry once and in one piece."""
    path = tmp_path / "journal.csv"
    posters = [CsvPoster(path), CsvPoster(path)]
    await asyncio.gather(
        *(
            poster.post(record, key=key, supersedes=None)
            for record, key in zip(RECORDS[:50], KEYS[:50], strict=True)
            for poster in posters
        )
    )
    assert sorted(piece[0]["key"] for piece in entries(path)) == sorted(KEYS[:50])


# Real processes.


async def start(forks: Forks, path: Path, *arguments: float) -> Forked:
    return await forks.start(str(path), *map(str, arguments), module="tests.posters.writer")


async def said(process: Forked) -> list[str]:
    """The keys it printed until its end."""
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    return out.decode().split()[1:]


async def test_killed_at_random_bytes(forks: Forks, tmp_path: Path) -> None:
    """Each process dies in the middle of a write: what it called posted is found, torn entries are not, all is once."""
    path, chance, last, torn = tmp_path / "journal.csv", random.Random(3), 40, 0
    for _ in range(12):
        process = await start(forks, path, 0, last, 1 << 20, chance.randrange(1, 2500))
        posted = await said(process)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        size = path.stat().st_size
        assert set(posted) <= set(await found(path, KEYS[:last]))
        torn += size > path.stat().st_size
        entries(path)
    assert torn > 5
    process = await start(forks, path, 0, last)
    assert await said(process) == KEYS[:last]
    assert [piece[0]["key"] for piece in entries(path)] == KEYS[:last]


async def test_a_storm_of_kills_from_outside(forks: Forks, tmp_path: Path) -> None:
    """Two processes write a few bytes at a time and are killed whenever; all keys are there once, in whole entries."""
    path, chance, last, kills = tmp_path / "journal.csv", random.Random(4), 60, 0
    for _ in range(6):
        # So slowly that all of it takes many times as long as any of them has.
        pair = [await start(forks, path, 0, last, 7, 10**9, 0.002) for _ in range(2)]
        for process in pair:
            assert process.stdout is not None
            await process.stdout.readline()
        await asyncio.sleep(chance.uniform(0, 0.3))
        for process in pair:
            if process.returncode is None:
                process.kill()
                kills += 1
        posted = {key for process in pair for key in await said(process)}
        assert posted <= set(await found(path, KEYS[:last]))
        assert set(Counter(piece[0]["key"] for piece in entries(path)).values()) <= {1}
    assert kills
    assert await said(await start(forks, path, 0, last)) == KEYS[:last]
    assert sorted(piece[0]["key"] for piece in entries(path)) == sorted(KEYS[:last])


async def test_two_processes_do_not_interleave(forks: Forks, tmp_path: Path) -> None:
    """They write the same and other records at the same time, seven bytes at once: each entry is in one piece, once."""
    path = tmp_path / "journal.csv"
    pair = [await start(forks, path, 0, 40, 7), await start(forks, path, 20, 60, 7)]
    told = [await said(process) for process in pair]
    assert told == [KEYS[:40], KEYS[20:60]]
    assert sorted(piece[0]["key"] for piece in entries(path)) == sorted(KEYS[:60])
