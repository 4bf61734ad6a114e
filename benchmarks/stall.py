"""The longest time that streaming keeps the event loop from everything else, against decoding the pages alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from brex_accounting import AccountingRecord
from brex_accounting.converters.pages import read_page
from brex_accounting.converters.wire import codec

from .beat import Heartbeat
from .peers.clients import brex
from .report import Figure, Result, Table
from .sampling import Effort, Rounds, in_fresh_processes, median_of, ratio, settle
from .server import Served, serving

__all__ = ["run", "sample"]

PAGES = {100: 16, 1000: 4}
"""Pages by their size."""


def sample(served: Mapping[str, Any], sizes: Sequence[int], rounds: int) -> Rounds:
    """The longest stall, and the longest time for one page's decoding, in each round."""
    return asyncio.run(_sample(Served.from_json(served), sizes, rounds))


async def _sample(served: Served, sizes: Sequence[int], rounds: int) -> Rounds:
    found: Rounds = {f"{what}/{size}": [] for size in sizes for what in ("stall", "decode")}
    for size in sizes:
        async with brex(served.url("cycle", pages=PAGES[size])) as client:
            # Also the warm-up: the first page is compared with the models, once in a client's life.
            bodies = [page.raw async for page in client.records.list(page_size=size).pages()]
            assert len(bodies) == PAGES[size]
            for _ in range(rounds):
                settle()
                count = 0
                with Heartbeat() as beat:
                    async for _record in client.records.list(page_size=size):
                        count += 1
                assert count == size * PAGES[size]
                found[f"stall/{size}"].append(beat.longest)
                found[f"decode/{size}"].append(_longest_decode(bodies, size))
    return found


def _longest_decode(bodies: Sequence[bytes], size: int) -> float:
    settle()
    longest = 0.0
    for body in bodies:
        began = time.thread_time()
        page = read_page(codec(), body, AccountingRecord, "raise")
        longest = max(longest, time.thread_time() - began)
        assert len(page.items) == size
    return longest


def run(effort: Effort) -> Result:
    """Pages of 100 for the target, pages of 1,000 to see what large ones cost."""
    sizes = [100] if effort.targets_only else list(PAGES)
    with serving(max(PAGES)) as served:
        settings = {"served": served.to_json(), "sizes": sizes, "rounds": effort.rounds}
        samples = in_fresh_processes("stall", settings, effort.processes)
    rows = [
        (
            f"{PAGES[size]} pages of {size:,} records",
            f"{median_of(samples, f'stall/{size}') * 1000:.2f}",
            f"{median_of(samples, f'decode/{size}') * 1000:.2f}",
            f"{ratio(samples, f'stall/{size}', f'decode/{size}').value:.2f}",
        )
        for size in sizes
    ]
    note = (
        f"The longest of all pages, as processor time of the loop's thread; "
        f"{effort.rounds} rounds in each of {effort.processes} processes."
    )
    return Result(
        name="stall",
        title="The longest loop stall while a list is streamed",
        table=Table(heads=("list", "stall ms", "decode ms", "x decode"), rows=tuple(rows), note=note),
        figures=(Figure.of("stall", ratio(samples, "stall/100", "decode/100")),),
    )
