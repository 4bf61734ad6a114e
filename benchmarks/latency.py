"""Records a second against the server's distance: what is left of a fast decoder when every page is waited for."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from brex_accounting import UpdatedAt

from .peers import AIOHTTP, HTTPX, OURS, STAINLESS, is_here, missing
from .peers.clients import OPENERS, Open, Seen, Walk, brex
from .report import Result, Table
from .sampling import Effort, in_fresh_processes, settle
from .server import SINCE, UNTIL, Served, serving

__all__ = ["run", "sample"]

SIZE, PAGES = 100, 32
MILLISECONDS = (0, 10, 25, 50, 100)
TURNS = 2
SCANS = {f"{OURS}, scan, {chains} windows": chains for chains in (8, 16)}


def _scanning(chains: int) -> Open:
    @asynccontextmanager
    async def opened(url: str, size: int) -> AsyncIterator[Walk]:
        async with brex(url) as client:

            async def walk(seen: Seen) -> int:  # noqa: ARG001 - nobody looks at pages here
                count = 0
                window = UpdatedAt(gte=SINCE, lt=UNTIL)
                async for page in client.records.scan(window, parallel=chains, page_size=size):
                    count += len(page.items)
                return count

            yield walk

    return opened


def sample(served: Mapping[str, Any], client: str) -> list[list[float]]:
    """Pairs of milliseconds and records per second."""
    return asyncio.run(_sample(Served.from_json(served), client))


async def _sample(served: Served, client: str) -> list[list[float]]:
    opened = _scanning(SCANS[client]) if client in SCANS else OPENERS[client]
    curve: list[list[float]] = []
    for latency in MILLISECONDS:
        async with opened(served.url("even", milliseconds=latency), SIZE) as walk:
            await walk(len)
            seconds = []
            for _ in range(TURNS):
                settle()
                began = time.perf_counter()
                count = await walk(len)
                seconds.append(time.perf_counter() - began)
                assert count == served.facts.records, "records were lost or came twice"
        curve.append([latency, served.facts.records / statistics.mean(seconds)])
    return curve


def run(effort: Effort) -> Result:  # noqa: ARG001 - a curve is drawn once
    """A curve for each client."""
    names = [name for name in (*SCANS, OURS, AIOHTTP, HTTPX, STAINLESS) if name in SCANS or is_here(name)]
    with serving(SIZE * PAGES) as served:
        told = served.to_json()
        curves = {name: in_fresh_processes("latency", {"served": told, "client": name}, 1)[0] for name in names}
    rows = tuple((name, *(f"{rate:,.0f}" for _, rate in curve)) for name, curve in curves.items())
    note = f"Records per second, {PAGES} pages of {SIZE}; the mean of {TURNS} turns. Brex itself allows 1,667."
    return Result(
        name="latency",
        title="Records a second against the server's latency",
        table=Table(heads=("client", *(f"{latency} ms" for latency in MILLISECONDS)), rows=rows, note=note),
        missing=missing(HTTPX, STAINLESS),
        data={"curves": curves},
    )
