"""Pieces of long work: one in each turn of the loop, in the order of asking, whoever is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

import attrs
import pytest

from brex_accounting.errors import DecodeError
from brex_accounting.session.call import Call, Reply
from brex_accounting.session.loop_turns import LoopTurns

from .stand_ins import Bench, a_call, reply


class Turns:
    """Counts the turns of the loop while it is open."""

    def __init__(self) -> None:
        self.count = 0
        self._handle: asyncio.Handle | None = None

    def __enter__(self) -> Turns:
        self._tick()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._handle is not None
        self._handle.cancel()

    def _tick(self) -> None:
        self.count += 1
        self._handle = asyncio.get_running_loop().call_soon(self._tick)


async def test_alone_nobody_waits() -> None:
    """The first to ask in a turn goes on at once, in any number of turns."""
    line = LoopTurns()
    with Turns() as turns:
        for _ in range(5):
            before = turns.count
            await line.take()
            assert turns.count == before
            await asyncio.sleep(0)


async def test_one_piece_in_each_turn() -> None:
    """Of twenty that ask at once each works in a turn of its own, first come, first served."""
    line, worked = LoopTurns(), list[tuple[int, int]]()
    with Turns() as turns:

        async def work(name: int) -> None:
            await line.take()
            worked.append((name, turns.count))

        await asyncio.gather(*map(work, range(20)))
    assert [name for name, _ in worked] == list(range(20))
    counts = [count for _, count in worked]
    assert len(set(counts)) == 20
    assert counts[-1] - counts[1] == 18, "and once there is a line, no turn is left unused"


async def test_work_in_many_pieces_takes_its_place_in_the_line() -> None:
    """One that asks again stands behind those that asked before it."""
    line, worked = LoopTurns(), list[str]()

    async def work(name: str, pieces: int) -> None:
        for _ in range(pieces):
            await line.take()
            worked.append(name)

    await asyncio.gather(work("long", 3), work("a", 1), work("b", 1))
    assert worked == ["long", "long", "a", "b", "long"], "its second piece was asked for before the others began"


@pytest.mark.parametrize("turns_before", range(5))
async def test_a_cancelled_place_holds_nobody_up(turns_before: int) -> None:
    """Whichever are cancelled, in the line or just called from it, the others work and the line ends empty."""
    line, worked = LoopTurns(), list[int]()

    async def work(name: int) -> None:
        await line.take()
        worked.append(name)

    tasks = [asyncio.create_task(work(name)) for name in range(6)]
    for _ in range(turns_before):
        await asyncio.sleep(0)
    for name in (1, 2, 4):
        tasks[name].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    finished = [name for name, result in enumerate(done) if result is None]
    assert worked == finished
    assert {0, 3, 5} <= set(finished)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with Turns() as turns:
        before = turns.count
        await line.take()
        assert turns.count == before, "whoever comes later does not wait"


def in_steps(pieces: int, error: DecodeError | None = None) -> Call[str]:
    """A call whose answer takes so many pieces to decode."""

    def steps(answer: Reply) -> Generator[None, None, str]:
        for _ in range(pieces - 1):
            yield
        if error is not None:
            raise error
        return answer.body.decode()

    return attrs.evolve(a_call(), decode_in_steps=steps)


@pytest.mark.parametrize("pieces", [1, 2, 5])
async def test_a_call_pauses_between_the_steps_of_its_decoding(pieces: int) -> None:
    """The loop turns at least once between two steps, and the result is that of the last."""
    bench = Bench([reply(200, b"ok")])
    with Turns() as turns:
        assert await bench.run(in_steps(pieces)) == "ok"
    assert turns.count >= pieces


async def test_an_error_in_a_later_step_is_that_of_the_call() -> None:
    """It is marked with the call like one of the first step."""
    bench = Bench([reply(200, b"ok")])
    with pytest.raises(DecodeError, match=r"expected text at \$ in the answer to GET /things") as caught:
        await bench.run(in_steps(3, DecodeError("expected text at $")))
    assert len(caught.value.attempts) == 1


async def test_a_call_can_be_cancelled_between_steps() -> None:
    """Its task ends there, and its slot and its place in the line are free."""
    bench = Bench([reply(200, b"ok"), reply(200, b"ok")])
    task = asyncio.create_task(bench.run(in_steps(10**9)))
    for _ in range(50):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await bench.run(in_steps(2)) == "ok"
