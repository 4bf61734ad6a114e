"""What goes wrong with deliveries on order: lost, doubled, delayed, out of order. No I/O.

By number, or by chance from a seed: the same seed always strikes the same deliveries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs

from .seeds.draws import mix, unit

__all__ = ["MISHAPS", "Mishap", "MishapPlan", "parse_mishap"]

MISHAPS: Final = {
    "lose": "the event is never sent",
    "double": "the event is sent twice",
    "delay": "the event is sent a minute later",
    "reorder": "the event is sent after the next one, or a minute later",
}

_ORDER = re.compile(r"(?P<kind>[a-z]+)(:(?P<how>next|every|chance)=(?P<number>[0-9]{1,6}(\.[0-9]{1,6})?))?", re.ASCII)


@attrs.frozen(kw_only=True)
class Mishap:
    """``kind`` (see ``MISHAPS``) on the ``next`` so many events, on ``every`` so manieth one, or by ``chance``."""

    kind: str
    next: int | None = None
    every: int | None = None
    chance: float | None = None

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in MISHAPS:
            raise ValueError("no such kind of mishap")
        if [self.next, self.every, self.chance].count(None) != 2:
            raise ValueError("a mishap is on the next N events, on every Nth, or by a chance")
        for number in (self.next, self.every):
            if number is not None and (type(number) is not int or number < 1):
                raise ValueError("next and every are whole numbers of at least 1")
        if self.chance is not None and (type(self.chance) not in (int, float) or not 0 <= self.chance <= 1):
            raise ValueError("a chance is a number from 0 to 1")


class MishapPlan:
    """The orders of a sandbox. Events are counted per order, so a run repeats exactly."""

    def __init__(self, mishaps: Iterable[Mishap] = (), *, seed: int = 7) -> None:
        self._seed = seed
        self._orders: list[_Order] = []
        for mishap in mishaps:
            self.add(mishap)

    def add(self, mishap: Mishap) -> None:
        """One more order."""
        self._orders.append(_Order(mishap, mix(self._seed * 64 + list(MISHAPS).index(mishap.kind))))

    def clear(self) -> None:
        """Behave from now on."""
        self._orders.clear()

    def strike(self) -> frozenset[str]:
        """What happens to the next event."""
        return frozenset(order.mishap.kind for order in list(self._orders) if order.strikes())


@attrs.define
class _Order:
    mishap: Mishap
    key: int
    seen: int = 0

    def strikes(self) -> bool:
        self.seen += 1
        if self.mishap.next is not None:
            return self.seen <= self.mishap.next
        if self.mishap.every is not None:
            return self.seen % self.mishap.every == 0
        return self.mishap.chance is not None and unit(self.key, self.seen) < self.mishap.chance


def parse_mishap(text: str) -> Mishap:
    """``lose``, ``lose:next=3``, ``double:every=7`` or ``delay:chance=0.1``. Raises ``ValueError``."""
    match = _ORDER.fullmatch(text)
    if match is None:
        raise ValueError("a mishap is written KIND, KIND:next=N, KIND:every=N or KIND:chance=0.1")
    how, number = match["how"] or "next", match["number"] or "1"
    if how == "chance":
        return Mishap(kind=match["kind"], chance=float(number))
    if "." in number:
        raise ValueError("next and every are whole numbers of at least 1")
    return Mishap(kind=match["kind"], **{how: int(number)})
