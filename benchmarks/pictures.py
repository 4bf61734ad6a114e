"""Results as SVG, written by hand: bars and lines, each a function from values to text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import cycle
from typing import TypeAlias

import attrs

from .peers import AHEAD, LIMIT, OURS
from .report import BREX_PER_SECOND, Result

__all__ = ["Bar", "bars", "draw", "lines"]

WIDTH = 860
_FEW = 12
"""So many points of a line are marked."""
_MARGIN = 28
_INK, _SOFT, _GRID, _PAPER = "#1f2933", "#66727f", "#e3e8ee", "#ffffff"
_OURS, _BOUND, _OTHER = "#0b7a5c", "#9aa7b4", "#c9d2dc"
_OUR_LINES = ("#0b7a5c", "#45a88c", "#86cdb6")
_LINES = ("#d2691e", "#5b6abf", "#b0476b", "#7f8c99", "#8a6d3b")
_LETTER, _BOLD = 6.9, 7.9
"""The mean width of a letter of 13 px, measured generously: text must not meet what stands beside it."""


@attrs.frozen(kw_only=True)
class Bar:
    """A labelled value. ``role`` colours it: ours, the bound nobody can pass, or another."""

    label: str
    value: float
    role: str = "other"
    note: str = ""


def bars(title: str, subtitle: str, values: Sequence[Bar], unit: str = "x") -> str:
    """Horizontal bars from zero, each with its value at its end."""
    left = _MARGIN + 14 + max(len(bar.label) * (_BOLD if bar.role == "ours" else _LETTER) for bar in values)
    words = [f"{_number(bar.value)} {unit}{'  ' + bar.note if bar.note else ''}" for bar in values]
    room = WIDTH - _MARGIN - left - max(map(len, words)) * _BOLD - 8
    most = max(bar.value for bar in values)
    parts, top = [], 88.0
    for bar, word in zip(values, words, strict=True):
        width = max(1.5, bar.value / most * room)
        colour = {"ours": _OURS, "bound": _BOUND}.get(bar.role, _OTHER)
        weight = 600 if bar.role == "ours" else 400
        parts += [
            _text(left - 12, top + 15, bar.label, anchor="end", weight=weight),
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="21" rx="2" fill="{colour}"/>',
            _text(left + width + 8, top + 15, word, weight=weight),
        ]
        top += 33
    parts.append(f'<line x1="{left:.1f}" y1="80" x2="{left:.1f}" y2="{top - 4:.1f}" stroke="{_SOFT}"/>')
    return _sheet(title, subtitle, parts, top + 14)


@attrs.frozen(kw_only=True)
class _Axis:
    """Values to places: linear from zero, or logarithmic between powers of ten."""

    low: float
    high: float
    at_low: float
    at_high: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value lies."""
        share = (self._scaled(value) - self._scaled(self.low)) / (self._scaled(self.high) - self._scaled(self.low))
        return self.at_low + share * (self.at_high - self.at_low)

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value

    def ticks(self) -> list[float]:
        """Round values from low to high."""
        if self.logarithmic:
            powers = range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
            return [10.0**power for power in powers]
        step = _step((self.high - self.low) / 5)
        return [self.low + step * number for number in range(int((self.high - self.low) / step + 1e-9) + 1)]


def lines(
    title: str,
    subtitle: str,
    series: Mapping[str, Sequence[Sequence[float]]],
    *,
    x: str,
    y: str,
    logarithmic: bool = False,
    level: tuple[float, str] | None = None,
) -> str:
    """Lines over a grid, each named at its end, ours in greens. ``level``: a dashed line and its name."""
    right = WIDTH - _MARGIN - max(map(len, series)) * _BOLD - 16
    every = [point for points in series.values() for point in points]
    across = _Axis(low=0, high=max(px for px, _ in every), at_low=_MARGIN + 62, at_high=right)
    up = _upward([py for _, py in every], logarithmic)
    parts = list(_grid(across, up, x, y))
    names = [(name, up.place(points[-1][1]), colour) for (name, points), colour in _coloured(series)]
    if level is not None:
        at = up.place(level[0])
        line = f'<line x1="{across.at_low:.1f}" y1="{at:.1f}" x2="{right:.1f}" y2="{at:.1f}" stroke="{_INK}"'
        parts.append(f'{line} stroke-dasharray="5 4"/>')
        names.append((level[1], at, _INK))
    # Ours last, so that they lie above the others.
    for (_, points), colour in reversed(list(_coloured(series))):
        parts += _line([(across.place(px), up.place(py)) for px, py in points], colour)
    for (name, _, colour), at in zip(names, _apart([at for _, at, _ in names]), strict=True):
        parts.append(_text(right + 12, at + 4.5, name, colour=colour, weight=600))
    return _sheet(title, subtitle, parts, 458)


_Series: TypeAlias = Mapping[str, Sequence[Sequence[float]]]


def _coloured(series: _Series) -> Iterator[tuple[tuple[str, Sequence[Sequence[float]]], str]]:
    ours, others = cycle(_OUR_LINES), cycle(_LINES)
    for name, points in series.items():
        yield (name, points), next(ours if name.startswith(OURS) else others)


def _line(points: Sequence[tuple[float, float]], colour: str) -> Iterator[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.4"/>'
    if len(points) <= _FEW:
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{colour}"/>' for x, y in points)


def _upward(values: Sequence[float], logarithmic: bool) -> _Axis:
    most = max(values)
    if logarithmic:
        low, high = 10.0 ** math.floor(math.log10(min(values))), 10.0 ** math.ceil(math.log10(most))
    else:
        step = _step(most / 5)
        low, high = 0.0, step * math.ceil(most / step)
    return _Axis(low=low, high=high, at_low=400, at_high=92, logarithmic=logarithmic)


def _grid(across: _Axis, up: _Axis, x: str, y: str) -> Iterator[str]:
    for tick in up.ticks():
        at = up.place(tick)
        yield f'<line x1="{across.at_low:.1f}" y1="{at:.1f}" x2="{across.at_high:.1f}" y2="{at:.1f}" stroke="{_GRID}"/>'
        yield _text(across.at_low - 10, at + 4.5, _number(tick), anchor="end", colour=_SOFT, size=12)
    for tick in across.ticks():
        yield _text(across.place(tick), up.at_low + 20, _number(tick), anchor="middle", colour=_SOFT, size=12)
    yield _text((across.at_low + across.at_high) / 2, up.at_low + 42, x, anchor="middle", colour=_SOFT, size=12)
    yield _text(_MARGIN, up.at_high - 12, y, colour=_SOFT, size=12)


def _apart(places: Sequence[float], gap: float = 18) -> list[float]:
    """The places, moved so that names do not cover each other; their order stays."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved, last = list(places), -math.inf
    for index in order:
        moved[index] = last = max(places[index], last + gap)
    return moved


def _step(rough: float) -> float:
    """The round step next above a rough one."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough * 0.999)


def _number(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", colour: str = _INK, size: int = 13, weight: int = 400
) -> str:
    style = f'text-anchor="{anchor}" fill="{colour}" font-size="{size}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def _sheet(title: str, subtitle: str, parts: Sequence[str], height: float) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="Helvetica, Arial, DejaVu Sans, sans-serif" role="img">'
    )
    words = [_text(_MARGIN, 34, title, size=18, weight=600), _text(_MARGIN, 56, subtitle, colour=_SOFT)]
    paper = f'<rect width="{WIDTH}" height="{height:.0f}" fill="{_PAPER}"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", paper, *words, *parts, "</svg>", ""])


def _decode(result: Result) -> str:
    return bars(
        "Time to decode a page of 100 records",
        "against msgspec.Struct, the practical limit in Python; shorter is better",
        _ranked(result.data["against_limit"], bound="msgspec.Struct"),
    )


def _stream(result: Result) -> str:
    return bars(
        "Time to stream a list",
        "against brex_accounting, 100 records a page, no latency; shorter is better",
        _ranked(result.data["against_ours"], bound=LIMIT),
    )


def _scan(result: Result) -> str:
    rates: Mapping[str, float] = result.data["records_per_second"]
    values = [
        Bar(label=name, value=rate, role="bound" if name == "one chain" else "ours") for name, rate in rates.items()
    ]
    subtitle = "answers take 100 ms; uneven: 90 % of the records in 1 % of the time; longer is better"
    return bars("A history read in several windows at once", subtitle, values, unit="records/s")


def _latency(result: Result) -> str:
    return lines(
        "Records a second against latency",
        "100 records a page; dashed: what 1,000 requests per 60 s allow, Brex's own limit",
        result.data["curves"],
        x="latency of an answer, ms",
        y="records/s",
        logarithmic=True,
        level=(BREX_PER_SECOND * 100, "Brex's limit"),
    )


def _memory(result: Result) -> str:
    mib = 2**20
    kept = {
        f"{name}, kept": [(count, size / mib) for count, size in curve] for name, curve in result.data["kept"].items()
    }
    most = max(count for points in kept.values() for count, _ in points)
    stream = result.data["stream"]
    (_, base), *_ = stream
    flat = [(count, (size - base) / mib) for count, size in stream]
    # As far as the others go: it is flat beyond, too, and the table says so.
    series = {f"{OURS}, streamed": [(0.0, 0.0), *((count, max(0.0, size)) for count, size in flat if count <= most)]}
    order = sorted(kept, key=lambda name: (not name.startswith(OURS), kept[name][-1][1]))
    return lines(
        "Memory against records",
        "growth of resident memory while records are kept, or streamed and let go",
        series | {name: kept[name] for name in order},
        x="records",
        y="MiB",
    )


def _ranked(values: Mapping[str, float], bound: str) -> list[Bar]:
    roles = {OURS: "ours", AHEAD: "ours", bound: "bound"}
    ranked = sorted(values.items(), key=lambda item: item[1])
    return [Bar(label=name, value=value, role=roles.get(name, "other")) for name, value in ranked]


_PICTURES: dict[str, Callable[[Result], str]] = {
    "decode": _decode,
    "stream": _stream,
    "scan": _scan,
    "latency": _latency,
    "memory": _memory,
}


def draw(result: Result) -> str | None:
    """The picture of a result, if it has one."""
    make = _PICTURES.get(result.name)
    return make(result) if make is not None else None
