"""A fleet that no machine here can hold, simulated event by event. Pure: time is a number, chance comes from a seed.

Companies are due at their own moments (``next_due``), a tick a second puts those that are due into the queue, whoever
has a free place takes the first, and a poll goes through its parts one after the other: the core of its worker's
process, a core of the database, then an answer of Brex. Cores serve whoever comes first. Failing companies wait as
``put_off`` says; what a dead worker ran is found once it is stale.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import attrs

from brex_accounting.sync.fleet.spread import next_due, put_off

from .fleet_plan import TARDY, Costs, Outcome, Plan
from .many_companies import company_id

__all__ = ["AT_A_TIME", "TICK", "fewest_workers", "simulate"]

AT_A_TIME = 200
"""So many companies one process puts into the queue with one tick."""
TICK = 1.0
FOUND_EVERY = 0.5
"""Stalled polls are looked for so often, as a share of the time after which a worker is stale."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.define(eq=False)
class _Poll:
    """One that waits or runs. ``due``: None for one that only a webhook asked for."""

    company: int
    due: float | None
    asked: float | None
    costs: Costs
    waits: Sequence[float]
    process: int = -1
    life: int = 0
    began: float = 0.0
    part: int = 0


@attrs.define(eq=False)
class _Process:
    number: int
    free: int
    core: float = 0.0
    life: int = 0
    is_up: bool = True


class _Simulation:
    def __init__(self, plan: Plan, seed: int) -> None:
        self.plan = plan
        self.chance = random.Random(seed)  # noqa: S311 - a simulation
        self.end = plan.every * plan.intervals
        self.events: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self.number = 0
        self.processes = [_Process(number=number, free=plan.polls) for number in range(plan.workers)]
        self.cores = [0.0] * plan.cores
        self.is_open = True
        self.due: list[tuple[float, int]] = []
        self.first: deque[_Poll] = deque()
        self.queue: deque[_Poll] = deque()
        self.waiting: dict[int, _Poll] = {}
        self.running: dict[int, _Poll] = {}
        self.lost: list[tuple[float, _Poll]] = []
        self.failures: dict[int, int] = {}
        every = timedelta(seconds=plan.every)
        self.turns = [
            (next_due(company_id(one), every=every, after=_EPOCH) - _EPOCH).total_seconds() % plan.every
            for one in range(plan.companies)
        ]
        # What stands in the heap with another moment than this counts no more.
        self.due_at = list(self.turns)
        self.waits: list[float] = []
        self.triggered: list[float] = []
        self.starts = [0] * plan.companies
        self.longest = 0
        self.busy = self.placed = self.stored = 0.0
        self.last_late = 0.0

    def at(self, moment: float, act: Callable[..., None], *args: object) -> None:
        """Do it then; what is for the same moment, in the order in which it was asked for."""
        self.number += 1
        heapq.heappush(self.events, (moment, self.number, act, args))

    def run(self) -> Outcome:
        plan = self.plan
        self.due = [(turn, company) for company, turn in enumerate(self.turns)]
        heapq.heapify(self.due)
        failing = self.chance.sample(range(plan.companies), round(plan.failing * plan.companies))
        self.failures = dict.fromkeys(sorted(failing), 0)
        for process in self.processes:
            self.at(self.chance.uniform(0.0, TICK), self.tick, process)
        self.at(plan.stale * FOUND_EVERY, self.find)
        rate = plan.triggers * plan.companies / plan.every
        if rate:
            self.at(self.chance.expovariate(rate), self.trigger, rate)
        self.disturb()
        while self.events and self.events[0][0] < self.end:
            moment, _, act, args = heapq.heappop(self.events)
            act(moment, *args)
        return self.outcome()

    def disturb(self) -> None:
        plan = self.plan
        if plan.outage is not None:
            self.at(plan.outage[0], self.close)
            self.at(plan.outage[1], self.open)
        if plan.deaths is not None:
            for process in self.processes[: round(plan.deaths.share * plan.workers)]:
                self.at(plan.deaths.at, self.kill, process)
                self.at(plan.deaths.at + plan.deaths.back, self.start, process)
        if plan.deployed is not None:
            for number, process in enumerate(self.processes):
                self.at(plan.deployed + number * plan.restart, self.drain, process)
                self.at(plan.deployed + (number + 1) * plan.restart, self.start, process)

    # Who is due, and who asks.

    def tick(self, now: float, process: _Process) -> None:
        left = AT_A_TIME if self.is_open and process.is_up else 0
        while left and self.due and self.due[0][0] <= now:
            due, company = heapq.heappop(self.due)
            if due != self.due_at[company]:
                continue
            left -= 1
            passed = (now - self.turns[company]) // self.plan.every
            self.come(company, self.turns[company] + (passed + 1) * self.plan.every)
            found = self.waiting.get(company)
            if found is None:
                self.put(self.poll(company, due=due))
            elif found.due is None:
                found.due = due
        self.longest = max(self.longest, len(self.waiting))
        self.take(now)
        self.at(now + TICK, self.tick, process)

    def come(self, company: int, due: float) -> None:
        """Let a company be due at another moment than so far."""
        self.due_at[company] = due
        heapq.heappush(self.due, (due, company))

    def trigger(self, now: float, rate: float) -> None:
        self.at(now + self.chance.expovariate(rate), self.trigger, rate)
        company = self.chance.randrange(self.plan.companies)
        if not self.is_open:
            return  # the sender of the webhook tries again, or the company's turn comes
        found = self.waiting.get(company)
        if found is None:
            found = self.poll(company, due=None)
            self.waiting[company] = found
            self.first.append(found)
        elif found.asked is None:
            self.first.append(found)
        found.asked = now if found.asked is None else found.asked
        self.take(now)

    def poll(self, company: int, *, due: float | None) -> _Poll:
        plan, chance = self.plan, self.chance
        costs = plan.full if chance.random() < plan.busy else plan.empty
        if company in self.failures:
            costs = attrs.evolve(plan.empty, requests=1)
        middle = math.log(plan.latency) if plan.latency else -math.inf
        waits = [math.exp(middle + plan.spread * chance.gauss(0, 1)) for _ in range(costs.requests)]
        return _Poll(company=company, due=due, asked=None, costs=costs, waits=waits)

    def put(self, poll: _Poll) -> None:
        self.waiting[poll.company] = poll
        self.queue.append(poll)

    # Who runs.

    def take(self, now: float) -> None:
        """Let free places take what waits."""
        while self.is_open and (self.first or self.queue):
            process = max(self.processes, key=lambda one: one.free * one.is_up, default=None)
            if process is None or not process.is_up or not process.free:
                return
            poll = self.next_one()
            if poll is None:
                return
            self.begin(now, poll, process)

    def next_one(self) -> _Poll | None:
        """The first in the queue of whose company no poll runs."""
        for queue in (self.first, self.queue):
            held: list[_Poll] = []
            found = None
            while queue and found is None:
                poll = queue.popleft()
                if self.waiting.get(poll.company) is not poll:
                    continue  # it was begun from the other queue
                if poll.company in self.running:
                    held.append(poll)
                else:
                    found = poll
            queue.extendleft(reversed(held))
            if found is not None:
                return found
        return None

    def begin(self, now: float, poll: _Poll, process: _Process) -> None:
        del self.waiting[poll.company]
        self.running[poll.company] = poll
        process.free -= 1
        poll.process, poll.life, poll.began = process.number, process.life, now
        if poll.due is not None:
            self.waits.append(now - poll.due)
            self.starts[poll.company] += 1
            if now - poll.due > 60:
                self.last_late = now
        if poll.asked is not None:
            self.triggered.append(now - poll.asked)
        self.work(now, poll)

    def work(self, now: float, poll: _Poll) -> None:
        process = self.processes[poll.process]
        if process.life != poll.life:
            return
        cost = poll.costs.worker / poll.costs.requests
        process.core = max(now, process.core) + cost
        self.busy += cost
        self.at(process.core, self.store, poll)

    def store(self, now: float, poll: _Poll) -> None:
        if self.processes[poll.process].life != poll.life:
            return
        cost = poll.costs.database / poll.costs.requests
        done = max(now, heapq.heappop(self.cores)) + cost
        heapq.heappush(self.cores, done)
        self.stored += cost
        wait = poll.waits[poll.part]
        poll.part += 1
        self.at(done + wait, self.work if poll.part < poll.costs.requests else self.ended, poll)

    def ended(self, now: float, poll: _Poll) -> None:
        process = self.processes[poll.process]
        if process.life != poll.life:
            return
        process.free += 1
        del self.running[poll.company]
        self.placed += now - poll.began
        if poll.company in self.failures:
            self.failures[poll.company] += 1
            wait = put_off(self.failures[poll.company], every=timedelta(seconds=self.plan.every))
            self.come(poll.company, now + wait.total_seconds())
        self.take(now)

    # What goes wrong.

    def end_life(self, now: float, process: _Process) -> None:
        for poll in [one for one in self.running.values() if (one.process, one.life) == (process.number, process.life)]:
            self.placed += now - poll.began
            self.lost.append((now, poll))
        process.life += 1
        process.free, process.core = self.plan.polls, now

    def kill(self, now: float, process: _Process) -> None:
        process.is_up = False
        self.end_life(now, process)

    def start(self, now: float, process: _Process) -> None:
        process.is_up = True
        self.take(now)

    def drain(self, now: float, process: _Process) -> None:  # noqa: ARG002 - what runs comes to its end
        process.is_up = False

    def close(self, now: float) -> None:
        self.is_open = False
        for process in self.processes:
            self.end_life(now, process)

    def open(self, now: float) -> None:
        """Each worker tries again after up to half a minute."""
        self.is_open = True
        self.cores = [now] * self.plan.cores
        for process in self.processes:
            if process.is_up:
                process.is_up = False
                self.at(now + self.chance.uniform(0.5, 30.0), self.start, process)

    def find(self, now: float) -> None:
        """Queue again what nobody gave a sign of for too long."""
        alive = self.is_open and any(process.is_up for process in self.processes)
        found = [poll for gone, poll in self.lost if alive and now - gone >= self.plan.stale]
        self.lost = [(gone, poll) for gone, poll in self.lost if poll not in found]
        for poll in found:
            del self.running[poll.company]
            if poll.company not in self.waiting:
                again = self.poll(poll.company, due=None)
                self.put(again)
        self.take(now)
        self.at(now + self.plan.stale * FOUND_EVERY, self.find)

    def outcome(self) -> Outcome:
        plan = self.plan
        whole = self.end * plan.workers
        # What became due in the last moments is not late.
        left = [poll for poll in self.waiting.values() if poll.due is not None and self.end - poll.due > TARDY]
        left_out = sum(self.end - due > TARDY for due, one in self.due if due == self.due_at[one])
        return Outcome(
            waits=tuple(sorted(self.waits)),
            triggered=tuple(sorted(self.triggered)),
            starts=tuple(self.starts),
            unstarted=len(left) + left_out,
            queue=self.longest,
            workers=self.busy / whole,
            places=self.placed / (whole * plan.polls),
            database=self.stored / (self.end * plan.cores),
            last_late=self.last_late,
        )


def simulate(plan: Plan, seed: int = 1) -> Outcome:
    """Run it to its end; the same for the same seed."""
    return _Simulation(plan, seed).run()


def fewest_workers(plan: Plan, *, punctual: float = 0.99, most: int = 256, seed: int = 1) -> int | None:
    """The least number of workers with which this share of polls begins within 5 minutes; None: more than ``most``."""
    least = 1
    while least <= most and simulate(attrs.evolve(plan, workers=least), seed).punctual < punctual:
        least *= 2
    if least > most:
        return None
    low = least // 2
    while least - low > 1:
        middle = (least + low) // 2
        if simulate(attrs.evolve(plan, workers=middle), seed).punctual >= punctual:
            least = middle
        else:
            low = middle
    return least
