"""The roll-forward: what waited to be posted, what came, what went, and what waits now. Pure.

From the history of the exports, move by move. What waits at an end is taken from where each export stands then, not
from the sums, so that a history with a hole in it does not add up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, TypeAlias

import attrs

from ..sync.exports import Move
from ..sync.states import State
from .placing import Placed
from .sums import add

__all__ = ["NONE", "WAITING", "Many", "RollForward", "Span", "roll_forward"]

WAITING: Final = frozenset({State.DISCOVERED, State.INTENT, State.UNCONFIRMED, State.HELD})
"""States that are neither in the books nor refused nor left out."""

Span: TypeAlias = Literal["period", "since"]
"""The period itself, or the time from its end to now."""

_Flow: TypeAlias = Literal["new", "posted", "withdrawn", "rejected", "skipped"]


@attrs.frozen
class Many:
    """How many exports, and the amounts of their records together, in major units of one currency."""

    count: int = 0
    amount: Decimal = Decimal(0)

    def __add__(self, other: Many) -> Many:
        return Many(self.count + other.count, add(self.amount, other.amount))

    def __sub__(self, other: Many) -> Many:
        return Many(self.count - other.count, add(self.amount, other.amount.copy_negate()))


NONE: Final = Many()
"""Nothing."""


@attrs.frozen(kw_only=True)
class RollForward:
    """What waited of one type and currency: opening + new - posted - withdrawn - rejected - skipped = closing.

    ``new`` came first, came back or is tried again; ``withdrawn`` was taken back by the customer, or gave way to a
    newer content of the record, which then is new.
    """

    span: Span
    type: str
    currency: str
    opening: Many = NONE
    new: Many = NONE
    posted: Many = NONE
    withdrawn: Many = NONE
    rejected: Many = NONE
    skipped: Many = NONE
    closing: Many = NONE

    @property
    def holds(self) -> bool:
        """Whether it adds up."""
        gone = self.posted + self.withdrawn + self.rejected + self.skipped
        return self.opening + self.new - gone == self.closing


_Export: TypeAlias = tuple[str, int]


def roll_forward(
    moves: Sequence[Move], placed: Mapping[_Export, Placed], *, begin: datetime, end: datetime
) -> tuple[RollForward, ...]:
    """The moves of a period, and those since its end if there are any, by type and currency.

    ``moves`` are all of the history in its order; ``placed`` is the record of each export by id and revision.
    """
    first, last = _cut(moves, begin), _cut(moves, end)
    states: dict[_Export, State] = {}
    _follow(states, moves[:first])
    rows = [*_span("period", states, moves[first:last], placed)]
    if moves[last:]:
        rows += _span("since", states, moves[last:], placed)
    return tuple(rows)


def _cut(moves: Sequence[Move], edge: datetime) -> int:
    # By order: the clocks of two workers differ, and what follows a move must not come to stand before it.
    return next((at for at, move in enumerate(moves) if move.at >= edge), len(moves))


@attrs.define
class _Tally:
    amounts: defaultdict[tuple[str, str], defaultdict[str, Many]] = attrs.field(
        factory=lambda: defaultdict(lambda: defaultdict(Many))
    )

    def put(self, column: str, record: Placed) -> None:
        columns = self.amounts[record.type, record.currency]
        columns[column] += Many(1, record.amount)


def _span(
    span: Span, states: dict[_Export, State], moves: Sequence[Move], placed: Mapping[_Export, Placed]
) -> Iterable[RollForward]:
    """One span; ``states`` goes from its beginning to its end."""
    tally = _Tally()
    for one, state in states.items():
        if state in WAITING:
            tally.put("opening", placed[one])
    for move in moves:
        flow = _flow(move)
        if flow is not None:
            tally.put(flow, placed[move.record_id, move.revision])
    _follow(states, moves)
    for one, state in states.items():
        if state in WAITING:
            tally.put("closing", placed[one])
    for (kind, currency), columns in sorted(tally.amounts.items()):
        yield RollForward(span=span, type=kind, currency=currency, **columns)


def _follow(states: dict[_Export, State], moves: Iterable[Move]) -> None:
    states.update({(move.record_id, move.revision): move.after for move in moves})


def _flow(move: Move) -> _Flow | None:
    was, waits = move.before in WAITING, move.after in WAITING
    if was == waits:
        return None
    return "new" if waits else _GONE.get(move.after, "withdrawn")


_GONE: Final[Mapping[State, _Flow]] = {
    State.POSTED: "posted",
    State.REJECTED: "rejected",
    State.SKIPPED: "skipped",
}
