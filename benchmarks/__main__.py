"""All benchmarks, or some, with one command.

    python -m benchmarks [NAME ...] [--quick] [--records N] [--json FILE] [--pictures DIR]
    python -m benchmarks --gate
    python -m benchmarks --write

Each asserts that its results are right, measures ours and the peers in the same run, and prints every target with the
line that is aimed at and the one where it fails. --gate runs only what has targets, within three minutes, and ends with
1 when a figure is beyond its fail line; a benchmark with such a figure is measured once more with more samples first,
and the second result counts. --write renews benchmarks/README.md, its pictures and results.json.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

from .pictures import draw
from .readme import readme
from .report import Result, machine, targets_table, text, to_json
from .sampling import Effort

__all__ = ["BENCHMARKS", "main", "measure"]

HERE = Path(__file__).parent
BENCHMARKS = (
    *("decode", "stream", "latency", "prefetch", "scan"),
    *("bulk_polling", "stall", "memory", "import_time", "goodput", "export", "fleet"),
)
"""Modules whose ``run`` takes an effort and gives a result."""

WITHOUT_TARGETS = frozenset({"latency", "bulk_polling", "export", "fleet"})
FULL = Effort(name="full", processes=3, rounds=8)
QUICK = Effort(name="quick", processes=1, rounds=4, records=20_000, minutes=3)
GATE = Effort(name="gate", processes=3, rounds=6, records=60_000, minutes=4, targets_only=True)


def measure(name: str, effort: Effort) -> Result:
    """Run one benchmark."""
    result: Result = importlib.import_module(f"benchmarks.{name}").run(effort)
    return result


def show(result: Result, seconds: float) -> None:
    """Print a result."""
    print(f"\n== {result.name}: {result.title} ({seconds:.0f} s)\n\n{text(result.table)}")
    if result.figures:
        print(f"\n{text(targets_table(result.figures))}")
    for peer in result.missing:
        print(f"\nleft out, because it is not installed: {peer}", end="")
    print(flush=True)


def measured(names: Sequence[str], effort: Effort) -> list[Result]:
    """Run and print, one after the other. In a gate, what failed is measured once more."""
    results = []
    for name in names:
        began = time.perf_counter()
        result = measure(name, effort)
        if effort.targets_only and not all(figure.is_open for figure in result.figures):
            show(result, time.perf_counter() - began)
            print("\nbeyond a line of the gate: once more, with more samples")
            began = time.perf_counter()
            result = measure(name, effort.more())
        show(result, time.perf_counter() - began)
        results.append(result)
    return results


def save(results: Sequence[Result], document: Path | None, pictures: Path | None) -> None:
    """Write what was asked for."""
    if document is not None:
        document.write_text(json.dumps(to_json(results, machine()), indent=1) + "\n")
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        for result in results:
            drawn = draw(result)
            if drawn is not None:
                (pictures / f"{result.name}.svg").write_text(drawn)


def arguments_of(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*BENCHMARKS, []], help=", ".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="draw the results as SVG")
    parser.add_argument("--records", type=int, metavar="N", help="how many records memory streams")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--quick", action="store_true", help="few samples, to see it work")
    kind.add_argument("--gate", action="store_true", help="hold every figure against its fail line")
    kind.add_argument("--write", action="store_true", help="renew README.md, pictures and results.json here")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Measure; 1 when a gate is closed."""
    arguments = arguments_of(given)
    effort = QUICK if arguments.quick else GATE if arguments.gate else FULL
    if arguments.records is not None:
        effort = attrs.evolve(effort, records=arguments.records)
    left_out = WITHOUT_TARGETS if arguments.gate else frozenset()
    names = arguments.names or [name for name in BENCHMARKS if name not in left_out]
    began = time.perf_counter()
    print(machine())
    results = measured(names, effort)
    figures = [figure for result in results for figure in result.figures]
    print(f"\n== all targets ({time.perf_counter() - began:.0f} s)\n\n{text(targets_table(figures))}")
    save(results, arguments.json, arguments.pictures)
    if arguments.write:
        save(results, HERE / "results.json", HERE / "pictures")
        (HERE / "README.md").write_text(readme(results, machine()))
    closed = [figure for figure in figures if not figure.is_open]
    for figure in closed if arguments.gate else ():
        print(f"closed by: {figure.target.label}")
    return int(arguments.gate and bool(closed))


if __name__ == "__main__":
    sys.exit(main())
