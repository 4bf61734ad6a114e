"""Amounts added up exactly, each on its own place. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, Inexact
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from ..enums import LineItemType

__all__ = ["NOTHING", "Place", "Sums", "add", "added", "less", "negative", "of"]

_EXACT: Final = Context(prec=200, traps=[Inexact])
"""Wide enough for any sum of amounts; rounding would raise instead of passing unseen."""


@attrs.frozen(kw_only=True)
class Place:
    """Where an amount stands.

    ``account`` is None where nobody can tell it; ``side`` then keeps debits and credits apart, which would
    otherwise come to nothing, and is None everywhere else.
    """

    entity: str | None
    type: str
    currency: str
    account: str | None
    side: LineItemType | None = None


Sums: TypeAlias = Mapping[Place, Decimal]
"""Debits less credits on each place, in major units; a place that is not there has nothing on it."""

NOTHING: Final[Sums] = MappingProxyType({})


def add(one: Decimal, other: Decimal) -> Decimal:
    """Two amounts, to the last digit."""
    return _EXACT.add(one, other)


def added(*many: Sums) -> Sums:
    """Sums place by place."""
    total: dict[Place, Decimal] = {}
    for sums in many:
        for place, amount in sums.items():
            total[place] = add(total[place], amount) if place in total else amount
    return total


def negative(sums: Sums) -> Sums:
    """The other side of everything."""
    return {place: amount.copy_negate() for place, amount in sums.items()}


def less(one: Sums, other: Sums) -> Sums:
    """What ``one`` has more than ``other``, where that is something."""
    return {place: amount for place, amount in added(one, negative(other)).items() if amount}


def of(pairs: Iterable[tuple[Place, Decimal]]) -> Sums:
    """Amounts, several of which may be on one place."""
    return added(*({place: amount} for place, amount in pairs))
