"""``python -m tests.faults``: run the whole matrix and print it."""

from __future__ import annotations

import asyncio
import sys
import time

from .canary import Canary
from .kinds import MISSING
from .matrix import MATRIX, cells
from .running import run_cell
from .token_failures import TOKEN_FAILURES, failure_of


async def _row(fault: str, canary: Canary) -> tuple[int, list[str]]:
    good, lines = 0, []
    for operation, expected in cells(fault):
        seen = await run_cell(fault, operation, canary)
        good += seen == expected
        shown = seen if seen == expected else f"{seen}  <-- expected {expected}"
        lines.append(f"{fault:18} {operation:12} {shown}\n")
    return good, lines


async def _run() -> int:
    begin, good, total = time.monotonic(), 0, 0
    sys.stdout.write(f"{'fault':18} {'operation':12} outcome, attempts-arrived-processed, claims\n")
    with Canary() as canary:
        for fault in MATRIX:
            if fault in MISSING:
                sys.stdout.write(f"{fault:18} left out: its decoder is not installed\n")
                continue
            right, lines = await _row(fault, canary)
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
