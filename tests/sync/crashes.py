"""Every failpoint of every way an export can take: killed there with SIGKILL, started again, and held against a
run that nobody killed. ``python -m tests.sync.crashes`` runs all of it and prints how many.

The ways are few and small on purpose: one record each, so that a failpoint's first visit is always the same.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import attrs

from brex_accounting import AccountingRecord
from brex_accounting.sync.states import State

from .failpoints import ALL
from .lives import Company, Workers, company, document

__all__ = [
    "FEEDS",
    "POSTERS",
    "WAYS",
    "Case",
    "Outcome",
    "Played",
    "Step",
    "Way",
    "cases_of",
    "chosen",
    "play",
    "play_all",
]

POSTERS: Final = ("same_key", "find", "park", "csv")
Feed: TypeAlias = Literal["queue", "bills"]
FEEDS: Final[tuple[Feed, ...]] = ("queue", "bills")

ONE: Final = "accr_1"


@attrs.frozen(kw_only=True)
class Step:
    """A life, after something happened in the ``world``. ``failpoint``: where it always ends."""

    world: str = ""
    verb: str = "run"
    failpoint: str = ""


@attrs.frozen(kw_only=True)
class Way:
    """How one record goes, life by life, and how it ends: states, documents per revision, status at Brex, files.

    A bill that is not ``is_ready`` is posted and never reported.
    """

    name: str
    steps: tuple[Step, ...]
    states: tuple[State, ...] = (State.REPORTED,)
    documents: tuple[int, ...] = (1,)
    status: str = "EXPORTED"
    refused: bool = False
    is_ready: bool = True
    receipts: int = 0
    feeds: tuple[Feed, ...] = FEEDS
    posters: tuple[str, ...] = POSTERS


RUN: Final = Step()
WITH_BOOKS: Final = ("same_key", "find", "park")
WAYS: Final = (
    Way(name="booked", steps=(RUN,), receipts=2),
    Way(
        name="refused",
        steps=(RUN, RUN),
        refused=True,
        states=(State.REPORTED_FAILED,),
        documents=(0,),
        status="PREPARE",
    ),
    Way(name="taken over before the post", steps=(Step(failpoint="poster.post:before"), RUN)),
    Way(name="taken over after the post", steps=(Step(failpoint="poster.post:after"), RUN)),
    Way(name="batch taken over before the report", steps=(Step(failpoint="brex.report:before"), RUN)),
    Way(name="batch taken over after the report", steps=(Step(failpoint="brex.report:after"), RUN)),
    Way(
        name="paused and resumed",
        steps=(Step(world="login refused"), Step(world="login taken")),
        posters=WITH_BOOKS,
    ),
    Way(
        name="read anew",
        steps=(Step(failpoint="store.record_seen:after"), Step(world="ten minutes")),
        states=(State.POSTED,),
        status="PREPARE",
        is_ready=False,
        feeds=("bills",),
    ),
    Way(
        name="taken back",
        steps=(Step(failpoint="store.record_seen:after"), Step(world="removed")),
        states=(State.WITHDRAWN,),
        documents=(0,),
        status="gone",
        feeds=("queue",),
    ),
    Way(
        name="amended",
        steps=(Step(failpoint="store.open_batch:before"), Step(world="amended")),
        states=(State.POSTED, State.REPORTED),
        documents=(1, 1),
    ),
    Way(
        name="decided",
        steps=(Step(failpoint="poster.post:after"), RUN, Step(verb="person"), RUN),
        posters=("park",),
    ),
)


@attrs.frozen
class Case:
    """A way that is killed at a failpoint's n-th visit in one of its lives; no failpoint: it is let be."""

    way: Way
    feed: Feed
    poster: str
    step: int = 0
    failpoint: str = ""
    visit: int = 1


@attrs.frozen(kw_only=True)
class Outcome:
    """How the record ended."""

    states: tuple[State, ...]
    documents: tuple[int, ...]
    status: str
    attached: int


@attrs.frozen(kw_only=True)
class Played:
    """What became of a case. ``reached``: the failpoints of each life that none of its own ended."""

    case: Case
    outcome: Outcome
    struck: bool
    unconfirmed: bool
    reached: Mapping[int, Sequence[str]]

    @property
    def is_right(self) -> bool:
        """Nothing lost, nothing doubled, nothing told wrongly; only a poster that cannot ask needs a person."""
        return self.outcome == expected(self.case) and (self.case.poster == "park" or not self.unconfirmed)


def expected(case: Case) -> Outcome:
    """How the record must end, wherever it was killed."""
    way = case.way
    attached = way.receipts if case.poster != "csv" else 0
    return Outcome(states=way.states, documents=way.documents, status=way.status, attached=attached)


def _record(case: Case, **changes: Any) -> AccountingRecord:
    way, bill = case.way, case.feed == "bills"
    if bill and way.is_ready:  # Brex takes the report of no other
        changes = {"review_status": "READY_FOR_EXPORT", **changes}
    return document(ONE, bill=bill, refused=way.refused, receipts=way.receipts, **changes)


async def _nothing(_: Company, __: Case) -> None:
    pass


async def _login_refused(world: Company, _: Case) -> None:
    await world.erp.control.change(login_refused=True)


async def _login_taken(world: Company, _: Case) -> None:
    await world.erp.control.change(login_refused=False)


async def _ten_minutes(world: Company, _: Case) -> None:
    world.ahead += timedelta(minutes=10)


async def _removed(world: Company, _: Case) -> None:
    table = world.sandbox.brex.table
    row = table.row_of(ONE)
    assert row is not None
    table.remove(row)


async def _amended(world: Company, case: Case) -> None:
    now = world.sandbox.brex.now().isoformat().replace("+00:00", "Z")
    world.put(_record(case, memo="changed", version=9, updated_at=now))
    world.ahead += timedelta(seconds=20)


_WORLDS: Final[Mapping[str, Callable[[Company, Case], Awaitable[None]]]] = {
    "": _nothing,
    "login refused": _login_refused,
    "login taken": _login_taken,
    "ten minutes": _ten_minutes,
    "removed": _removed,
    "amended": _amended,
}


async def play(world: Company, case: Case, second: str = "") -> Played:
    """The case from its beginning to its end. ``second``: a failpoint that also kills the life after the kill."""
    world.put(_record(case))
    bills = case.feed == "bills" and case.way.is_ready
    reached: dict[int, Sequence[str]] = {}
    struck = False
    for number, step in enumerate(case.way.steps):
        await _WORLDS[step.world](world, case)
        if case.failpoint and number == case.step:
            killed, _ = await world.run(verb=step.verb, failpoint=case.failpoint, visit=case.visit, report_bills=bills)
            struck = killed.struck
            world.jump()
            if second:
                killed, _ = await world.run(verb=step.verb, failpoint=second, report_bills=bills)
                struck = struck and killed.struck
                world.jump()
            if number == len(case.way.steps) - 1:
                break  # what follows goes on from here
        life, end = await world.run(verb=step.verb, failpoint=step.failpoint, report_bills=bills)
        assert life.struck is bool(step.failpoint), (case, end)
        if not step.failpoint:
            assert end.result is not None, (case, end)
            assert end.result.errors == (), (case, end)
            reached[number] = life.reached
        world.jump()
    await world.settled(report_bills=bills)
    unconfirmed = any(one.state is State.UNCONFIRMED for one in await world.exports())
    if unconfirmed:
        await world.run(verb="person")
        await world.settled(report_bills=bills)
    outcome = await _outcome(world, len(case.way.states))
    return Played(case=case, outcome=outcome, struck=struck, unconfirmed=unconfirmed, reached=reached)


async def _outcome(world: Company, revisions: int) -> Outcome:
    documents = dict(await world.documents())
    counts = tuple(documents.pop((ONE, number), 0) for number in range(1, revisions + 1))
    assert not documents, documents
    return Outcome(
        states=tuple(one.state for one in await world.exports()),
        documents=counts,
        status=world.status_at_brex(ONE),
        attached=sum((await world.attached()).values()),
    )


async def play_all(
    workers: Workers,
    folder: Path,
    cases: Iterable[tuple[Case, str]],
    *,
    at_once: int = 6,
    schema: Callable[[], str] = str,
) -> list[Played]:
    """Every case, with the second failpoint of each; in PostgreSQL where ``schema`` gives a new one."""
    free = asyncio.Semaphore(at_once)

    async def one(number: int, case: Case, second: str) -> Played:
        async with free, company(workers, folder / str(number), case.poster, conninfo=schema()) as world:
            return await play(world, case, second)

    return list(await asyncio.gather(*(one(number, case, second) for number, (case, second) in enumerate(cases))))


def ways_of(poster: str, *names: str) -> list[Case]:
    """Every way of both feeds, or those named, unharmed."""
    ways = [way for way in WAYS if poster in way.posters and (not names or way.name in names)]
    return [Case(way, feed, poster) for way in ways for feed in way.feeds]


def cases_of(unharmed: Iterable[Played]) -> list[Case]:
    """A case for each failpoint that each life of these ways reached."""
    return [
        attrs.evolve(played.case, step=step, failpoint=name)
        for played in unharmed
        for step, reached in played.reached.items()
        for name in reached
    ]


def chosen(cases: Iterable[Case]) -> list[Case]:
    """Of these, one for each failpoint and feed."""
    found: dict[tuple[str, Feed], Case] = {}
    for case in cases:
        found.setdefault((case.failpoint, case.feed), case)
    return list(found.values())


def pairs_of(cases: Sequence[Case], count: int, chance: random.Random) -> list[tuple[Case, str]]:
    """Cases, each with a second failpoint for the life after: one of a way's that was taken over, or any."""
    return [(chance.choice(cases), chance.choice(cases).failpoint) for _ in range(count)]


async def _all(posters: Sequence[str], pairs: int, seed: int) -> bool:
    chance = random.Random(seed)
    right = True
    with tempfile.TemporaryDirectory() as name:
        async with Workers() as workers:
            for poster in posters:
                began = time.monotonic()
                folder = Path(name) / poster
                unharmed = await play_all(workers, folder / "unharmed", [(one, "") for one in ways_of(poster)])
                cases = cases_of(unharmed)
                played = await play_all(workers, folder / "killed", [(one, "") for one in cases])
                double = await play_all(workers, folder / "twice", pairs_of(cases, pairs, chance))
                right = right and _told(poster, [*unharmed, *played], double, time.monotonic() - began)
    return right


def _told(poster: str, played: Sequence[Played], double: Sequence[Played], seconds: float) -> bool:
    names = {one.case.failpoint for one in played if one.struck}
    wrong = [one for one in [*played, *double] if not one.is_right]
    told: Counter[str] = Counter(one.case.feed for one in played if one.struck)
    sys.stdout.write(
        f"{poster:9} failpoints {len(names)} of {len(ALL)}, kills {sum(told.values())} "
        f"(queue {told['queue']}, bills {told['bills']}), pairs {sum(one.struck for one in double)} of {len(double)}, "
        f"unconfirmed {sum(one.unconfirmed for one in [*played, *double])}, wrong {len(wrong)}, {seconds:.0f} s\n"
    )
    for one in wrong:
        sys.stdout.write(f"  {one.case.way.name} {one.case.feed} {one.case.failpoint}: {one.outcome}\n")
    sys.stdout.flush()
    return not wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.sync.crashes", description=__doc__)
    parser.add_argument("--poster", choices=POSTERS, action="append", help="by default all of them")
    parser.add_argument("--pairs", type=int, default=100, help="pairs of kills for each poster")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sys.exit(0 if asyncio.run(_all(given.poster or POSTERS, given.pairs, given.seed)) else 1)
