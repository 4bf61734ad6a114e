"""FLEET.md, made of what was measured: the arithmetic up to 100,000 companies an hour, and the simulation of it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Any

import attrs
import cattrs

from .fleet import RECORDS, Measured, rates_table
from .fleet_arithmetic import (
    DATABASE_CORES,
    HOUR,
    SIZES,
    WEBHOOKS,
    Mixed,
    arithmetic,
    companies_at,
    connections,
    empty_costs,
    plan_of,
    seconds_of,
    sizes,
)
from .fleet_plan import Deaths, Outcome
from .fleet_simulation import AT_A_TIME, TICK, fewest_workers, simulate
from .report import Table, markdown

__all__ = ["page", "read"]

MOST_CONNECTIONS, RESERVED = 100, 3
"""As PostgreSQL comes."""
OUTAGE = 120.0
_EVENT = 1800.0


def read(document: Mapping[str, Any]) -> tuple[Measured, Mapping[str, Mapping[str, float]]]:
    """What fleet.json holds."""
    return cattrs.structure(document["measured"], Measured), document["real"]


def disk_table(measured: Measured) -> Table:
    """Rows and bytes of each table."""
    costs = measured.costs
    rows = []
    for name, (count, size) in costs.packed.items():
        if count >= costs.companies:
            of = costs.companies if count < costs.records else costs.records
            kind = "company" if of == costs.companies else "record"
            rows.append((name, f"{count / of:.1f} a {kind}", f"{size / of:,.0f}", f"{costs.left[name] / of:,.0f}"))
    note = f"{costs.companies:,} companies with {costs.records:,} records; packed by VACUUM FULL, indexes counted."
    return Table(heads=("table", "rows", "bytes, packed", "bytes, as left"), rows=tuple(rows), note=note)


def singles_table(measured: Measured) -> Table:
    """One company's long export, and the limiter."""
    rows = [
        (
            f"records of one company, {store}",
            f"{statistics.median(rates):,.0f}",
            f"{min(rates):,.0f}-{max(rates):,.0f}",
        )
        for store, rates in measured.exports.items()
    ]
    rows += [(f"turns at the shared limiter, {keys}", f"{rate:,.0f}", "") for keys, rate in measured.turns.items()]
    note = "The exports in turns, each in a process of its own, 8 posts at a time; the median."
    return Table(heads=("one process", "a second", "runs"), rows=tuple(rows), note=note)


@attrs.frozen(kw_only=True)
class Simulated:
    """What was simulated for one number of companies."""

    companies: int
    least: int
    usual: Outcome
    outage: Outcome
    deaths: Outcome
    deployment: Outcome


def simulated(measured: Measured, companies: int) -> Simulated:
    """The least number of workers, and with one more an ordinary day and three that are not."""
    plan = plan_of(measured, companies, 1)
    least = fewest_workers(attrs.evolve(plan, intervals=1))
    assert least is not None, "no number of workers is enough"
    plan = attrs.evolve(plan, workers=least + 1)
    share = math.ceil(0.3 * plan.workers) / plan.workers
    return Simulated(
        companies=companies,
        least=least,
        usual=simulate(attrs.evolve(plan, intervals=1)),
        outage=simulate(attrs.evolve(plan, outage=(_EVENT, _EVENT + OUTAGE))),
        deaths=simulate(attrs.evolve(plan, deaths=Deaths(at=_EVENT, share=share))),
        deployment=simulate(attrs.evolve(plan, deployed=_EVENT, intervals=1)),
    )


def simulation_tables(found: list[Simulated]) -> tuple[Table, Table]:
    """The ordinary day, and the others."""
    usual, other = [], []
    for one in found:
        name, day = f"{one.companies:,}", one.usual
        usual.append(
            (
                *(
                    name,
                    str(one.least),
                    str(one.least + 1),
                    str((one.least + 1) * connections(8)),
                    _seconds(day.wait(0.5)),
                    _seconds(day.wait(0.99)),
                ),
                *(_seconds(day.waits[-1]), _seconds(day.triggered[int(len(day.triggered) * 0.99)]), f"{day.queue:,}"),
                *(f"{day.workers:.1%}", f"{day.places:.0%}", f"{day.database:.1%}"),
            )
        )
        back = _caught_up(one.outage, _EVENT + OUTAGE)
        died = math.ceil(0.3 * (one.least + 1))
        other.append(
            (
                *(name, back, _seconds(one.outage.wait(0.99)), f"{died} of {one.least + 1}"),
                *(_caught_up(one.deaths, _EVENT), _seconds(one.deaths.wait(0.99)), _seconds(one.deployment.waits[-1])),
            )
        )
    heads = (
        *(
            "companies hourly",
            "fewest workers",
            "simulated with",
            "connections",
            "median s",
            "99 % s",
            "worst s",
            "webhook 99 % s",
        ),
        *("longest queue", "worker cores", "places", "database cores"),
    )
    others = (
        *("companies hourly", "caught up after 2 min without database", "99 % s", "workers that die"),
        *("caught up", "99 % s", "worst s in a deployment"),
    )
    return Table(heads=heads, rows=tuple(usual)), Table(heads=others, rows=tuple(other))


def _seconds(value: float) -> str:
    return "never" if value == math.inf else f"{value:,.1f}"


def _caught_up(outcome: Outcome, event: float) -> str:
    if outcome.unstarted:
        return "never"
    return "at once" if outcome.last_late <= event else f"{outcome.last_late - event:,.0f} s"


def real_table(real: Mapping[str, Mapping[str, float]]) -> Table:
    """The simulation beside the real one."""
    rows = [
        (name, f"{one['polls']:,.0f}", *(f"{one[part]:.2f}" for part in ("median", "p99", "longest")))
        for name, one in real.items()
    ]
    heads = ("200 companies every 20 s", "polls", "median s", "99 % s", "longest s")
    return Table(heads=heads, rows=tuple(rows))


def breaks(measured: Measured) -> str:
    """Where it would break first: what has a number of companies an hour by that number, and then the rest."""
    lines = [text for _, text in sorted(_ceilings(measured))] + _others(measured)
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def _ceilings(measured: Measured) -> list[tuple[float, str]]:
    mixed, busy = Mixed.of(measured), measured.rate(records=RECORDS)
    processes = (MOST_CONNECTIONS - RESERVED) // connections(8)
    seconds = seconds_of(mixed)
    places = companies_at(processes * 8 / seconds)
    worker, database = companies_at(1 / mixed.worker), companies_at(1 / mixed.database)
    puts = AT_A_TIME * HOUR / TICK
    return [
        (
            places,
            f"**Connections, at {places:,.0f} companies an hour.** A process opens up to 2 x polls + 8 connections, "
            f"which is {connections(8)}: {processes} processes fill the {MOST_CONNECTIONS} that PostgreSQL allows by "
            f"itself. They hold {processes * 8} polls at a time, of {seconds:.2f} s each, nearly all of it waits for "
            "Brex; books that take long fill them sooner. Raise `max_connections`, or put PgBouncer 1.21 or later in "
            "between, with `pool_mode = transaction` and `max_prepared_statements`: with 1.24 two workers went "
            "through all cases of tests/fleet on ten connections of the server, and through one on three. Nobody hears "
            "a NOTIFY there: workers look for jobs every 5 s, which is early enough.",
        ),
        (
            worker,
            f"**A worker's core, at {worker:,.0f}.** It is full at {1 / mixed.worker:,.0f} polls a "
            f"second. With 8 polls at a time it never is: they use {8 / seconds * mixed.worker:.0%} of it. Raise "
            "`polls` where connections are left, or start more processes.",
        ),
        (
            database,
            f"**A core of the database, at {database:,.0f}.** It is full at {1 / mixed.database:,.0f} "
            f"polls a second, and at {1 / busy.database:,.0f} when every poll finds {RECORDS} records. More cores come "
            "first; then fleets with a database each, for companies share nothing.",
        ),
        (
            puts,
            f"**Putting into the queue who is due, at {puts:,.0f} for each process.** {AT_A_TIME} companies in a tick "
            f"of {TICK:.0f} s. It bounds how fast a fleet makes up for an outage. Start more processes.",
        ),
    ]


def _others(measured: Measured) -> list[str]:
    mixed, busy, (_, packed, left) = Mixed.of(measured), measured.rate(records=RECORDS), sizes(measured)
    polls = measured.costs.companies * 2 * (busy.samples + 1)
    jobs = measured.costs.left["procrastinate_jobs"]
    a_second = SIZES[-1] * (1 + WEBHOOKS) / HOUR
    return [
        f"**Disk.** A record takes {packed / 1000:.1f} kB packed, and {left / 1000:.1f} kB while its dead rows wait "
        "for autovacuum. Exports and history only grow, and refuse to be deleted from: plan for the table above, and "
        "for backups that take as long as it is large.",
        f"**WAL.** {busy.wal / RECORDS / 1000:.0f} kB for a record, since each of its moves writes its row anew with "
        f"all indexes: {a_second * mixed.wal / 1e6:.1f} MB/s at {SIZES[-1]:,} companies hourly, for the disk, "
        "every replica and the archive.",
        "**The queue's table.** A job is inserted, taken and deleted, and its rows are dead until autovacuum comes: "
        f"{jobs / 1000:,.0f} kB after {polls:,} polls, with nothing in it. Where it grows, give `procrastinate_jobs` "
        "an `autovacuum_vacuum_scale_factor` near 0.",
        "**Brex, never by polling.** It allows 1,000 requests in 60 s for each client id and company, and a poll takes "
        "two. A backlog is read at 1,667 records a second at most.",
    ]


HEAD = """\
# How many companies a fleet holds

```sh
python -m benchmarks.fleet            # measure
python -m benchmarks.fleet --write    # measure, and renew this page and fleet.json
python -m benchmarks.fleet --again    # this page from fleet.json
```

Real workers poll companies on a real PostgreSQL that waits for its disk at each commit (`fsync` and
`synchronous_commit` on, all settings as they come). Brex answers at once from a core of its own, and the books take no
time. Every sweep asserts that Brex has each record back exactly once, and each run that no key was posted twice.
What is not in these figures: refreshes of tokens, TLS, a network between worker and database, and your books.
"""

CROWDED = 3
"""The average load of the last minute, from which on a measurement was not alone: the set-up itself leaves some."""

BESIDE = """\
{load:.0f} processes wanted the cores of this machine before it began, and its disk was shared with them. Polls a second
are therefore low, above all where commits wait for the disk; the milliseconds of processors, which all that follows
rests on, are closer to those of a quiet machine.
"""

MODEL = """\
The simulation takes the costs above. It assumes a database with {cores} cores, workers with a core and 8 places each,
answers of Brex after 0.2 s in the median (lognormal, sigma 0.6), three of them for a poll without new records and five
with (a refresh, two lists; a report, and the wait for the books), 1 % of companies that always fail, and half a webhook
an hour for each company. `next_due` spreads the companies, `put_off` puts off those that fail. A worker counts as dead
after a minute. Places are what a worker polls at a time; they are full long before its core is. Webhooks' polls are
not among the waits, but for their own column.

"""


def page(measured: Measured, real: Mapping[str, Mapping[str, float]]) -> str:
    """The page."""
    found = [simulated(measured, companies) for companies in SIZES]
    usual, other = simulation_tables(found)
    settings = ", ".join(f"{name} {value}" for name, value in measured.database.items())
    parts = [
        HEAD,
        f"Measured on {measured.machine}. PostgreSQL: {settings}.\n",
        *([BESIDE.format(load=measured.load)] if measured.load >= CROWDED else ()),
        "## Measured\n",
        markdown(rates_table(measured)) + "\n",
        markdown(singles_table(measured)) + "\n",
        markdown(disk_table(measured)) + "\n",
        "## Arithmetic\n",
        markdown(arithmetic(measured)) + "\n",
        "## Simulated\n",
        MODEL.format(cores=DATABASE_CORES) + "The least number of workers with which 99 % of polls begin within "
        "5 minutes, and an hour with one more than that:\n",
        markdown(usual) + "\n",
        "Caught up: nobody waits for a minute any more. Three in ten workers die, and nobody stands in for them:\n",
        markdown(other) + "\n",
        "How the simulation stands to a real run on this machine, of one worker with 4 places and answers after 50 ms. "
        "It knows no waits for the disk, no other work on the machine, and no time for putting a poll into the queue "
        "and taking it out:\n",
        markdown(real_table(real)) + "\n",
        "## Where it would break first\n",
        breaks(measured) + "\n",
    ]
    return "\n".join(parts)


def held_against_real(measured: Measured) -> dict[str, dict[str, float]]:
    """A real run beside its simulation."""
    from .fleet_real import compared

    return compared(empty_costs(measured))
