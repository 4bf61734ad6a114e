"""A list whose consumer takes as long for a page as the server: reading ahead hides one of the two."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from brex_accounting import BrexAccounting

from .peers.clients import brex
from .report import Figure, Result, Table, under_brex
from .sampling import Effort, Rounds, in_fresh_processes, median_of, ratio, settle
from .server import Facts, Served, serving

__all__ = ["run", "sample"]

SIZE, PAGES = 100, 32
MILLISECONDS = 50
PLAIN, AHEAD = "one page after the other", "prefetch=1"


def sample(served: Mapping[str, Any], rounds: int) -> Rounds:
    """Seconds without and with reading ahead, in each round."""
    return asyncio.run(_sample(Served.from_json(served), rounds))


async def _sample(served: Served, rounds: int) -> Rounds:
    taken: Rounds = {PLAIN: [], AHEAD: []}
    async with brex(served.url("cycle", pages=PAGES, milliseconds=MILLISECONDS)) as client:
        await client.records.list(page_size=SIZE)
        for _ in range(rounds):
            taken[PLAIN].append(await _seconds(client, 0, served.facts))
            taken[AHEAD].append(await _seconds(client, 1, served.facts))
    return taken


async def _seconds(client: BrexAccounting, ahead: int, facts: Facts) -> float:
    settle()
    count, total = 0, Decimal(0)
    began = time.perf_counter()
    async for record in client.records.list(page_size=SIZE, prefetch=ahead):
        total += sum(line.amount.amount for line in record.line_items)
        count += 1
        if count % SIZE == 0:
            await asyncio.sleep(MILLISECONDS / 1000)
    took = time.perf_counter() - began
    assert (count, total) == (facts.records, facts.total), "records were lost or came twice"
    return took


def run(effort: Effort) -> Result:
    """Both ways in turns."""
    with serving(SIZE * PAGES) as served:
        rounds = max(1, effort.rounds // 4)
        samples = in_fresh_processes("prefetch", {"served": served.to_json(), "rounds": rounds}, effort.processes)
    gain = ratio(samples, PLAIN, AHEAD)
    rows = []
    for name in (PLAIN, AHEAD):
        rate = SIZE * PAGES / median_of(samples, name)
        rows.append((name, f"{rate:,.0f}", f"{ratio(samples, PLAIN, name).value:.2f}", under_brex(rate, SIZE)))
    note = (
        f"{PAGES} pages of {SIZE}, {MILLISECONDS} ms for an answer and {MILLISECONDS} ms for the consumer of a page, "
        f"who waits without the processor; {rounds} rounds in each of {effort.processes} processes."
    )
    heads = ("list", "records/s", "x faster", "under Brex's limit (of the time)")
    return Result(
        name="prefetch",
        title="Reading ahead while the consumer works",
        table=Table(heads=heads, rows=tuple(rows), note=note),
        figures=(Figure.of("prefetch", gain),),
    )
