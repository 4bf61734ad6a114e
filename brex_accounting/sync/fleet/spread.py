"""When a company is polled: each at its own second of the interval, so that never all come at once. Pure."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["next_due", "put_off"]

_FIRST_WAIT: Final = timedelta(seconds=30)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def next_due(company_id: str, *, every: timedelta, after: datetime) -> datetime:
    """The first moment later than ``after`` that is the company's own; there is one in every interval.

    The same on every machine and in every process. ``every`` is at least a second.
    """
    # Not hash(): it is salted anew for each process.
    own = timedelta(seconds=zlib.crc32(company_id.encode()) % int(every.total_seconds()))
    passed = (after - _EPOCH - own) // every
    return _EPOCH + own + (passed + 1) * every


def put_off(failures: int, *, every: timedelta) -> timedelta:
    """How long a company waits after so many polls in a row that failed: longer each time, up to the interval."""
    doubled: int = 2 ** min(max(failures, 1) - 1, 20)
    return min(every, _FIRST_WAIT * doubled)
