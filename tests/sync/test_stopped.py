"""A worker that is stopped past its lease and goes on, while another one has taken over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import attrs
import pytest

from brex_accounting.sync.states import State

from .lives import Company, Workers, company, document

BEFORE_THE_CHECK = "store.renew:before"
BEFORE_THE_POST = "poster.post:before"
BEFORE_THE_REPORT = "brex.report:before"
ONE = "accr_1"


@attrs.frozen
class Ended:
    """What came of it: documents, and the record's state before and after the stopped worker went on."""

    documents: int
    taken_over: State
    at_last: State
    said: str


async def stopped(world: Company, failpoint: str, seconds: float | None = None) -> Ended:
    """Stop a worker there, let another one work, and let the first go on. No ``seconds``: Brex's clock jumps."""
    world.put(document(ONE))
    first = world.workers.start(world.life(failpoint=failpoint, action="stop"))
    assert await first.until_struck()
    if seconds is None:
        world.jump()
    else:
        await asyncio.sleep(seconds)
    _, end = await world.run()
    assert end.status == 0
    [export] = await world.exports()
    await first.go_on()
    assert (await first.ended()).status == 0
    await world.settled()
    [last] = await world.exports()
    documents = (await world.documents()).get((ONE, 1), 0)
    return Ended(documents, export.state, last.state, world.status_at_brex(ONE))


REPORTED = (State.REPORTED, "EXPORTED")
PARKED = (State.UNCONFIRMED, "READY_FOR_EXPORT")
# Where it was stopped, the poster, how many documents there are in the end, and how the record ends
CASES = [
    # The lease is asked for right before the post: whoever slept past it posts nothing.
    *((BEFORE_THE_CHECK, poster, 1, REPORTED) for poster in ("same_key", "find", "csv")),
    (BEFORE_THE_CHECK, "park", 0, PARKED),
    # Between that and the post nobody can ask any more: here the books must know the key.
    *((BEFORE_THE_POST, poster, 1, REPORTED) for poster in ("same_key", "csv")),
    (BEFORE_THE_POST, "find", 2, REPORTED),
    (BEFORE_THE_POST, "park", 1, PARKED),
    *((BEFORE_THE_REPORT, poster, 1, REPORTED) for poster in ("same_key", "find", "park", "csv")),
]


async def all_of_them(folder: Path, lease: float, seconds: float | None) -> list[tuple[int, tuple[State, str]]]:
    async def one(workers: Workers, number: int, failpoint: str, poster: str) -> Ended:
        async with company(workers, folder / str(number), poster, lease=lease) as world:
            return await stopped(world, failpoint, seconds)

    async with Workers() as workers:
        ends = await asyncio.gather(*(one(workers, number, *case[:2]) for number, case in enumerate(CASES)))
    assert [end.taken_over for end in ends] == [end.at_last for end in ends]
    return [(end.documents, (end.at_last, end.said)) for end in ends]


async def test_stopped_and_gone_on(tmp_path: Path) -> None:
    """No second document, but for one case that no store can prevent: books that can only be asked beforehand."""
    assert await all_of_them(tmp_path, 30.0, None) == [case[2:] for case in CASES]


@pytest.mark.slow
async def test_ten_seconds_past_the_lease(tmp_path: Path) -> None:
    """The same by real time: leases of two seconds, and workers that are stopped for twelve."""
    assert await all_of_them(tmp_path, 2.0, 12.0) == [case[2:] for case in CASES]
