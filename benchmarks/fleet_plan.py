"""What a simulated fleet is, and what came of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import attrs

from brex_accounting.sync.fleet.status import LATE

__all__ = ["TARDY", "Costs", "Deaths", "Outcome", "Plan"]

TARDY: Final = LATE.total_seconds()
"""Seconds after which a poll that waits is late."""


@attrs.frozen(kw_only=True)
class Costs:
    """Seconds of processors that a poll takes, on its worker and on the database, and the answers it waits for."""

    worker: float
    database: float
    requests: int


@attrs.frozen(kw_only=True)
class Deaths:
    """``share`` of the workers die at a moment; ``back`` seconds later others stand in for them."""

    at: float
    share: float
    back: float = math.inf


@attrs.frozen(kw_only=True)
class Plan:
    """What is simulated; seconds throughout.

    ``busy``: the share of polls that find new records. ``failing``: the share of companies whose polls all fail.
    ``triggers``: webhooks of a company in one interval. ``latency`` and ``spread``: the median of Brex's answers, and
    sigma of their lognormal distribution. ``outage``: from when to when there is no database. ``deployed``: when all
    workers begin to be restarted, one after the other, each away for ``restart``.
    """

    companies: int
    workers: int
    polls: int = 8
    cores: int = 4
    every: float = 3600.0
    intervals: int = 2
    empty: Costs
    full: Costs
    busy: float = 0.2
    failing: float = 0.01
    triggers: float = 0.5
    latency: float = 0.2
    spread: float = 0.6
    outage: tuple[float, float] | None = None
    deaths: Deaths | None = None
    deployed: float | None = None
    restart: float = 10.0
    stale: float = 60.0


@attrs.frozen(kw_only=True)
class Outcome:
    """``waits``: of every turn's poll, from when it was due to when it began, shortest first; ``triggered`` likewise.

    ``starts``: polls begun in their turn, for each company. ``unstarted``: those that still wait at the end. ``queue``:
    the longest. ``workers``, ``places`` and ``database``: the shares in use of their cores, their polls at a time, and
    its cores. ``last_late``: when a poll began for the last time that had waited for a minute.
    """

    waits: Sequence[float]
    triggered: Sequence[float]
    starts: Sequence[int]
    unstarted: int
    queue: int
    workers: float
    places: float
    database: float
    last_late: float

    def wait(self, share: float) -> float:
        """How long this share of polls waited at most; those not begun yet count as never."""
        place = math.ceil(share * (len(self.waits) + self.unstarted)) - 1
        return self.waits[max(place, 0)] if place < len(self.waits) else math.inf

    @property
    def punctual(self) -> float:
        """The share of polls that began within 5 minutes."""
        total = len(self.waits) + self.unstarted
        return sum(wait <= TARDY for wait in self.waits) / total if total else 1.0
