"""Asking again and again until something is so, or the time is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs

from ..errors import APIConnectionError, BrexError, DeadlineExceeded, RateLimitError, ServerError
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
        """The first answer that is not None. A server that cannot be reached, fails or throttles is asked again.

        Raises ``DeadlineExceeded`` when the answer did not come in time, or what the last question came to.
        """
        ends = clock.monotonic() + self.timeout
        while True:
            try:
                answer = await ask()
                failure: BrexError = DeadlineExceeded(f"{self.what} within {self.timeout:g} s")
            except (APIConnectionError, RateLimitError, ServerError) as error:
                answer, failure = None, error
            if answer is not None:
                return answer
            left = ends - clock.monotonic()
            if left <= 0:
                raise failure
            await clock.sleep(min(self.every, left))
