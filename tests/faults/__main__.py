"""``python -m tests.faults``: run the whole matrix, Brex's operations and Monite's, and print it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

from .canary import Canary
from .kinds import MISSING
from .matrix import MATRIX, cells
from .monite_matrix import cells as monite_cells
from .monite_running import run_cell as run_monite_cell
from .running import run_cell
from .token_failures import TOKEN_FAILURES, failure_of

Run = Callable[[str, str, Canary], Awaitable[str]]


async def _row(run: Run, fault: str, expected: dict[str, str], canary: Canary) -> tuple[int, list[str]]:
    good, lines = 0, []
    for operation, cell in expected.items():
        seen = await run(fault, operation, canary)
        good += seen == cell
        shown = seen if seen == cell else f"{seen}  <-- expected {cell}"
        lines.append(f"{fault:18} {operation:14} {shown}\n")
    return good, lines


async def _run() -> int:
    begin, good, total = time.monotonic(), 0, 0
    sys.stdout.write(f"{'fault':18} {'operation':14} outcome, attempts-arrived-processed, claims\n")
    with Canary() as canary:
        for fault in MATRIX:
            if fault in MISSING:
                sys.stdout.write(f"{fault:18} left out: its decoder is not installed\n")
                continue
            for run, expected in ((run_cell, cells(fault)), (run_monite_cell, monite_cells(fault))):
                right, lines = await _row(run, fault, dict(expected), canary)
                good, total = good + right, total + len(lines)
                sys.stdout.writelines(lines)
        for name in TOKEN_FAILURES:
            failure = await failure_of(name)
            canary.error(failure)
            sys.stdout.write(f"{'tokens':18} {name}: {type(failure).__name__}\n")
    hits = canary.hits()
    seconds = time.monotonic() - begin
    sys.stdout.write(
        f"{good} of {total} cells as written down, {len(TOKEN_FAILURES)} failures of tokens, in {seconds:.1f} s\n"
    )
    sys.stdout.write(
        f"{len(hits)} canary hits in {len(canary.lines)} lines of logs, events, spans, reprs, tracebacks, locals\n"
    )
    return 0 if good == total and not hits else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_run()))
