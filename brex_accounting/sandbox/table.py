"""The records of the local Brex: a seed that is never held in memory, and what changed since.

Listing needs three columns (time, status, source), so only those are kept for every record; a record
is built when it is served.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import attrs

from ..enums import ReviewStatus, SourceType
from ..models import AccountingRecord
from .seeds import Seed

__all__ = ["Place", "Table", "Wanted", "microseconds"]

Place = tuple[int, int]
"""A position in the order of listing: ``updated_at`` in microseconds since 1970, and the row."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_START: Place = (-(2**63), -1)
_TICK = timedelta(microseconds=1)
_MOST_COUNTS = 64


@attrs.frozen(kw_only=True)
class Wanted:
    """A filter on the columns. ``since`` and ``until`` are microseconds, both included."""

    rows: frozenset[int] | None = None
    review_status: ReviewStatus | None = None
    source_type: SourceType | None = None
    since: int | None = None
    until: int | None = None


@attrs.frozen
class _Change:
    review_status: ReviewStatus
    version: int
    updated_at: datetime


class Table:
    """Records in the order of (``updated_at``, row)."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self._own: dict[int, AccountingRecord] = {}
        self._own_rows: dict[str, int] = {}
        self._changes: dict[int, _Change] = {}
        self._gone: set[int] = set()
        self._words: list[str] = []
        self._updated = array("q")
        self._status = bytearray()
        self._source = bytearray()
        for row in range(len(seed)):
            header = seed.header(row)
            self._append(header.updated_at, header.review_status, header.source_type)
        rows = sorted(range(len(seed)), key=self._updated.__getitem__)
        # Two columns, not a list of pairs: a move appends to them and leaves its old place stale.
        self._order_rows = array("q", rows)
        self._order_times = array("q", (self._updated[row] for row in rows))
        self._counts: dict[Wanted, int] = {}

    def __len__(self) -> int:
        return len(self._updated) - len(self._gone)

    def row_of(self, record_id: str) -> int | None:
        """The row of a record, None when there is none."""
        row = self._own_rows.get(record_id)
        if row is None:
            row = self._seed.index_of(record_id)
        return None if row is None or row in self._gone else row

    def record(self, row: int) -> AccountingRecord:
        """The record as it stands now."""
        base = self._own[row] if row in self._own else self._seed.record(row)
        change = self._changes.get(row)
        if change is None:
            return base
        return attrs.evolve(
            base, review_status=change.review_status, version=change.version, updated_at=change.updated_at
        )

    def review_status(self, row: int) -> ReviewStatus:
        """A record's status, without building it."""
        return ReviewStatus(self._words[self._status[row]])

    def put(self, record: AccountingRecord) -> None:
        """Add a record, or replace the one with its id. Its ``updated_at`` and ``version`` stay as given."""
        row = self.row_of(record.id)
        if row is None:
            row = self._append(record.updated_at, record.review_status, record.source_type)
            self._own_rows[record.id] = row
        self._own[row] = record
        self._changes.pop(row, None)
        self._move(row, record.updated_at, record.review_status)
        self._source[row] = self._word(record.source_type)

    def change(self, row: int, review_status: ReviewStatus, now: datetime) -> None:
        """Give a record a status; its version and ``updated_at`` move with it."""
        before = self.record(row)
        # Later than before under any clock: moved back, it would be skipped by whoever is reading.
        updated_at = max(now, before.updated_at + _TICK)
        self._changes[row] = _Change(review_status, before.version + 1, updated_at)
        self._move(row, updated_at, review_status)

    def remove(self, row: int) -> None:
        """Forget a record, as if Brex no longer listed it."""
        self._gone.add(row)
        self._counts.clear()

    def rows(self, wanted: Wanted, after: Place = _START) -> Iterator[Place]:
        """The places of the wanted records behind ``after``, in order."""
        start = after if wanted.since is None else max(after, (wanted.since, -1))
        status = None if wanted.review_status is None else self._word(wanted.review_status)
        source = None if wanted.source_type is None else self._word(wanted.source_type)
        for time, row in self._listed(start, wanted.until) if wanted.rows is None else self._named(wanted.rows, start):
            if wanted.until is not None and time > wanted.until:
                return
            if self._updated[row] != time or row in self._gone:
                continue
            if status is not None and self._status[row] != status:
                continue
            if source is None or self._source[row] == source:
                yield time, row

    def _listed(self, after: Place, until: int | None) -> Iterator[Place]:
        end = len(self._order_rows) if until is None else bisect_right(self._order_times, until)
        for position in range(self._start(after), end):
            yield self._order_times[position], self._order_rows[position]

    def _named(self, rows: Iterable[int], after: Place) -> Iterator[Place]:
        # A few of many: looking for them among all would cost as much as listing all.
        return (place for place in sorted((self._updated[row], row) for row in rows) if place > after)

    def count(self, wanted: Wanted) -> int:
        """How many records are wanted."""
        if wanted not in self._counts:
            if len(self._counts) == _MOST_COUNTS:  # the default window is another one at each request
                self._counts.clear()
            self._counts[wanted] = sum(1 for _ in self.rows(wanted))
        return self._counts[wanted]

    def _append(self, updated_at: datetime, status: ReviewStatus, source: SourceType) -> int:
        self._updated.append(microseconds(updated_at))
        self._status.append(self._word(status))
        self._source.append(self._word(source))
        return len(self._updated) - 1

    def _move(self, row: int, updated_at: datetime, status: ReviewStatus) -> None:
        time = microseconds(updated_at)
        self._status[row] = self._word(status)
        self._counts.clear()
        # An older place of the row is stale by its time; one with the same time would count twice.
        self._drop_equal(row, time)
        position = self._start((time, row))
        self._order_times.insert(position, time)
        self._order_rows.insert(position, row)
        self._updated[row] = time

    def _drop_equal(self, row: int, time: int) -> None:
        start, end = self._span(time)
        position = bisect_left(self._order_rows, row, start, end)
        if position < end and self._order_rows[position] == row:
            del self._order_times[position], self._order_rows[position]

    def _start(self, after: Place) -> int:
        time, row = after
        return bisect_right(self._order_rows, row, *self._span(time))

    def _span(self, time: int) -> tuple[int, int]:
        # Thousands of records share a time after one big report: within it, rows are in order.
        return bisect_left(self._order_times, time), bisect_right(self._order_times, time)

    def _word(self, text: str) -> int:
        word = str(text)
        if word not in self._words:
            self._words.append(word)
        return self._words.index(word)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
