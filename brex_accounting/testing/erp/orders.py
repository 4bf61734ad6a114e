"""Misbehaviour on order: what goes wrong, on which requests or commits, how often. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

__all__ = ["CRASHES", "KINDS", "Order", "Orders", "parse_order"]

KINDS: Final = {
    "401": "the login is refused before the request is processed",
    "429": "too many requests, with Retry-After",
    "500": "fails before the request is processed",
    "500-after": "the request is processed, and the answer is an error",
    "503": "maintenance: nothing is processed, with Retry-After",
    "drop": "the connection closes before the request is processed",
    "drop-after": "the request is processed, and the connection closes instead of an answer",
    "cut": "the request is processed, and the answer's body ends half way",
    "html": "a page of HTML with status 200, nothing processed",
    "slow": "the request is processed, and the answer takes longer",
    "late": "the request is processed later, also when nobody waits for it any more",
    "crash": "the process kills itself when the request arrives",
    "crash-before": "the process kills itself before it commits a change",
    "crash-after": "the process kills itself after it committed a change, before the answer",
}
CRASHES: Final = frozenset({"crash", "crash-before", "crash-after"})
AT_COMMIT: Final = frozenset({"crash-before", "crash-after"})


@attrs.frozen(kw_only=True)
class Order:
    """``kind`` (see ``KINDS``) on the ``next`` so many, on ``every`` so manieth, or only ``at`` the n-th.

    Counted are the requests whose path contains ``path`` and whose method is ``method`` (empty: all), for
    "crash-before" and "crash-after" the commits of changes to the books. ``seconds`` are for "slow" and "late",
    and what Retry-After says.
    """

    kind: str
    next: int | None = None
    every: int | None = None
    at: int | None = None
    path: str = ""
    method: str = ""
    seconds: float = 1.0

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise ValueError(f"the kinds are {', '.join(KINDS)}")
        given = [number for number in (self.next, self.every, self.at) if number is not None]
        if len(given) != 1 or type(given[0]) is not int or given[0] < 1:
            raise ValueError("one of next, every and at is a whole number of at least 1")
        if not (isinstance(self.path, str) and isinstance(self.method, str)):
            raise ValueError("path and method are strings")  # noqa: TRY004 - one kind of error for a wrong order
        if type(self.seconds) not in (int, float) or not 0 <= self.seconds < 1e6:
            raise ValueError("seconds are a number of at least 0 and below 1e6")


class Orders:
    """The orders of an ERP. Requests and commits are counted per order, so a run repeats exactly."""

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        # Replaced, never changed: requests and commits are counted on two threads.
        self._counted = tuple(_Counted(order) for order in orders)

    def add(self, order: Order) -> None:
        """One more order."""
        self._counted = (*self._counted, _Counted(order))

    def clear(self) -> None:
        """Behave from now on."""
        self._counted = ()

    def on_request(self, method: str, path: str) -> Order | None:
        """The order that strikes this request, the first of several."""
        struck = [
            counted.order
            for counted in self._counted
            if counted.order.kind not in AT_COMMIT and counted.is_for(method, path) and counted.strikes()
        ]
        return struck[0] if struck else None

    def on_commit(self) -> str | None:
        """The kind of crash that strikes this commit."""
        struck = [
            counted.order.kind for counted in self._counted if counted.order.kind in AT_COMMIT and counted.strikes()
        ]
        return struck[0] if struck else None


@attrs.define
class _Counted:
    order: Order
    seen: int = 0

    def is_for(self, method: str, path: str) -> bool:
        return self.order.path in path and self.order.method in ("", method)

    def strikes(self) -> bool:
        self.seen += 1
        if self.order.next is not None:
            return self.seen <= self.order.next
        if self.order.every is not None:
            return self.seen % self.order.every == 0
        return self.seen == self.order.at


def parse_order(text: str) -> Order:
    """``500``, ``late:next=2:seconds=3`` or ``crash-after:at=7``; without a number, the next one."""
    kind, *parts = text.split(":")
    given: dict[str, float | int] = {}
    for part in parts:
        name, _, number = part.partition("=")
        if name not in ("next", "every", "at", "seconds") or not number.isascii() or not number.isdecimal():
            raise ValueError("an order is written KIND[:next=N|:every=N|:at=N][:seconds=S], for example drop:every=7")
        given[name] = int(number)
    if not given.keys() & {"next", "every", "at"}:
        given["next"] = 1
    return Order(kind=kind, **given)  # type: ignore[arg-type]  # the names are checked above
