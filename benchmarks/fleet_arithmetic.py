"""What so many companies an hour ask for, reckoned from what was measured. Pure."""

from __future__ import annotations

import math

import attrs

from .fleet import RECORDS, Measured
from .fleet_plan import Costs, Plan
from .report import Table

__all__ = [
    "BUSY",
    "DATABASE_CORES",
    "HOUR",
    "SIZES",
    "WEBHOOKS",
    "Mixed",
    "arithmetic",
    "companies_at",
    "connections",
    "empty_costs",
    "plan_of",
    "seconds_of",
    "sizes",
]

SIZES = (1_000, 10_000, 30_000, 100_000)
BUSY = 0.2
"""The share of polls that find new records."""
A_YEAR = 200
"""Records of a company in a month, for the growth of the disk in a year."""
HOUR = 3600
DATABASE_CORES = 4
_ANSWERS, _ANSWERS_FULL = 3, 5
"""Of a poll without new records and of one with some: the token, two lists; a report, and the wait for the books."""
_LATENCY, _SPREAD = 0.2, 0.6
"""Seconds in the median, and sigma of their lognormal distribution."""
WEBHOOKS = 0.5
"""Of a company in an hour: each is a poll beside the one of its turn."""


def connections(polls: int) -> int:
    """What one process opens at most."""
    return 2 * polls + 8


def empty_costs(measured: Measured) -> Costs:
    """Of a poll that finds nothing: two lists, and on most hours a refresh of the token."""
    rate = measured.rate(records=0)
    return Costs(worker=rate.worker, database=rate.database, requests=_ANSWERS)


def plan_of(measured: Measured, companies: int, workers: int) -> Plan:
    """Hourly polls at the measured costs; with new records it is a report more, and a wait for the books."""
    rate = measured.rate(records=RECORDS)
    full = Costs(worker=rate.worker, database=rate.database, requests=_ANSWERS_FULL)
    return Plan(
        companies=companies,
        workers=workers,
        cores=DATABASE_CORES,
        empty=empty_costs(measured),
        full=full,
        busy=BUSY,
        triggers=WEBHOOKS,
        latency=_LATENCY,
        spread=_SPREAD,
    )


@attrs.frozen(kw_only=True)
class Mixed:
    """A poll as they come, one in five with new records: seconds of processors, bytes, transactions."""

    worker: float
    database: float
    wal: float
    transactions: float

    @classmethod
    def of(cls, measured: Measured) -> Mixed:
        """The mean."""
        none, some = measured.rate(records=0), measured.rate(records=RECORDS)
        costs = measured.costs
        return cls(
            worker=_mean(none.worker, some.worker),
            database=_mean(none.database, some.database),
            wal=_mean(none.wal, some.wal),
            transactions=_mean(costs.transactions, costs.transactions_full),
        )


def seconds_of(mixed: Mixed) -> float:
    """How long a poll holds its place: mostly it waits for answers."""
    return _mean(_ANSWERS, _ANSWERS_FULL) * _LATENCY * math.exp(_SPREAD**2 / 2) + mixed.worker + mixed.database


def companies_at(polls: float) -> float:
    """Companies hourly that so many polls a second are for."""
    return polls * HOUR / (1 + WEBHOOKS)


def _mean(empty: float, full: float) -> float:
    return (1 - BUSY) * empty + BUSY * full


def sizes(measured: Measured) -> tuple[float, float, float]:
    """Bytes on disk of a company, of a record packed, and of a record as the sweeps left it."""
    costs = measured.costs
    ours = ("brex_exports", "brex_history", "brex_batches")
    packed = sum(costs.packed[name][1] for name in ours) / costs.records
    left = sum(costs.left[name] for name in ours) / costs.records
    others = ("brex_companies", "brex_feeds", "brex_fleet_company", "brex_limits", "brex_tally")
    return sum(costs.packed[name][1] for name in others) / costs.companies, packed, left


def arithmetic(measured: Measured) -> Table:
    """What so many companies an hour ask for."""
    mixed = Mixed.of(measured)
    company, packed, _ = sizes(measured)
    rows = []
    for companies in SIZES:
        a_second = companies * (1 + WEBHOOKS) / HOUR
        disk = companies * (company + A_YEAR * 12 * packed) / 1e9
        rows.append(
            (
                f"{companies:,}",
                f"{a_second:.1f}",
                f"{a_second * mixed.worker:.2f}",
                f"{a_second * mixed.database:.2f}",
                f"{a_second * mixed.transactions:,.0f}",
                f"{a_second * mixed.wal / 1e6:.2f}",
                f"{disk:,.0f}",
            )
        )
    heads = ("companies hourly", "polls/s", "worker cores", "database cores", "transactions/s", "WAL MB/s", "GB a year")
    note = (
        f"Each company is polled in its turn, and by {WEBHOOKS:g} webhooks an hour; one poll in {1 / BUSY:.0f} finds "
        f"{RECORDS} new records. The disk grows by {A_YEAR} records of a company in a "
        "month, each with its history, packed; nothing is ever deleted."
    )
    return Table(heads=heads, rows=tuple(rows), note=note)
