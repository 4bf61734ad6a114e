"""The table of records alone: against a plain list, and its memory."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from brex_accounting import AccountingRecord
from brex_accounting.enums import ReviewStatus, SourceType
from brex_accounting.sandbox import make_seed
from brex_accounting.sandbox.table import Table, Wanted, microseconds

SEEDED = 12
SEED = make_seed("awkward", records=SEEDED)
START = SEED.record(0).updated_at
# Few instants, so that many records share one.
MOMENTS = st.integers(-2, 4).map(lambda hours: START + timedelta(hours=hours))
NAMES = st.one_of(st.integers(0, SEEDED - 1).map(SEED.record_id), st.sampled_from(["accr_a", "accr_b", "accr_c"]))
STATUSES = st.sampled_from(list(ReviewStatus))
SOURCES = st.sampled_from(list(SourceType))


class TableAgainstList(RuleBasedStateMachine):
    """The same moves on a table and on a dict of records in the order of their rows."""

    def __init__(self) -> None:
        super().__init__()
        self.table = Table(SEED)
        self.rows: dict[str, int] = {SEED.record_id(row): row for row in range(SEEDED)}
        self.held: dict[str, AccountingRecord] = {one: SEED.record(row) for one, row in self.rows.items()}
        self.next_row = SEEDED

    @rule(name=NAMES, moment=MOMENTS, status=STATUSES, source=SOURCES, version=st.integers(1, 9))
    def put(self, name: str, moment: datetime, status: ReviewStatus, source: SourceType, version: int) -> None:
        record = attrs.evolve(
            SEED.record(0), id=name, updated_at=moment, review_status=status, source_type=source, version=version
        )
        self.table.put(record)
        if name not in self.held:
            self.rows[name], self.next_row = self.next_row, self.next_row + 1
        self.held[name] = record

    @rule(name=NAMES, moment=MOMENTS, status=STATUSES)
    def change(self, name: str, moment: datetime, status: ReviewStatus) -> None:
        if name not in self.held:
            return
        self.table.change(self.rows[name], status, moment)
        old = self.held[name]
        later = max(moment, old.updated_at + timedelta(microseconds=1))
        self.held[name] = attrs.evolve(old, review_status=status, version=old.version + 1, updated_at=later)

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        if name in self.held:
            self.table.remove(self.rows[name])
            del self.held[name]

    @rule(
        status=st.none() | STATUSES,
        source=st.none() | SOURCES,
        since=st.none() | MOMENTS,
        until=st.none() | MOMENTS,
        names=st.none() | st.frozensets(NAMES),
        skip=st.integers(0, 10),
    )
    def list(
        self,
        status: ReviewStatus | None,
        source: SourceType | None,
        since: datetime | None,
        until: datetime | None,
        names: frozenset[str] | None,
        skip: int,
    ) -> None:
        rows = None if names is None else frozenset(self.rows[one] for one in names if one in self.held)
        wanted = Wanted(
            rows=rows,
            review_status=status,
            source_type=source,
            since=None if since is None else microseconds(since),
            until=None if until is None else microseconds(until),
        )
        expected = [
            (microseconds(one.updated_at), self.rows[one.id])
            for one in self.held.values()
            if (status is None or one.review_status == status)
            and (source is None or one.source_type == source)
            and (since is None or one.updated_at >= since)
            and (until is None or one.updated_at <= until)
            and (names is None or one.id in names)
        ]
        expected.sort()
        assert list(self.table.rows(wanted)) == expected
        assert self.table.count(wanted) == len(expected)
        if skip < len(expected):
            assert list(self.table.rows(wanted, expected[skip])) == expected[skip + 1 :]

    @invariant()
    def same_records(self) -> None:
        assert len(self.table) == len(self.held)
        for name, row in self.rows.items():
            found = self.table.row_of(name)
            assert found == (row if name in self.held else None)
            if found is not None:
                assert self.table.record(found) == self.held[name]
                assert self.table.review_status(found) == self.held[name].review_status


def test_any_moves_give_what_a_naive_list_gives() -> None:
    """Any sequence of put, change, remove and list agrees with a dict that is sorted and filtered."""
    few = settings(max_examples=60, stateful_step_count=30)
    run_state_machine_as_test(TableAgainstList, settings=few)


def test_a_big_report_at_one_instant_is_quick() -> None:
    """Ten thousand changes at the same time keep their order and cost no quadratic search."""
    table = Table(make_seed("lifelike", records=10_000))
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    for row in reversed(range(10_000)):
        table.change(row, ReviewStatus.EXPORTED, moment)
    assert [row for _, row in table.rows(Wanted())] == list(range(10_000))


def test_counts_do_not_pile_up() -> None:
    """A new window at each request leaves no trace behind."""
    table = Table(make_seed("lifelike", records=10))
    gc.collect()
    tracemalloc.start()
    try:
        for since in range(20_000):
            table.count(Wanted(since=2**60 + since))
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 200_000


@pytest.mark.slow
def test_200_000_records_fit_in_40_mib() -> None:
    """A table of 200,000 lifelike records, listed from end to end, stays below 40 MiB at its peak."""
    gc.collect()
    tracemalloc.start()
    try:
        table = Table(make_seed("lifelike", records=200_000))
        assert table.count(Wanted()) == 200_000
        for _, row in table.rows(Wanted(review_status=ReviewStatus.READY_FOR_EXPORT)):
            if row % 500 == 0:
                table.change(row, ReviewStatus.EXPORTED, table.record(row).updated_at)
                break
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 12 * 2**20
    assert peak < 40 * 2**20
