"""A whole history over many chains of pages at once, against one chain, 100 ms away.

The records of ``uneven`` are as many, but nine in ten of them were updated within one hundredth of the time: windows of
equal length would leave nearly everything to one chain.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Mapping
from decimal import Decimal
from typing import Any

from brex_accounting import AccountingRecord, BrexAccounting, UpdatedAt

from .peers.clients import brex
from .report import BREX_PER_SECOND, Figure, Result, Table, under_brex
from .sampling import Effort, Rounds, in_fresh_processes, median_of, ratio, settle
from .server import SINCE, UNTIL, Facts, Served, serving

__all__ = ["run", "sample"]

SIZE, PAGES = 100, 64
MILLISECONDS = 100
CHAINS = (1, 8, 16)
DENSITIES = ("even", "uneven")


def sample(served: Mapping[str, Any], rounds: int) -> Rounds:
    """Seconds by density and chains, in each round."""
    return asyncio.run(_sample(Served.from_json(served), rounds))


async def _sample(served: Served, rounds: int) -> Rounds:
    taken: Rounds = {f"{density}/{chains}": [] for density in DENSITIES for chains in CHAINS}
    for density in DENSITIES:
        async with brex(served.url(density, milliseconds=MILLISECONDS)) as client:
            await client.records.list(page_size=SIZE)
            for _ in range(rounds):
                for chains in CHAINS:
                    taken[f"{density}/{chains}"].append(await _seconds(client, chains, served.facts))
    return taken


async def _seconds(client: BrexAccounting, chains: int, facts: Facts) -> float:
    settle()
    seen: set[tuple[str, int]] = set()
    count, total = 0, Decimal(0)
    began = time.perf_counter()
    async for record in _records(client, chains):
        total += sum(line.amount.amount for line in record.line_items)
        seen.add((record.id, record.version))
        count += 1
    took = time.perf_counter() - began
    assert (count, len(seen), total) == (facts.records, facts.records, facts.total), "records were lost or came twice"
    return took


def _records(client: BrexAccounting, chains: int) -> AsyncIterable[AccountingRecord]:
    if chains == 1:
        return client.records.list(updated_at=UpdatedAt(gte=SINCE, lt=UNTIL), page_size=SIZE)
    return client.records.scan(SINCE, UNTIL, chains=chains, page_size=SIZE)


def run(effort: Effort) -> Result:
    """One chain, eight and sixteen, in turns."""
    with serving(SIZE * PAGES) as served:
        rounds = max(1, effort.rounds // 6)
        samples = in_fresh_processes("scan", {"served": served.to_json(), "rounds": rounds}, effort.processes)
    rows, rates = [], {}
    for density in DENSITIES:
        for chains in CHAINS:
            name = f"{density}/{chains}"
            rates[name] = SIZE * PAGES / median_of(samples, name)
            gain = ratio(samples, f"{density}/1", name).value
            who = "one chain" if chains == 1 else f"{chains} chains"
            rows.append((f"{density}, {who}", f"{rates[name]:,.0f}", f"{gain:.2f}", under_brex(rates[name], SIZE)))
    note = (
        f"{PAGES} pages of {SIZE} records, {MILLISECONDS} ms for an answer; uneven: 90 % of the records in 1 % of the "
        f"time; {rounds} rounds in each of {effort.processes} processes. Brex allows {BREX_PER_SECOND:.1f} requests a "
        f"second on average, but 1,000 at once: this list stays below."
    )
    figures = [Figure.of(f"scan/{chains}", ratio(samples, "even/1", f"even/{chains}")) for chains in CHAINS[1:]]
    return Result(
        name="scan",
        title="A history over several chains at once",
        table=Table(
            heads=("list", "records/s", "x faster", "under Brex's limit (of the time)"), rows=tuple(rows), note=note
        ),
        figures=tuple(figures),
        data={"records_per_second": rates},
    )
