"""The seed of the local Brex, whatever the profile: by number, without memory, the same everywhere."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest

from brex_accounting.enums import RecordType, ReviewStatus, SourceType
from brex_accounting.models import AccountingRecord
from brex_accounting.sandbox.seeds import PROFILES, Profile, make_seed
from brex_accounting.sandbox.seeds.month import COUNTS

from .seeded import CLOSE, MONTH, built, header_of, missing_gl


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("records", [0, 1, 2, 7, 10, 11, 61, 500])
def test_any_size_builds_and_agrees_with_its_headers(profile: Profile, records: int) -> None:
    """A seed of any size gives exactly as many records, each as its header said, with unique ids."""
    seed = make_seed(profile, records=records)
    made = [seed.record(index) for index in range(records)]
    assert len(seed) == records
    assert [seed.header(index) for index in range(records)] == [header_of(record) for record in made]
    assert [seed.record_id(index) for index in range(records)] == [record.id for record in made]
    assert len({record.id for record in made}) == records
    assert len({line.id for record in made for line in record.line_items}) == sum(
        len(record.line_items) for record in made
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_an_id_leads_back_to_its_index(profile: Profile) -> None:
    """``index_of`` undoes ``record_id`` for the first, the last and many between."""
    seed = make_seed(profile, records=200_000)
    for index in (0, 9, *range(0, 200_000, 997), 199_999):
        record_id = seed.record_id(index)
        assert re.fullmatch(r"accr_[0-9a-f]{24}", record_id)
        assert seed.index_of(record_id) == index


@pytest.mark.parametrize("profile", PROFILES)
def test_any_other_text_leads_nowhere(profile: Profile) -> None:
    """``index_of`` knows no id of another seed, of a larger month, or that was mangled."""
    seed = make_seed(profile, records=50)
    good = seed.record_id(20)
    others = [
        make_seed(profile, records=50, seed=8).record_id(20),
        make_seed(profile, records=5_000).record_id(4_999),
        good.upper(),
        good[:-1],
        good + "0",
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good.removeprefix("accr_"),
        "accrli_" + good.removeprefix("accr_"),
        "accr_",
        "accr_" + "z" * 24,
        "accr_-" + "1" * 23,
        "accr_" + "٣" * 24,
        "",
    ]
    assert [seed.index_of(other) for other in others] == [None] * len(others)


@pytest.mark.parametrize("profile", PROFILES)
def test_an_index_out_of_range_is_refused(profile: Profile) -> None:
    """A negative index or one past the end raises IndexError instead of inventing a record."""
    seed = make_seed(profile, records=10)
    for index in (-1, 10):
        for call in (seed.header, seed.record, seed.record_id):
            with pytest.raises(IndexError):
                call(index)
    with pytest.raises(ValueError, match="negative"):
        make_seed(profile, records=-1)


DIGEST = """
import hashlib
from brex_accounting.sandbox.seeds import PROFILES, make_seed
digest = hashlib.sha256()
for profile in PROFILES:
    seed = make_seed(profile, records=300, seed=11)
    for index in reversed(range(300)):
        digest.update(f"{seed.header(index)!r}{seed.record(index)!r}".encode())
print(digest.hexdigest())
"""


def test_every_process_makes_the_same_records() -> None:
    """Two processes with different string hashes, asked in any order, agree on every byte."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "4242")
    }
    assert len(digests) == 1


def test_a_record_does_not_depend_on_what_was_asked_before(month: tuple[AccountingRecord, ...]) -> None:
    """A fresh seed gives the same record 1,234 first, and another seed number gives another."""
    assert make_seed("lifelike", records=MONTH).record(1_234) == month[1_234]
    assert make_seed("lifelike", records=MONTH, seed=8).record(1_234) != month[1_234]


def test_a_large_seed_keeps_nothing_per_record() -> None:
    """Headers and records of a 200,000 record seed leave no trace in memory."""
    seed = make_seed("mixed", records=200_000)

    def touch(indices: range) -> int:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for index in indices:
            seed.header(index)
            seed.record(index)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    try:
        # The first round fills the caches of people and merchants, which are few.
        touch(range(0, 200_000, 160))
        # A thousand records weigh megabytes.
        assert touch(range(1, 200_000, 200)) < 100_000
    finally:
        tracemalloc.stop()


def test_every_tenth_mixed_record_is_awkward() -> None:
    """A mixed seed holds one awkward record in ten, at the tenth places."""
    mixed = built("mixed", 500)
    tenths = mixed[9::10]
    assert {record.type for record in tenths} >= {*RecordType, RecordType("CARD_EXPENSE_ADJUSTMENT_V2")}
    assert all(record.type in COUNTS and record.is_balanced for record in mixed if record not in tenths)


def test_awkward_records_balance_but_for_one_shape(awkward: tuple[AccountingRecord, ...]) -> None:
    """Awkward records are hard to read, not wrong: only the one without lines does not balance."""
    for record in awkward:
        if record.line_items:
            assert record.is_balanced
            assert sum(line.amount.amount for line in record.debits) == record.amount.amount
    assert any(not record.line_items for record in awkward)


SHAPES: dict[str, Callable[[AccountingRecord], object]] = {
    "unknown type": lambda r: r.type == "CARD_EXPENSE_ADJUSTMENT_V2" and not r.type.is_known,
    "unknown role": lambda r: r.user and not r.user.role.is_known,
    "unknown user status": lambda r: r.user and not r.user.status.is_known,
    "three digits": lambda r: r.amount.currency == "BHD" and r.amount.amount.as_tuple().exponent == -3,
    "no digits": lambda r: r.amount.currency == "JPY" and r.amount.amount.as_tuple().exponent == 0,
    "0.1": lambda r: str(r.amount.amount) == "0.1",
    "0.10": lambda r: str(r.amount.amount) == "0.10",
    "1E+2": lambda r: str(r.amount.amount) == "1E+2",
    "beyond a float": lambda r: r.amount.amount == Decimal("12345678901234.56"),
    "null value": lambda r: missing_gl(r) == "null",
    "no GL entry": lambda r: missing_gl(r) == "no entry",
    "no list": lambda r: missing_gl(r) == "no list",
    "no lines": lambda r: r.line_items == (),
    "60 lines": lambda r: len(r.line_items) == 61,
    "amortization": lambda r: any(line.amortization is not None for line in r.line_items),
    "blank at the end": lambda r: r.user and r.user.first_name.endswith(" ") and r.user.last_name.endswith(" "),
    "no user": lambda r: r.user is None,
    "no vendor": lambda r: r.vendor is None,
    "no source": lambda r: r.source_id is None,
    "line breaks": lambda r: r.memo and "\r\n" in r.memo,
    "emoji": lambda r: r.memo and "🎉" in r.memo,
    "right to left": lambda r: r.memo and "\u202e" in r.memo,
    "very long": lambda r: r.memo and len(r.memo) > 10_000,
    "beyond the basic plane": lambda r: r.user and max(r.user.last_name) > "\uffff",
    "no receipt list": lambda r: r.receipts is None,
    "no receipts": lambda r: r.receipts == (),
    "several receipts": lambda r: r.receipts and len(r.receipts) > 1 and len(r.receipts[0].download_uris or ()) > 1,
    "cancelled bill": lambda r: r.status == "CANCELED" and r.source_type == SourceType.BILL,
    "posted without a fraction": lambda r: r.posted_at.microsecond == 0,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_awkward_table_has(shape: str, awkward: tuple[AccountingRecord, ...]) -> None:
    """Each kind of trouble is in the table."""
    assert any(SHAPES[shape](record) for record in awkward)


def test_the_awkward_table_has_every_type_and_state(awkward: tuple[AccountingRecord, ...]) -> None:
    """All 19 known types and all four review states occur."""
    assert {record.type for record in awkward} >= set(RecordType)
    assert {record.review_status for record in awkward} == set(ReviewStatus)
    assert {record.source_type for record in awkward} == set(SourceType)


def test_awkward_neighbours_share_an_instant(awkward: tuple[AccountingRecord, ...]) -> None:
    """Two records change at each instant, so a reader that goes on after it loses one."""
    instants = Counter(record.updated_at for record in awkward)
    assert set(instants.values()) == {2}
    assert all(record.posted_at <= record.updated_at <= CLOSE for record in awkward)
