"""Another process at a limiter: ``python -m tests.sync.limited CONNINFO LIMIT PER TURNS``; each start on a line."""

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
    """The machine's clock, and what it said last: the moment at which the limiter let go of a caller."""

    last: float = 0.0

    def monotonic(self) -> float:
        self.last = super().monotonic()
        return self.last


async def main(conninfo: str, limit: str, per: str, turns: str) -> None:
    """Eight callers take turns until there were so many."""
    clock = NotedClock()
    left = iter(range(int(turns)))
    async with AsyncConnectionPool(conninfo, min_size=2, open=False) as pool:
        limiter = PostgresLimiter(pool, RateLimit(limit=int(limit), per=float(per)), clock=clock)

        async def call() -> None:
            for _ in left:
                await limiter.turn("client/cuacc_1")
                sys.stdout.write(f"{clock.last!r}\n")

        await asyncio.gather(*(call() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
