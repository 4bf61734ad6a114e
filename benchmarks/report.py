"""What was measured, held against what is wanted: figures, targets, verdicts, tables."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import attrs

from .sampling import Ratio

__all__ = [
    "BREX_PER_SECOND",
    "TARGETS",
    "Figure",
    "Machine",
    "Result",
    "Table",
    "Target",
    "Verdict",
    "machine",
    "markdown",
    "measured",
    "targets_table",
    "text",
    "to_json",
    "under_brex",
]

BREX_PER_SECOND = 1000 / 60
"""Requests that Brex allows a client id and account."""

_PACKAGES = ("aiohttp", "attrs", "cattrs", "msgspec", "pydantic", "httpx", "increase", "dlt")


class Verdict(Enum):
    """How a figure stands to its target."""

    MET = "met"
    MISSED = "missed"
    FAILED = "FAILED"


@attrs.frozen(kw_only=True)
class Target:
    """What a figure should be at best (``aim``), and where it is a failure (``fail_at``).

    ``want``: whether less or more is better. Both lines belong to the good side. ``gate_at`` is what CI holds
    where a figure lies so close to its failure, or beyond, that noise or a known shortfall would close the gate:
    it must not get worse.
    """

    label: str
    want: Literal["less", "more"]
    aim: float
    fail_at: float
    gate_at: float | None = None
    unit: str = "x"

    def verdict(self, value: float) -> Verdict:
        """Where ``value`` stands. What is not a number has failed."""
        if self._holds(value, self.aim):
            return Verdict.MET
        return Verdict.MISSED if self._holds(value, self.fail_at) else Verdict.FAILED

    def is_open(self, value: float) -> bool:
        """Whether the gate lets a figure pass."""
        return self._holds(value, self.fail_at if self.gate_at is None else self.gate_at)

    def _holds(self, value: float, line: float) -> bool:
        return value <= line if self.want == "less" else value >= line

    def line(self, value: float) -> str:
        """A line with its sign and unit."""
        return f"{'<=' if self.want == 'less' else '>='} {value:g}{_unit(self.unit)}"


# 3.12 pays more for attrs classes against Structs.
_PAGE_AIM = 1.75 if sys.version_info[:2] == (3, 12) else 1.65

TARGETS: dict[str, Target] = {
    "decode/100/limit": Target(
        label="decode 100 records, time against msgspec.Struct", want="less", aim=_PAGE_AIM, fail_at=1.85
    ),
    "decode/100/loop": Target(
        label="decode 100 records in a loop, time against msgspec.Struct",
        want="less",
        aim=_PAGE_AIM,
        fail_at=1.85,
        gate_at=2.1,
    ),
    "decode/1000/limit": Target(
        label="decode 1,000 records, time against msgspec.Struct", want="less", aim=1.5, fail_at=1.7, gate_at=2.1
    ),
    "decode/pydantic": Target(label="decode, faster than pydantic", want="more", aim=2.2, fail_at=2),
    "decode/cattrs": Target(label="decode, faster than cattrs as it comes", want="more", aim=3.5, fail_at=3),
    "decode/stainless": Target(
        label="decode in a loop, faster than a Stainless runtime", want="more", aim=30, fail_at=25, gate_at=19
    ),
    "decode/zeros": Target(
        label="decode, a tenth of the amounts 0, against Struct", want="less", aim=1.75, fail_at=2.1
    ),
    "decode/one_odd": Target(label="decode, one odd record, against none", want="less", aim=2.7, fail_at=3.5),
    "decode/all_odd": Target(label="decode, odd records only, against none", want="less", aim=4.5, fail_at=8),
    "decode/projection": Target(label="decode three fields, against all as Struct", want="less", aim=0.31, fail_at=0.6),
    "stream/limit": Target(
        label="end to end, time against raw Protocol + Struct", want="less", aim=1.65, fail_at=1.8, gate_at=2.3
    ),
    "stream/httpx": Target(label="end to end, faster than httpx + pydantic", want="more", aim=2.3, fail_at=2),
    "stream/stainless": Target(label="end to end, faster than a Stainless runtime", want="more", aim=22, fail_at=18),
    "prefetch": Target(label="prefetch, consumer as slow as the server", want="more", aim=1.8, fail_at=1.7),
    "scan/8": Target(label="scan with 8 windows at 100 ms", want="more", aim=7, fail_at=6),
    "scan/16": Target(label="scan with 16 windows at 100 ms", want="more", aim=11, fail_at=9),
    "stall": Target(label="longest stall, against decoding the page", want="less", aim=1.2, fail_at=1.5, gate_at=2.2),
    "memory/stream": Target(
        label="streaming, memory growth after 10,000 records", want="less", aim=8, fail_at=16, unit="MiB"
    ),
    "memory/pydantic": Target(label="memory of a kept record, against pydantic", want="less", aim=0.4, fail_at=0.5),
    "memory/stainless": Target(label="memory of a kept record, against Stainless", want="less", aim=0.35, fail_at=0.5),
    "import": Target(label="import time, against a Stainless SDK", want="less", aim=0.15, fail_at=0.2),
    "goodput": Target(label="goodput under 1,000 per 60 s", want="more", aim=97, fail_at=93, unit="%"),
    "goodput/429": Target(label="429s under 1,000 per 60 s", want="less", aim=0.5, fail_at=0.5, unit="%"),
}
"""By the name of the figure. Design says why each stands where it stands."""


@attrs.frozen(kw_only=True)
class Figure:
    """One measured number that a target exists for. ``lowest`` and ``highest`` are those of single processes."""

    name: str
    value: float
    lowest: float
    highest: float
    samples: int

    @classmethod
    def of(cls, name: str, ratio: Ratio) -> Figure:
        """A figure from a ratio."""
        return cls(name=name, value=ratio.value, lowest=ratio.lowest, highest=ratio.highest, samples=ratio.samples)

    @property
    def target(self) -> Target:
        """What it is held against."""
        return TARGETS[self.name]

    @property
    def verdict(self) -> Verdict:
        """How it stands."""
        return self.target.verdict(self.value)

    @property
    def is_open(self) -> bool:
        """Whether the gate lets it pass."""
        return self.target.is_open(self.value)


def measured(name: str, values: Sequence[float]) -> Figure:
    """A figure of the worst of some values: for what must hold each time."""
    want = TARGETS[name].want
    return Figure(
        name=name,
        value=max(values) if want == "less" else min(values),
        lowest=min(values),
        highest=max(values),
        samples=len(values),
    )


@attrs.frozen(kw_only=True)
class Table:
    """Rows as text, one tuple each, as wide as the heads."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@attrs.frozen(kw_only=True)
class Result:
    """What a benchmark found. ``missing`` peers did not take part; ``data`` is what pictures are drawn from."""

    name: str
    title: str
    table: Table
    figures: tuple[Figure, ...] = ()
    missing: tuple[str, ...] = ()
    data: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Machine:
    """Where it was measured, and with which versions."""

    system: str
    cores: int
    python: str
    packages: Mapping[str, str]

    def __str__(self) -> str:
        packages = ", ".join(f"{name} {found}" for name, found in self.packages.items())
        return f"{self.python}, {self.system}, {self.cores} cores; {packages}"


def machine() -> Machine:
    """This one."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return Machine(
        system=f"{platform.system()} {platform.machine()}, {_processor()}",
        cores=os.cpu_count() or 1,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages=packages,
    )


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def under_brex(per_second: float, page_size: int) -> str:
    """Records per second under Brex's own limit, and the share of a core that they take."""
    allowed = BREX_PER_SECOND * page_size
    return f"{min(per_second, allowed):,.0f} ({min(1.0, allowed / per_second):.1%})"


def targets_table(figures: Iterable[Figure]) -> Table:
    """What is wanted of each figure, and whether it is so."""
    rows = [
        (
            figure.target.label,
            f"{figure.value:.2f}{_unit(figure.target.unit)}",
            f"{figure.lowest:.2f}-{figure.highest:.2f}",
            str(figure.samples),
            figure.target.line(figure.target.aim),
            f"{figure.target.fail_at:g}{_unit(figure.target.unit)}",
            figure.verdict.value,
        )
        for figure in figures
    ]
    return Table(heads=("target", "measured", "processes", "N", "set", "fail at", ""), rows=tuple(rows))


def _unit(unit: str) -> str:
    return " x" if unit == "x" else f" {unit}"


def text(table: Table) -> str:
    """A table for a terminal: the first column to the left, the others to the right."""
    everything = [table.heads, *table.rows]
    widths = [max(len(row[column]) for row in everything) for column in range(len(table.heads))]
    lines = []
    for row in everything:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([*lines, *([table.note] if table.note else [])])


def markdown(table: Table) -> str:
    """A table for a README."""
    lines = ["| " + " | ".join(table.heads) + " |", "|" + "---|" + "---:|" * (len(table.heads) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    return "\n".join([*lines, *(["", table.note] if table.note else [])])


def to_json(results: Sequence[Result], where: Machine) -> dict[str, Any]:
    """Everything, for a file."""
    return {
        "machine": attrs.asdict(where),
        "results": [
            {
                "name": result.name,
                "title": result.title,
                "missing": list(result.missing),
                "table": attrs.asdict(result.table),
                "data": dict(result.data),
                "figures": [_figure_json(figure) for figure in result.figures],
            }
            for result in results
        ],
    }


def _figure_json(figure: Figure) -> dict[str, Any]:
    target = {"set": figure.target.aim, "fail_at": figure.target.fail_at, "want": figure.target.want}
    return attrs.asdict(figure) | target | {"unit": figure.target.unit, "verdict": figure.verdict.name.lower()}
