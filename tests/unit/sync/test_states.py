"""The states of an export: the moves are these and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import MoveRefused
from brex_accounting.sync.states import (
    BEGINNINGS,
    BY_HAND,
    MOVES,
    REPLACEABLE,
    UNDER_WAY,
    UNTOUCHABLE,
    State,
    check_beginning,
    check_move,
)

LITERAL = {
    "DISCOVERED": "INTENT SKIPPED WITHDRAWN SUPERSEDED",
    "INTENT": "INTENT POSTED REJECTED SKIPPED DISCOVERED UNCONFIRMED",
    "POSTED": "REPORTING",
    "REJECTED": "REPORTING DISCOVERED SUPERSEDED",
    "REPORTING": "REPORTED REPORTED_FAILED POSTED REJECTED",
    "REPORTED": "POSTED",
    "REPORTED_FAILED": "DISCOVERED SUPERSEDED",
    "UNCONFIRMED": "POSTED REJECTED SKIPPED DISCOVERED",
    "SKIPPED": "DISCOVERED SUPERSEDED",
    "OUT_OF_SCOPE": "DISCOVERED SUPERSEDED",
    "HELD": "DISCOVERED POSTED SKIPPED SUPERSEDED",
    "WITHDRAWN": "DISCOVERED SUPERSEDED",
    "SUPERSEDED": "",
}


def test_the_moves_are_the_listed_ones() -> None:
    """Every state is listed, with exactly the states it can go to."""
    found = {state.value: {after.value for before, after in MOVES if before is state} for state in State}
    assert found == {state: set(after.split()) for state, after in LITERAL.items()}


@given(before=st.sampled_from(State), after=st.sampled_from(State))
def test_a_move_is_explained_or_refused(before: State, after: State) -> None:
    """A move comes with its reason; any other is refused by name."""
    if (before, after) in MOVES:
        assert check_move(before, after) == MOVES[before, after] != ""
    else:
        with pytest.raises(MoveRefused, match=f"from {before} to {after}$"):
            check_move(before, after)


def test_a_document_is_never_left_behind() -> None:
    """What is in the books, or may be, leads to no state that forgets it without a person or a lookup."""
    with_document = {State.POSTED, State.REPORTING, State.REPORTED, State.INTENT, State.UNCONFIRMED}
    assert not with_document & REPLACEABLE
    assert {after for before, after in MOVES if before in (State.POSTED, State.REPORTED)} == {
        State.REPORTING,
        State.POSTED,
    }


def test_every_state_is_reached_from_a_beginning() -> None:
    """Nothing is listed that no export can come to, and all but SUPERSEDED can be left."""
    reached = set(BEGINNINGS)
    while new := {after for before, after in MOVES if before in reached} - reached:
        reached |= new
    assert reached == set(State)
    assert {before for before, _ in MOVES} == set(State) - {State.SUPERSEDED}


def test_what_a_person_may_do_is_part_of_the_moves() -> None:
    """A person makes no move of its own kind, and leaves INTENT and REPORTING to their holders."""
    assert set(MOVES) > BY_HAND
    assert not {before for before, _ in BY_HAND} & {State.INTENT, State.REPORTING}
    assert UNTOUCHABLE < UNDER_WAY


@pytest.mark.parametrize("state", State)
def test_where_a_revision_begins(state: State) -> None:
    """To be posted, out of scope or held; no other state can be a beginning."""
    if state.value in ("DISCOVERED", "OUT_OF_SCOPE", "HELD"):
        assert check_beginning(state) is state
    else:
        with pytest.raises(MoveRefused, match=f"cannot begin as {state}$"):
            check_beginning(state)
