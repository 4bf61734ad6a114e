"""When a company is polled: each at its own second of the interval, so that never all come at once. Pure."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["is_doubtful", "next_due", "put_apart", "put_back", "put_off", "put_off_lost"]

_FIRST_WAIT: Final = timedelta(seconds=30)
_TRIES: Final = 2
"""So often it may be chance: a poll that was lost comes again at once. After that it may be the poll that kills."""
_APART: Final = timedelta(seconds=10)
"""Longer than a worker takes to look for what waits, and than most polls."""
_LONGEST_BACK: Final = timedelta(minutes=5)
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


def is_doubtful(attempts: int) -> bool:
    """Whether it is no chance any more that a company's polls do not come to their end.

    ``attempts``: polls begun since the last that did, with the one that begins.
    """
    return attempts > _TRIES


def put_back(attempts: int) -> timedelta:
    """How long a doubtful company waits that found no place: who was lost beside others may be no danger, and soon is
    tried again; who fails on and on has time.
    """
    doubled: int = 2 ** min(max(attempts - _TRIES - 1, 0), 20)
    return min(_LONGEST_BACK, _APART * doubled)


def put_off_lost(attempts: int, *, every: timedelta) -> timedelta:
    """How long a company waits whose poll lost its worker or its store: at first not at all, then as one that failed.

    ``attempts``: polls begun since the last that came to its end.
    """
    return timedelta() if attempts <= _TRIES else put_off(attempts - _TRIES, every=every)


def put_apart(company_id: str, attempts: int, *, every: timedelta) -> timedelta:
    """How long a company waits whose poll lost its worker: as any lost one, and from the second time on apart.

    A poll that kills takes those beside it along. Were they to come again with it each time, they would die with
    it each time. Each gets another moment after each loss, within twice the wait.
    """
    wait = put_off_lost(attempts, every=every)
    if attempts < _TRIES:
        return wait
    share = zlib.crc32(f"{company_id} {attempts}".encode()) / 2**32
    return wait + share * max(wait, _APART)
