"""The sliding log on a simulated clock: never more than the limit, in order, and no turn lost."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import ConfigurationError, RateLimit

from .documents import thorough
from .racing import Race, crowded
from .ticking import TickingClock


def test_the_check_sees_a_crowd() -> None:
    """The helper that looks for crowds finds them."""
    assert crowded([0.0, 59.0], 1, 60.0)
    assert crowded([0.0, 1.0, 59.9], 2, 60.0)
    assert not crowded([0.0, 1.0, 60.0], 2, 60.0)


@pytest.mark.parametrize(("limit", "per"), [(1, 60.0), (2, 1.0), (10, 60.0), (100, 0.5), (1000, 60.0)])
async def test_a_burst(limit: int, per: float) -> None:
    """The first ``limit`` start at once, the next a window and its margin later, none lost."""
    race = Race(limit, per)
    await race.called(4 * limit + 1)
    await race.finish()
    window = per + per / 60
    assert race.times() == pytest.approx([number // limit * window for number in range(4 * limit + 1)])
    assert race.order() == list(range(4 * limit + 1))


calls = st.tuples(st.floats(0, 40), st.sampled_from(["call", "again", "burst"]), st.integers(0, 2**16))
throttles = st.tuples(st.floats(0, 40), st.just("throttle"), st.integers(0, 2**16))
cancels = st.tuples(st.floats(0, 40), st.just("cancel"), st.integers(0, 2**16))
Moves = list[tuple[float, str, int]]


async def played(race: Race, moves: Moves) -> tuple[set[int], set[int], list[tuple[float, float]]]:
    """Play the moves; who came again, who was cancelled while waiting, and the pauses (from, to)."""
    again: set[int] = set()
    cancelled: set[int] = set()
    pauses: list[tuple[float, float]] = []
    for delay, move, number in moves:
        await race.clock.advance(delay)
        if move == "throttle":
            await race.refused(float(number % 70))
            pauses.append((race.clock.time, race.clock.time + number % 70))
        elif move == "again":
            again.add(len(race.tasks))
            race.call(again=True)
        elif move != "cancel":
            await race.called(1 if move == "call" else 12)
        elif race.tasks and not race.tasks[chosen := number % len(race.tasks)].done():
            race.tasks[chosen].cancel()
            cancelled.add(chosen)
        await race.clock.settle()
    await race.finish()
    return again, cancelled, pauses


@thorough
@given(
    moves=st.lists(st.one_of(calls, calls, calls, throttles, cancels), max_size=25),
    limit=st.integers(1, 6),
    began=st.sampled_from([0.0, 1_000.0, 1e9 / 3]),
    seed=st.integers(0, 2**16),
)
def test_never_more_than_the_limit(moves: Moves, limit: int, began: float, seed: int) -> None:
    """Whatever comes: no crowd at the server, no start in a pause, nobody forgotten, each lane in order."""

    async def scenario() -> None:
        race = Race(limit, 60.0, TickingClock(began))
        again, cancelled, pauses = await played(race, moves)
        moments = [moment for _, _, moment in race.starts]
        rng = random.Random(seed)
        assert not crowded(moments, limit, 61.0)
        assert not crowded([moment + rng.choice([0.0, rng.random(), 1.0]) for moment in moments], limit, 60.0)
        assert sorted(race.order()) == [number for number in range(len(race.tasks)) if number not in cancelled]
        for lane in (again, set(race.order()) - again):
            started = [number for number in race.order() if number in lane]
            assert started == sorted(started)
        assert not any(begin < moment < end for moment in moments for begin, end in pauses)

    asyncio.run(scenario())


@thorough
@given(moves=st.lists(st.one_of(calls, cancels), max_size=30), limit=st.integers(1, 6))
def test_cancellation_conserves_turns(moves: Moves, limit: int) -> None:
    """Those who stay start exactly when they would have, had those who left never come."""

    async def scenario() -> None:
        race, alone = Race(limit, 60.0), Race(limit, 60.0)
        _, cancelled, _ = await played(race, moves)
        number = 0
        for delay, move, _ in moves:
            await alone.clock.advance(delay)
            for _ in range({"call": 1, "again": 1, "burst": 12}.get(move, 0)):
                if number not in cancelled:
                    alone.call(again=move == "again")
                number += 1
        await alone.finish()
        assert race.times() == pytest.approx(alone.times())

    asyncio.run(scenario())


@pytest.mark.parametrize("place", ["first", "middle", "last", "every second"])
async def test_many_cancelled_waiters_delay_nobody(place: str) -> None:
    """Of a thousand waiters, those that leave free the place of those that stay."""
    race = Race(10, 60.0)
    await race.called(1010)
    leaving = {
        "first": race.tasks[10:910],
        "middle": race.tasks[60:960],
        "last": race.tasks[110:],
        "every second": race.tasks[10::2],
    }[place]
    for task in leaving:
        task.cancel()
    await race.clock.settle()
    assert all(task.cancelled() for task in leaving)
    await race.clock.finish(*(task for task in race.tasks if task not in leaving))
    left = 1010 - len(leaving)
    assert race.times() == pytest.approx([number // 10 * 61.0 for number in range(left)])


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("woken", [True, False])
async def test_the_first_in_line_is_cancelled_and_then_the_next(woken: bool, turns: int) -> None:
    """Whether asleep, or just woken, or just called to the front: who is cancelled passes the turn on."""
    race = Race(1, 60.0)
    await race.called(4)
    if woken:
        race.clock.wake_next()
    race.tasks[1].cancel()
    for _ in range(turns):
        await asyncio.sleep(0)
    race.tasks[2].cancel()
    await race.clock.settle()
    if woken and not race.tasks[2].cancelled():
        assert turns >= 2  # by then it had its turn
        assert race.order() == [0, 2]
    else:
        await race.finish()
        assert race.order() == [0, 3]
        assert race.times() == pytest.approx([0, 61])
    assert race.tasks[1].cancelled()
    await race.finish()


async def test_everybody_leaves() -> None:
    """After all have left in one go, the next one finds a limiter as good as new."""
    race = Race(1, 60.0)
    await race.called(5)
    for task in race.tasks[1:]:
        task.cancel()
    await race.clock.advance(100)
    assert race.clock.sleepers == 0
    race.call()
    await race.finish()
    assert race.times() == pytest.approx([0, 100])


async def test_who_comes_again_goes_before_who_has_not_begun() -> None:
    """A call whose deadline runs does not wait behind thousands whose deadline does not."""
    race = Race(2, 60.0)
    await race.called(100)
    late = [race.call(again=True), race.call(again=True)]
    await race.finish()
    # Number 2 was first in line and slept already.
    assert race.order()[:6] == [0, 1, 2, 100, 101, 3]
    assert race.times()[:6] == pytest.approx([0, 0, 61, 61, 122, 122])
    assert all(task.done() for task in late)


async def test_a_newcomer_does_not_overtake() -> None:
    """Who comes when the window has just opened, and nobody in line has run yet, goes to its end."""
    race = Race(2, 60.0)
    await race.called(4)
    race.clock.wake_next()
    race.call()
    await race.finish()
    assert race.order() == [0, 1, 2, 3, 4]


async def test_only_the_first_in_line_sleeps() -> None:
    """Ten thousand waiters cost one timer at a time, and as many sleeps as there are windows."""
    race = Race(1000, 60.0)
    await race.called(10_000)
    assert race.clock.sleepers == 1
    await race.finish()
    assert race.clock.sleeps == 9
    assert race.times()[-1] == pytest.approx(9 * 61)


async def test_a_sleep_that_ends_early() -> None:
    """Timers may fire a little early; the turn is not."""

    asked: list[float] = []

    class Hasty(TickingClock):
        async def sleep(self, seconds: float) -> None:
            asked.append(seconds)
            await super().sleep(seconds - 1e-7)

    race = Race(1, 60.0, Hasty())
    await race.called(3)
    await race.finish()
    assert not crowded(race.times(), 1, 61.0)
    assert race.times() == pytest.approx([0, 61, 122])
    assert asked == pytest.approx([61, 1e-6, 61, 1e-6])  # never one that a clock might not notice


async def test_a_waiter_that_overslept() -> None:
    """A machine that slept through the window lets it be cancelled, and nobody starts twice."""

    class Oversleeping(TickingClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds + 500)

    race = Race(1, 60.0, Oversleeping())
    await race.called(3)
    await race.clock.advance(400)
    race.tasks[1].cancel()
    await race.finish()
    assert race.tasks[1].cancelled()
    assert race.times() == pytest.approx([0, 400])


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


async def test_idle_keys_are_forgotten() -> None:
    """Of ten thousand companies seen once, few are kept; a paused or lowered one is."""
    race = Race(1000, 60.0)
    await race.refused(30.0)
    logs: list[int] = []
    for number in range(10_000):
        race.call(f"company {number}")
        await race.clock.advance(0.01)
        logs.append(len(race.limiter._logs))
    assert max(logs) > 6_000  # so many were busy within a window
    assert race.limiter._many > 6_000  # and were not looked through for each new one
    assert "k" in race.limiter._logs
    assert race.allowed < 1000
    await race.clock.advance(10_000)
    for number in range(10_000):
        race.call(f"later {number}")
        await race.clock.advance(1.0)
    assert "k" not in race.limiter._logs
    assert len(race.limiter._logs) < 150
    await race.finish()


async def test_a_key_in_use_is_not_forgotten() -> None:
    """Not even when its pause has just ended, and whoever waits for it has not run yet."""
    race = Race(1, 60.0)
    await race.refused(30)
    race.call()
    for number in range(63):
        race.call(f"company {number}")
    await race.clock.settle()
    await race.clock.advance(29.0)
    race.clock.wake_next()
    await race.limiter.turn("one more")
    race.call()
    await race.finish()
    assert race.times() == pytest.approx([30, 91])


async def test_the_log_does_not_grow() -> None:
    """What is remembered of a key fits into one window."""
    race = Race(50, 60.0)
    await race.called(50 * 20)
    await race.finish()
    assert len(race.limiter._logs["k"].started) <= 50


@pytest.mark.parametrize(
    ("limit", "per"),
    [
        (0, 60.0),
        (-1, 60.0),
        (1, 0.0),
        (1, -1.0),
        (1, float("nan")),
        (1, float("inf")),
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
