"""A small fleet in real time, and the same fleet simulated: how far the simulation may be trusted."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import attrs
import psycopg

from brex_accounting.sync.fleet.spread import next_due

from .fleet_plan import Costs, Outcome, Plan
from .fleet_simulation import simulate
from .many_companies import serving
from .town import Town, town

__all__ = ["compared"]

COMPANIES, EVERY, POLLS, MILLISECONDS = 200, 20.0, 4, 50.0
INTERVALS = 3


def compared(empty: Costs, intervals: int = INTERVALS) -> dict[str, dict[str, float]]:
    """The waits of both in seconds: the median, the 99th of 100, and the longest; ``polls``: how many."""
    from .database import running

    with running() as server:
        real = sorted(asyncio.run(_waits(server, intervals)))
    # The local Brex answers each of a poll's two questions after the same time.
    plan = Plan(
        companies=COMPANIES,
        workers=1,
        polls=POLLS,
        cores=1,
        every=EVERY,
        intervals=intervals,
        empty=attrs.evolve(empty, requests=2),
        full=empty,
        busy=0.0,
        failing=0.0,
        triggers=0.0,
        latency=MILLISECONDS / 1000,
        spread=0.0,
    )
    outcome = simulate(plan)
    count = len(real)
    told = {"median": real[count // 2], "p99": real[int(count * 0.99)], "longest": real[-1], "polls": float(count)}
    return {"real": told, "simulated": _told(outcome)}


def _told(outcome: Outcome) -> dict[str, float]:
    waits = {"median": outcome.wait(0.5), "p99": outcome.wait(0.99), "longest": outcome.waits[-1]}
    return waits | {"polls": float(len(outcome.waits))}


async def _waits(server: Any, intervals: int) -> list[float]:
    with serving(milliseconds=MILLISECONDS) as brex:
        async with town(server, brex, companies=COMPANIES, polls=POLLS, every=EVERY) as there:
            await there.hire(1)
            await asyncio.sleep(2 * EVERY)  # all are due at the beginning, and everything is opened for the first time
            return await _observed(there, intervals)


async def _observed(there: Town, intervals: int) -> list[float]:
    every = timedelta(seconds=EVERY)
    seen: set[tuple[str, datetime]] = set()
    async with await psycopg.AsyncConnection.connect(there.orders.dsn, autocommit=True) as connection:
        began = (await (await connection.execute("SELECT now()")).fetchone() or (None,))[0]
        end = asyncio.get_running_loop().time() + EVERY * intervals
        while asyncio.get_running_loop().time() < end:
            found = await connection.execute(
                "SELECT company_id, started_at FROM brex_fleet_company WHERE started_at >= %s", (began,)
            )
            seen.update(await found.fetchall())
            await asyncio.sleep(EVERY / 10)
    return [(at - next_due(company, every=every, after=at - every)).total_seconds() for company, at in seen]
