"""The sliding log on a simulated clock: never more than the limit, in order, and nothing lost for good."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import ConfigurationError, RateLimit
from brex_accounting.session.limiter import SlidingLog

from .documents import steady
from .ticking import TickingClock, start

TINY = 1e-6


class Race:
    """Callers of one limiter; ``starts`` are (key, number, moment) in the order they started."""

    def __init__(self, limit: int, per: float) -> None:
        self.clock = TickingClock()
        self.limiter = SlidingLog(RateLimit(limit=limit, per=per), self.clock)
        self.starts: list[tuple[str, int, float]] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.began = self.clock.time

    def call(self, key: str = "k") -> asyncio.Task[Any]:
        task = start(self._turn(key, len(self.tasks)))
        self.tasks.append(task)
        return task

    async def _turn(self, key: str, number: int) -> None:
        await self.limiter.turn(key)
        self.starts.append((key, number, self.clock.time))

    async def finish(self) -> None:
        await self.clock.finish(*self.tasks)

    def times(self, key: str = "k") -> list[float]:
        return [moment - self.began for name, _, moment in self.starts if name == key]

    def order(self) -> list[int]:
        return [number for _, number, _ in self.starts]


def crowded(arrivals: list[float], limit: int, per: float) -> bool:
    """Whether any window of ``per`` seconds holds more than ``limit`` arrivals."""
    ordered = sorted(arrivals)
    return any(late - early < per - TINY for early, late in zip(ordered, ordered[limit:], strict=False))


def test_the_check_sees_a_crowd() -> None:
    """The helper above finds what it looks for."""
    assert crowded([0.0, 59.0], 1, 60.0)
    assert crowded([0.0, 1.0, 59.9], 2, 60.0)
    assert not crowded([0.0, 1.0, 60.0], 2, 60.0)


@pytest.mark.parametrize(("limit", "per"), [(1, 60.0), (2, 1.0), (10, 60.0), (100, 0.5)])
async def test_a_burst(limit: int, per: float) -> None:
    """The first ``limit`` start at once, the next a window and its margin later, none lost."""
    race = Race(limit, per)
    for _ in range(4 * limit + 1):
        race.call()
    await race.finish()
    window = per + per / 60
    expected = [number // limit * window for number in range(4 * limit + 1)]
    assert race.times() == pytest.approx(expected)
    assert race.order() == list(range(4 * limit + 1))


operations = st.lists(
    st.tuples(
        st.floats(0, 40, allow_nan=False),
        st.sampled_from(["call", "call", "call", "burst", "cancel", "throttle"]),
        st.integers(0, 2**16),
    ),
    max_size=25,
)


async def played(race: Race, moves: list[tuple[float, str, int]]) -> tuple[set[int], list[tuple[float, float]]]:
    """Play the moves; give the callers that were cancelled while waiting, and the pauses (from, to)."""
    cancelled: set[int] = set()
    pauses: list[tuple[float, float]] = []
    for delay, move, number in moves:
        await race.clock.advance(delay)
        if move in {"call", "burst"}:
            for _ in range(1 if move == "call" else 12):
                race.call()
        elif move == "throttle":
            seconds = float(number % 70)
            await race.limiter.throttled("k", seconds)
            pauses.append((race.clock.time, race.clock.time + seconds))
        elif race.tasks:
            chosen = number % len(race.tasks)
            await race.clock.settle()
            if not race.tasks[chosen].done():
                race.tasks[chosen].cancel()
                cancelled.add(chosen)
        await race.clock.settle()
    await race.finish()
    return cancelled, pauses


@steady
@given(moves=operations, limit=st.integers(1, 6), seed=st.integers(0, 2**16))
def test_never_more_than_the_limit(moves: list[tuple[float, str, int]], limit: int, seed: int) -> None:
    """Whatever calls, cancellations and pauses come: no crowd at the server, no start in a pause, first come first."""

    async def scenario() -> None:
        race = Race(limit, 60.0)
        cancelled, pauses = await played(race, moves)
        moments = [moment for _, _, moment in race.starts]
        rng = random.Random(seed)
        for travel in (0.0, 1.0):
            assert not crowded([moment + rng.uniform(0.0, travel) for moment in moments], limit, 60.0)
        by_caller = {number: moment for _, number, moment in race.starts}
        assert sorted(by_caller) == [number for number in range(len(race.tasks)) if number not in cancelled]
        assert [by_caller[number] for number in sorted(by_caller)] == pytest.approx(sorted(moments), abs=TINY)
        assert not any(begin + TINY < moment < end - TINY for moment in moments for begin, end in pauses)

    asyncio.run(scenario())


async def test_a_pause_releases_nobody_together_with_later_ones() -> None:
    """Callers booked for several windows keep their distance after a pause that outlasted them all."""
    race = Race(2, 60.0)
    for _ in range(6):
        race.call()
    await race.clock.advance(50)
    await race.limiter.throttled("k", 100)
    await race.finish()
    assert race.times() == pytest.approx([0, 0, 150, 150, 211, 211])


async def test_calls_during_a_pause_are_booked_after_it() -> None:
    """Who comes during a pause starts at its end, and counts from there."""
    race = Race(2, 60.0)
    await race.limiter.throttled("k", 30)
    for _ in range(3):
        race.call()
    await race.clock.advance(70)
    race.call()
    await race.finish()
    assert race.times() == pytest.approx([30, 30, 91, 91])


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    """Pauses do not add up, and the longest counts."""
    race = Race(5, 60.0)
    await race.limiter.throttled("k", 30)
    await race.limiter.throttled("k", 10)
    await race.limiter.throttled("k", 0)
    race.call()
    await race.finish()
    assert race.times() == pytest.approx([30])


async def test_a_cancelled_waiter_gives_its_turn_back() -> None:
    """The turn of the last waiter is free again when it leaves; cancellation itself gets through."""
    race = Race(1, 60.0)
    race.call()
    waiting = race.call()
    await race.clock.advance(10)
    waiting.cancel()
    await race.clock.settle()
    assert waiting.cancelled()
    race.call()
    await race.finish()
    assert race.times() == pytest.approx([0, 61])


async def test_many_cancelled_waiters_delay_nobody() -> None:
    """A thousand waiters that leave do not stand in the way of the next one."""
    race = Race(2, 60.0)
    first = [race.call(), race.call()]
    waiting = [race.call() for _ in range(1000)]
    await race.clock.advance(1)
    for task in waiting:
        task.cancel()
    await race.clock.settle()
    assert all(task.cancelled() for task in waiting)
    race.call()
    await race.clock.finish(race.tasks[-1], *first)
    assert race.times() == pytest.approx([0, 0, 61])


async def test_a_waiter_that_overslept_can_still_be_cancelled() -> None:
    """A machine that slept through the window and then cancels sees CancelledError, not another error."""

    class Oversleeping(TickingClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds + 500)

    clock = Oversleeping()
    limiter = SlidingLog(RateLimit(limit=1, per=60.0), clock)
    await limiter.turn("k")
    late = start(limiter.turn("k"))
    await clock.advance(400)
    await limiter.turn("k")
    late.cancel()
    await clock.settle()
    assert late.cancelled()


async def test_keys_do_not_know_each_other() -> None:
    """Neither a full log nor a pause of one key delays another."""
    race = Race(1, 60.0)
    race.call("a")
    race.call("a")
    await race.clock.settle()
    await race.limiter.throttled("a", 500)
    race.call("b")
    await race.finish()
    assert race.times("b") == [0.0]
    assert race.times("a") == pytest.approx([0.0, 500.0])


async def test_an_old_burst_is_forgotten() -> None:
    """After a quiet window the whole limit is there again."""
    race = Race(3, 60.0)
    for _ in range(3):
        race.call()
    await race.clock.advance(61)
    for _ in range(3):
        race.call()
    await race.finish()
    assert race.times() == pytest.approx([0, 0, 0, 61, 61, 61])


async def test_the_long_run_uses_the_limit() -> None:
    """Under constant demand, 98 % of what is allowed starts."""
    race = Race(50, 60.0)
    for _ in range(50 * 60):
        race.call()
    await race.clock.advance(60 * 50)
    assert len(race.starts) / (50 * 50) >= 0.98
    for task in race.tasks:
        task.cancel()
    await race.clock.settle()


@pytest.mark.parametrize(
    ("limit", "per"),
    [
        (0, 60.0),
        (-1, 60.0),
        (1, 0.0),
        (1, -1.0),
        (1, float("nan")),
        (1.5, 60.0),
        (True, 60.0),
        (float("nan"), 60.0),
        ("5", 60.0),
    ],
)
def test_bad_limits_are_refused(limit: Any, per: float) -> None:
    """A limit is a whole number of at least 1, in more than 0 seconds."""
    with pytest.raises(ConfigurationError, match="rate limit"):
        RateLimit(limit=limit, per=per)
