"""Many calls at once: how many are under way, and who waits for whom."""

from __future__ import annotations

import asyncio
import gc
import logging

from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import RateLimit
from brex_accounting.session.call import Answer, Request
from brex_accounting.session.limiter import SlidingLog
from brex_accounting.session.manager import IN_FLIGHT, Manager
from brex_accounting.session.services import Options

from ..unit.documents import thorough
from ..unit.racing import crowded
from ..unit.ticking import TickingClock
from .stand_ins import Bench, a_call, reply


async def test_a_crowd_waits_before_its_turns() -> None:
    """Of a thousand gathered calls a hundred are under way; the rest wait without a turn, so without a deadline."""
    bench = Bench([])
    gate = asyncio.Event()
    under_way, most = 0, 0

    async def slow(request: Request, timeout: float) -> Answer:
        nonlocal under_way, most
        assert request.method == "GET"
        assert timeout > 0
        under_way += 1
        most = max(most, under_way)
        await gate.wait()
        under_way -= 1
        return reply()

    bench.transport.send = slow  # type: ignore[method-assign]
    calls = [asyncio.create_task(bench.run(key="k")) for _ in range(1000)]
    while under_way < IN_FLIGHT:
        await asyncio.sleep(0)
    assert bench.journal.count("turn k") == IN_FLIGHT
    gate.set()
    assert await asyncio.gather(*calls) == ["ok"] * 1000
    assert most == IN_FLIGHT


async def test_a_crowd_of_one_company_does_not_hold_up_another() -> None:
    """Calls of one key that wait for their turns take no slot of another key."""
    bench = Bench([reply()])
    forever = asyncio.Event()

    async def turn(key: str, *, again: bool = False) -> None:
        assert not again
        if key == "crowded":
            await forever.wait()

    bench.limiter.turn = turn  # type: ignore[method-assign]
    crowd = [asyncio.create_task(bench.run(key="crowded")) for _ in range(2 * IN_FLIGHT)]
    await asyncio.sleep(0)
    assert await asyncio.wait_for(bench.run(key="quiet"), 60) == "ok"
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)


async def test_a_key_leaves_nothing_behind() -> None:
    """A client that served ten thousand companies keeps no slots, and knows only of those that fared badly."""
    bench = Bench([])
    bench.transport.script += [reply(503)] * 4
    await bench.fail(key="bad")
    for number in range(10_000):
        bench.transport.script.append(reply())
        await bench.run(key=f"cuacc_{number}")
    gc.collect()
    assert len(bench.manager._slots) == 0
    assert len(bench.manager._health) < 200
    assert bench.manager.health("bad").quota < 500


class SlowTokens:
    """A source whose tokens take so many seconds each, and the last number for ever."""

    def __init__(self, clock: TickingClock, seconds: list[float]) -> None:
        self._clock = clock
        self._seconds = seconds

    async def token(self) -> str:
        """After its time."""
        seconds = self._seconds.pop(0) if len(self._seconds) > 1 else self._seconds[0]
        if seconds:
            await self._clock.sleep(seconds)
        return "t1"

    async def renew(self, refused: str) -> bool:
        """Never asked for."""
        raise AssertionError(refused)


async def _starts(limit: int, calls: int, slow: list[float]) -> list[float]:
    """The moments at which so many gathered calls were sent, with tokens that take their time."""
    clock, sent = TickingClock(), list[float]()

    class Noting:
        async def send(self, request: Request, timeout: float) -> Answer:
            assert (request.method, timeout) == ("GET", 30.0)
            sent.append(clock.time)
            return reply()

        async def aclose(self) -> None: ...

    manager = Manager(
        transport=Noting(),
        limiter=SlidingLog(RateLimit(limit=limit), clock),
        clock=clock,
        roll=lambda: 0.5,
        user_agent="test/1",
        observers=(),
        log=logging.getLogger("test_session"),
    )
    tokens = SlowTokens(clock, slow)
    tasks = [asyncio.ensure_future(manager.run(a_call(), "k", tokens, Options(deadline=1e4))) for _ in range(calls)]
    await clock.finish(*tasks)
    assert [task.result() for task in tasks] == ["ok"] * calls
    return sent


async def test_a_slow_first_token_crowds_no_window() -> None:
    """While a hundred calls wait 20 s for their first token, the window is not used twice."""
    sent = await _starts(1000, 2200, [20.0] * IN_FLIGHT + [0.0])
    assert len(sent) == 2200
    assert not crowded(sent, 1000, 60.0)


@thorough
@given(
    slow=st.lists(st.sampled_from([0.0, 0.0, 0.3, 0.5, 0.51, 3.0, 20.0, 61.0]), min_size=1, max_size=60),
    limit=st.integers(1, 30),
)
def test_tokens_that_take_their_time_crowd_no_window(slow: list[float], limit: int) -> None:
    """However long which token takes, never more than the limit start within a window."""
    sent = asyncio.run(_starts(limit, 60, slow))
    assert not crowded(sent, limit, 60.0)
