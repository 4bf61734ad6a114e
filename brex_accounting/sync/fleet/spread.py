"""When a company is polled: each at its own second of the interval, so that never all come at once. Pure."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["next_due", "put_off", "put_off_lost"]

_FIRST_WAIT: Final = timedelta(seconds=30)
_TRIES: Final = 2
"""So often a poll that was lost comes again at once: it may be the poll that kills."""
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


def put_off_lost(attempts: int, *, every: timedelta) -> timedelta:
    """How long a company waits whose poll lost its worker or its store: at first not at all, then as one that failed.

    ``attempts``: polls begun since the last that came to its end.
    """
    return timedelta() if attempts <= _TRIES else put_off(attempts - _TRIES, every=every)
