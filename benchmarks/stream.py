"""A whole list, page after page, over one keep-alive connection to a server in another process.

Ours runs as it is used: the limiter (with a limit that is never met), the retry loop, an observer. The limit is a bare
protocol that does nothing but read bodies into Structs. Every client must give every record, and ours and the limit
each amount digit for digit; the others' digits are checked and told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from .peers import AHEAD, DLT, HTTPX, LIMIT, OURS, STAINLESS, is_here, missing
from .peers.clients import OPENERS, Walk, digits
from .report import Figure, Result, Table, under_brex
from .sampling import Effort, Ratio, Rounds, in_fresh_processes, in_turns, median_of, ratio, settle
from .server import Facts, Served, facts_of, serving

__all__ = ["run", "sample"]

SIZE = 100
EXACT = frozenset({OURS, AHEAD, LIMIT})
SLOW = frozenset({STAINLESS, DLT})
"""They take part in every third round: otherwise they would take most of the time."""
EVERY = 3


def sample(served: Mapping[str, Any], pages: int, rounds: int) -> dict[str, Any]:
    """Seconds of each client in each round, and whether its digits are right."""
    return asyncio.run(_sample(Served.from_json(served), pages, rounds))


async def _sample(served: Served, pages: int, rounds: int) -> dict[str, Any]:
    url = served.url("cycle", pages=pages)
    assert pages * SIZE == served.facts.records, "the facts are of another list"
    async with AsyncExitStack() as stack:
        walks = {
            name: await stack.enter_async_context(opened(url, SIZE))
            for name, opened in OPENERS.items()
            if is_here(name)
        }
        exact = {name: await _is_exact(walk, served.facts) for name, walk in walks.items()}
        assert all(exact[name] for name in EXACT), "an amount did not come out digit for digit"
        taken: Rounds = {name: [] for name in walks}
        for number in range(rounds):
            for name in in_turns(walks, number):
                sits_out = name in SLOW and number % EVERY
                taken[name].append(None if sits_out else await _seconds(walks[name], pages * SIZE))
    return {"taken": taken, "exact": exact}


async def _is_exact(walk: Walk, facts: Facts) -> bool:
    found: list[str] = []
    count = await walk(lambda page: found.extend(digits(page)))
    assert len(found) == facts.amounts, "a client lost lines"
    return facts_of(found, count) == facts


async def _seconds(walk: Walk, records: int) -> float:
    settle()
    began = time.perf_counter()
    count = await walk(len)
    took = time.perf_counter() - began
    assert count == records, f"{count} records came instead of {records}"
    return took


def run(effort: Effort) -> Result:
    """Every client there is, in the same rounds."""
    pages = 32
    with serving(pages * SIZE) as served:
        settings = {"served": served.to_json(), "pages": pages, "rounds": effort.rounds}
        samples = in_fresh_processes("stream", settings, effort.processes)
    taken = [one["taken"] for one in samples]
    names = [name for name in OPENERS if name in taken[0]]
    against = {name: ratio(taken, name, OURS) for name in names}
    rates = {name: pages * SIZE / median_of(taken, name) for name in names}
    rows = tuple(
        (
            name,
            f"{rates[name]:,.0f}",
            f"{ratio(taken, name, LIMIT).value:.2f}",
            f"{against[name].value:.2f}",
            "yes" if samples[0]["exact"][name] else "no",
            under_brex(rates[name], SIZE),
        )
        for name in names
    )
    note = f"{pages} pages of {SIZE} records, {effort.rounds} rounds in each of {effort.processes} processes."
    heads = ("client", "records/s", "x limit", "x ours", "exact", "under Brex's limit (of a core)")
    return Result(
        name="stream",
        title="End to end: a list over one connection, no latency",
        table=Table(heads=heads, rows=rows, note=note),
        figures=_figures(ratio(taken, OURS, LIMIT), against),
        missing=missing(*OPENERS),
        data={"against_ours": {name: one.value for name, one in against.items()}, "records_per_second": rates},
    )


def _figures(limit: Ratio, against: Mapping[str, Ratio]) -> tuple[Figure, ...]:
    pairs = (("stream/httpx", HTTPX), ("stream/stainless", STAINLESS))
    held = [Figure.of(name, against[peer]) for name, peer in pairs if peer in against]
    return (Figure.of("stream/limit", limit), *held)
