"""BeancountPoster: what is in its ledger, what Beancount says to it, and where Beancount says nothing and we do."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from beancount import loader
from beancount.core.data import Transaction

from brex_accounting.enums import ReviewStatus
from brex_accounting.errors import ConfigurationError
from brex_accounting.posters import appended
from brex_accounting.posters.beancount import BeancountPoster
from brex_accounting.posters.beancount.accounts import account_names
from brex_accounting.posters.beancount.ledger import HEADER, LedgerContents
from brex_accounting.posters.beancount.text import Booking
from brex_accounting.posters.contents import Changed
from brex_accounting.posters.entries import Entry
from brex_accounting.sandbox import make_seed
from brex_accounting.sync.keys import export_key
from brex_accounting.sync.poster import FindingRecords, NotNow, Posted, Rejected, Skipped, checked_recovery

from .booked import CHART, balances, booked, entry_of, record
from .charts import chart

NAMES = account_names(CHART)
OPENED = "2026-06-01 open Expenses:6100-Airfare\n2026-06-01 open Liabilities:2100-Brex-card\n"
RECORDS = [attrs.evolve(record(amounts=[f"{at}.10"]), id=f"accr_{at}", source_id=f"s_{at}") for at in range(1, 5)]
KEYS = [export_key(one.id, 1) for one in RECORDS]


def complaints(path: Path) -> list[str]:
    """What bean-check says to a ledger."""
    return [str(error.message) for error in loader.load_file(str(path))[1]]


async def written(path: Path) -> bytes:
    """A ledger with four entries."""
    poster = BeancountPoster(path, CHART)
    for one, key in zip(RECORDS, KEYS, strict=True):
        assert await poster.post(one, key=key, supersedes=None) == Posted(key)
    return path.read_bytes()


async def keys_of(path: Path) -> list[str]:
    """The keys in a ledger once it is mended."""
    await BeancountPoster(path, CHART).check()
    return [entry.key for entry in await BeancountPoster(path, CHART).entries()]


# What is in it.


async def test_a_record_that_is_booked(tmp_path: Path) -> None:
    """Its entry is found by its key and by its record; a second post of the key writes nothing."""
    path = tmp_path / "brex.beancount"
    poster = BeancountPoster(path, CHART)
    assert checked_recovery(poster) == "find"
    assert isinstance(poster, FindingRecords)
    text = await written(path)
    assert await poster.entries() == tuple(map(entry_of, RECORDS))
    assert [await poster.find(key) for key in [*KEYS, export_key("accr_1", 2)]] == [*map(Posted, KEYS), None]
    (found,) = await poster.find_record("accr_3")
    assert (found.key, found.posted, found.stands, found.hash_version) == (KEYS[2], Posted(KEYS[2]), True, 1)
    assert await poster.find_record("accr_9") == ()
    again = attrs.evolve(RECORDS[0], version=9, review_status=ReviewStatus.EXPORTED)
    assert await poster.post(again, key=KEYS[0], supersedes=None) == Posted(KEYS[0])
    assert path.read_bytes() == text


async def test_a_store_that_has_forgotten_what_is_booked(tmp_path: Path) -> None:
    """The entry of a key has another content, or is reversed: it is not taken for what is to be posted."""
    path = tmp_path / "brex.beancount"
    await written(path)
    poster, changed = BeancountPoster(path, CHART), attrs.evolve(RECORDS[0], memo="x")
    forgotten = await poster.post(changed, key=KEYS[0], supersedes=None)
    assert isinstance(forgotten, NotNow)
    assert "sync rebuild" in forgotten.reason
    assert isinstance(await poster.post(changed, key=export_key("accr_1", 2), supersedes=KEYS[0]), Posted)
    assert isinstance(await poster.post(RECORDS[0], key=KEYS[0], supersedes=None), NotNow)


async def test_what_the_rules_say_no_to(tmp_path: Path) -> None:
    """Nothing is written of it, and the rules' own words are the outcome."""
    poster = BeancountPoster(tmp_path / "brex.beancount", CHART)
    for one in (record("INVOICE"), record("CARD_EXPENSE_POST", values=()), record("BILL_EXPENSE", status="VOID")):
        outcome = await poster.post(one, key=KEYS[0], supersedes=None)
        assert outcome == booked(one)
        assert isinstance(outcome, (Rejected, Skipped))
    assert (tmp_path / "brex.beancount").read_bytes() == HEADER


@pytest.fixture(params=[7, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (11, 23))])
def month(request: pytest.FixtureRequest) -> list[Entry]:
    """What the rules make of a lifelike month."""
    seed = make_seed("lifelike", records=2_637, seed=request.param)
    outcomes = [booked(seed.record(at)) for at in range(len(seed))]
    return [entry for made in outcomes if isinstance(made, tuple) for entry in made]


def text_of(entries: Sequence[Entry]) -> bytes:
    """The ledger that holds them, read back."""
    contents, text = LedgerContents(), HEADER
    for entry in entries:
        block = contents.entry_block(Booking(entry=entry), named=NAMES, day=CHART.post_from)
        taken = [contents.take(line) for line in block[:-1].split(b"\n")]
        assert taken == [False] * (len(taken) - 1) + [True]
        text += block
    assert list(contents.index.entries.values()) == list(entries)
    return text


def test_beancount_agrees_on_a_month(month: list[Entry]) -> None:
    """bean-check finds no error, and what it adds up per account and currency are the entries' exact Decimals."""
    directives, errors, _ = loader.load_string(text_of(month).decode())
    assert errors == []
    original = {name: account for account, name in NAMES.items()}
    net: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    transactions = [one for one in directives if isinstance(one, Transaction)]
    for one in transactions:
        for posting in one.postings:
            assert posting.units is not None
            assert posting.units.number is not None
            net[original[posting.account], posting.units.currency] += posting.units.number
    assert {key: amount for key, amount in net.items() if amount} == balances(month)
    assert len(transactions) == len(month) > 2_400


def test_nothing_of_beancount_is_imported() -> None:
    """Its licence is another one: the package writes the language and reads its own files itself."""
    for path in (Path(__file__).parents[2] / "brex_accounting").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not [name for name in names if name.split(".")[0] == "beancount"], path


# Where bean-check is content, and we are not.


def refused(entry_lines: Sequence[str]) -> bool:
    """Whether our reader refuses a block of these lines, although its last line is right."""
    contents = LedgerContents()
    block = contents._closed(KEYS[0], entry_lines)
    try:
        for line in block[:-1].split(b"\n"):
            contents.take(line)
    except Changed:
        return True
    return False


def block_lines(*changes: tuple[str, str]) -> list[str]:
    """The lines of a block as they are written, with pieces exchanged."""
    block = LedgerContents().entry_block(Booking(entry=entry_of(RECORDS[0])), named=NAMES, day=CHART.post_from)
    text = block.decode()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text.split("\n")[2:-2]


def test_the_block_of_these_tests_is_sound() -> None:
    """Unchanged it is neither refused nor complained about: what follows is refused for its change alone."""
    assert not refused(block_lines())
    assert loader.load_string("\n".join(block_lines()))[1] == []


@pytest.mark.parametrize(
    "changes",
    [
        # A tolerance of half the last digit of the coarsest amount.
        [(" 1.10 USD", " 100.5 USD"), ("-1.10 USD", "-100.54 USD")],
        # A posting without an amount is filled in.
        [("  -1.10 USD", "")],
        # More digits than the currency has.
        [(" 1.10 USD", " 1.100 USD"), ("-1.10 USD", "-1.100 USD")],
        # An account that was opened without the words that it stands for.
        [('  brex-account: "6100 Airfare"\n', "")],
        # A transaction that does not say whose it is.
        [('  brex-key: "accr_1.1"\n', "")],
        # Another entry's key.
        [('brex-key: "accr_1.1"', 'brex-key: "accr_2.1"')],
    ],
)
def test_bean_check_is_content_and_we_are_not(changes: list[tuple[str, str]]) -> None:
    """The sums are added up by us, to the last digit, and nothing is filled in."""
    lines = block_lines(*changes)
    assert loader.load_string("\n".join(lines))[1] == []
    assert refused(lines)


def test_a_transaction_that_stands_there_twice() -> None:
    """Beancount does not mind equal keys. We read a key once."""
    lines = block_lines()
    head = next(at for at, line in enumerate(lines) if " * " in line)
    text = "\n".join([*lines, *lines[head:]])
    assert loader.load_string(text)[1] == []
    contents = LedgerContents()
    for line in contents._closed(KEYS[0], lines)[:-1].split(b"\n"):
        contents.take(line)
    again = contents._closed(KEYS[0], lines[head:])[:-1].split(b"\n")
    with pytest.raises(Changed):
        [contents.take(line) for line in again]


@pytest.mark.parametrize("torn", [' "Fenn', "-1.10 USD", ' -1.10 USD\n    brex-line: "accrli_2"'])
def test_a_torn_transaction(tmp_path: Path, torn: str) -> None:
    """Beancount takes one that ends early, wherever that is not in the middle of a word. Ours has no last line."""
    whole = "\n".join(block_lines())
    text = whole[: whole.index(torn)]
    is_accepted = loader.load_string(f"{text}\n")[1] == []
    assert is_accepted == (torn != 'elby Inns"')
    path = tmp_path / "brex.beancount"
    path.write_text(f"{HEADER.decode()}\n; brex-begin {KEYS[0]}\n{text}")
    with BeancountPoster(path, CHART)._file.opened() as file:
        assert file.contents.index.entries == {}
    assert path.read_bytes() == HEADER


@pytest.mark.parametrize("name", ["Expenses:7500 Other G&A", "Expenses:_", "Expenses:other"])
def test_names_as_people_write_them_are_errors_of_beancount(name: str) -> None:
    """The same words in a chart become a name that it takes."""
    assert loader.load_string(f"2026-06-01 open {name}\n")[1]
    made = account_names(chart(('6100 = "6100 Airfare"', f'6100 = "{name}"')))[name]
    assert loader.load_string(f"2026-06-01 open {made}\n")[1] == []


def test_lower_case_currencies_are_errors_of_beancount() -> None:
    """The rules refuse them before: no such currency is in ISO 4217."""
    text = "\n".join(block_lines(("USD", "usd")))
    assert loader.load_string(text)[1]
    assert isinstance(booked(record(currency="usd")), Rejected)
    assert refused(text.split("\n"))


async def test_dates_before_the_accounts_are_open(tmp_path: Path) -> None:
    """An error of Beancount; so books that begin earlier than their ledger are refused before anything is written."""
    path = tmp_path / "brex.beancount"
    before = await written(path)
    text = before.decode().replace("2026-06-11 *", "2026-05-11 *")
    assert "Invalid reference to inactive account" in str(loader.load_string(text)[1])
    earlier = BeancountPoster(path, chart(("2026-06-01", "2026-05-01"), ("2026-05-31", "2026-04-30")))
    with pytest.raises(
        ConfigurationError, match="post_from is 2026-05-01, and the accounts of the ledger are open from"
    ):
        await earlier.check()
    outcome = await earlier.post(record(), key=export_key("accr_x", 1), supersedes=None)
    assert isinstance(outcome, NotNow)
    assert path.read_bytes() == before
    later = BeancountPoster(path, chart(("2026-06-01", "2026-06-05")))
    assert await later.post(record("BILL_EXPENSE"), key=export_key("accr_x", 1), supersedes=None) == Posted("accr_x.1")
    assert complaints(path) == []


# What somebody changed.


def piece(text: bytes, number: int) -> bytes:
    """A block, with the blank line before it."""
    return b"\n; brex-begin" + text.split(b"\n; brex-begin")[number]


CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "another file": (lambda text: b"; accounts\n" * 40 + text, "does not begin with"),
    "an amount": (lambda text: text.replace(b" 1.10 USD", b" 9.10 USD"), "lines 3 to "),
    "a narration": (lambda text: text.replace(b'"Fennelby Inns" ""', b'"Fennelby Inns" "x"', 1), "lines 3 to "),
    "a line out": (lambda text: text.replace(b'    brex-line: "accrli_1"\n', b"", 1), "lines 3 to "),
    "an entry out": (lambda text: text.replace(piece(text, 2), b""), "or right before"),
    "two entries swapped": (
        lambda text: text.replace(piece(text, 2) + piece(text, 3), piece(text, 3) + piece(text, 2)),
        "or right before",
    ),
    "an entry twice": (lambda text: text + piece(text, 2), "or right before"),
    "a comment between": (
        lambda text: text.replace(piece(text, 2), b"\n; checked" + piece(text, 2)),
        "or right before",
    ),
    "a comment inside": (lambda text: text.replace(b"  brex-record", b"  ; checked\n  brex-record", 1), "lines 3 to "),
    "a note at the end": (lambda text: text + b"; checked by Wren\n", "line "),
    "an entry of one's own": (
        lambda text: text + b'\n2026-06-12 * "Rent"\n  Expenses:6100-Airfare  1.00 USD\n',
        "or right before",
    ),
    "half a line of one's own": (lambda text: text + b"\n2026-06-12 * ", "or right before"),
    "one's own behind a torn entry": (
        lambda text: text[:-60] + b'\n2026-06-12 * "Rent"\n  Expenses:6100-Airfare  1.00 USD\n',
        "lines ",
    ),
    "one's own instead of the last line": (
        lambda text: text[: text.rindex(b"; brex-end")] + b'2026-06-12 * "Rent"\n  Expenses:6100-Airfare  1.00 USD\n',
        "lines ",
    ),
    "line ends of another system": (lambda text: text.replace(b"\n", b"\r\n"), "does not begin with"),
    "bytes that are no text": (lambda text: text.replace(b"Fennelby", b"F\xe9nnelby"), "lines 3 to "),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_ledger_that_somebody_changed_is_left_alone(tmp_path: Path, change: str) -> None:
    """Nothing is posted and nothing removed; the words name the lines and quote nothing of them."""
    path = tmp_path / "brex.beancount"
    text = await written(path)
    make, words = CHANGES[change]
    changed = make(text)
    assert changed != text
    path.write_bytes(changed)
    outcome = await BeancountPoster(path, CHART).post(record(), key=export_key("accr_x", 1), supersedes=None)
    assert isinstance(outcome, NotNow)
    assert words in outcome.reason
    assert "Fennelby" not in outcome.reason
    assert "1.10" not in outcome.reason
    for asking in (BeancountPoster(path, CHART).check(), BeancountPoster(path, CHART).find(KEYS[0])):
        with pytest.raises(ConfigurationError):
            await asking
    assert path.read_bytes() == changed


async def test_a_ledger_included_in_another_one(tmp_path: Path) -> None:
    """Where a person's own entries go: one ledger for Beancount, two files for those who write."""
    await written(tmp_path / "brex.beancount")
    own = tmp_path / "main.beancount"
    own.write_text(
        'option "title" "Larkmoor Works"\ninclude "brex.beancount"\n2026-06-01 open Assets:Bank\n'
        '2026-06-30 * "Card paid"\n  Liabilities:2100-Brex-card  10.40 USD\n  Assets:Bank\n'
        "2026-07-01 balance Liabilities:2100-Brex-card  0.00 USD\n"
    )
    assert complaints(own) == []


@pytest.mark.parametrize("more", [b"\n", b"\0" * 700, b"\n; brex-begin accr_9.1\n2026-06-01 open Exp\0\0\0"])
async def test_what_is_left_of_a_line(tmp_path: Path, more: bytes) -> None:
    """A blank line, and the zeros of a power cut, are removed."""
    path = tmp_path / "brex.beancount"
    text = await written(path)
    path.write_bytes(text + more)
    assert await keys_of(path) == KEYS
    assert path.read_bytes() == text


# Charts that change.


async def test_an_account_that_is_open_keeps_its_name(tmp_path: Path) -> None:
    """A chart that would call it otherwise, or something else the same, is refused with what to do."""
    path = tmp_path / "brex.beancount"
    text = await written(path)
    old = '6100 = "6100 Airfare"'
    for new, words in (
        ('6100 = "6100-Airfare"', 'Expenses:6100-Airfare is open in the ledger as the account "6100 Airfare"'),
        (f'{old}\n6101 = "Expenses:6100-Airfare"', "would both be Expenses:6100-Airfare"),
        ('6100 = "1300 Owed by staff"', None),
        ('6100 = "Expenses:Travel:Air"', None),
    ):
        changed = chart((old, new))
        if words is None:
            await BeancountPoster(path, changed).check()
            continue
        with pytest.raises(ConfigurationError) as caught:
            await BeancountPoster(path, changed).check()
        assert words in str(caught.value)
    other = chart(("2100 Brex card", "6100 Airfare"), (old, '6100 = "6105 Airfare"'))
    with pytest.raises(ConfigurationError, match="is open in the ledger as Expenses:6100-Airfare, and the chart would"):
        await BeancountPoster(path, other).check()
    assert path.read_bytes() == text


# The file.


async def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outcome is unknown and raised; the ledger tells afterwards that the entry is not there."""
    path, whole = tmp_path / "brex.beancount", appended.write
    text = await written(path)
    poster = BeancountPoster(path, CHART)

    def full(file: int, data: bytes, at: int) -> None:
        whole(file, data[: len(data) // 2], at)
        raise OSError(28, "No space left on device")

    one, key = attrs.evolve(record(), id="accr_9"), export_key("accr_9", 1)
    with monkeypatch.context() as patched:
        patched.setattr(appended, "write", full)
        with pytest.raises(OSError, match="No space"):
            await poster.post(one, key=key, supersedes=None)
    assert await poster.find(key) is None
    assert path.read_bytes() == text
    assert await poster.post(one, key=key, supersedes=None) == Posted(key)
    assert await keys_of(path) == [*KEYS, key]


async def test_a_ledger_that_was_moved_away(tmp_path: Path) -> None:
    """The next entry begins a new one, with the accounts that it needs, and the old one stays as it was."""
    path, old = tmp_path / "brex.beancount", tmp_path / "2026.beancount"
    poster = BeancountPoster(path, CHART)
    await poster.post(RECORDS[0], key=KEYS[0], supersedes=None)
    path.rename(old)
    await poster.post(RECORDS[1], key=KEYS[1], supersedes=None)
    assert (await keys_of(old), await keys_of(path)) == ([KEYS[0]], [KEYS[1]])
    assert complaints(old) == complaints(path) == []


async def test_a_ledger_that_cannot_be_opened(tmp_path: Path) -> None:
    """It may be mended, and is no failure of the record."""
    poster = BeancountPoster(tmp_path / "nowhere" / "brex.beancount", CHART)
    assert isinstance(await poster.post(RECORDS[0], key=KEYS[0], supersedes=None), NotNow)
    with pytest.raises(ConfigurationError, match="the ledger cannot be opened"):
        await BeancountPoster(tmp_path, CHART).check()
