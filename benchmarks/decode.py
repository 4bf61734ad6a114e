"""Decoding a page of records: here, and with what one would pick instead.

The peers get the same bytes and the same fields: msgspec.Struct (the practical limit in Python), pydantic, cattrs as it
comes, and the runtime of the SDKs that Stainless generates. A sample is one page, after garbage was collected: between
two pages a program does other things, so nobody finds the caches warm. Every result is checked: the number of amounts,
and whether each came out digit for digit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from typing import Any

import msgspec

from brex_accounting import AccountingRecord
from brex_accounting.converters.pages import PageBody, read_page
from brex_accounting.converters.wire import codec
from brex_accounting.sandbox import make_seed

from .peers import CATTRS, OURS, PYDANTIC, STAINLESS, is_here, missing
from .peers.models import plain_converter, plain_page, pydantic_page, stainless_record, struct_page
from .report import Figure, Result, Table
from .sampling import Effort, Rounds, in_fresh_processes, in_turns, median_of, ratio, settle

__all__ = ["LIMIT", "MAKERS", "Decode", "run", "sample"]

Decode = Callable[[bytes], Any]
"""Bytes to the records of a page."""

LIMIT = "msgspec.Struct"
SECOND = f"{OURS}, one odd record"
"""A version written as 1.0 sends its record to the second pass."""

SLOW = frozenset({STAINLESS, CATTRS})
EVERY = 3
"""The slow ones take part in every third round: otherwise they would take most of the time."""


def body_of(records: int) -> bytes:
    """A page of lifelike records as Brex would send it."""
    seed = make_seed("lifelike", records=records)
    items = tuple(seed.record(index) for index in range(records))
    return codec().dumps(PageBody(items=items, has_next_page=False))


def _struct() -> Decode:
    decode = msgspec.json.Decoder(struct_page()).decode
    return lambda body: decode(body).items


def _ours() -> Decode:
    return lambda body: read_page(codec(), body, AccountingRecord, "raise").items


def _pydantic() -> Decode:
    decode = pydantic_page().model_validate_json
    return lambda body: decode(body).items


def _cattrs() -> Decode:
    converter, page = plain_converter(), plain_page()
    return lambda body: converter.structure(json.loads(body, parse_float=Decimal), page).items


def _stainless() -> Decode:
    construct, record = import_module("increase._models").construct_type, stainless_record()
    # As its runtime does with an answer: dicts first, then models without validation.
    return lambda body: [construct(type_=record, value=value) for value in json.loads(body)["items"]]


MAKERS: dict[str, Callable[[], Decode]] = {
    LIMIT: _struct,
    OURS: _ours,
    SECOND: _ours,
    PYDANTIC: _pydantic,
    CATTRS: _cattrs,
    STAINLESS: _stainless,
}
"""What makes the models of each, and gives their decoder."""


def amounts(records: Any) -> list[str]:
    """The digits of every amount on lines."""
    return [str(line.amount.amount) for record in records for line in record.line_items]


def sample(records: int, rounds: int, only: list[str] | None = None) -> dict[str, Any]:
    """Seconds a page by decoder in each round, and whether its digits are right. ``only``: these decoders."""
    ready = {name: make() for name, make in MAKERS.items() if is_here(name) and (only is None or name in only)}
    bodies = dict.fromkeys(ready, body_of(records))
    if SECOND in bodies:
        bodies[SECOND] = bodies[SECOND].replace(b'"version":', b'"version":1.0,"was":', 1)
    expected = amounts(ready[LIMIT](bodies[LIMIT]))
    assert len(expected) > records
    exact = {name: amounts(decode(bodies[name])) == expected for name, decode in ready.items()}
    assert exact[OURS], "an amount did not come out digit for digit"
    taken: Rounds = {name: [] for name in ready}
    for number in range(rounds):
        for name in in_turns(ready, number):
            sits_out = name in SLOW and number % EVERY
            taken[name].append(None if sits_out else _seconds(ready[name], bodies[name]))
    return {"taken": taken, "exact": exact}


def _seconds(decode: Decode, body: bytes) -> float:
    settle()
    began = time.perf_counter()
    decode(body)
    return time.perf_counter() - began


def run(effort: Effort) -> Result:
    """Pages of 100 with all peers, pages of 1,000 against the limit alone."""
    settings = {"records": 100, "rounds": 8 * effort.rounds}
    small = in_fresh_processes("decode", settings, effort.processes)
    whole = {"records": 1000, "rounds": 2 * effort.rounds, "only": [LIMIT, OURS]}
    large = [one["taken"] for one in in_fresh_processes("decode", whole, effort.processes)]
    taken, exact = [one["taken"] for one in small], small[0]["exact"]
    rows = [
        (
            name,
            f"{ratio(taken, name, LIMIT).value:.2f}",
            f"{ratio(taken, name, OURS).value:.2f}",
            "yes" if exact[name] else "no",
            f"{median_of(taken, name) * 1e6:,.0f}",
        )
        for name in taken[0]
    ]
    pairs = (("decode/pydantic", PYDANTIC), ("decode/cattrs", CATTRS), ("decode/stainless", STAINLESS))
    figures = (
        Figure.of("decode/100/limit", ratio(taken, OURS, LIMIT)),
        Figure.of("decode/1000/limit", ratio(large, OURS, LIMIT)),
        *(Figure.of(name, ratio(taken, peer, OURS)) for name, peer in pairs if peer in taken[0]),
    )
    note = f"A page of 100 records; {8 * effort.rounds} rounds in each of {effort.processes} processes."
    return Result(
        name="decode",
        title="Decoding a page",
        table=Table(heads=("decoder", "x Struct", "x ours", "exact", "us a page"), rows=tuple(rows), note=note),
        figures=figures,
        missing=missing(PYDANTIC, STAINLESS),
        data={"against_limit": {name: ratio(taken, name, LIMIT).value for name in taken[0] if name != SECOND}},
    )
