"""The decode benchmark as samples in fresh processes: the decoders of ``decode``, and a Stainless runtime."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from .decode import SECOND, amounts, body_of, decoders
from .peers import CATTRS, OURS, PYDANTIC, STAINLESS, is_here, missing
from .peers.models import stainless_record
from .report import Figure, Result, Table
from .sampling import Effort, Rounds, in_fresh_processes, in_turns, median_of, ratio, settle

__all__ = ["run", "sample"]

LIMIT = "msgspec.Struct"
SLOW = frozenset({STAINLESS, CATTRS})
EVERY = 3


def sample(records: int, rounds: int, only: list[str] | None = None) -> dict[str, Any]:
    """Seconds a page by decoder in each round, and whether its digits are right. ``only``: these decoders."""
    body = body_of(records)
    ready = {name: decode for name, decode in _decoders().items() if only is None or name in only}
    expected = amounts(ready[LIMIT](body))
    assert len(expected) > records
    exact = {name: amounts(decode(body)) == expected for name, decode in ready.items()}
    assert exact[OURS], "an amount did not come out digit for digit"
    taken: Rounds = {name: [] for name in ready}
    for number in range(rounds):
        for name in in_turns(ready, number):
            sits_out = name in SLOW and number % EVERY
            taken[name].append(None if sits_out else _seconds(ready[name], body))
    return {"taken": taken, "exact": exact}


def _decoders() -> dict[str, Callable[[bytes], Any]]:
    found = {name: decode for name, decode in decoders().items() if name != SECOND}
    if is_here(STAINLESS):
        construct, record = import_module("increase._models").construct_type, stainless_record()
        page = import_module("increase").BaseModel
        # As its runtime does with an answer: dicts first, then models without validation.
        found[STAINLESS] = lambda body: page.construct(
            items=[construct(type_=record, value=value) for value in json.loads(body)["items"]]
        )
    return found


def _seconds(decode: Callable[[bytes], Any], body: bytes) -> float:
    settle()
    began = time.perf_counter()
    decode(body)
    return time.perf_counter() - began


def run(effort: Effort) -> Result:
    """Pages of 100 with all peers, pages of 1,000 against the limit alone."""
    settings = {"records": 100, "rounds": 8 * effort.rounds}
    small = in_fresh_processes("decoding", settings, effort.processes)
    whole = {"records": 1000, "rounds": 2 * effort.rounds, "only": [LIMIT, OURS]}
    large = [one["taken"] for one in in_fresh_processes("decoding", whole, effort.processes)]
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
        data={"against_limit": {name: ratio(taken, name, LIMIT).value for name in taken[0]}},
    )
