"""Time for tests that passes only while nobody has anything to do: no machine is too slow for it.

Five seconds are over when nothing is left to happen within them, and not before: whatever must be in time is, however
late its process runs, and whatever never comes is given up at once. For tests whose parts all run on one event loop;
of other threads and processes it cannot tell whether they are at work.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from brex_accounting.session.clock import SystemClock

__all__ = ["IdleTime"]

Events = list[tuple[selectors.SelectorKey, int]]

QUIET = 0.05
"""Seconds without an event after which none is on its way: a loopback connection delivers within microseconds."""


class IdleTime:
    """The time of the running loop and of the package's own clock, until ``patch`` is undone."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        loop: Any = asyncio.get_running_loop()
        self._began = self._time = cast(float, loop.time())
        self._began_at = datetime.now(UTC)
        self._wait: Callable[[float | None], Events] = loop._selector.select
        patch.setattr(loop, "time", self.time)
        patch.setattr(loop._selector, "select", self._select)
        patch.setattr(SystemClock, "monotonic", lambda _: self.time())
        patch.setattr(SystemClock, "now", lambda _: self.now())

    def time(self) -> float:
        """Seconds."""
        return self._time

    def now(self) -> datetime:
        """The same as a date in UTC; a sandbox takes it as its clock."""
        return self._began_at + timedelta(seconds=self._time - self._began)

    def _select(self, timeout: float | None = None) -> Events:
        if timeout is None or timeout <= 0:
            return self._wait(timeout)
        events = self._wait(min(timeout, QUIET))
        if not events:
            self._time += timeout
        return events
