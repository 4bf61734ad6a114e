"""How much of a server's limit the session uses, and how often it is told 429.

    python -m benchmarks.goodput [--minutes N] [--real]

Forty tasks that always want more drive the real manager, limiter and retry rules against models of a limited server,
on simulated time and without any Retry-After. Goodput is what was accepted against what the limit adds up to; the first
and the last ``per`` seconds are weighted with a ramp, so that it does not matter where bursts fall. --real does the
same against the sandbox on loopback and real time, and compares it with its own simulation.

Every simulation checks its result: each call was processed once and got its own answer.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from itertools import count, cycle
from typing import Any

import attrs

from brex_accounting import BrexAccounting, BrexError, RateLimit, endpoints
from brex_accounting.auth import FixedToken
from brex_accounting.sandbox import Rules, Sandbox, make_seed
from brex_accounting.session.call import Answer, Call, Outcome, Reply, Request
from brex_accounting.session.events import AttemptEvent
from brex_accounting.session.limiter import SlidingLog
from brex_accounting.session.manager import Manager
from brex_accounting.session.services import Options

from .report import Result, Table
from .report import measured as worst_of
from .sampling import Effort
from .servers import Budget, FixedWindow, LoopClock, Server, SimulatedLoop, SlidingWindow, TokenBucket

TASKS = 40
LATENCY = (0.05, 0.8)
BREX = RateLimit(limit=1000, per=60.0)
SMALL = RateLimit(limit=100, per=6.0)
REAL_WINDOWS = 5

SET_GOODPUT, FAIL_GOODPUT = 97.0, 93.0
SET_REFUSED, SET_REFUSED_HALVED = 0.5, 3.0
SET_APART = 5.0


@attrs.frozen(kw_only=True)
class Case:
    """A server, and how much of it there is for us. ``sibling``: what another process asks for per second."""

    name: str
    server: Callable[[Budget], Server]
    budget: Budget
    rate: RateLimit = BREX
    latency: tuple[float, float] = LATENCY
    sibling: float = 0.0
    held: bool = False
    """Whether the goodput target holds for it: the limit is what the limiter was told."""


@attrs.define
class Tally:
    """What came of a run: moments of accepted attempts, and counts."""

    accepted: list[float] = attrs.field(factory=list)
    refused: int = 0
    given_up: int = 0
    finished: int = 0
    longest: float = 0.0

    @property
    def refused_share(self) -> float:
        """429s in percent of all attempts."""
        return 100 * self.refused / max(1, self.refused + len(self.accepted))

    def goodput(self, ends: float, rate: RateLimit, budget: Budget) -> float:
        """Percent of what the limit adds up to within 0..ends, ramped at both ends."""
        accepted = sum(_ramp(moment, ends, rate.per) for moment in self.accepted)
        step = rate.per / 100
        moments = [step * (number + 0.5) for number in range(round(ends / step))]
        allowed = sum(_ramp(moment, ends, rate.per) * budget(moment) / rate.per * step for moment in moments)
        return 100 * accepted / allowed


def _ramp(moment: float, ends: float, per: float) -> float:
    return max(0.0, min(1.0, moment / per, (ends - moment) / per))


@attrs.define
class Wire:
    """A transport to a model. The whole latency is on the way there: the hardest for a limiter."""

    server: Server
    latency: tuple[float, float]
    rng: random.Random
    tally: Tally
    processed: Counter[str] = attrs.field(factory=Counter)

    async def send(self, request: Request, timeout: float) -> Answer:  # noqa: ARG002 - no latency comes near it
        """Arrive, and be accepted or told 429 without any hint."""
        await asyncio.sleep(self.rng.uniform(*self.latency))
        now = asyncio.get_running_loop().time()
        if not self.server.accepts(now):
            self.tally.refused += 1
            return Reply(status=429)
        self.tally.accepted.append(now)
        name = request.path.rpartition("/")[2]
        self.processed[name] += 1
        return Reply(status=200, body=name.encode())

    async def aclose(self) -> None:
        """Nothing to close."""


@attrs.define
class Crowd:
    """Tasks that always want more. ``ask`` takes what to ask for, and answers with the same if all is well."""

    ask: Callable[[str], Awaitable[str]]
    names: Iterator[str]
    tally: Tally
    answered: list[str] = attrs.field(factory=list)

    async def rush(self, tasks: int, seconds: float, *others: Coroutine[Any, Any, None]) -> None:
        """Ask for so many seconds, then stop in the middle of it all."""
        running = [asyncio.ensure_future(work) for work in (*others, *(self._hungry() for _ in range(tasks)))]
        await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        self.tally.finished = len(self.answered)
        for one in running:
            one.cancel()
        ended = await asyncio.gather(*running, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in ended), f"a task ended early: {ended}"

    async def _hungry(self) -> None:
        loop = asyncio.get_running_loop()
        for name in self.names:
            began = loop.time()
            try:
                answer = await self.ask(name)
                assert answer == name, "a call got the answer of another"
                self.answered.append(answer)
            except BrexError:
                self.tally.given_up += 1
            self.tally.longest = max(self.tally.longest, loop.time() - began)


async def simulated(case: Case, seconds: float, seed: int, tasks: int = TASKS) -> Tally:
    """Run a case for so many simulated seconds, and check its result."""
    rng = random.Random(seed)  # noqa: S311 - it makes latencies
    clock, token, options, tally = LoopClock(), FixedToken("t"), Options(), Tally()
    wire = Wire(server=case.server(case.budget), latency=case.latency, rng=rng, tally=tally)
    manager = Manager(
        transport=wire,
        limiter=SlidingLog(case.rate, clock),
        clock=clock,
        roll=rng.random,
        user_agent="goodput",
        observers=(),
        log=logging.getLogger("benchmarks.goodput"),
    )

    async def ask(name: str) -> str:
        return await manager.run(_call(name), "key", token, options)

    crowd = Crowd(ask=ask, names=(f"accr_{number}" for number in count()), tally=tally)
    others = [_sibling(wire.server, case.sibling, rng)] if case.sibling else []
    await crowd.rush(tasks, seconds, *others)
    answered = set(crowd.answered)
    assert set(wire.processed.values()) <= {1}, "a call was processed twice"
    assert len(answered) == len(crowd.answered), "an answer came twice"
    assert answered <= set(wire.processed), "an answer came from nowhere"
    assert len(wire.processed) - len(answered) <= tasks, "an answer was lost"
    return tally


def _call(record: str) -> Call[str]:
    described = endpoints.get_record(record)
    return Call(
        name=described.name,
        method=described.method,
        path=described.path,
        repeat=described.repeat,
        refuse=described.refuse,
        decode=lambda reply: reply.body.decode(),
    )


async def _sibling(server: Server, per_second: float, rng: random.Random) -> None:
    while True:
        await asyncio.sleep(rng.expovariate(per_second))
        server.accepts(asyncio.get_running_loop().time())


def simulate(case: Case, seconds: float, seed: int = 7, tasks: int = TASKS) -> Tally:
    """The same from outside, on a loop of its own."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(simulated(case, seconds, seed, tasks))


def spent(budget: Budget) -> Server:
    """A sliding window whose budget another process has used up in the last 20 seconds."""
    server = SlidingWindow(budget)
    for number in range(1000):
        server.accepts(-20 + number / 50)
    return server


def cases() -> list[Case]:
    """The servers, hardest last."""
    return [
        Case(name="fixed window", server=FixedWindow, budget=lambda _: 1000, held=True),
        Case(name="sliding window", server=SlidingWindow, budget=lambda _: 1000, held=True),
        Case(name="token bucket", server=TokenBucket, budget=lambda _: 1000, held=True),
        Case(name="fixed, halved at 3 min", server=FixedWindow, budget=halved),
        Case(name="sliding, halved at 3 min", server=SlidingWindow, budget=halved),
        Case(name="bucket, halved at 3 min", server=TokenBucket, budget=halved),
        Case(name="a sibling takes half", server=_half_for_us, budget=lambda _: 500, sibling=500 / 60),
        Case(name="spent just before", server=spent, budget=lambda _: 1000),
    ]


def halved(moment: float) -> float:
    """1,000, and 500 from minute 3 on."""
    return 1000 if moment < 180 else 500


def _half_for_us(_: Budget) -> Server:
    return SlidingWindow(lambda _: 1000)


def small() -> Case:
    """The sandbox as a model."""
    return Case(name="", server=lambda budget: SlidingWindow(budget, SMALL.per), budget=lambda _: 100, rate=SMALL,
                latency=(0.002, 0.05))  # fmt: skip


async def real(seconds: float) -> Tally:
    """The session against the sandbox, on real time."""
    tally, loop, records = Tally(), asyncio.get_running_loop(), 50
    began = loop.time()

    def seen(event: object) -> None:
        if isinstance(event, AttemptEvent):
            if event.outcome is Outcome.DONE:
                tally.accepted.append(loop.time() - began)
            tally.refused += event.outcome is Outcome.THROTTLED

    rules = Rules(rate_limit=SMALL.limit, rate_window=SMALL.per)
    names = cycle(make_seed("lifelike", records=records).record(number).id for number in range(records))
    async with (
        Sandbox(records=records, rules=rules) as sandbox,
        BrexAccounting(sandbox.token, base_url=sandbox.url, rate_limit=SMALL, observers=[seen]) as brex,
    ):

        async def ask(name: str) -> str:
            return (await brex.records.get(name)).id

        await Crowd(ask=ask, names=names, tally=tally).rush(TASKS, seconds)
    return tally


HEAD = f"{'':26}  goodput %  429s %  given up  longest s  answered"


def row(name: str, tally: Tally, goodput: float) -> str:
    """A line of the table."""
    counts = f"{tally.refused_share:6.2f}  {tally.given_up:8}  {tally.longest:9.1f}  {tally.finished:8,}"
    return f"{name:26}  {goodput:9.2f}  {counts}"


def measured(minutes: float) -> bool:
    """Print the table of simulations; whether all of them passed."""
    passed = True
    for case in cases():
        ends = minutes * 60 + case.rate.per
        tally = simulate(case, ends)
        goodput = tally.goodput(ends, case.rate, case.budget)
        print(row(case.name, tally, goodput))
        allowed = SET_REFUSED if case.held else SET_REFUSED_HALVED
        passed &= (goodput >= FAIL_GOODPUT or not case.held) and tally.refused_share < allowed and not tally.given_up
    return passed


def run(effort: Effort) -> Result:
    """The simulations as one benchmark among the others. Nothing in them depends on the machine."""
    ends, rows, held, refused = effort.minutes * 60 + BREX.per, [], [], []
    for case in cases():
        tally = simulate(case, ends)
        goodput = tally.goodput(ends, case.rate, case.budget)
        assert not tally.given_up, "a call was given up"
        rows.append(
            (
                case.name,
                f"{goodput:.2f}",
                f"{tally.refused_share:.2f}",
                f"{tally.longest:.1f}",
                f"{tally.finished:,}",
            )
        )
        if case.held:
            held.append(goodput)
            refused.append(tally.refused_share)
    note = f"{TASKS} tasks that always want more, {effort.minutes:g} simulated minutes; targets are of the first three."
    return Result(
        name="goodput",
        title="What is used of 1,000 requests per 60 s",
        table=Table(heads=("server", "goodput %", "429s %", "longest wait s", "answered"), rows=tuple(rows), note=note),
        figures=(worst_of("goodput", held), worst_of("goodput/429", refused)),
    )


def compared() -> bool:
    """Print the sandbox beside its simulation; whether they agree."""
    ends = (REAL_WINDOWS + 1) * SMALL.per
    figures = []
    for name, tally in (("sandbox, simulated", simulate(small(), ends)), ("sandbox, real", asyncio.run(real(ends)))):
        figures.append(tally.goodput(ends, SMALL, small().budget))
        print(row(name, tally, figures[-1]))
    apart = abs(figures[1] / figures[0] - 1) * 100
    print(f"\n{REAL_WINDOWS} windows of {SMALL.limit} per {SMALL.per:g} s: {apart:.2f} % apart, set {SET_APART:g} %")
    return apart <= SET_APART and figures[1] >= FAIL_GOODPUT


def main() -> int:
    """Print the figures; 1 when a hard line is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.goodput")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--real", action="store_true")
    arguments = parser.parse_args()
    print(f"{TASKS} tasks, {BREX.limit} per {BREX.per:g} s, {arguments.minutes:g} simulated minutes\n\n{HEAD}")
    passed = measured(arguments.minutes)
    if arguments.real:
        passed &= compared()
    print(f"\nset: goodput >= {SET_GOODPUT:g} % and 429s < {SET_REFUSED:g} % against the first three, ", end="")
    print(f"429s < {SET_REFUSED_HALVED:g} % elsewhere, nothing given up; fails at {FAIL_GOODPUT:g} %")
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
