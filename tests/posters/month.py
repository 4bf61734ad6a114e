"""A month that is exported while its workers are killed, and then reported: nothing may differ.

    python -m tests.posters.month --seeds 3 --kills 20 --books beancount

prints what came of it. Records become ready in waves, one for each kill, so that there is something to lose; some
are taken back for a while, some bills are edited or cancelled after they were posted, and Brex misbehaves. Bills
that are paid are not edited: whether the books take that depends on what was posted first.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, TypeVar

import attrs

from brex_accounting import AccountingRecord, BrexAccounting, LineItem, RateLimit
from brex_accounting.closing import ClosingReport, Period, closing_report
from brex_accounting.enums import RecordType, ReviewStatus, SourceType
from brex_accounting.posters.beancount import BeancountPoster
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.sandbox import Fault, Rules, Sandbox
from brex_accounting.sync import SqliteStore
from brex_accounting.sync.content import is_live
from brex_accounting.sync.plan import SETTLE

from ..sync.export_worker import Life
from ..sync.failpoints import both_sides
from ..sync.lives import Running, Workers
from .booked import CHART, added_up
from .charts import GOOD

__all__ = ["Figures", "Plan", "month", "totals"]

JUNE: Final = Period(2026, 6)
MONTHS: Final = (Period(2026, 5), JUNE, JUNE.following)
READY, EXPORTED, PREPARE = ReviewStatus.READY_FOR_EXPORT, ReviewStatus.EXPORTED, ReviewStatus.PREPARE

_FAULTS: Final = (
    Fault(kind="drop-after", every=5, path="export-results"),
    Fault(kind="cut", every=11, path="export-results"),
    Fault(kind="503", every=47),
    Fault(kind="drop", every=31),
)
T = TypeVar("T", AccountingRecord, LineItem)

_FAILPOINTS: Final = (
    both_sides("poster", {"post"})
    | both_sides("store", {"record_seen", "claim", "renew", "record_outcome", "open_batch", "settle"})
    | both_sides("brex", {"report"})
)
"""Where a worker that is killed leaves the books, the store and Brex apart."""

_MOST_RUNS: Final = 12
"""After the last kill."""


@attrs.frozen(kw_only=True)
class Plan:
    """How much of it. ``lease`` in seconds."""

    records: int
    kills: int
    seed: int
    books: Literal["csv", "beancount"] = "csv"
    lease: float = 2.0


@attrs.frozen(kw_only=True)
class Figures:
    """What came of it: the reports of the month and of those around it, and what the records come to by hand.

    ``wrong``: accounts of the month on which the books are not what was added up by hand.
    """

    plan: Plan
    kills: int
    at_failpoints: int
    reports: Mapping[Period, ClosingReport]
    wrong: tuple[str, ...]
    states: Mapping[str, int]
    amended: int
    exporting: float
    reporting: float

    @property
    def problems(self) -> list[str]:
        """Everything that is not as it should be."""
        found = [f"{period}: {one}" for period, report in self.reports.items() for one in report.problems]
        return [*found, *(f"by hand: {one}" for one in self.wrong)]

    def __str__(self) -> str:
        report = self.reports[JUNE]
        zero = sum(row.difference == 0 and not row.differing for row in report.rows)
        states = ", ".join(f"{name} {count}" for name, count in sorted(self.states.items()))
        currencies = sorted({row.place.currency for row in report.rows})
        return (
            f"{self.plan.books}, seed {self.plan.seed}: records {self.plan.records}, kills {self.kills} "
            f"({self.at_failpoints} at failpoints), difference 0.00 in {zero} of {len(report.rows)} rows, "
            f"{len(report.accounts)} accounts in "
            f"{'/'.join(currencies)} added up by hand, {len(self.wrong)} wrong, {self.amended} bills changed; "
            f"{states}; exported in {self.exporting:.0f} s, reported in {self.reporting:.1f} s"
        )


@attrs.define(eq=False, repr=False)
class _Month:
    plan: Plan
    workers: Workers
    folder: Path
    sandbox: Sandbox
    chance: random.Random
    clock: _Clock
    later: list[int] = attrs.field(factory=list)
    bills: list[int] = attrs.field(factory=list)
    paid: set[str | None] = attrs.field(factory=set)
    taken_back: list[int] = attrs.field(factory=list)
    amended: int = 0
    begun: int = 0
    kills: int = 0
    at_failpoints: int = 0

    # The month in Brex

    def begin(self) -> None:
        """What Brex counts as exported comes up again, a wave at a time; the rest of the month stands as it is."""
        table = self.sandbox.brex.table
        for row in range(self.plan.records):
            one = table.record(row)
            if one.source_type == SourceType.BILL:
                self.bills.append(row)
                if one.type != RecordType.BILL_EXPENSE:
                    self.paid.add(one.source_id)
            elif one.review_status == EXPORTED:
                self.later.append(row)
                table.change(row, PREPARE, self.sandbox.brex.now())
        self.chance.shuffle(self.later)
        for fault in _FAULTS:
            self.sandbox.faults.add(fault)
        self.wave(0)

    def wave(self, number: int) -> None:
        """Its share of the month becomes ready, one record is taken back, and two bills change."""
        table, now = self.sandbox.brex.table, self.sandbox.brex.now()
        share = -(-len(self.later) // max(1, self.plan.kills - number + 1))
        for row in self.later[:share]:
            table.change(row, READY, now)
        del self.later[:share]
        ready = [row for row in range(self.plan.records) if table.review_status(row) == READY and row not in self.bills]
        for row in self.chance.sample(ready, min(1, len(ready))):
            table.change(row, PREPARE, now)
            self.taken_back.append(row)
        for row in self.chance.sample(self.bills, min(3, len(self.bills))):
            one = table.record(row)
            if one.type != RecordType.BILL_EXPENSE or one.source_id not in self.paid:
                self._edit(one, cancel=self.chance.random() < 0.2)

    def _edit(self, one: AccountingRecord, *, cancel: bool) -> None:
        """One of its amounts is corrected, on both sides, or it is cancelled."""
        changes = {"status": "CANCELED"} if cancel else _dearer(one)
        moment = max(self.sandbox.brex.now(), one.updated_at + timedelta(milliseconds=1))
        self.sandbox.brex.table.put(attrs.evolve(one, version=one.version + 1, updated_at=moment, **changes))
        self.amended += 1

    # The workers

    def life(self) -> Life:
        """A life of a worker, one run long."""
        return Life(
            brex=self.sandbox.url,
            token=self.sandbox.token,
            erp="",
            erp_token="",
            poster="find",
            store=str(self.folder / "exports.db"),
            lease=self.plan.lease,
            books=str(self.folder / f"books.{self.plan.books}"),
            chart=str(self.folder / "chart.toml"),
        )

    async def worker(self) -> None:
        """One life after another, each killed, until there were enough kills."""
        while self.begun < self.plan.kills:
            self.begun += 1
            failpoint = self.chance.choice(sorted(_FAILPOINTS)) if self.chance.random() < 0.7 else ""
            visit = self.chance.choice((1, 2, 5))
            patience = self.chance.uniform(0.3, 1.5 * self.plan.lease)
            if self.begun == 1:
                # One of them comes to its failpoint, however slow the machine is.
                failpoint, visit, patience = failpoint or "poster.post:after", 1, 60.0
            running = self.workers.start(attrs.evolve(self.life(), verb="forever", failpoint=failpoint, visit=visit))
            await self._killed(running, patience)
            self.kills += 1
            self.at_failpoints += running.struck
            self.wave(self.kills)

    async def _killed(self, running: Running, patience: float) -> None:
        try:
            await asyncio.wait_for(running.ended(), patience)
        except TimeoutError:
            running.send(signal.SIGKILL)
        end = await running.ended()
        if end.status != -signal.SIGKILL:
            raise AssertionError(f"a worker ended by itself: {end}")

    async def settle(self) -> None:
        """What was taken back is ready again; then run, past the leases of the dead, until nothing is to be done."""
        for row in self.taken_back:
            self.sandbox.brex.table.change(row, READY, self.sandbox.brex.now())
        for _ in range(_MOST_RUNS):
            self.clock.ahead += timedelta(seconds=self.plan.lease) + 2 * SETTLE
            _, end = await self.workers.run(self.life())
            went_well = end.status == 0 and end.result is not None and not end.result.errors and not end.result.open
            if went_well and not self._is_under_way():
                return
        raise AssertionError(f"not settled: {self.states()}, {end}")

    # The store, seen from outside

    def states(self) -> dict[str, int]:
        """How many exports are where."""
        found = self._ask("SELECT state, count(*) FROM exports GROUP BY state")
        return {str(state): int(many) for state, many in found}

    def _is_under_way(self) -> bool:
        return bool(
            self._ask(
                "SELECT 1 FROM exports WHERE state IN ('DISCOVERED', 'INTENT', 'REPORTING') "
                "OR (state IN ('POSTED', 'REJECTED') AND source_type <> 'BILL' AND left_queue = 0)"
            )
        )

    def _ask(self, statement: str) -> list[tuple[str | int, ...]]:
        with closing(sqlite3.connect(f"file:{self.folder / 'exports.db'}?mode=ro", uri=True)) as connection:
            return connection.execute(statement).fetchall()

    def records(self) -> Iterator[AccountingRecord]:
        """Every record as Brex has it now."""
        return map(self.sandbox.brex.table.record, range(self.plan.records))


@attrs.define
class _Clock:
    """Brex's: ahead of ours by as much as leases had to end."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def _dearer(one: AccountingRecord) -> dict[str, object]:
    first, *between, last = one.line_items
    lines = [_more(first), *between, _more(last)]
    return {"amount": _more(one).amount, "line_items": tuple(lines)}


def _more(one: T) -> T:
    money = one.amount
    return attrs.evolve(one, amount=attrs.evolve(money, amount=money.amount + Decimal("0.37")))


def is_booked(one: AccountingRecord) -> bool:
    """Whether the books must hold it in the end: exported, or a bill that is live; and nothing is wrong with it."""
    is_due = is_live(one) if one.source_type == SourceType.BILL else one.review_status == EXPORTED
    return is_due and one.accounting_date >= date(2026, 6, 1) and added_up(one) is not None


def totals(records: Iterator[AccountingRecord], period: Period) -> dict[tuple[str, str], Decimal]:
    """What the books must hold of a month, by account and currency, added up by hand."""
    net: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for one in records:
        if period.holds(one.accounting_date) and is_booked(one):
            for where, amount in (added_up(one) or {}).items():
                net[where] += amount
    return {where: amount for where, amount in net.items() if amount}


@asynccontextmanager
async def opened(sandbox: Sandbox, store: Path) -> AsyncIterator[tuple[BrexAccounting, SqliteStore]]:
    """A client and the store, for a report."""
    file = SqliteStore(store)
    async with BrexAccounting(sandbox.token, base_url=sandbox.url, rate_limit=RateLimit(limit=10**9)) as brex:
        await file.open(None, now=datetime.now(UTC))
        try:
            yield brex, file
        finally:
            await file.close()


async def month(plan: Plan, workers: Workers, folder: Path) -> Figures:
    """All of it."""
    folder.mkdir(parents=True)
    (folder / "chart.toml").write_text(GOOD)
    clock = _Clock()
    async with Sandbox(records=plan.records, seed=plan.seed, rules=Rules(rate_limit=None), now=clock) as sandbox:
        this = _Month(plan, workers, folder, sandbox, random.Random(plan.seed), clock)
        began = time.monotonic()
        this.begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(this.worker())
            group.create_task(this.worker())
        await this.settle()
        sandbox.faults.clear()
        settled = time.monotonic()
        reports = {}
        async with opened(sandbox, folder / "exports.db") as (brex, store):
            poster = BeancountPoster if plan.books == "beancount" else CsvPoster
            books = poster(folder / f"books.{plan.books}", CHART)
            for period in MONTHS:
                reports[period] = await closing_report(brex, store, books, chart=CHART, period=period)
        return Figures(
            plan=plan,
            kills=this.kills,
            at_failpoints=this.at_failpoints,
            reports=reports,
            wrong=_wrong(reports[JUNE], totals(this.records(), JUNE)),
            states=Counter(this.states()),
            amended=this.amended,
            exporting=settled - began,
            reporting=(time.monotonic() - settled) / len(MONTHS),
        )


def _wrong(report: ClosingReport, by_hand: Mapping[tuple[str, str], Decimal]) -> tuple[str, ...]:
    held = {(one.account or "", one.currency): one.posted for one in report.accounts if one.posted}
    return tuple(
        f"{account} {currency}: {held.get((account, currency))} instead of {by_hand.get((account, currency))}"
        for account, currency in sorted(held.keys() | by_hand.keys())
        if held.get((account, currency)) != by_hand.get((account, currency))
    )


async def _all(plans: list[Plan]) -> bool:
    right = True
    with tempfile.TemporaryDirectory() as name:
        async with Workers() as workers:
            for plan in plans:
                figures = await month(plan, workers, Path(name) / f"{plan.books}-{plan.seed}")
                right = right and not figures.problems
                sys.stdout.write(f"{figures}\n")
                sys.stdout.writelines(f"  {one}\n" for one in figures.problems[:40])
                sys.stdout.flush()
    return right


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.posters.month", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seeds", type=int, default=3, help="how many months, each of another seed")
    parser.add_argument("--records", type=int, default=2637)
    parser.add_argument("--kills", type=int, default=20, help="for each month")
    parser.add_argument("--books", choices=("csv", "beancount"), action="append", help="by default both")
    parser.add_argument("--lease", type=float, default=2.0, help="seconds")
    given = parser.parse_args()
    plans = [
        Plan(records=given.records, kills=given.kills, seed=seed, lease=given.lease, books=books)
        for books in given.books or ("csv", "beancount")
        for seed in (7, 11, 23, 31, 43, 59)[: given.seeds]
    ]
    sys.exit(0 if asyncio.run(_all(plans)) else 1)
