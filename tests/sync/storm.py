"""Two workers on one store, killed at random moments and at failpoints, while Brex and the books misbehave.

    python -m tests.sync.storm --kills 20 --records 3000

prints what came of it. Each kill is followed by another worker at once. Records come in waves, so that there is
something to lose at each kill; some are refused until a person opens their account, some bills are amended, some
records taken back, and once the books refuse the login.
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
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from brex_accounting.enums import ReviewStatus
from brex_accounting.sandbox import Fault
from brex_accounting.sandbox.table import Wanted

from ..unit.documents import line
from .failpoints import ALL, both_sides
from .lives import Company, Running, Workers, company, document

__all__ = ["Figures", "Plan", "storm"]

NOT_OF: Final[Mapping[str, frozenset[str]]] = {
    "same_key": both_sides("poster", ["find"]) | both_sides("store", ["park"]),
    "find": both_sides("store", ["park"]),
    "park": both_sides("poster", ["find"]),
}
"""Failpoints that an export with this recovery never reaches."""

_BREX: Final = (
    Fault(kind="drop-after", every=5, path="export-results"),
    Fault(kind="cut", every=11, path="export-results"),
    Fault(kind="503", every=13, path="export-results"),
    Fault(kind="503", every=47),
    Fault(kind="drop", every=31),
)
_BOOKS: Final = (
    {"kind": "drop-after", "every": 29, "method": "POST", "path": "journal-entries"},
    {"kind": "500-after", "every": 43, "method": "POST", "path": "journal-entries"},
    {"kind": "500", "every": 61, "method": "POST", "path": "journal-entries"},
    {"kind": "503", "every": 71, "path": "journal-entries"},
    {"kind": "slow", "every": 37, "seconds": 0.5, "path": "journal-entries"},
    {"kind": "drop", "every": 17, "method": "GET", "path": "journal-entries"},
)
_TAKEN_BACK: Final = "accr_taken_back"
"""A record that the customer takes back while the company is paused."""

_LONGEST: Final = 300.0
"""Seconds after which a storm that does not settle is given up."""

_WAITING: Final = """
SELECT count(*) FROM exports e
WHERE NOT EXISTS (SELECT 1 FROM exports n WHERE n.record_id = e.record_id AND n.revision > e.revision)
AND (state NOT IN ('REPORTED', 'REPORTED_FAILED', 'WITHDRAWN', 'POSTED', 'REJECTED')
    OR (state IN ('POSTED', 'REJECTED') AND source_type <> 'BILL' AND left_queue = 0)
    OR (state IN ('POSTED', 'REPORTED') AND left_queue = 0 AND receipts_hash NOT IN ('', attached_hash)))
"""
_HELD: Final = """
SELECT record_id, revision, attempt FROM exports WHERE state = 'INTENT' AND owner = :owner
UNION ALL SELECT e.record_id, e.revision, e.attempt FROM exports e JOIN batches b ON e.batch = b.id
WHERE e.state = 'REPORTING' AND b.owner = :owner AND b.closed_at IS NULL
"""


@attrs.frozen(kw_only=True)
class Plan:
    """How much of it. ``lease``, and after what a worker is killed at the latest, in seconds.

    ``by_hand``: a lease ends when its worker was killed, or while nobody works, and not before, however slow the
    machine is. Otherwise it ends by time.
    """

    poster: str
    records: int
    kills: int
    lease: float = 3.0
    longest_life: float = 6.0
    seed: int = 1
    by_hand: bool = False


@attrs.frozen(kw_only=True)
class Figures:
    """What came of it. ``recoveries``: seconds from a kill until each thing its worker held was settled."""

    plan: Plan
    kills: int
    at_failpoints: int
    reached: frozenset[str]
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    misreported: tuple[str, ...]
    unconfirmed: int
    documents: int
    recoveries: tuple[float, ...]
    seconds: float

    @property
    def missed(self) -> frozenset[str]:
        """Failpoints that no worker came to."""
        return ALL - NOT_OF[self.plan.poster] - self.reached

    def __str__(self) -> str:
        worst = max(self.recoveries, default=0.0)
        expected = len(ALL - NOT_OF[self.plan.poster])
        return (
            f"{self.plan.poster:9} records {self.plan.records}, kills {self.kills} "
            f"({self.at_failpoints} at failpoints), failpoints reached {expected - len(self.missed)} of {expected}, "
            f"lost {len(self.lost)}, doubled {len(self.doubled)}, misreported {len(self.misreported)}, "
            f"unconfirmed {self.unconfirmed}, documents {self.documents}, held at a kill {len(self.recoveries)}, "
            f"worst recovery {worst:.1f} s = {worst / self.plan.lease:.1f} leases, {self.seconds:.0f} s"
        )


@attrs.define(eq=False, repr=False)
class _Storm:
    plan: Plan
    world: Company
    chance: random.Random
    queue: list[str] = attrs.field(factory=list)
    bills: list[str] = attrs.field(factory=list)
    refused: list[str] = attrs.field(factory=list)
    removed: list[str] = attrs.field(factory=list)
    waves: int = 0
    begun: int = 0
    kills: int = 0
    at_failpoints: int = 0
    lives: list[Running] = attrs.field(factory=list)
    slots: dict[int, Running] = attrs.field(factory=dict)
    held: dict[tuple[str, int, int], float] = attrs.field(factory=dict)
    recoveries: list[float] = attrs.field(factory=list)
    unconfirmed: set[str] = attrs.field(factory=set)

    # The world

    def wave(self) -> None:
        """Its share of the records, changes among those that came before, and some that are taken back."""
        self.waves += 1
        self._take_back()
        end = self.plan.records * min(self.waves, self.plan.kills) // self.plan.kills
        for number in range(len(self.queue) + len(self.bills) + len(self.refused), end):
            self._put(number)
        for record_id in self.chance.sample(self.bills, min(2, len(self.bills))):
            amended: dict[str, Any] = {"version": self.waves + 5, "memo": f"changed {self.waves}"}
            self.world.put(document(record_id, bill=True, updated_at=self._moment(), **amended))

    def _take_back(self) -> None:
        """One of those that wait, which a worker may have read by now."""
        table = self.world.sandbox.brex.table
        rows = {one: row for one in self.queue if (row := table.row_of(one)) is not None}
        ready = [one for one, row in rows.items() if table.review_status(row) == ReviewStatus.READY_FOR_EXPORT]
        for record_id in self.chance.sample(ready, min(1, len(ready))):
            table.remove(rows[record_id])
            self.removed.append(record_id)

    def _moment(self) -> str:
        # A bill that changed in the past would be left out by the feed of bills, and rightly so.
        return self.world.sandbox.brex.now().isoformat().replace("+00:00", "Z")

    def _put(self, number: int) -> None:
        record_id = f"accr_{number}"
        if number % 5 == 4:
            self.bills.append(record_id)
            self.world.put(document(record_id, bill=True, updated_at=self._moment()))
        elif number % 20 == 1:
            self.refused.append(record_id)
            coding = {"accounting_field_values": [{"brex_field_id": "f", "brex_field_value_id": "efo_closed"}]}
            lines = [line(**coding), line(id="accrli_2", type="CREDIT")]
            self.world.put(document(record_id, line_items=lines))
        else:
            self.queue.append(record_id)
            self.world.put(document(record_id, receipts=int(number % 10 == 0)))

    async def misbehave(self) -> None:
        """Faults of both sides from now on."""
        for fault in _BREX:
            self.world.sandbox.faults.add(fault)
        for order in _BOOKS:
            await self.world.erp.control.order(**order)  # type: ignore[arg-type]

    async def refuse_the_login(self) -> None:
        """Until somebody has paused the company, and has noticed that a record was taken back."""
        await self.world.erp.control.change(login_refused=True)
        await self.until(lambda: self._reached("store.pause:after"))
        self.world.put(document(_TAKEN_BACK))
        await self.until(lambda: bool(self._state_of(_TAKEN_BACK)))
        table = self.world.sandbox.brex.table
        row = table.row_of(_TAKEN_BACK)
        assert row is not None
        table.remove(row)
        await self.until(
            lambda: self._reached("store.record_absent:after") or self._state_of(_TAKEN_BACK) != [("DISCOVERED",)]
        )
        await self.world.erp.control.change(login_refused=False)

    def _reached(self, failpoint: str) -> bool:
        return any(failpoint in one.reached for one in self.lives)

    def _state_of(self, record_id: str) -> list[tuple[str | int, ...]]:
        return self.ask("SELECT state FROM exports WHERE record_id = :id", id=record_id)

    # The workers

    async def worker(self, slot: int) -> None:
        """One life after another, each killed, until there were enough kills."""
        while self.begun < self.plan.kills:
            self.begun += 1
            running = self._begin(slot, self._failpoint())
            patience = self.chance.uniform(0.3, self.plan.longest_life)
            try:
                await asyncio.wait_for(running.ended(), patience)
            except TimeoutError:
                running.send(signal.SIGKILL)
            end = await running.ended()
            if end.status != -signal.SIGKILL:
                raise AssertionError(f"a worker ended by itself: {end}")
            self.kills += 1
            self.at_failpoints += running.struck
            self._note_held(f"w{running.number}")
            if self.plan.by_hand:
                self._end_leases(f"w{running.number}")
            self.wave()
        self._begin(slot, "")

    def _failpoint(self) -> str:
        return self.chance.choice(sorted(ALL)) if self.chance.random() < 0.5 else ""

    def _begin(self, slot: int, failpoint: str) -> Running:
        visit = self.chance.choice((1, 1, 2, 10)) if failpoint else 1
        owner = f"w{self.world.workers.next_number}"
        life = self.world.life(verb="forever", failpoint=failpoint, visit=visit, owner=owner)
        running = self.slots[slot] = self.world.workers.start(life)
        self.lives.append(running)
        return running

    async def stop(self) -> None:
        """Ask the last two to stop."""
        for running in self.slots.values():
            # Before it came to its store it does not know the signal yet.
            await self.until(partial(bool, running.reached))
            running.send(signal.SIGTERM)
        for running in self.slots.values():
            assert (await running.ended()).status == 0

    async def next_shift(self) -> None:
        """Two others go on, and whatever these could not settle may be taken over."""
        await self.stop()
        self.world.jump()
        for slot in tuple(self.slots):
            self._begin(slot, "")

    async def person(self) -> None:
        """Somebody settles what waits for a person."""
        running, end = await self.world.run(verb="person")
        assert end.status == 0, end
        assert end.result is not None
        assert end.result.errors == (), end
        self.lives.append(running)

    # The store, seen from outside

    def ask(self, statement: str, **values: str) -> list[tuple[str | int, ...]]:
        if not self.world.store.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.world.store}?mode=ro", uri=True)) as connection:
            try:
                return connection.execute(statement, values).fetchall()
            except sqlite3.OperationalError:  # it is being made
                return []

    def _note_held(self, owner: str) -> None:
        now = time.monotonic()
        for record_id, revision, attempt in self.ask(_HELD, owner=owner):
            self.held[str(record_id), int(revision), int(attempt)] = now

    def _end_leases(self, owner: str) -> None:
        with (
            suppress(sqlite3.OperationalError),  # it never came to make the store
            closing(sqlite3.connect(f"file:{self.world.store}?mode=rw", uri=True, timeout=60)) as connection,
            connection,
        ):
            connection.execute("UPDATE exports SET until = changed_at WHERE owner = ?", (owner,))
            connection.execute("UPDATE batches SET until = opened_at WHERE owner = ?", (owner,))

    def look(self) -> None:
        """Which of the things that killed workers held are settled by now."""
        if self.held:
            rows = self.ask("SELECT record_id, revision FROM exports WHERE state IN ('INTENT', 'REPORTING')")
            under_way = set(rows)
            for thing in [one for one in self.held if one[:2] not in under_way]:
                self.recoveries.append(time.monotonic() - self.held.pop(thing))
        parked = self.ask("SELECT record_id FROM exports WHERE state = 'UNCONFIRMED'")
        self.unconfirmed.update(str(one) for (one,) in parked)

    async def watch(self) -> None:
        """Look again and again."""
        while True:
            self.look()
            await asyncio.sleep(0.05)

    def is_done(self) -> bool:
        """Whether nothing of what the store and Brex hold waits for a worker."""
        table = self.world.sandbox.brex.table
        ready = table.count(Wanted(review_status=ReviewStatus.READY_FOR_EXPORT))
        seen = self.ask("SELECT count(DISTINCT record_id) FROM exports WHERE source_type = 'BILL'")
        waiting = self.ask(_WAITING)
        return not ready and seen == [(len(self.bills),)] and waiting == [(0,)]

    async def settled(self) -> None:
        """Wait until all is done; what waits for a person gets one."""
        begun, shift = time.monotonic(), 0.5
        async with asyncio.timeout(_LONGEST):
            while not self.is_done():
                await asyncio.sleep(0.1)
                if self.ask("SELECT 1 FROM exports WHERE state = 'UNCONFIRMED'"):
                    await self.person()
                if self.plan.by_hand and time.monotonic() > begun + shift:
                    await self.next_shift()
                    begun, shift = time.monotonic(), 2 * shift

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(_LONGEST):
            while not is_so():
                await asyncio.sleep(0.05)


async def storm(plan: Plan, workers: Workers, folder: Path) -> Figures:
    """All of it."""
    began = time.monotonic()
    async with company(workers, folder, plan.poster, lease=plan.lease) as world:
        this = _Storm(plan, world, random.Random(plan.seed))
        await world.erp.control.change(inactive=["6999"])
        await this.misbehave()
        this.wave()
        watching = asyncio.create_task(this.watch())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(this.worker(0))
                group.create_task(this.worker(1))
                group.create_task(this.refuse_the_login())
            await _settle(this)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        return await _figures(this, time.monotonic() - began)


async def _settle(this: _Storm) -> None:
    await this.settled()
    # What was refused: its account is opened, somebody lets it be posted, and the customer exports it again.
    await this.world.erp.control.change(inactive=[])
    await this.person()
    await this.settled()
    table = this.world.sandbox.brex.table
    for record_id in this.refused:
        row = table.row_of(record_id)
        assert row is not None
        table.change(row, ReviewStatus.READY_FOR_EXPORT, this.world.sandbox.brex.now())
    await this.settled()
    this.look()
    await this.stop()


async def _figures(this: _Storm, seconds: float) -> Figures:
    exports = await this.world.exports()
    newest = {one.record_id: one for one in exports}
    documents = await this.world.documents()
    present = {*this.queue, *this.bills, *this.refused} - set(this.removed)
    lost = [one for one in present if one not in newest or documents.get((one, newest[one].revision), 0) == 0]
    doubled = [f"{one}.{revision}" for (one, revision), count in documents.items() if count > 1]
    for document_ in await this.world.erp.control.documents():
        files = Counter(one.name for one in document_.attachments)
        doubled += [f"{document_.id} {name}" for name, count in files.items() if count > 1]
    said = {one: this.world.status_at_brex(one) for one in present - set(this.bills)}
    misreported = [one for one, status in said.items() if status != "EXPORTED" or newest[one].state.value != "REPORTED"]
    reached = frozenset(name for life in this.lives for name in life.reached)
    return Figures(
        plan=this.plan,
        kills=this.kills,
        at_failpoints=this.at_failpoints,
        reached=reached,
        lost=tuple(lost),
        doubled=tuple(doubled),
        misreported=tuple(misreported),
        unconfirmed=len(this.unconfirmed),
        documents=sum(documents.values()),
        recoveries=tuple(this.recoveries),
        seconds=seconds,
    )


async def _all(plans: Iterable[Plan]) -> bool:
    right = True
    with tempfile.TemporaryDirectory() as name:
        async with Workers() as workers:
            for plan in plans:
                figures = await storm(plan, workers, Path(name) / plan.poster)
                right = right and not (figures.lost or figures.doubled or figures.misreported or figures.missed)
                sys.stdout.write(f"{figures}\n")
                for words in (figures.lost, figures.doubled, figures.misreported, sorted(figures.missed)):
                    sys.stdout.writelines(f"  {one}\n" for one in words[:20])
                sys.stdout.flush()
    return right


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.sync.storm", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--lease", type=float, default=3.0, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--poster", choices=sorted(NOT_OF), action="append", help="by default all of them")
    given = parser.parse_args()
    plans = [
        Plan(
            poster=one,
            records=given.records,
            kills=given.kills,
            lease=given.lease,
            longest_life=2 * given.lease,
            seed=given.seed,
        )
        for one in given.poster or NOT_OF
    ]
    sys.exit(0 if asyncio.run(_all(plans)) else 1)
