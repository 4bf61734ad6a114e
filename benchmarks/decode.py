"""Decoding a page of records: here, and with what one would pick instead.

    python -m benchmarks.decode [--records N ...] [--rounds N]

The peers get the same bytes and the same fields: msgspec.Struct (the practical limit in Python), pydantic, and cattrs
as it comes. Rounds are interleaved, and each figure is the median of the ratios within a round. Every result is
checked: the number of records, and whether each amount came out digit for digit.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import attrs
import msgspec

from brex_accounting import AccountingRecord, Money
from brex_accounting.converters.pages import PageBody, read_page
from brex_accounting.converters.projection import project
from brex_accounting.converters.wire import codec
from brex_accounting.sandbox import make_seed

from .peers import plain_converter, plain_page, pydantic_page, struct_page

__all__ = ["SIZES", "TARGETS", "Target", "body_of", "figures", "missed"]

Decode = Callable[[bytes], Any]

LIMIT = "msgspec.Struct"
OURS = "brex_accounting"
ZEROS = "a tenth of the amounts 0"
LIMIT_ZEROS = "msgspec.Struct, of these"
CHUNKS = "in chunks, as in a client"
ONE_ODD = "one odd record, the last"
ALL_ODD = "odd records only"
PROJECTION = "as_type, three fields"
PYDANTIC = "pydantic"
CATTRS = "cattrs as it comes"
SIZES = (100, 1000)


@attrs.frozen
class Posting:
    """A small projection."""

    id: str
    amount: Money
    posted_at: datetime


@attrs.frozen(kw_only=True)
class Target:
    """``row`` against ``against``, on a page of ``records``: what is aimed at, and the hard line.

    ``at_most``: a ratio that should be small; else one that should be large.
    """

    row: str
    against: str = LIMIT
    records: int = 100
    aim: float
    fail: float
    at_most: bool = True

    @property
    def name(self) -> str:
        """Row and size."""
        return f"{self.row} / {self.against}, {self.records} records"

    def meets(self, figure: float, line: float) -> bool:
        """Whether a figure is on the right side of a line."""
        return figure <= line if self.at_most else figure >= line


TARGETS = (
    Target(row=OURS, aim=1.75 if sys.version_info[:2] == (3, 12) else 1.65, fail=1.85),
    Target(row=OURS, records=1000, aim=1.5, fail=1.7),
    Target(row=PYDANTIC, against=OURS, aim=2.2, fail=2, at_most=False),
    Target(row=CATTRS, against=OURS, aim=3.5, fail=3, at_most=False),
    Target(row=ZEROS, against=LIMIT_ZEROS, aim=1.75, fail=2.1),
    Target(row=ONE_ODD, against=OURS, aim=2.7, fail=3.5),
    Target(row=ALL_ODD, against=OURS, aim=4.5, fail=8),
    Target(row=PROJECTION, aim=0.31, fail=0.6),
)


def body_of(records: int) -> bytes:
    """A page of lifelike records as Brex would send it."""
    seed = make_seed("lifelike", records=records)
    items = tuple(seed.record(index) for index in range(records))
    return codec().dumps(PageBody(items=items, has_next_page=False))


def odd(body: bytes, good: int) -> bytes:
    """The page with versions written as 1.0, which the first pass cannot read, after so many good ones."""
    parts = re.split(rb'("version":\d+)', body)
    parts[1 + 2 * good :: 2] = [part + b".0" for part in parts[1 + 2 * good :: 2]]
    return b"".join(parts)


def zeros(body: bytes) -> bytes:
    """The page with each tenth amount an integer zero."""
    parts = re.split(rb'("amount":[0-9.-]+)', body)
    parts[1::20] = [b'"amount":0'] * len(parts[1::20])
    return b"".join(parts)


def rows(body: bytes, records: int) -> dict[str, tuple[Decode, bytes]]:
    """Row -> how it decodes, and what."""
    page: Any = PageBody[AccountingRecord]
    converter, plain, limit = plain_converter(), plain_page(), msgspec.json.Decoder(struct_page()).decode
    small, show = project(Posting).wire, project(Posting).show
    assert show is not None

    def projected(data: bytes) -> list[Posting]:
        return list(map(show, read_page(codec(), data, small, "raise").items))

    def read(data: bytes) -> Any:
        return read_page(codec(), data, AccountingRecord, "raise")

    return {
        LIMIT: (limit, body),
        OURS: (lambda data: codec().decode(data, page), body),
        CHUNKS: (read, body),
        LIMIT_ZEROS: (limit, zeros(body)),
        ZEROS: (read, zeros(body)),
        ONE_ODD: (read, odd(body, records - 1)),
        ALL_ODD: (read, odd(body, 0)),
        PROJECTION: (projected, body),
        PYDANTIC: (pydantic_page().model_validate_json, body),
        CATTRS: (lambda data: converter.structure(json.loads(data, parse_float=Decimal), plain), body),
    }


def amounts(page: Any) -> list[str]:
    """The digits of every amount on lines; of a projection, of every record."""
    if isinstance(page, list):
        return [str(posting.amount.amount) for posting in page]
    return [str(line.amount.amount) for record in page.items for line in record.line_items]


def exactness(decoding: Mapping[str, tuple[Decode, bytes]], records: int) -> dict[str, bool]:
    """Which rows keep every digit. Ours must."""
    limit, body = decoding[LIMIT]
    expected = {LIMIT_ZEROS: amounts(limit(zeros(body)))}
    expected[ZEROS] = expected[LIMIT_ZEROS]
    expected[PROJECTION] = [str(record.amount.amount) for record in limit(body).items]
    lines = amounts(limit(body))
    assert len(lines) > records == len(expected[PROJECTION])
    exact = {name: amounts(decode(data)) == expected.get(name, lines) for name, (decode, data) in decoding.items()}
    assert all(exact[name] for name in decoding if name not in (PYDANTIC, CATTRS)), exact
    return exact


def measure(decoding: Mapping[str, tuple[Decode, bytes]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each row, by round."""
    taken: dict[str, list[float]] = {name: [] for name in decoding}
    for _ in range(rounds):
        for name, (decode, data) in decoding.items():
            gc.collect()
            started = time.perf_counter()
            decode(data)
            taken[name].append(time.perf_counter() - started)
    return taken


def ratio(taken: Mapping[str, Sequence[float]], row: str, against: str = LIMIT) -> float:
    """The median of the ratios within a round."""
    return statistics.median(one / other for one, other in zip(taken[row], taken[against], strict=True))


def figures(rounds: int = 60, sizes: Sequence[int] = SIZES, *, show: bool = False) -> dict[str, float]:
    """Every target whose size is measured -> its ratio. A large page gets half the rounds, at least 20."""
    found: dict[str, float] = {}
    for records in sizes:
        decoding = rows(body_of(records), records)
        exact = exactness(decoding, records)
        some = rounds if records <= SIZES[0] else max(20, rounds // 2)
        taken = measure(decoding, some)
        if show:
            print(f"\n{records} records, {len(decoding[LIMIT][1]):,} bytes, {some} rounds")
            print(f"{'':28}  x {LIMIT}  exact  us a page")
            for name, seconds in taken.items():
                median = statistics.median(seconds) * 1e6
                print(f"{name:28}  {ratio(taken, name):16.2f}  {'yes' if exact[name] else 'no':>5}  {median:9.0f}")
        found |= {one.name: ratio(taken, one.row, one.against) for one in TARGETS if one.records == records}
    return found


def missed(found: Mapping[str, float]) -> list[str]:
    """The targets whose hard line was crossed."""
    return [one.name for one in TARGETS if one.name in found and not one.meets(found[one.name], one.fail)]


def main() -> int:
    """Print the tables and the targets; 1 when a result is wrong or a hard line is crossed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decode")
    parser.add_argument("--records", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args()
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()},", end=" ")
    print(", ".join(f"{name} {version(name)}" for name in ("msgspec", "pydantic", "cattrs", "attrs")))
    found = figures(arguments.rounds, arguments.records, show=True)
    print(f"\n{'':66}  {'':>5}     set   fail")
    for one in TARGETS:
        if one.name in found:
            figure = found[one.name]
            verdict = "FAILS" if not one.meets(figure, one.fail) else "" if one.meets(figure, one.aim) else "missed"
            sign = "<=" if one.at_most else ">="
            print(f"{one.name:66}  {figure:5.2f}  {sign} {one.aim:4.2f}  {one.fail:5.2f}  {verdict}".rstrip())
    return int(bool(missed(found)))


if __name__ == "__main__":
    sys.exit(main())
