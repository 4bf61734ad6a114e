"""Another process at a limiter: ``python -m tests.sync.limited CONNINFO LIMIT PER``.

It takes turns until its stdin ends. Each start is a line: its moment, and how late it was for its turn, in seconds.
"""

from __future__ import annotations

import asyncio
import sys

import attrs
from psycopg_pool import AsyncConnectionPool

from brex_accounting.session.clock import SystemClock
from brex_accounting.session.limiter import RateLimit
from brex_accounting.sync.postgres import PostgresLimiter


@attrs.define
class NotedClock(SystemClock):
    """The machine's clock, and what it said last: the moment at which the limiter let go of a caller.

    ``late``: how long after it was asked before, but for what was slept in between.
    """

    last: float = 0.0
    late: float = 0.0
    slept: float = 0.0

    def monotonic(self) -> float:
        now = super().monotonic()
        self.late, self.last, self.slept = now - self.last - self.slept, now, 0.0
        return now

    async def sleep(self, seconds: float) -> None:
        self.slept = seconds
        await super().sleep(seconds)


async def main(conninfo: str, limit: str, per: str) -> None:
    """Eight callers take turns."""
    clock, is_over = NotedClock(), asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), is_over.set)
    async with AsyncConnectionPool(conninfo, min_size=2, open=False) as pool:
        limiter = PostgresLimiter(pool, RateLimit(limit=int(limit), per=float(per)), clock=clock)

        async def call() -> None:
            while not is_over.is_set():
                await limiter.turn("client/cuacc_1")
                sys.stdout.write(f"{clock.last!r} {clock.late!r}\n")
                sys.stdout.flush()

        await asyncio.gather(*(call() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
