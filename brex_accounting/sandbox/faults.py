"""Misbehaviour on order: what goes wrong, on which requests, how often. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs

__all__ = ["KINDS", "Fault", "FaultPlan", "parse_fault"]

KINDS: Final = {
    "429": "too many requests, without Retry-After unless the sandbox is told to send it",
    "500": "fails before the request is processed",
    "503": "unavailable, without Retry-After",
    "drop": "the connection closes before the request is processed",
    "drop-after": "the request is processed, and the connection closes instead of an answer",
    "cut": "the request is processed, and the answer's body ends half way",
    "html": "a page of HTML with status 200",
    "slow": "the answer takes a second longer",
}

_ORDER = re.compile(r"(?P<kind>[a-z0-9-]+)(:(?P<how>next|every)=(?P<number>[1-9][0-9]{0,5}))?", re.ASCII)


@attrs.frozen(kw_only=True)
class Fault:
    """``kind`` (see ``KINDS``) on the ``next`` so many requests, or on ``every`` so manieth one.

    ``path`` limits it to paths that contain this text, ``method`` to one method.
    """

    kind: str
    next: int | None = None
    every: int | None = None
    path: str = ""
    method: str = ""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise ValueError("no such kind of fault")
        if (self.next is None) == (self.every is None):
            raise ValueError("a fault is on the next N requests or on every Nth")
        number = self.every if self.next is None else self.next
        if type(number) is not int or number < 1:
            raise ValueError("next and every are whole numbers of at least 1")
        if not (isinstance(self.path, str) and isinstance(self.method, str)):
            raise ValueError("path and method are strings")  # noqa: TRY004 - one kind of error for a wrong order


class FaultPlan:
    """The orders of a sandbox. Requests are counted per order, so a run repeats exactly."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._orders = [_Order(fault) for fault in faults]

    def add(self, fault: Fault) -> None:
        """One more order."""
        self._orders.append(_Order(fault))

    def clear(self) -> None:
        """Behave from now on."""
        self._orders.clear()

    def strike(self, method: str, path: str) -> str | None:
        """The kind of fault for this request, or None."""
        struck = [order.fault.kind for order in self._orders if order.strikes(method, path)]
        return struck[0] if struck else None


@attrs.define
class _Order:
    fault: Fault
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        fault = self.fault
        if fault.path not in path or (fault.method and fault.method != method):
            return False
        self.seen += 1
        if fault.next is not None:
            return self.seen <= fault.next
        return fault.every is not None and self.seen % fault.every == 0


def parse_fault(text: str) -> Fault:
    """``503``, ``503:next=3`` or ``drop:every=7``. Raises ``ValueError`` with what is possible."""
    match = _ORDER.fullmatch(text)
    if match is None:
        raise ValueError("a fault is written KIND, KIND:next=N or KIND:every=N, for example drop:every=7")
    number = int(match["number"] or 1)
    every = match["how"] == "every"
    return Fault(kind=match["kind"], next=None if every else number, every=number if every else None)
