"""Decoding a page of records: here, and with what one would pick instead.

    python -m benchmarks.decode [--records N] [--rounds N]

The peers get the same bytes and the same fields: msgspec.Struct (the practical limit in Python), pydantic, and cattrs
as it comes. Rounds are interleaved, and each figure is the median of the ratios within a round. Every result is
checked: the number of records, and whether each amount came out digit for digit.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import msgspec

from brex_accounting import AccountingRecord
from brex_accounting.converters.pages import PageBody
from brex_accounting.converters.wire import codec
from brex_accounting.sandbox import make_seed

from .peers.models import plain_converter, plain_page, pydantic_page, struct_page

Decode = Callable[[bytes], Any]

LIMIT = "msgspec.Struct"
OURS = "brex_accounting"
SECOND = "brex_accounting, second pass"
AIM = 1.65
FAIL_AT = 2.6
"""Ours against the limit: what is aimed at, and a guard against accidents, wide enough for a noisy machine."""


def body_of(records: int) -> bytes:
    """A page of lifelike records as Brex would send it."""
    seed = make_seed("lifelike", records=records)
    items = tuple(seed.record(index) for index in range(records))
    return codec().dumps(PageBody(items=items, has_next_page=False))


def decoders() -> dict[str, Decode]:
    """Name -> bytes to a page."""
    page: Any = PageBody[AccountingRecord]
    converter, plain = plain_converter(), plain_page()
    return {
        LIMIT: msgspec.json.Decoder(struct_page()).decode,
        OURS: lambda data: codec().decode(data, page),
        SECOND: lambda data: codec().decode(data, page),
        "pydantic": pydantic_page().model_validate_json,
        "cattrs as it comes": lambda data: converter.structure(json.loads(data, parse_float=Decimal), plain),
    }


def amounts(page: Any) -> list[str]:
    """The digits of every amount on lines."""
    return [str(line.amount.amount) for record in page.items for line in record.line_items]


def measure(body: bytes, rounds: int) -> dict[str, list[float]]:
    """Seconds per round and decoder. One version written as 1.0 sends a page to the second pass."""
    bodies = dict.fromkeys(decoders(), body)
    bodies[SECOND] = body.replace(b'"version":', b'"version":1.0,"was":', 1)
    taken: dict[str, list[float]] = {name: [] for name in bodies}
    for name, decode in decoders().items():
        decode(bodies[name])
    ready = decoders()
    for _ in range(rounds):
        for name, decode in ready.items():
            gc.collect()
            started = time.perf_counter()
            decode(bodies[name])
            taken[name].append(time.perf_counter() - started)
    return taken


def main() -> int:
    """Print the table; 1 when a result is wrong or ours is far off."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decode")
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args()
    body = body_of(arguments.records)
    expected = amounts(decoders()[LIMIT](body))
    exact = {name: amounts(decode(body)) == expected for name, decode in decoders().items()}
    assert len(expected) > arguments.records
    assert exact[OURS], "an amount did not come out digit for digit"
    taken = measure(body, arguments.rounds)
    names = ("msgspec", "pydantic", "cattrs", "attrs")
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()},", end=" ")
    print(", ".join(f"{name} {version(name)}" for name in names))
    print(f"{arguments.records} records, {len(body):,} bytes, {arguments.rounds} rounds\n")
    print(f"{'':30}  x {LIMIT}  exact  us a page")
    for name, seconds in taken.items():
        ratio = statistics.median(one / limit for one, limit in zip(seconds, taken[LIMIT], strict=True))
        median = statistics.median(seconds) * 1e6
        print(f"{name:30}  {ratio:16.2f}  {'yes' if exact[name] else 'no':>5}  {median:9.0f}")
    ours = statistics.median(one / limit for one, limit in zip(taken[OURS], taken[LIMIT], strict=True))
    print(f"\nours is {ours:.2f} x {LIMIT}; the aim is {AIM}, it fails at {FAIL_AT}")
    return int(ours >= FAIL_AT)


if __name__ == "__main__":
    sys.exit(main())
