"""The states of one export and the moves between them. Pure.

An *export* is one revision of one record on its way into the books. A move that is not in ``MOVES`` is
refused wherever it comes from: a poster, a report, or a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ..errors import MoveRefused

__all__ = [
    "BEGINNINGS",
    "BY_HAND",
    "MOVES",
    "OPEN",
    "REPLACEABLE",
    "UNDER_WAY",
    "UNTOUCHABLE",
    "State",
    "check_beginning",
    "check_move",
]


class State(StrEnum):
    """Where one revision of one record stands."""

    DISCOVERED = "DISCOVERED"
    """To be posted."""
    INTENT = "INTENT"
    """Somebody holds it and may be posting it right now."""
    POSTED = "POSTED"
    """In the books; success is to be reported."""
    REJECTED = "REJECTED"
    """Refused by the books; the failure is to be reported."""
    REPORTING = "REPORTING"
    """In a batch that may have been sent."""
    REPORTED = "REPORTED"
    """In the books, and Brex knows."""
    REPORTED_FAILED = "REPORTED_FAILED"
    """Refused, and the customer knows."""
    UNCONFIRMED = "UNCONFIRMED"
    """Perhaps in the books; a person finds out."""
    SKIPPED = "SKIPPED"
    """Not for these books, says the poster or a person."""
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    """Dated before the books begin."""
    HELD = "HELD"
    """A change to what Brex counts as exported; a person decides."""
    WITHDRAWN = "WITHDRAWN"
    """Taken back by the customer before it was posted."""
    SUPERSEDED = "SUPERSEDED"
    """Never posted, and a newer revision took its place."""


_D, _I, _P, _J = State.DISCOVERED, State.INTENT, State.POSTED, State.REJECTED
_R, _OK, _FAILED, _U = State.REPORTING, State.REPORTED, State.REPORTED_FAILED, State.UNCONFIRMED
_S, _OUT, _H, _W, _OLD = State.SKIPPED, State.OUT_OF_SCOPE, State.HELD, State.WITHDRAWN, State.SUPERSEDED

MOVES: Final[Mapping[tuple[State, State], str]] = MappingProxyType(
    {
        (_D, _I): "claimed for posting",
        (_D, _S): "a person keeps it out of the books",
        (_D, _W): "no longer READY_FOR_EXPORT",
        (_D, _OLD): "its content changed before it was posted",
        (_I, _I): "taken over after its lease ran out",
        (_I, _P): "posted",
        (_I, _J): "refused by the books",
        (_I, _S): "not for these books",
        (_I, _D): "certainly nothing was written",
        (_I, _U): "nobody knows whether it was written",
        (_P, _R): "put into a batch",
        (_J, _R): "put into a batch",
        (_J, _D): "READY_FOR_EXPORT again after it had left, or a person's retry",
        (_J, _OLD): "its content changed after it was refused",
        (_R, _OK): "Brex took the success",
        (_R, _FAILED): "Brex took the failure",
        (_R, _P): "the success was not taken",
        (_R, _J): "the failure was not taken",
        (_OK, _P): "READY_FOR_EXPORT again with the same content: to be reported again",
        (_FAILED, _D): "READY_FOR_EXPORT again, or a day later, or a person's retry",
        (_FAILED, _OLD): "its content changed after it was refused",
        (_U, _P): "a person found it in the books",
        (_U, _J): "a person found that the books refused it",
        (_U, _S): "a person keeps it out of the books",
        (_U, _D): "a person found that it is not in the books",
        (_S, _D): "a person wants it in the books",
        (_S, _OLD): "its content changed",
        (_OUT, _D): "a person wants it in the books",
        (_OUT, _OLD): "its content changed",
        (_H, _D): "a person lets the change be posted",
        (_H, _P): "a person booked the change by hand",
        (_H, _S): "a person keeps the change out of the books",
        (_H, _OLD): "its content changed again",
        (_W, _D): "READY_FOR_EXPORT again",
        (_W, _OLD): "its content changed",
    }
)
"""Every move there is, and what it means. POSTED and REPORTED are never superseded: their document exists."""

BEGINNINGS: Final = frozenset({_D, _OUT, _H})
"""The states in which a revision begins."""

BY_HAND: Final = frozenset(
    {(_D, _S), (_J, _D), (_FAILED, _D), (_U, _P), (_U, _J), (_U, _S), (_U, _D), (_S, _D), (_OUT, _D)}
    | {(_H, _D), (_H, _P), (_H, _S)}
)
"""The moves a person may ask for."""

UNDER_WAY: Final = frozenset({_I, _U, _R})
"""States in which a newer revision of the record waits."""

OPEN: Final = frozenset({_I, _R})
"""States whose outcome is settled by whoever holds the lease, or comes after it."""

UNTOUCHABLE: Final = frozenset({_I, _U})
"""States whose copy stays as it was posted, and that perhaps have a document in the books."""

REPLACEABLE: Final = frozenset(state for state in State if (state, _OLD) in MOVES)
"""States that give way to a newer revision."""


def check_move(before: State, after: State) -> str:
    """What the move means. Raises ``MoveRefused`` when there is no such move."""
    why = MOVES.get((before, after))
    if why is None:
        raise MoveRefused(f"an export cannot go from {before.value} to {after.value}")
    return why


def check_beginning(state: State) -> State:
    """The state. Raises ``MoveRefused`` when no revision begins in it."""
    if state not in BEGINNINGS:
        raise MoveRefused(f"an export cannot begin as {state.value}")
    return state
