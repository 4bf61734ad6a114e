"""Samples that noise cannot bend: everything compared runs in the same round, in several fresh processes.

    python -m benchmarks.sampling MODULE SETTINGS

runs ``sample`` of a benchmark with settings from JSON, on a core of its own where there are two, and prints what it
measured as JSON. A ratio is the median over processes of the medians over rounds of the ratios within a round.
"""

from __future__ import annotations

import gc
import importlib
import json
import random
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from .server import CORES, pin

__all__ = ["Effort", "Ratio", "Rounds", "in_fresh_processes", "in_turns", "median_of", "ratio", "settle"]

Rounds: TypeAlias = dict[str, list[float | None]]
"""Figures of one process: by what was measured, one for each round; None where it sat a round out."""
_Process: TypeAlias = Mapping[str, Sequence[float | None]]


@attrs.frozen(kw_only=True)
class Effort:
    """How much is measured. ``records``: how many are streamed; ``minutes``: of simulated time.

    ``targets_only``: nothing that no target needs.
    """

    name: str
    processes: int = 3
    rounds: int = 9
    records: int = 100_000
    minutes: float = 10.0
    targets_only: bool = False

    def more(self) -> Effort:
        """The same with twice the samples or nearly so, for a row that failed once."""
        return attrs.evolve(self, processes=self.processes + 1, rounds=self.rounds + self.rounds // 2)


@attrs.frozen(kw_only=True)
class Ratio:
    """A median of medians, the lowest and highest process, and how many samples it rests on."""

    value: float
    lowest: float
    highest: float
    samples: int


def ratio(processes: Sequence[_Process], of: str, to: str) -> Ratio:
    """``of`` divided by ``to``, round by round, where both took part."""
    paired = [_pairs(rounds[of], rounds[to]) for rounds in processes]
    medians = [statistics.median(one / other for one, other in pairs) for pairs in paired]
    return Ratio(
        value=statistics.median(medians), lowest=min(medians), highest=max(medians), samples=sum(map(len, paired))
    )


def _pairs(ones: Sequence[float | None], others: Sequence[float | None]) -> list[tuple[float, float]]:
    both = zip(ones, others, strict=True)
    return [(one, other) for one, other in both if one is not None and other is not None]


def median_of(processes: Sequence[_Process], name: str) -> float:
    """The median of the processes' medians."""
    return statistics.median(
        statistics.median(value for value in rounds[name] if value is not None) for rounds in processes
    )


def in_fresh_processes(module: str, settings: Mapping[str, Any], processes: int) -> list[Any]:
    """What ``sample`` of a benchmark returns in each of so many new processes, one after the other."""
    return [_in_fresh_process(module, settings) for _ in range(processes)]


def _in_fresh_process(module: str, settings: Mapping[str, Any]) -> Any:
    command = [sys.executable, "-m", "benchmarks.sampling", module, json.dumps(settings)]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"benchmarks.{module} failed in its process; what went wrong stands above")
    return json.loads(done.stdout)


def in_turns(names: Iterable[str], number: int) -> list[str]:
    """The names in an order of their own for each round: who comes second finds the caches as the first left them."""
    order = list(names)
    random.Random(number).shuffle(order)  # noqa: S311 - the same in every process
    return order


def settle() -> None:
    """Collect garbage, so that nobody pays for the one before."""
    gc.collect()


def main() -> int:
    """Run one sample."""
    module, settings = sys.argv[1:]
    pin(CORES[0])
    found = importlib.import_module(f"benchmarks.{module}").sample(**json.loads(settings))
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
