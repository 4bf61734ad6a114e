"""What keeps a report from being signed although every amount is right."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from brex_accounting.closing import ClosingReport, Many, Queue, RollForward, closing_report
from brex_accounting.sync import Move, SqliteStore, State

from ..posters.booked import record
from .made import JUNE
from .office import Office, office

PLAIN = ClosingReport(
    period=JUNE, made_at=datetime(2026, 7, 5, tzinfo=UTC), records=0, rows=(), findings=(), roll_forward=(), queues=()
)
ROLLED = RollForward(span="period", type="CARD_PAYMENT", currency="USD", new=Many(1), closing=Many(1))


def test_an_empty_month_can_be_signed() -> None:
    """Nothing is not a problem."""
    assert PLAIN.problems == ()


def test_a_queue_that_is_not_what_the_roll_forward_leaves_is_a_problem() -> None:
    """By number or by amount, of the last span."""
    queue = Queue(type="CARD_PAYMENT", currency="USD", in_brex=Many(1), waiting=Many(1))
    assert attrs.evolve(PLAIN, roll_forward=(ROLLED,), queues=(queue,)).problems == ()
    for other in (attrs.evolve(queue, waiting=Many(2)), attrs.evolve(queue, elsewhere=Many(1))):
        (problem,) = attrs.evolve(PLAIN, roll_forward=(ROLLED,), queues=(other,)).problems
        assert problem == "the queue does not come to what the roll-forward leaves of CARD_PAYMENT"
    since = attrs.evolve(ROLLED, span="since", opening=Many(1), new=Many(), posted=Many(1), closing=Many())
    assert "CARD_PAYMENT" in attrs.evolve(PLAIN, roll_forward=(ROLLED, since), queues=(queue,)).problems[0]


async def lost(this: Office, which: str) -> ClosingReport:
    """Somebody deletes lines of the history, past its own guard."""
    with closing(sqlite3.connect(this.folder / "exports.db")) as connection, connection:
        connection.execute("DROP TRIGGER history_DELETE_refused")
        connection.execute(f"DELETE FROM history WHERE {which}")
    return await this.report()


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("after = 'POSTED'", "the roll-forward does not add up in 1 row"),
        ("before IS NULL", "the roll-forward does not add up in 1 row"),
        ("after IN ('REPORTED', 'REPORTING')", "the state of 1 record does not follow from the history of the store"),
    ],
)
async def test_a_history_that_somebody_cut_is_a_problem(tmp_path: Path, which: str, words: str) -> None:
    """A post, a beginning or an end is missing: no amount differs, and the report says what does not hold."""
    async with office(tmp_path, [record()]) as this:
        await this.export()
        assert (await this.report()).problems == ()
        report = await lost(this, which)
        assert report.findings == ()
        assert words in report.problems


class Restless(SqliteStore):
    """A store in which something has moved whenever it is asked, so many times."""

    times = 0

    async def history(self, record_id: str | None = None, *, after: int = 0, limit: int = 1000) -> tuple[Move, ...]:
        found = await super().history(record_id, after=after, limit=limit)
        if limit > 1 or not self.times:
            return found
        self.times -= 1
        moment, why = datetime.now(UTC), "seen first"
        return (
            Move(
                number=1, at=moment, record_id="accr_2", revision=1, before=None, after=State.HELD, why=why, by="engine"
            ),
        )


@pytest.mark.parametrize(("times", "words"), [(3, ()), (100, ("an export was at work",))])
async def test_a_store_that_moves_is_read_again(tmp_path: Path, times: int, words: tuple[str, ...]) -> None:
    """A few times; one that never rests is a problem, and no amount differs for it."""
    async with office(tmp_path, [record()]) as this:
        await this.export()
        store = Restless(tmp_path / "exports.db")
        store.times = times
        await store.open(None, now=datetime.now(UTC))
        report = await closing_report(this.brex, store, this.books, chart=this.chart, period=JUNE)
        await store.close()
        assert report.was_moving == bool(words)
        assert report.findings == ()
        assert len(report.problems) == len(words)
        assert all(problem.startswith(word) for problem, word in zip(report.problems, words, strict=True))
