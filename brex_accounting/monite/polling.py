"""Asking again and again until something is so, or the time is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs

from ..errors import DeadlineExceeded
from ..session.clock import Clock
from ..session.grants import checked_seconds

__all__ = ["Patience"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Patience:
    """How long to wait for something, and how often to ask: seconds both. ``what`` is for the error."""

    timeout: float
    every: float
    what: str

    def __attrs_post_init__(self) -> None:
        checked_seconds("timeout", self.timeout)
        checked_seconds("every", self.every)

    async def until(self, ask: Callable[[], Awaitable[T | None]], clock: Clock) -> T:
        """The first answer that is not None. Raises ``DeadlineExceeded`` when it did not come in time."""
        ends = clock.monotonic() + self.timeout
        while True:
            answer = await ask()
            if answer is not None:
                return answer
            left = ends - clock.monotonic()
            if left <= 0:
                raise DeadlineExceeded(f"{self.what} within {self.timeout:g} s")
            await clock.sleep(min(self.every, left))
