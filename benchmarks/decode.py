"""Decoding a page of records: here, and with what one would pick instead.

The peers get the same bytes and the same fields: msgspec.Struct (the practical limit in Python), pydantic, cattrs as it
comes, and the runtime of the SDKs that Stainless generates. A sample is one page, after garbage was collected: between
two pages a program does other things, so nobody finds the caches warm. Those "in a loop" do: it is the kindest case for
whoever touches least memory, and the one to hold slow peers against, who spoil the caches for themselves. Every result
is checked: the number of amounts, and whether each came out digit for digit.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

import attrs
import msgspec

from brex_accounting import AccountingRecord, Money
from brex_accounting.converters.pages import PageBody, read_page
from brex_accounting.converters.projection import project
from brex_accounting.converters.wire import codec
from brex_accounting.sandbox import make_seed

from .peers import CATTRS, OURS, PYDANTIC, STAINLESS, is_here, missing
from .peers.models import plain_converter, plain_page, pydantic_page, stainless_record, struct_page
from .report import Figure, Result, Table
from .sampling import Effort, Rounds, in_fresh_processes, in_turns, median_of, ratio, settle

__all__ = [
    "LIMIT",
    "MAKERS",
    "PEERS",
    "Decode",
    "amounts",
    "body_of",
    "exactness",
    "odd",
    "rows",
    "run",
    "sample",
    "zeros",
]

Decode = Callable[[bytes], Sequence[Any]]
"""Bytes to the records of a page."""

LIMIT = "msgspec.Struct"
CHUNKS = "brex_accounting, as in a client"
LIMIT_ZEROS = "msgspec.Struct, a tenth of the amounts 0"
ZEROS = "brex_accounting, a tenth of the amounts 0"
ONE_ODD = "brex_accounting, one odd record, the last"
ALL_ODD = "brex_accounting, odd records only"
PROJECTION = "brex_accounting, as_type with three fields"
LOOP = ", in a loop"
LIMIT_LOOP, OURS_LOOP, STAINLESS_LOOP = f"{LIMIT}{LOOP}", f"{OURS}{LOOP}", f"{STAINLESS}{LOOP}"
LOOPS = 3
"""Pages that are timed together in a loop, after one that is not."""

PEERS = frozenset({PYDANTIC, CATTRS, STAINLESS, STAINLESS_LOOP})
"""Those that need not be exact."""
SLOW = frozenset({STAINLESS, STAINLESS_LOOP, CATTRS, ALL_ODD})
EVERY = 3
"""The slow ones take part in every third round: otherwise they would take most of the time."""


@attrs.frozen
class Posting:
    """A small projection."""

    id: str
    amount: Money
    posted_at: datetime


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


def _struct() -> Decode:
    decode = msgspec.json.Decoder(struct_page()).decode
    return lambda body: decode(body).items


def _ours() -> Decode:
    page: Any = PageBody[AccountingRecord]
    return lambda body: codec().decode(body, page).items


def _in_chunks() -> Decode:
    return lambda body: read_page(codec(), body, AccountingRecord, "raise").items


def _projected() -> Decode:
    small, show = project(Posting).wire, project(Posting).show
    assert show is not None
    return lambda body: list(map(show, read_page(codec(), body, small, "raise").items))


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
    CHUNKS: _in_chunks,
    LIMIT_ZEROS: _struct,
    ZEROS: _in_chunks,
    ONE_ODD: _in_chunks,
    ALL_ODD: _in_chunks,
    PROJECTION: _projected,
    PYDANTIC: _pydantic,
    CATTRS: _cattrs,
    STAINLESS: _stainless,
    LIMIT_LOOP: _struct,
    OURS_LOOP: _ours,
    STAINLESS_LOOP: _stainless,
}
"""What makes the models of each, and gives their decoder."""


def rows(records: int, only: Sequence[str] = ()) -> dict[str, tuple[Decode, bytes]]:
    """Row -> how it decodes, and what. ``only``: these rows; without, all that are installed."""
    body = body_of(records)
    bodies = {LIMIT_ZEROS: zeros(body), ZEROS: zeros(body), ONE_ODD: odd(body, records - 1), ALL_ODD: odd(body, 0)}
    wanted = only or [name for name in MAKERS if is_here(name.removesuffix(LOOP))]
    return {name: (MAKERS[name](), bodies.get(name, body)) for name in wanted}


def amounts(records: Sequence[Any]) -> list[str]:
    """The digits of every amount on lines; of a projection, of every record."""
    if isinstance(records[0], Posting):
        return [str(posting.amount.amount) for posting in records]
    return [str(line.amount.amount) for record in records for line in record.line_items]


def exactness(decoding: Mapping[str, tuple[Decode, bytes]], records: int) -> dict[str, bool]:
    """Which rows keep every digit. Ours must."""
    limit, body = decoding[LIMIT]
    lines, zeroed = amounts(limit(body)), amounts(limit(zeros(body)))
    special = {LIMIT_ZEROS: zeroed, ZEROS: zeroed, PROJECTION: [str(one.amount.amount) for one in limit(body)]}
    assert len(lines) > records == len(special[PROJECTION])
    exact = {name: amounts(decode(data)) == special.get(name, lines) for name, (decode, data) in decoding.items()}
    assert all(kept for name, kept in exact.items() if name not in PEERS), exact
    return exact


def sample(records: int, rounds: int, only: Sequence[str] = ()) -> dict[str, Any]:
    """Seconds a page by row in each round, and whether its digits are right."""
    decoding = rows(records, only)
    exact = exactness(decoding, records)
    taken: Rounds = {name: [] for name in decoding}
    for number in range(rounds):
        for name in in_turns(decoding, number):
            sits_out = name in SLOW and number % EVERY
            seconds = _seconds_in_a_loop if name.endswith(LOOP) else _seconds
            taken[name].append(None if sits_out else seconds(*decoding[name]))
    return {"taken": taken, "exact": exact}


def _seconds(decode: Decode, body: bytes) -> float:
    settle()
    began = time.perf_counter()
    decode(body)
    return time.perf_counter() - began


def _seconds_in_a_loop(decode: Decode, body: bytes) -> float:
    settle()
    decode(body)
    began = time.perf_counter()
    for _ in range(LOOPS):
        decode(body)
    return (time.perf_counter() - began) / LOOPS


def run(effort: Effort) -> Result:
    """Pages of 100 with all rows, pages of 1,000 against the limit alone."""
    rounds = 6 * effort.rounds
    small = in_fresh_processes("decode", {"records": 100, "rounds": rounds}, effort.processes)
    whole = {"records": 1000, "rounds": 2 * effort.rounds, "only": [LIMIT, OURS, CHUNKS]}
    large = [one["taken"] for one in in_fresh_processes("decode", whole, effort.processes)]
    taken, exact = [one["taken"] for one in small], small[0]["exact"]
    table = [_row(name, taken, exact[name]) for name in taken[0]]
    table += [_row(name, large, exact[name], ", 1,000 records") for name in large[0]]
    note = f"Pages of 100 records but for the last; {rounds} rounds in each of {effort.processes} processes."
    return Result(
        name="decode",
        title="Decoding a page",
        table=Table(heads=("decoder", "x Struct", "x ours", "exact", "us a page"), rows=tuple(table), note=note),
        figures=_figures(taken, large),
        missing=missing(PYDANTIC, STAINLESS),
        data={"against_limit": {name: ratio(taken, name, LIMIT).value for name in taken[0] if "," not in name}},
    )


def _row(name: str, taken: Sequence[Rounds], exact: bool, size: str = "") -> tuple[str, ...]:
    limit, ours = ratio(taken, name, LIMIT).value, ratio(taken, name, OURS).value
    digits = "yes" if exact else "no"
    return (f"{name}{size}", f"{limit:.2f}", f"{ours:.2f}", digits, f"{median_of(taken, name) * 1e6:,.0f}")


def _figures(taken: Sequence[Rounds], large: Sequence[Rounds]) -> tuple[Figure, ...]:
    pairs = (
        ("decode/pydantic", PYDANTIC, OURS),
        ("decode/cattrs", CATTRS, OURS),
        ("decode/stainless", STAINLESS_LOOP, OURS_LOOP),
        ("decode/zeros", ZEROS, LIMIT_ZEROS),
        ("decode/one_odd", ONE_ODD, OURS),
        ("decode/all_odd", ALL_ODD, OURS),
        ("decode/projection", PROJECTION, LIMIT),
    )
    return (
        Figure.of("decode/100/limit", ratio(taken, OURS, LIMIT)),
        Figure.of("decode/100/loop", ratio(taken, OURS_LOOP, LIMIT_LOOP)),
        Figure.of("decode/1000/limit", ratio(large, OURS, LIMIT)),
        *(Figure.of(name, ratio(taken, row, against)) for name, row, against in pairs if row in taken[0]),
    )
