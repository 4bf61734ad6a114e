"""``PostgresLimiter``: one row for each client id and company, which all processes share."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import attrs
import psycopg

from ...errors import ConfigurationError
from ...session.clock import Clock, SystemClock
from ...session.limiter import TURN_LASTS, RateLimit
from .failing import failed, is_lost
from .pacing import Bucket, booked, full, refused, rested
from .pool import Pool
from .session import Session

__all__ = ["PostgresLimiter"]

T = TypeVar("T")

_COLUMNS: Final = tuple(field.name for field in attrs.fields(Bucket))
_READ: Final = f"SELECT {', '.join(_COLUMNS)} FROM brex_limits WHERE key = %(company)s FOR UPDATE"
_MAKE: Final = (
    f"INSERT INTO brex_limits (key, {', '.join(_COLUMNS)}) "
    f"VALUES (%(company)s, {', '.join(f'%({name})s' for name in _COLUMNS)}) ON CONFLICT (key) DO NOTHING"
)
_KEEP: Final = (
    f"UPDATE brex_limits SET {', '.join(f'{name} = %({name})s' for name in _COLUMNS)} WHERE key = %(company)s"
)
_LOOK: Final = (
    f"SELECT {', '.join(_COLUMNS)}, extract(epoch FROM clock_timestamp())::float8 AS now "
    "FROM brex_limits WHERE key = %(company)s"
)
_KEEP_IF_SAME: Final = (
    f"{_KEEP} AND ({', '.join(_COLUMNS)}) = ({', '.join(f'%(was_{name})s' for name in _COLUMNS)}) RETURNING key"
)
_LASTS_AGAIN: Final = 1 / 2
"""So long a turn that was not the first may be used, as a share of ``per``: a database that takes longer to answer
than a first one lasts would be asked for ever. The one before it, booked and not used, makes up for most of it."""
_CLOCK: Final = "SELECT extract(epoch FROM clock_timestamp())::float8 AS now"


@attrs.define(eq=False)
class _Lane:
    """Who of this process waits for one key. ``first`` alone asks the row."""

    first: asyncio.Future[None] | None = None
    again: OrderedDict[asyncio.Future[None], None] = attrs.field(factory=OrderedDict)
    fresh: OrderedDict[asyncio.Future[None], None] = attrs.field(factory=OrderedDict)

    def call_next(self) -> None:
        waiting = self.again or self.fresh
        self.first = waiting.popitem(last=False)[0] if waiting else None
        if self.first is not None and not self.first.done():
            self.first.set_result(None)


class PostgresLimiter:
    """The limiter of all processes that share a database: together they stay under ``rate`` in every window.

    Turns are booked in the key's row, on the database's clock, one at a time for each process: in between,
    attempts after the first go before calls that have not begun. A turn that a process slept through is
    booked anew, and one that was booked for a caller who was cancelled is lost. Only while the database takes
    longer than a 120th of ``per`` to answer may a window hold more. A 429 in one process pauses
    all of them. The tables are those of the store; methods raise ``StoreUnavailable`` with the database gone.
    """

    def __init__(
        self, pool: Pool, rate: RateLimit | None = None, *, clock: Clock | None = None, patience: float = 30.0
    ) -> None:
        self._pool = pool
        self._rate = rate or RateLimit()
        self._clock = clock or SystemClock()
        self._patience = patience
        self._lanes: dict[str, _Lane] = {}

    async def turn(self, key: str, *, again: bool = False) -> None:
        """Return when the next attempt may start."""
        async with self._in_line(key, again):
            lasts = TURN_LASTS
            while not await self._started(key, lasts * self._rate.per):
                lasts = _LASTS_AGAIN

    async def throttled(self, key: str, wait: float) -> None:
        """Pause every attempt of the key, in all processes, for ``wait`` seconds from now, and allow less."""
        _check_seconds(wait)
        await self._change(key, lambda bucket, now: (refused(bucket, now, wait, self._rate), None))

    async def pause(self, key: str, seconds: float) -> None:
        """Nobody of the key starts for so long from now; what is allowed after that stays as it is."""
        _check_seconds(seconds)
        await self._change(key, lambda bucket, now: (rested(bucket, now, seconds), None))

    async def _started(self, key: str, lasts: float) -> bool:
        """Take a turn and wait for it; False: it cannot be used any more, ``lasts`` seconds after its moment."""
        asked = self._clock.monotonic()
        wait = await self._change(key, self._book)
        if wait > 0:
            # From the answer on: the row was read before it came, so that nobody starts too early.
            await self._clock.sleep(wait)
            if await self._is_paused(key):
                return False
        # From the question on: the row was read after it went, so that nobody starts too late.
        return self._clock.monotonic() - asked - wait <= lasts

    def _book(self, bucket: Bucket, now: float) -> tuple[Bucket, float]:
        bucket, at = booked(bucket, now, self._rate)
        return bucket, at - now

    async def _is_paused(self, key: str) -> bool:
        return await self._change(key, lambda bucket, now: (bucket, bucket.paused_until > now))

    @asynccontextmanager
    async def _in_line(self, key: str, again: bool) -> AsyncIterator[None]:
        lane = self._lanes.setdefault(key, _Lane())
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = lane.again if again else lane.fresh
        waiting[ticket] = None
        if lane.first is None:
            lane.call_next()
        try:
            await ticket
            yield
        finally:
            if lane.first is ticket:
                lane.call_next()
            else:
                del waiting[ticket]
            if lane.first is None:
                self._lanes.pop(key, None)

    async def _change(self, key: str, change: Callable[[Bucket, float], tuple[Bucket, T]]) -> T:
        """Change the key's row while nobody else does."""
        problem: psycopg.Error
        for is_last in (False, True):
            try:
                async with self._pool.connection(self._patience) as connection:
                    return await _changed(Session(key, connection), change, self._rate)
            except psycopg.Error as error:
                problem = error
            if is_last or not is_lost(problem):
                break
            # A turn that was booked on the connection that is gone is lost at worst.
            await self._pool.check()
        raise failed("the limiter's row", problem)


async def _changed(session: Session, change: Callable[[Bucket, float], tuple[Bucket, T]], rate: RateLimit) -> T:
    row = await session.row(_LOOK)
    if row is not None:
        before = Bucket(**{name: row[name] for name in _COLUMNS})
        bucket, told = change(before, row["now"])
        # Mostly nobody else changed it in between; no lock is held on the way, and two statements are all.
        was = {f"was_{name}": value for name, value in attrs.asdict(before).items()}
        if bucket == before or await session.row(_KEEP_IF_SAME, attrs.asdict(bucket) | was) is not None:
            return told
    async with session.connection.transaction():
        return await _changed_under_lock(session, change, rate)


async def _changed_under_lock(
    session: Session, change: Callable[[Bucket, float], tuple[Bucket, T]], rate: RateLimit
) -> T:
    row = await session.row(_READ)
    if row is None:
        # Whoever is first makes it; then it is there to be locked.
        now = (await session.only(_CLOCK))["now"]
        await session.run(_MAKE, attrs.asdict(full(now, rate)))
        row = await session.only(_READ)
    # Only now: what was waited for the lock is over.
    now = (await session.only(_CLOCK))["now"]
    before = Bucket(**row)
    bucket, told = change(before, now)
    if bucket != before:
        await session.run(_KEEP, attrs.asdict(bucket))
    return told


def _check_seconds(seconds: float) -> None:
    if not 0 <= seconds < math.inf:
        raise ConfigurationError("a pause is a number of seconds >= 0")
