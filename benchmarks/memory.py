"""Memory while a list is streamed, and of records that are kept.

Streaming must not grow, however long the list is: what is resident after 10,000 records is the base, the highest that
follows is the growth. Kept records are decoded from the same bytes by each peer in a process of its own.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import statistics
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from brex_accounting.converters.pages import PageBody
from brex_accounting.converters.wire import codec

from .decode import LIMIT, MAKERS, Decode
from .peers import OURS, PYDANTIC, STAINLESS, is_here, missing
from .peers.clients import brex
from .report import Figure, Result, Table, measured
from .sampling import Effort, in_fresh_processes
from .server import Served, records_of, serving

__all__ = ["resident", "run", "sample"]

SIZE = 100
SERVED = 2_000
BASE = 10_000
KEPT = 10_000
MIB = 2**20
_PAGE_BYTES = resource.getpagesize()


def resident() -> int:
    """Bytes of this process in memory; where the system does not tell, the most there ever were."""
    told = Path("/proc/self/statm")
    if told.exists():
        return int(told.read_text().split()[1]) * _PAGE_BYTES
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def sample(what: str, **settings: Any) -> list[list[float]]:
    """Pairs of records so far and resident bytes: ``what`` is a peer whose records are kept, or ``stream``."""
    if what == "stream":
        return asyncio.run(_streamed(Served.from_json(settings["served"]), settings["records"]))
    return _kept(what, settings["records"])


async def _streamed(served: Served, records: int) -> list[list[float]]:
    curve: list[list[float]] = []
    count, total = 0, Decimal(0)
    async with brex(served.url("cycle", pages=records // SIZE)) as client:
        async for record in client.records.list(page_size=SIZE):
            for line in record.line_items:
                total += line.amount.amount
            count += 1
            if count % BASE == 0:
                curve.append([count, resident()])
    times, rest = divmod(records, SERVED)
    assert not rest
    assert (count, total) == (records, times * served.facts.total), "records were lost or came twice"
    return curve


def _dicts() -> Decode:
    return lambda body: json.loads(body)["items"]


KEEPERS: dict[str, Callable[[], Decode]] = {
    **{name: MAKERS[name] for name in (OURS, LIMIT, PYDANTIC, STAINLESS)},
    "dicts": _dicts,
}


def _kept(peer: str, records: int) -> list[list[float]]:
    bodies = _bodies()
    decode = KEEPERS[peer]()
    decode(bodies[0])
    gc.collect()
    base, kept, curve = resident(), [], [[0.0, 0.0]]
    for number in range(records // SIZE):
        kept.append(decode(bodies[number % len(bodies)]))
        if (number + 1) % 10 == 0:
            curve.append([(number + 1) * SIZE, resident() - base])
    assert sum(map(len, kept)) == records
    return curve


def _bodies() -> list[bytes]:
    records = records_of(SERVED)
    pages = (tuple(records[at : at + SIZE]) for at in range(0, SERVED, SIZE))
    return [codec().dumps(PageBody(items=items, has_next_page=False)) for items in pages]


def run(effort: Effort) -> Result:
    """A long list streamed, then records kept, by each peer in processes of its own."""
    records = max(2 * BASE, effort.records // SERVED * SERVED)
    with serving(SERVED) as served:
        settings = {"what": "stream", "served": served.to_json(), "records": records}
        streams = in_fresh_processes("memory", settings, effort.processes)
    growth = [_growth(curve) for curve in streams]
    peers = [name for name in KEEPERS if is_here(name)]
    kept = {name: in_fresh_processes("memory", {"what": name, "records": KEPT}, effort.processes) for name in peers}
    each = {name: statistics.median(curve[-1][1] / KEPT for curve in curves) for name, curves in kept.items()}
    rows = [(name, f"{size / 1024:.1f}", f"{size / each[OURS]:.2f}") for name, size in each.items()]
    note = (
        f"{KEPT:,} records kept. {records:,} records streamed: {max(growth):+.2f} MiB after the first {BASE:,}, at "
        f"{streams[0][0][1] / MIB:.0f} MiB in all; the worst of {effort.processes} processes."
    )
    return Result(
        name="memory",
        title="Memory: a long list streamed, and records kept",
        table=Table(heads=("kept as", "KiB a record", "x ours"), rows=tuple(rows), note=note),
        figures=(measured("memory/stream", growth), *_ratios(kept)),
        missing=missing(PYDANTIC, STAINLESS),
        data={"stream": streams[0], "kept": {name: curves[0] for name, curves in kept.items()}},
    )


def _growth(curve: list[list[float]]) -> float:
    """MiB from the first point to the highest after it."""
    (_, base), *later = curve
    return max(size - base for _, size in later) / MIB


def _ratios(kept: Mapping[str, list[list[list[float]]]]) -> list[Figure]:
    figures = []
    for name, peer in (("memory/pydantic", PYDANTIC), ("memory/stainless", STAINLESS)):
        if peer in kept:
            ratios = [ours[-1][1] / theirs[-1][1] for ours, theirs in zip(kept[OURS], kept[peer], strict=True)]
            figures.append(
                Figure(
                    name=name,
                    value=statistics.median(ratios),
                    lowest=min(ratios),
                    highest=max(ratios),
                    samples=len(ratios),
                )
            )
    return figures
