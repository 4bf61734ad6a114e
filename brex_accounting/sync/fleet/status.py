"""How a fleet stands: a line for each company, and the sums. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

__all__ = ["LATE", "CompanyStatus", "FleetStatus"]

LATE: Final = timedelta(minutes=5)
"""A poll that has waited longer is late."""


@attrs.frozen(kw_only=True)
class CompanyStatus:
    """One company. ``waiting_since``: when its poll became due, None while none waits.

    ``unreported``: documents that Brex is not told of yet, as of the last poll, as are ``unconfirmed``,
    ``watermark`` (how far bills are read), ``requests`` and ``throttled``, those answered with 429.
    ``attempts``: polls begun since the last that came to its end.
    """

    company_id: str
    waiting_since: datetime | None = None
    running: bool = False
    retired: bool = False
    ended_at: datetime | None = None
    attempts: int = 0
    last_error: str | None = None
    paused_code: str | None = None
    paused_reason: str | None = None
    unreported: int = 0
    unconfirmed: int = 0
    watermark: datetime | None = None
    requests: int = 0
    throttled: int = 0

    def is_late(self, now: datetime) -> bool:
        """Whether its poll has waited for too long."""
        return self.waiting_since is not None and now - self.waiting_since > LATE


@attrs.frozen(kw_only=True)
class FleetStatus:
    """All companies at the moment ``at``, on the database's clock."""

    at: datetime
    companies: Sequence[CompanyStatus]

    @property
    def active(self) -> tuple[CompanyStatus, ...]:
        """Those that are polled."""
        return tuple(one for one in self.companies if not one.retired)

    @property
    def due(self) -> int:
        """Companies whose poll waits."""
        return sum(one.waiting_since is not None for one in self.active)

    @property
    def running(self) -> int:
        """Companies that are polled now; those of a worker that died count until somebody notices."""
        return sum(one.running for one in self.active)

    @property
    def late(self) -> int:
        """Companies whose poll has waited for more than 5 minutes."""
        return sum(one.is_late(self.at) for one in self.active)

    @property
    def failing(self) -> tuple[CompanyStatus, ...]:
        """Companies whose last poll failed."""
        return tuple(one for one in self.active if one.last_error is not None)

    @property
    def paused(self) -> tuple[CompanyStatus, ...]:
        """Companies for which nothing is posted."""
        return tuple(one for one in self.active if one.paused_code is not None)

    @property
    def unreported(self) -> int:
        """Documents that Brex is not told of yet."""
        return sum(one.unreported for one in self.active)

    @property
    def unconfirmed(self) -> int:
        """Exports that wait for a person who looks into the books."""
        return sum(one.unconfirmed for one in self.active)

    @property
    def throttled_share(self) -> float:
        """How many of the last polls' requests were answered with 429, from 0 to 1."""
        requests = sum(one.requests for one in self.active)
        return sum(one.throttled for one in self.active) / requests if requests else 0.0

    @property
    def oldest_watermark(self) -> datetime | None:
        """How far the bills of the company that is furthest behind are read; None when none were read yet."""
        return min((one.watermark for one in self.active if one.watermark is not None), default=None)
