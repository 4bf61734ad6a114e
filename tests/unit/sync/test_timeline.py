"""Windows on updated_at, what is missing from a listing, and the order of records of one source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import UpdatedAt
from brex_accounting.enums import RecordType
from brex_accounting.sync.plan import OVERLAP, SETTLE, TimelineWindow, in_scope, missing, next_window, order_of, turn_of

from .made import NOON, POST_FROM, made, minutes

START = minutes(-60 * 24)
MICRO = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("watermark", "now", "gte", "lt"),
    [
        (None, NOON, START, NOON - SETTLE),
        (minutes(-60), NOON, minutes(-70), NOON - SETTLE),
        (START, NOON, START, NOON - SETTLE),
        (NOON - SETTLE - MICRO, NOON, NOON - SETTLE - MICRO - OVERLAP, NOON - SETTLE),
    ],
)
def test_windows(watermark: datetime | None, now: datetime, gte: datetime, lt: datetime) -> None:
    """Back by the overlap but not before the start, up to what has settled, to the microsecond."""
    window = next_window(watermark, now=now, start=START)
    assert window == TimelineWindow(gte=gte, lt=lt)
    assert window.updated_at == UpdatedAt(gte=gte, lt=lt)
    assert window.stored("bills").watermark == lt


@pytest.mark.parametrize("watermark", [None, NOON, minutes(3)])
def test_no_window_before_there_is_anything_new(watermark: datetime | None) -> None:
    """A clock that stands or went back reads nothing; the watermark stays for when it has caught up."""
    assert next_window(watermark, now=(START if watermark is None else NOON) + SETTLE, start=START) is None


@given(
    polls=st.lists(st.integers(1, 5400), min_size=1, max_size=20),
    jumps=st.lists(st.integers(-600, 0), min_size=20, max_size=20),
)
def test_windows_leave_no_gap(polls: list[int], jumps: list[int]) -> None:
    """Each begins at or before the end of the one before, and a watermark never goes back, whatever the clock does."""
    now, watermark = NOON, None
    windows = []
    for seconds, jump in zip(polls, jumps, strict=False):
        now += timedelta(seconds=seconds)
        if window := next_window(watermark, now=now + timedelta(seconds=jump), start=START):
            windows.append(window)
            watermark = window.lt
    assert all(one.lt < other.lt and other.gte <= one.lt for one, other in pairwise(windows))


@given(data=st.data())
def test_late_commits_are_read_and_nothing_unread_is_passed(data: st.DataObject) -> None:
    """Changes that show up late by up to the overlap are read all the same, though some windows fail halfway.

    A window that failed moves no watermark, so what it had not read is read by the next.
    """
    # (seconds of updated_at after the start, seconds until it can be read)
    late = st.tuples(st.integers(0, 7200), st.integers(0, int((OVERLAP + SETTLE).total_seconds())))
    changes = data.draw(st.lists(late, min_size=1, max_size=30))
    polls = data.draw(st.lists(st.tuples(st.integers(1, 2400), st.booleans()), max_size=12))
    read: set[int] = set()
    watermark, elapsed = None, 0
    for wait, whole in [*polls, (9000, True)]:
        elapsed += wait
        now = NOON + timedelta(seconds=elapsed)
        window = next_window(watermark, now=now, start=NOON)
        if window is None:
            continue
        there = [
            index
            for index, (at, delay) in enumerate(changes)
            if window.gte <= NOON + timedelta(seconds=at) < window.lt and at + delay <= elapsed
        ]
        read.update(there if whole else there[: len(there) // 2])
        if whole:
            watermark = window.stored("bills").watermark
        passed = {
            index
            for index, (at, delay) in enumerate(changes)
            if watermark and NOON + timedelta(seconds=at) < watermark - OVERLAP and at + delay <= elapsed
        }
        assert passed <= read
    assert read == set(range(len(changes)))


@given(awaited=st.lists(st.integers(0, 9).map(str), unique=True), listed=st.lists(st.integers(0, 9).map(str)))
def test_what_a_listing_does_not_name(awaited: list[str], listed: list[str]) -> None:
    """Awaited but not listed, in order."""
    assert missing(awaited, listed) == tuple(one for one in awaited if one not in listed)
    assert missing(iter(awaited), []) == tuple(awaited)


ORDERS = [
    ("BILL_EXPENSE", "BILL_EXPENSE_PAYMENT"),
    ("BILL_EXPENSE", "BILL_EXPENSE_CARD_PAYMENT"),
    ("BILL_EXPENSE", "BILL_MONEY_MOVEMENT_PAYIN"),
    ("CARD_EXPENSE_POST", "CARD_EXPENSE_REFUND"),
    ("CARD_EXPENSE_POST", "CARD_EXPENSE_REPAYMENT"),
    ("CARD_PAYMENT", "CARD_PAYMENT_REFUND"),
    ("INVOICE", "INVOICE_PAYMENT"),
    *pairwise(
        f"REIMBURSEMENT_EXPENSE_{name}"
        for name in (
            *("APPROVAL", "POST", "MONEY_MOVEMENT_PAYIN", "MONEY_MOVEMENT_PAYOUT"),
            "MONEY_MOVEMENT_PAYOUT_REVERSAL",
        )
    ),
    ("REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT", "REIMBURSEMENT_EXPENSE_REPAYMENT"),
    ("REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT", "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_REFUND"),
    *((known.value, "A_TYPE_OF_TOMORROW") for known in RecordType),
]


@pytest.mark.parametrize(("first", "then"), ORDERS)
def test_the_order_of_types(first: str, then: str) -> None:
    """What opens an item comes before what pays it, which comes before what takes that back; dates are no help."""
    early, later = made(type=then, posted_at="2026-01-01T00:00:00Z"), made(type=first)
    assert order_of([early, later]) == [later, early]


def test_within_a_type_by_time() -> None:
    """By the instant of posting, whatever its spelling, then by id."""
    one = made(id="b", posted_at="2026-06-11T09:09:05Z")
    same = made(id="c", posted_at="2026-06-11T11:09:05+02:00")
    later = made(id="a", posted_at="2026-06-11T09:09:05.000001Z")
    assert order_of([later, same, one]) == [one, same, later]


@given(
    ids=st.lists(st.text("abc_.", min_size=1, max_size=4), unique=True, max_size=6),
    kinds=st.lists(st.sampled_from([*RecordType, "NEW"]), min_size=6, max_size=6),
)
def test_turns_are_total(ids: list[str], kinds: list[Any]) -> None:
    """No two records share a turn, so one of them always goes first."""
    records = [made(id=one, type=str(kind)) for one, kind in zip(ids, kinds, strict=False)]
    assert len({turn_of(one) for one in records}) == len(records)
    assert order_of(records) == order_of(reversed(records))


def test_scope_is_by_date() -> None:
    """The first day counts; the accounting date is UTC's."""
    assert in_scope(POST_FROM, POST_FROM)
    assert not in_scope(POST_FROM - timedelta(days=1), POST_FROM)
    moment = datetime(2026, 5, 31, 22, tzinfo=timezone(-timedelta(hours=4)))
    assert in_scope(made(erp_posting_date=moment.isoformat()).accounting_date, POST_FROM)
    assert made(erp_posting_date=moment.isoformat()).erp_posting_date.astimezone(UTC) == moment
