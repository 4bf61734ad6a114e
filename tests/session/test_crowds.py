"""Many calls at once: how many are under way, and who waits for whom."""

from __future__ import annotations

import asyncio

from brex_accounting.session.call import Answer, Request
from brex_accounting.session.manager import IN_FLIGHT

from .stand_ins import Bench, reply


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
    assert await asyncio.wait_for(bench.run(key="quiet"), 5) == "ok"
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
