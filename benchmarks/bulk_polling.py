"""One process that polls many companies at once, against the local Brex in another process.

    python -m benchmarks.bulk_polling --serve

serves that local Brex until its standard input is closed. Every company has a token, a limiter and a turn of its own,
and reads its whole list; all start together. The figures are those of one process with one connection pool: how many
requests and records a second, how long the loop was blocked at most, and what memory it took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from brex_accounting import BrexAccounting
from brex_accounting.sandbox import ALL_SCOPES, Sandbox, make_seed
from brex_accounting.session.events import AttemptEvent

from .beat import Heartbeat
from .memory import MIB, resident
from .report import Result, Table
from .sampling import Effort, in_fresh_processes, settle
from .server import CORES, pin

__all__ = ["run", "sample"]

COMPANIES = (10, 100, 1000)
RECORDS, SIZE = 30, 10
CONNECTIONS = 100
"""Polls under way at once, as a polling service would bound them."""


@attrs.define
class Requests:
    """An observer that counts attempts."""

    count: int = 0

    def __call__(self, event: object) -> None:
        """Count an attempt."""
        self.count += isinstance(event, AttemptEvent)


def sample(url: str, companies: int) -> dict[str, float]:
    """One sweep over so many companies."""
    return asyncio.run(_sample(url, companies))


async def _sample(url: str, companies: int) -> dict[str, float]:
    total = sum((line.amount.amount for record in _served() for line in record.line_items), Decimal(0))
    requests = Requests()
    async with BrexAccounting("bxt_0", base_url=url, observers=[requests]) as brex:
        await _poll(brex, 0)  # connects, and compares the first page with the models
        settle()
        before, requests.count = resident(), 0
        bound = asyncio.Semaphore(CONNECTIONS)

        async def poll(company: int) -> tuple[int, Decimal]:
            async with bound:
                return await _poll(brex, company)

        began = time.perf_counter()
        with Heartbeat() as beat:
            found = await asyncio.gather(*map(poll, range(companies)))
        took = time.perf_counter() - began
        assert found == [(RECORDS, total)] * companies, "a company's records were lost or came twice"
        assert requests.count == companies * -(-RECORDS // SIZE), "requests were sent twice"
        return {
            "requests": requests.count,
            "requests_per_second": requests.count / took,
            "records_per_second": companies * RECORDS / took,
            "stall": beat.longest,
            "memory": resident() - before,
        }


async def _poll(brex: BrexAccounting, company: int) -> tuple[int, Decimal]:
    view = brex.for_company(f"company-{company}", token=f"bxt_{company}")
    count, total = 0, Decimal(0)
    async for record in view.records.list(page_size=SIZE):
        count += 1
        total += sum(line.amount.amount for line in record.line_items)
    return count, total


def _served() -> Iterator[Any]:
    seed = make_seed("lifelike", records=RECORDS)
    return (seed.record(number) for number in range(RECORDS))


def run(effort: Effort) -> Result:
    """A sweep over 10, 100 and 1,000 companies, each in processes of its own."""
    rows, data = [], {}
    with _sandbox() as url:
        for companies in COMPANIES:
            settings = {"url": url, "companies": companies}
            sweeps: list[Mapping[str, float]] = in_fresh_processes("bulk_polling", settings, effort.processes)
            sweep = sorted(sweeps, key=lambda one: one["requests_per_second"])[len(sweeps) // 2]
            data[str(companies)] = dict(sweep)
            rows.append(
                (
                    f"{companies:,} companies",
                    f"{sweep['requests']:,.0f}",
                    f"{sweep['requests_per_second']:,.0f}",
                    f"{sweep['records_per_second']:,.0f}",
                    f"{sweep['stall'] * 1000:.1f}",
                    f"{sweep['memory'] / MIB:.1f}",
                )
            )
    note = (
        f"{RECORDS} records of each company in pages of {SIZE}, {CONNECTIONS} companies at once, every one with a "
        f"limiter of its own at Brex's 1,000 per 60 s; the middle one of {effort.processes} processes. "
        "The sandbox makes records as it serves them, and is what limits the rate."
    )
    return Result(
        name="bulk_polling",
        title="Many companies polled by one process",
        table=Table(
            heads=("sweep over", "requests", "requests/s", "records/s", "longest stall ms", "memory MiB"),
            rows=tuple(rows),
            note=note,
        ),
        data=data,
    )


@contextmanager
def _sandbox() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.bulk_polling", "--serve"]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


async def _serve() -> None:
    async with Sandbox(records=RECORDS) as sandbox:
        for company in range(max(COMPANIES)):
            sandbox.brex.tokens[f"bxt_{company}"] = ALL_SCOPES
        print(json.dumps(sandbox.url), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> int:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk_polling")
    parser.add_argument("--serve", action="store_true", required=True)
    parser.parse_args()
    pin(CORES[-1])
    asyncio.run(_serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
