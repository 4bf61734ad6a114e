"""What may happen to a fleet, a small story each, and where each applies.

Two workers share all companies unless it says otherwise. A blow falls when a share of all documents is posted, and
always at the same place in the code: right after a post and before anybody wrote down that it went through, or right
before the lease is asked for. Who is to be struck works alone until the blow is due: another might be so fast that
nothing is left to be struck at. Then it waits until that one works too.

What no store can prevent is left out: who is frozen between that question and the post itself posts when it wakes, and
only books that refuse a second document of a key would notice.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import attrs

from .nursery import Worker
from .town import Setting, Town, Verdict

__all__ = ["CASES", "Case", "told"]

_THIRD: Final = 0.3


async def kill(there: Town) -> Verdict:
    """``kill -9`` right after a post."""
    doomed = await there.worker(blow="kill", at=there.share(_THIRD), beside=2)
    await there.posted(_THIRD)
    await there.worker()
    assert await there.ended(doomed) == -signal.SIGKILL
    return await there.verdict(recovery=await there.recovered(_blow(there, doomed), doomed))


async def quiet(there: Town) -> Verdict:
    """The only worker dies when nobody else waits; another one is begun, and nothing new comes."""
    doomed = await there.worker(blow="kill", at=there.records - 1)
    assert await there.ended(doomed) == -signal.SIGKILL
    await there.worker()
    return await there.verdict(recovery=await there.recovered(_blow(there, doomed), doomed))


async def freeze(there: Town) -> Verdict:
    """SIGSTOP before a lease is asked for, past lease and sign of life; SIGCONT when another one has ended all."""
    return await _frozen(there, await there.worker(blow="freeze", at=there.share(_THIRD), polls=1, parallel=1))


async def freeze_writing(there: Town) -> Verdict:
    """The same in the middle of a transaction of the store."""
    return await _frozen(there, await there.worker(blow="freeze-writing", at=there.share(_THIRD), polls=1, parallel=1))


async def database(there: Town) -> Verdict:
    """PostgreSQL is stopped at once, and is back after two seconds."""
    server = there.server
    assert server is not None
    both = [await there.worker(polls=2), await there.worker(polls=2)]
    await there.posted(_THIRD)
    blow = time.monotonic()
    await asyncio.to_thread(server.stop_at_once)
    await asyncio.sleep(2)
    await asyncio.to_thread(server.start)
    verdict = await there.verdict(recovery=await there.recovered(blow, *both))
    assert [one.status for one in both] == [None, None], "a worker did not outlive the loss of its database"
    return verdict


async def rolling(there: Town) -> Verdict:
    """Both are replaced while work goes on: they end by themselves, and leave no poll behind."""
    first = await there.worker(blow="leave", at=there.share(_THIRD), beside=2, polls=2)
    await there.posted(_THIRD)
    second = await there.worker(blow="leave", at=there.share(2 * _THIRD), beside=3, polls=2)
    slowest = 0.0
    for leaving in (first, second):
        assert await there.ended(leaving) == 0
        await there.posted(2 * _THIRD)
        await there.worker(polls=2)
        assert not there.diary.held(leaving.number), "it left a poll behind"
        slowest = max(slowest, await there.recovered(_blow(there, leaving), leaving))
    return await there.verdict(recovery=slowest)


async def poison(there: Town) -> Verdict:
    """One company always fails, and takes its time; there is one worker, and one poll at a time.

    A third of the others goes without it, a third right behind it, a third without it again, each by a worker that
    finds all of them due when it begins.
    """
    poisoned, *others = there.companies
    took = []
    for number in range(3):
        beside = [poisoned] if number == 1 else []
        third = others[number::3]
        await there.add(*beside, *third)
        # A worker that stood still for longer would take itself for dead, and its poll for one that is lost.
        worker = await there.worker(poison=poisoned, polls=1, stale=60.0)
        await there.exported(third)
        took.append(await there.took(*beside, *third) / len(third))
        worker.send(signal.SIGTERM)
        await there.ended(worker)
    verdict = await there.verdict(without=poisoned)
    _check_tries(there, poisoned)
    return attrs.evolve(verdict, ratio=(took[0] + took[2]) / 2 / took[1])


async def hang(there: Town) -> Verdict:
    """The books of one company never answer; there is one worker, and one poll at a time: it is given up."""
    hanging, *others = there.companies
    await there.worker(hang=hanging, polls=1, longest=2, stale=60.0)
    await there.add(hanging)
    await there.until(lambda: hanging in there.diary.held(1))
    blow = time.monotonic()
    await there.add(*others)
    await there.until(lambda: there.diary.posts() > 0)
    recovery = time.monotonic() - blow
    verdict = await there.verdict(recovery=recovery, without=hanging)
    await there.status_when(lambda status: hanging in {one.company_id for one in status.failing})
    _check_tries(there, hanging)
    return verdict


async def killer(there: Town) -> Verdict:
    """The poll of one company kills its worker each time, and somebody begins another one."""
    return await _supervised(there, workers=2, polls=1)


async def killer_beside(there: Town) -> Verdict:
    """The same with one worker, so that the polls beside it are killed with it, and wait again with it."""
    return await _supervised(there, workers=1, polls=4)


async def _supervised(there: Town, *, workers: int, polls: int) -> Verdict:
    deadly = list(there.companies)[len(there.companies) // 2]
    supervised = [asyncio.create_task(_supervise(there, deadly, polls)) for _ in range(workers)]
    try:
        await there.until(lambda: any(worker.status is not None for worker in there.workers))
        first = next(worker for worker in there.workers if worker.status is not None)
        recovery = await there.recovered(_blow(there, first), first, without=deadly)
        return await there.verdict(recovery=recovery, without=deadly)
    finally:
        for one in supervised:
            one.cancel()
        await asyncio.gather(*supervised, return_exceptions=True)


async def _supervise(there: Town, deadly: str, polls: int) -> None:
    while True:
        worker = await there.worker(killer=deadly, polls=polls)
        while worker.status is None:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)


async def _frozen(there: Town, frozen: Worker) -> Verdict:
    await there.until(lambda: there.diary.blow(frozen.number) is not None)
    await there.worker()
    blow = _blow(there, frozen)
    recovery = await there.recovered(blow, frozen)
    await there.exported()
    frozen.send(signal.SIGCONT)
    await there.until(lambda: any(line.what == "woken" for line in there.diary.lines()))
    verdict = await there.verdict(recovery=recovery)
    assert frozen.status is None, "the frozen worker did not go on"
    return verdict


def _check_tries(there: Town, company_id: str) -> None:
    """Half a minute lies between two polls of a company that fails, at least."""
    tries = [line.at for line in there.diary.lines() if line.what == "begin" and line.company == company_id]
    most = 1 + (time.monotonic() - tries[0]) / 30
    assert len(tries) <= most, f"it came again {len(tries)} times, and not later each time"


def _blow(there: Town, worker: Worker) -> float:
    blow = there.diary.blow(worker.number)
    assert blow is not None
    return blow.at


@attrs.frozen
class Case:
    """A story, and the settings in which there is something to tell. ``adds``: it adds the companies itself."""

    tell: Callable[[Town], Awaitable[Verdict]]
    settings: tuple[Setting, ...]
    adds: bool = False


_SQLITE, _POSTGRES = Setting("sqlite", "fleet"), Setting("postgres", "fleet")
_SQLITE_LOOP, _POSTGRES_LOOP = Setting("sqlite", "loop"), Setting("postgres", "loop")
_FLEETS = (_SQLITE, _POSTGRES)
_ALL = (_SQLITE, _POSTGRES, _SQLITE_LOOP, _POSTGRES_LOOP)

CASES: Final[Mapping[str, Case]] = {
    "kill": Case(kill, _ALL),
    "quiet": Case(quiet, _ALL),
    "freeze": Case(freeze, _ALL),
    # Who is frozen with a file locked keeps it locked: SQLite has nobody to take it away.
    "freeze-writing": Case(freeze_writing, (_POSTGRES, _POSTGRES_LOOP)),
    # A loop over files has no PostgreSQL.
    "database": Case(database, (_SQLITE, _POSTGRES, _POSTGRES_LOOP)),
    "rolling": Case(rolling, _ALL),
    # The loop has no queue that one company could fill, and no memory of who killed whom.
    "poison": Case(poison, _FLEETS, adds=True),
    "hang": Case(hang, _FLEETS, adds=True),
    "killer": Case(killer, _FLEETS),
    "killer-beside": Case(killer_beside, _FLEETS),
}


async def told(name: str, there: Town) -> Verdict:
    """The verdict of a case. Raises ``AssertionError`` when the story goes otherwise."""
    case = CASES[name]
    if not case.adds:
        await there.add(*there.companies)
    return await case.tell(there)
