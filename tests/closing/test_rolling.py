"""The roll-forward adds up, and does not when a move is missing; the queue is held against it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.closing.expecting import Revision
from brex_accounting.closing.placing import Placed, Placer
from brex_accounting.closing.queueing import Queue, queues
from brex_accounting.closing.rolling import Many, RollForward, roll_forward
from brex_accounting.enums import ReviewStatus
from brex_accounting.sync.exports import Move
from brex_accounting.sync.keys import export_key
from brex_accounting.sync.states import BEGINNINGS, MOVES, State

from ..posters.booked import CHART, record
from .made import JULY, JUNE

D, CLAIMED, P, J = State.DISCOVERED, State.INTENT, State.POSTED, State.REJECTED
R, OK = State.REPORTING, State.REPORTED
MAY, DURING, AFTER = JUNE.begin - timedelta(days=1), JUNE.begin + timedelta(days=3), JULY.begin
PLACER = Placer.of(CHART)
CHARGE = PLACER.place(record(amounts=("10.00",)))
EURO = PLACER.place(record("BILL_EXPENSE", ("7.00",), currency="EUR"))


def moved(*states: State, at: Sequence[datetime] = (), record_id: str = "accr_1") -> list[Move]:
    """One export through these states, each at its moment (June by default)."""
    befores = [None, *states]
    moments = [*at, *[at[-1] if at else DURING] * (len(states) - len(at))]
    return [
        Move(number=number, at=moment, record_id=record_id, revision=1, before=before, after=after, why="so", by="test")
        for number, (before, after, moment) in enumerate(zip(befores, states, moments, strict=False), 1)
    ]


def rolled(moves: Sequence[Move], one: Placed = CHARGE) -> tuple[RollForward, ...]:
    placed = {(move.record_id, move.revision): one for move in moves}
    return roll_forward(moves, placed, begin=JUNE.begin, end=JUNE.end)


def shown(row: RollForward) -> dict[str, int]:
    columns = attrs.asdict(row, recurse=False)
    return {name: value.count for name, value in columns.items() if isinstance(value, Many) and value.count}


@pytest.mark.parametrize(
    ("states", "flows"),
    [
        ([D], {"new": 1, "closing": 1}),
        ([D, CLAIMED, P, R, OK], {"new": 1, "posted": 1}),
        ([D, CLAIMED, J, R, State.REPORTED_FAILED], {"new": 1, "rejected": 1}),
        ([D, CLAIMED, J, D, CLAIMED, P], {"new": 2, "rejected": 1, "posted": 1}),
        ([D, State.WITHDRAWN], {"new": 1, "withdrawn": 1}),
        ([D, State.WITHDRAWN, D], {"new": 2, "withdrawn": 1, "closing": 1}),
        ([D, State.SUPERSEDED], {"new": 1, "withdrawn": 1}),
        ([D, CLAIMED, State.SKIPPED], {"new": 1, "skipped": 1}),
        ([D, CLAIMED, State.UNCONFIRMED], {"new": 1, "closing": 1}),
        ([D, CLAIMED, State.UNCONFIRMED, P], {"new": 1, "posted": 1}),
        ([State.HELD], {"new": 1, "closing": 1}),
        ([State.OUT_OF_SCOPE, D], {"new": 1, "closing": 1}),
    ],
)
def test_each_way_through_the_states_adds_up(states: list[State], flows: dict[str, int]) -> None:
    """What came is posted, withdrawn, rejected or skipped, or waits; an attempt after a refusal comes again."""
    (row,) = rolled(moved(*states))
    assert shown(row) == flows
    assert row.holds


def test_what_never_waited_has_no_row() -> None:
    """It was out of scope from its beginning."""
    assert rolled(moved(State.OUT_OF_SCOPE)) == ()


def test_a_month_opens_with_what_came_before_and_what_follows_is_shown_apart() -> None:
    """Amounts too, and each currency by itself; what closes the month opens the time since."""
    moves = moved(D, CLAIMED, P, at=[MAY, DURING, AFTER])
    period, since = rolled(moves)
    assert (shown(period), shown(since)) == ({"opening": 1, "closing": 1}, {"opening": 1, "posted": 1})
    assert (period.span, period.closing.amount) == ("period", Decimal("10.00"))
    assert (since.span, since.closing) == ("since", Many())
    (euro,) = rolled(moved(D), EURO)
    assert (euro.type, euro.currency, euro.new) == ("BILL_EXPENSE", "EUR", Many(1, Decimal("7.00")))


def test_clocks_that_differ_do_not_tear_an_export_apart() -> None:
    """A move of June by its clock that was committed after one of July counts there."""
    moves = moved(D, CLAIMED, P, at=[DURING, AFTER, AFTER - timedelta(seconds=1)])
    period, since = rolled(moves)
    assert (shown(period), shown(since)) == ({"new": 1, "closing": 1}, {"opening": 1, "posted": 1})
    assert period.holds
    assert since.holds
    behind = [*moved(D, at=[AFTER]), *moved(D, at=[DURING], record_id="accr_2")]
    (since,) = rolled(behind)
    assert (since.span, shown(since)) == ("since", {"new": 2, "closing": 2})


@pytest.mark.parametrize("missing", [1, 2])
def test_a_history_with_a_hole_in_it_does_not_add_up(missing: int) -> None:
    """A beginning or a post that nobody wrote down: the row says so."""
    moves = moved(D, CLAIMED, P, R, OK)
    del moves[{1: 0, 2: 2}[missing]]
    (row,) = rolled(moves)
    assert not row.holds


@st.composite
def lives(draw: st.DrawFn) -> list[Move]:
    """The moves of one export, any that are allowed, in time."""
    states = [draw(st.sampled_from(sorted(BEGINNINGS)))]
    for _ in range(draw(st.integers(0, 8))):
        follow = sorted(after for before, after in MOVES if before is states[-1])
        if not follow:
            break
        states.append(draw(st.sampled_from(follow)))
    moments = sorted(draw(st.lists(st.sampled_from([MAY, DURING, AFTER]), min_size=len(states), max_size=len(states))))
    return moved(*states, at=moments, record_id=draw(st.uuids()).hex)


@given(st.lists(lives(), max_size=6))
def test_any_history_adds_up_and_one_span_opens_as_the_one_before_closed(histories: list[list[Move]]) -> None:
    """Whatever moves there were, in counts and in amounts."""
    moves = sorted((move for one in histories for move in one), key=lambda move: move.at)
    found = rolled(moves)
    assert all(row.holds for row in found)
    for before, after in pairwise(found):
        assert after.opening == before.closing


# The queue.

READY = attrs.evolve(CHARGE, review_status=ReviewStatus.READY_FOR_EXPORT)


def revision(state: State, one: Placed = READY, *, number: int = 1, has_document: bool = False) -> Revision:
    return Revision(key=export_key("accr_1", number), state=state, has_document=has_document, placed=one)


def queue(now: Placed | None, *revisions: Revision) -> dict[str, int]:
    found = queues({"accr_1": now} if now else {}, {"accr_1": revisions} if revisions else {})
    fields = [field.name for field in attrs.fields(Queue)][2:]
    return {name: getattr(one, name).count for one in found for name in fields if getattr(one, name).count}


@pytest.mark.parametrize(
    ("revisions", "expected"),
    [
        ([], "unread"),
        ([revision(State.DISCOVERED)], "waiting"),
        ([revision(State.INTENT)], "waiting"),
        ([revision(State.UNCONFIRMED)], "waiting"),
        ([revision(State.HELD)], "waiting"),
        ([revision(State.POSTED, has_document=True)], "posted"),
        ([revision(State.REPORTING, has_document=True)], "posted"),
        ([revision(State.REPORTING)], "rejected"),
        ([revision(State.REJECTED)], "rejected"),
        ([revision(State.SKIPPED)], "left_out"),
        ([revision(State.OUT_OF_SCOPE)], "left_out"),
        ([revision(State.REPORTED, has_document=True)], "unread"),
        ([revision(State.REPORTED_FAILED)], "unread"),
        ([revision(State.WITHDRAWN)], "unread"),
    ],
)
def test_what_is_ready_stands_somewhere_in_the_store(revisions: list[Revision], expected: str) -> None:
    """Each state of its newest revision, and none at all."""
    assert queue(READY, *revisions) == {"in_brex": 1, expected: 1}


def test_what_waits_and_is_not_ready_is_elsewhere() -> None:
    """Taken back, gone, another content by now, or an earlier revision that nobody knows the outcome of."""
    waiting = revision(State.DISCOVERED)
    assert queue(None, waiting) == {"elsewhere": 1}
    assert queue(attrs.evolve(CHARGE, review_status=ReviewStatus.PREPARE), waiting) == {"elsewhere": 1}
    assert queue(attrs.evolve(READY, amount=Decimal(11)), waiting) == {"in_brex": 1, "unread": 1, "elsewhere": 1}
    both = (revision(State.UNCONFIRMED), revision(State.DISCOVERED, number=2))
    assert queue(READY, *both) == {"in_brex": 1, "waiting": 1, "elsewhere": 1}


def test_bills_have_no_queue() -> None:
    """Whatever their status says."""
    assert queue(attrs.evolve(EURO, review_status=ReviewStatus.READY_FOR_EXPORT), revision(D, EURO)) == {}
