"""How long ``import`` takes, in fresh interpreters, each peer in each round."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .peers import is_here
from .report import Figure, Result, Table
from .sampling import Effort, Rounds, in_turns, median_of, ratio

__all__ = ["run"]

OURS = "brex_accounting"
STAINLESS = "a Stainless SDK (increase)"
STATEMENTS = {
    OURS: "from brex_accounting import BrexAccounting",
    "brex_accounting, a client made": "from brex_accounting import BrexAccounting; BrexAccounting('bxt_x')",
    # What the first client would open: aiohttp, most of all.
    "brex_accounting, ready to send": "import brex_accounting; brex_accounting.warm_up()",
    "aiohttp": "import aiohttp",
    "httpx": "import httpx",
    "pydantic, one model": "import pydantic; pydantic.create_model('M', a=(int, ...))",
    STAINLESS: "from increase import AsyncIncrease",
    f"{STAINLESS}, a client made": "from increase import AsyncIncrease; AsyncIncrease(api_key='x')",
    "dlt, with its REST source": "import dlt.sources.rest_api",
}
_NEEDS = {
    "httpx": "httpx + pydantic",
    STAINLESS: "Stainless runtime",
    f"{STAINLESS}, a client made": "Stainless runtime",
    "dlt, with its REST source": "dlt REST source",
}
_TIMED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"


def run(effort: Effort) -> Result:
    """Every package in turns; the first round is a warm-up, for the files' sake."""
    here = [name for name in STATEMENTS if name not in _NEEDS or is_here(_NEEDS[name])]
    taken: Rounds = {name: [] for name in here}
    for number in range(effort.rounds + 1):
        for name in in_turns(here, number):
            seconds = _seconds(STATEMENTS[name])
            if number:
                taken[name].append(seconds)
    rows = tuple(
        (name, f"{median_of([taken], name) * 1000:.0f}", f"{ratio([taken], name, OURS).value:.2f}") for name in here
    )
    figures = (Figure.of("import", ratio([taken], OURS, STAINLESS)),) if STAINLESS in here else ()
    return Result(
        name="import_time",
        title="Import time",
        table=Table(heads=("import", "ms", "x ours"), rows=rows, note=f"{effort.rounds} fresh interpreters each."),
        figures=figures,
        missing=tuple(name for name in STATEMENTS if name not in here),
        data={"milliseconds": {name: median_of([taken], name) * 1000 for name in here}},
    )


def _seconds(statement: str) -> float:
    command = [sys.executable, "-c", _TIMED.format(statement)]
    root = Path(__file__).parent.parent
    return float(subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True).stdout)  # noqa: S603
