"""A whole history read in many windows at once, against one chain of pages, 100 ms away.

The records of ``uneven`` are as many, but nine in ten of them were updated within one hundredth of the time: windows of
equal length would leave nearly everything to one chain. One chain reads a quarter of the time, to a quarter of the
records: its pages come one after the other, so that its rate is the same for all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from brex_accounting import AccountingRecord, BrexAccounting, UpdatedAt
from brex_accounting.paging import PageIterator
from brex_accounting.scanning import Scan

from .peers.clients import brex
from .report import BREX_PER_SECOND, Figure, Result, Table, under_brex
from .sampling import Effort, Rounds, in_fresh_processes, median_of, ratio, settle
from .server import SINCE, UNTIL, Served, serving

__all__ = ["run", "sample"]

SIZE, LONG, SHORT = 100, 256, 64
MILLISECONDS = 100
QUARTER = SINCE + (UNTIL - SINCE) / 4
HELD = ("even/1", "even/8", "even/16")
UNEVEN = ("uneven/8", "uneven/16")


def sample(served: Mapping[str, Any], runs: Sequence[str], rounds: int) -> Rounds:
    """Seconds a record for each run, ``density/windows at once``, in each round."""
    return asyncio.run(_sample(Served.from_json(served), runs, rounds))


async def _sample(served: Served, runs: Sequence[str], rounds: int) -> Rounds:
    taken: Rounds = {run: [] for run in runs}
    for _ in range(rounds):
        for run in runs:
            density, _, parallel = run.partition("/")
            async with brex(served.url(density, milliseconds=MILLISECONDS)) as client:
                await client.records.list(page_size=SIZE)
                taken[run].append(await _seconds_a_record(client, int(parallel), served))
    return taken


async def _seconds_a_record(client: BrexAccounting, parallel: int, served: Served) -> float:
    settle()
    seen: set[tuple[str, int]] = set()
    count, total = 0, Decimal(0)
    began = time.perf_counter()
    async for page in _pages(client, parallel):
        for record in page.items:
            total += sum(line.amount.amount for line in record.line_items)
            seen.add((record.id, record.version))
            count += 1
    took = time.perf_counter() - began
    assert len(seen) == count, "a record came twice"
    if parallel == 1:
        assert count == served.facts.records / 4, "records were lost"
    else:
        assert (count, total) == (served.facts.records, served.facts.total), "records were lost"
    return took / count


def _pages(client: BrexAccounting, parallel: int) -> PageIterator[AccountingRecord] | Scan[AccountingRecord]:
    if parallel == 1:
        return client.records.list(updated_at=UpdatedAt(gte=SINCE, lt=QUARTER), page_size=SIZE).pages()
    return client.records.scan(UpdatedAt(gte=SINCE, lt=UNTIL), parallel=parallel, page_size=SIZE)


def run(effort: Effort) -> Result:
    """One chain, eight and sixteen windows, in turns; outside a gate also crowded records and a shorter list."""
    rounds = max(1, effort.rounds // 6)
    long = _measured(LONG, HELD if effort.targets_only else HELD + UNEVEN, rounds, effort)
    rows, rates = _rows("", long)
    if not effort.targets_only:
        short, _ = _rows(f"{SHORT} pages, ", _measured(SHORT, HELD, rounds, effort))
        rows += short[1:]
    note = (
        f"{LONG} pages of {SIZE} records, {MILLISECONDS} ms for an answer; uneven: 90 % of the records in 1 % of the "
        f"time; {rounds} rounds in each of {effort.processes} processes. Brex allows {BREX_PER_SECOND:.1f} requests a "
        f"second on average, but 1,000 at once: these lists stay below."
    )
    return Result(
        name="scan",
        title="A history read in several windows at once",
        table=Table(
            heads=("list", "records/s", "x faster", "under Brex's limit (of the time)"), rows=tuple(rows), note=note
        ),
        figures=tuple(Figure.of(f"scan/{many}", ratio(long, "even/1", f"even/{many}")) for many in (8, 16)),
        data={"records_per_second": rates},
    )


def _measured(pages: int, runs: Sequence[str], rounds: int, effort: Effort) -> list[Rounds]:
    with serving(SIZE * pages) as served:
        settings = {"served": served.to_json(), "runs": runs, "rounds": rounds}
        return in_fresh_processes("scan", settings, effort.processes)


def _rows(where: str, taken: Sequence[Rounds]) -> tuple[list[tuple[str, ...]], dict[str, float]]:
    rows: list[tuple[str, ...]] = []
    rates: dict[str, float] = {}
    for name in taken[0]:
        density, _, parallel = name.partition("/")
        label = "one chain" if parallel == "1" else f"{density}, {parallel} windows"
        rate = rates[f"{where}{label}"] = 1 / median_of(taken, name)
        gain = ratio(taken, "even/1", name).value
        rows.append((f"{where}{label}", f"{rate:,.0f}", f"{gain:.2f}", under_brex(rate, SIZE)))
    return rows, rates
