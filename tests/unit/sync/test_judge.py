"""What a copy of a record means for its export: the whole table, and what holds for every cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.sync.content import HASH_VERSION
from brex_accounting.sync.exports import Copy, Export, Judgement, Verdict
from brex_accounting.sync.plan import judge, judge_absence
from brex_accounting.sync.states import BEGINNINGS, MOVES, REPLACEABLE, UNTOUCHABLE, State

from .made import NOON, POST_FROM, export_of, minutes, seen

D, I, P, J, R, OK, F, U, S, OUT, H, W = (  # noqa: E741 - a table's column heads
    State(name)
    for name in (
        *("DISCOVERED", "INTENT", "POSTED", "REJECTED", "REPORTING", "REPORTED", "REPORTED_FAILED"),
        *("UNCONFIRMED", "SKIPPED", "OUT_OF_SCOPE", "HELD", "WITHDRAWN"),
    )
)
NEWEST = [D, I, P, J, R, OK, F, U, S, OUT, H, W]
"""Every state that the newest revision of a record can be in."""

KEEP = Judgement(verdict=Verdict.NEWER_COPY, keep_copy=True, left_queue=False)
KEEP_AS_IS = Judgement(verdict=Verdict.NEWER_COPY, keep_copy=True)
NOTHING = Judgement(verdict=Verdict.NOTHING)
LEFT = Judgement(verdict=Verdict.NOTED, left_queue=True)
RETURNED = Judgement(verdict=Verdict.NOTED, left_queue=False)
WITHDRAWN = Judgement(verdict=Verdict.WITHDRAWN, left_queue=True, move=W)
AGAIN = Judgement(verdict=Verdict.NEW_ATTEMPT, keep_copy=True, left_queue=False, move=D)
REPORT = Judgement(verdict=Verdict.REPORT_AGAIN, keep_copy=True, left_queue=False, move=P)
AMENDED = Judgement(verdict=Verdict.AMENDED, begin=D)
REPLACED = Judgement(verdict=Verdict.AMENDED, move=State.SUPERSEDED, begin=D)
EXCEPTION = Judgement(verdict=Verdict.EXCEPTION, begin=H)
ANOTHER = Judgement(verdict=Verdict.EXCEPTION, move=State.SUPERSEDED, begin=H)

# Of a record in Brex's queue, seen after the last move. A HELD revision follows a REPORTED one.
# state: READY_FOR_EXPORT, PREPARE and EXPORTED with the same content, then the three with another
CARD: dict[State, tuple[Judgement, ...]] = {
    D: (KEEP, WITHDRAWN, WITHDRAWN, REPLACED, WITHDRAWN, WITHDRAWN),
    I: (NOTHING, LEFT, LEFT, AMENDED, LEFT, LEFT),
    P: (KEEP, LEFT, NOTHING, AMENDED, LEFT, NOTHING),
    J: (KEEP_AS_IS, LEFT, LEFT, REPLACED, LEFT, LEFT),
    R: (KEEP_AS_IS, LEFT, LEFT, AMENDED, LEFT, LEFT),
    OK: (REPORT, LEFT, KEEP, EXCEPTION, LEFT, EXCEPTION),
    F: (KEEP_AS_IS, LEFT, LEFT, REPLACED, LEFT, LEFT),
    U: (NOTHING, LEFT, LEFT, AMENDED, LEFT, LEFT),
    S: (KEEP, LEFT, LEFT, REPLACED, LEFT, LEFT),
    OUT: (KEEP, LEFT, LEFT, REPLACED, LEFT, LEFT),
    H: (KEEP, LEFT, KEEP, ANOTHER, LEFT, ANOTHER),
    W: (AGAIN, LEFT, LEFT, REPLACED, LEFT, LEFT),
}
# The same for one that was seen out of the queue before.
CARD_LEFT: dict[State, tuple[Judgement, ...]] = {
    state: tuple(NOTHING if one == LEFT else one for one in row) for state, row in CARD.items()
}
CARD_LEFT[I] = (RETURNED, *CARD_LEFT[I][1:])
CARD_LEFT[U] = (RETURNED, *CARD_LEFT[U][1:])
CARD_LEFT[P] = (KEEP, NOTHING, RETURNED, AMENDED, NOTHING, RETURNED)
CARD_LEFT[J] = (AGAIN, *CARD_LEFT[J][1:])
CARD_LEFT[F] = (AGAIN, *CARD_LEFT[F][1:])
STATUSES = ("READY_FOR_EXPORT", "PREPARE", "EXPORTED")

# state: same content and live, other content and live, cancelled (which is other content)
BILL: dict[State, tuple[Judgement, ...]] = {
    D: (KEEP, REPLACED, WITHDRAWN),
    I: (NOTHING, AMENDED, AMENDED),
    P: (KEEP, AMENDED, AMENDED),
    J: (KEEP_AS_IS, REPLACED, LEFT),
    R: (KEEP_AS_IS, AMENDED, LEFT),
    OK: (KEEP, AMENDED, AMENDED),
    F: (KEEP_AS_IS, REPLACED, LEFT),
    U: (NOTHING, AMENDED, AMENDED),
    S: (KEEP, REPLACED, LEFT),
    OUT: (KEEP, REPLACED, LEFT),
    W: (AGAIN, REPLACED, LEFT),
}
BILLS: list[dict[str, Any]] = [{}, {"memo": "changed"}, {"status": "VOID"}]
AS_BILL: dict[str, Any] = {"source_type": "BILL", "type": "BILL_EXPENSE"}
LATER = NOON + timedelta(hours=2)


def stored_as(copy: Copy, state: State, hash_version: int = HASH_VERSION, **changes: Any) -> list[Export]:
    """A record whose newest revision is in a state; by another hash version its stored hash says nothing."""
    if hash_version != HASH_VERSION:
        changes |= {"hash_version": hash_version, "content_hash": "of another function"}
    if state is H:
        before = attrs.evolve(copy, content_hash="what was exported")
        return [export_of(before, OK), export_of(copy, H, 2, **changes)]
    return [export_of(copy, state, **changes)]


def judged(copy: Copy, stored: Sequence[Export], post_from: date = POST_FROM) -> Judgement:
    def rehash(export: Export) -> str:
        assert export.hash_version != HASH_VERSION, "asked without need"
        return seen(**AS_BILL if export.source_type == "BILL" else {}).content_hash

    return judge(copy, stored, post_from=post_from, rehash=rehash)


def cells() -> Iterator[Any]:
    for left, table in ((False, CARD), (True, CARD_LEFT)):
        for state, row in table.items():
            for (memo, status), expected in zip(product((None, "changed"), STATUSES), row, strict=True):
                name = f"{state}-{status}-{'other' if memo else 'same'}-{'left' if left else 'in'}"
                yield pytest.param(state, left, {"review_status": status, "memo": memo}, expected, id=name)


@pytest.mark.parametrize("hash_version", [HASH_VERSION, HASH_VERSION - 1], ids=["same hash", "other hash"])
@pytest.mark.parametrize(("state", "left", "changes", "expected"), list(cells()))
def test_every_cell_of_the_queue(
    state: State, left: bool, changes: dict[str, Any], expected: Judgement, hash_version: int
) -> None:
    """State x status x content x whether it had left; an older hash version changes nothing in any cell."""
    stored = stored_as(seen(), state, hash_version, left_queue=left)
    assert judged(seen(LATER, version=3, **changes), stored) == expected


@pytest.mark.parametrize("hash_version", [HASH_VERSION, HASH_VERSION - 1], ids=["same hash", "other hash"])
@pytest.mark.parametrize("state", BILL)
@pytest.mark.parametrize("index", range(3), ids=["same", "other", "cancelled"])
def test_every_cell_of_bills(state: State, index: int, hash_version: int) -> None:
    """A bill has no queue; one that may be in the books and is cancelled is amended, so that it is voided."""
    stored = stored_as(seen(**AS_BILL), state, hash_version)
    copy = seen(LATER, version=3, **(AS_BILL | BILLS[index]))
    assert judged(copy, stored) == BILL[state][index]


@pytest.mark.parametrize(("status", "expected"), [("READY_FOR_EXPORT", AGAIN), ("PREPARE", KEEP_AS_IS)])
def test_a_bill_whose_failure_brex_knows(status: str, expected: Judgement) -> None:
    """It is tried again when the customer exports it again, and not because its feed still lists it."""
    stored = stored_as(seen(**AS_BILL), F, left_queue=True)
    assert judged(seen(LATER, version=3, **AS_BILL, review_status=status), stored) == expected


def test_the_tables_are_whole() -> None:
    """Every state but SUPERSEDED, which a newer revision always follows; bills are never held."""
    assert set(CARD) == set(CARD_LEFT) == set(State) - {State.SUPERSEDED}
    assert set(BILL) == set(CARD) - {H}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Judgement(verdict=Verdict.NEW, begin=D)),
        ({"erp_posting_date": "2026-05-31T23:59:59Z"}, Judgement(verdict=Verdict.OUT_OF_SCOPE, begin=OUT)),
        ({"erp_posting_date": "2026-06-01T00:00:00Z"}, Judgement(verdict=Verdict.NEW, begin=D)),
        ({"review_status": "PREPARE"}, NOTHING),
        ({"review_status": "EXPORTED"}, NOTHING),
        ({"review_status": "A_NEW_ONE"}, NOTHING),
        (AS_BILL | {"review_status": "PREPARE"}, Judgement(verdict=Verdict.NEW, begin=D)),
        (AS_BILL | {"status": "DRAFT"}, NOTHING),
    ],
)
def test_a_record_seen_first(changes: dict[str, Any], expected: Judgement) -> None:
    """What waits for an export begins; what is dated before the books is stored as out of scope."""
    assert judged(seen(**changes), []) == expected


ANY_STATE = st.sampled_from(NEWEST)
CHANGES = st.fixed_dictionaries(
    {
        "review_status": st.sampled_from([*STATUSES, "REVIEW", "A_NEW_ONE"]),
        "memo": st.sampled_from([None, "changed"]),
        "version": st.integers(1, 4),
        "erp_posting_date": st.sampled_from(["2026-06-11T09:09:05Z", "2026-01-01T00:00:00Z"]),
        "status": st.sampled_from(["APPROVED", "VOID"]),
        "source_type": st.just("CARD"),
    }
)


@given(state=ANY_STATE, changes=CHANGES, at=st.integers(-30, 180), flags=st.tuples(*[st.booleans()] * 3))
def test_a_judgement_can_be_carried_out(
    state: State, changes: dict[str, Any], at: int, flags: tuple[bool, bool, bool]
) -> None:
    """Moves are moves there are, a new revision begins where one can, and nothing with a document is left."""
    left, bill, hashed = flags
    kind: dict[str, Any] = AS_BILL if bill else {}
    if bill and state is H:
        return
    stored = stored_as(seen(**kind), state, HASH_VERSION if hashed else 0, left_queue=left)
    verdict = judged(seen(minutes(at), **(changes | kind)), stored)
    if verdict.move is not None:
        assert (state, verdict.move) in MOVES
    assert verdict.begin is None or verdict.begin in BEGINNINGS
    assert (verdict.move is State.SUPERSEDED) is (verdict.begin is not None and state in REPLACEABLE)
    assert not (verdict.keep_copy and (state in UNTOUCHABLE or verdict.begin))
    if changes["version"] < 2:
        assert verdict == NOTHING
    if not bill and verdict.begin is D:
        assert changes["review_status"] == "READY_FOR_EXPORT"


@given(state=ANY_STATE, changes=CHANGES, left=st.booleans())
def test_what_was_posted_is_posted_again_only_as_another_revision(
    state: State, changes: dict[str, Any], left: bool
) -> None:
    """No copy sends a revision that may have a document back to be posted."""
    stored = stored_as(seen(), state, left_queue=left)
    verdict = judged(seen(LATER, **changes), stored)
    if state in (I, P, R, OK, U):
        assert verdict.move in (None, P)
    if verdict.move is D:
        assert state in (J, F, W)


@pytest.mark.parametrize("state", NEWEST)
@pytest.mark.parametrize("status", STATUSES)
def test_an_older_copy_says_nothing(state: State, status: str) -> None:
    """A page that was answered before the stored copy was read, or an older version, changes nothing."""
    stored = stored_as(seen(), state)
    assert judged(seen(minutes(-1), review_status=status, memo="changed"), stored) == NOTHING
    assert judged(seen(LATER, review_status=status, memo="changed", version=1), stored) == NOTHING


@pytest.mark.parametrize("state", [J, OK, F, W])
def test_a_copy_from_before_the_last_move_brings_nothing_back(state: State) -> None:
    """READY_FOR_EXPORT read before we reported is no reason to report or to try again."""
    stored = stored_as(seen(), state, left_queue=True, not_before=minutes(1))
    verdict = judged(seen(minutes(59)), stored)
    assert (verdict.move, verdict.left_queue) == (None, None)
    assert judged(seen(minutes(61)), stored).move is (P if state is OK else D)


@pytest.mark.parametrize(("at", "expected"), [(119, KEEP_AS_IS), (120, AGAIN), (121, AGAIN)])
def test_a_failure_that_never_left_the_queue_is_tried_when_due(at: int, expected: Judgement) -> None:
    """Not before its moment, and never without one."""
    stored = stored_as(seen(), F, not_before=minutes(120))
    assert judged(seen(minutes(at)), stored) == expected
    assert judged(seen(minutes(at)), stored_as(seen(), F)) == KEEP_AS_IS


OLD: dict[str, Any] = {"erp_posting_date": "2026-05-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([export_of(seen(), D)], Judgement(verdict=Verdict.OUT_OF_SCOPE, move=State.SUPERSEDED, begin=OUT)),
        ([export_of(seen(**OLD), OUT)], Judgement(verdict=Verdict.OUT_OF_SCOPE, move=State.SUPERSEDED, begin=OUT)),
        ([export_of(seen(**OLD), D)], REPLACED),
        ([export_of(seen(), P)], AMENDED),
        ([export_of(seen(), U)], AMENDED),
        ([export_of(seen(), P), export_of(seen(), D, 2)], REPLACED),
    ],
    ids=["moved out", "still out", "let in by a person", "posted", "perhaps posted", "posted before"],
)
def test_a_change_dated_before_the_books(stored: list[Export], expected: Judgement) -> None:
    """It is out of scope, unless it must reach a document or a person let the record in."""
    assert judged(seen(LATER, memo="changed", **OLD), stored) == expected


def test_a_change_into_the_books() -> None:
    """A record whose date moves to where the books begin is posted."""
    assert judged(seen(LATER), [export_of(seen(**OLD), OUT)]) == REPLACED


def test_a_change_that_a_person_let_through_waits_although_brex_says_exported() -> None:
    """Brex never offers an exported record again; another change asks the person again."""
    stored = [export_of(seen(memo="first"), OK), export_of(seen(), D, 2)]
    assert judged(seen(LATER, review_status="EXPORTED"), stored) == KEEP
    assert judged(seen(LATER, review_status="EXPORTED", memo="third"), stored) == ANOTHER


@pytest.mark.parametrize("state", NEWEST)
def test_an_absent_record(state: State) -> None:
    """What was to be posted is withdrawn; of the rest it is remembered; bills come by time, not by a queue."""
    assert judge_absence(stored_as(seen(), state)) == (WITHDRAWN if state is D else LEFT)
    assert judge_absence(stored_as(seen(**AS_BILL), D)) == NOTHING
    assert judge_absence([]) == NOTHING
