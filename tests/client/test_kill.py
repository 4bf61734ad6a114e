"""A reader that is killed with SIGKILL and goes on from its last saved checkpoint."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from pathlib import Path

import attrs
import pytest

from brex_accounting.enums import ReviewStatus
from brex_accounting.sandbox import Fault, Sandbox

from ..forks import Forked, Forks
from .support import held

READER = Path(__file__).with_name("reader.py")
PAGE = 7

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


async def start(forks: Forks, sandbox: Sandbox, file: Path, hold_at: int, prefetch: int = 0) -> Forked:
    arguments = [sandbox.url, sandbox.token, str(file), str(PAGE), str(hold_at), str(prefetch)]
    return await forks.start(*arguments, script=str(READER))


async def run_to_the_end(forks: Forks, sandbox: Sandbox, file: Path, prefetch: int = 0) -> None:
    reader = await start(forks, sandbox, file, 0, prefetch)
    output, _ = await asyncio.wait_for(reader.communicate(), 60)
    assert (output, reader.returncode) == (b"done\n", 0)


async def run_and_kill(forks: Forks, sandbox: Sandbox, file: Path, hold_at: int, prefetch: int = 0) -> bool:
    """Kill it after that many records; False when it came to the end before."""
    reader = await start(forks, sandbox, file, hold_at, prefetch)
    assert reader.stdout is not None
    said = await asyncio.wait_for(reader.stdout.readline(), 60)
    if said == b"held\n":
        reader.kill()
    await reader.communicate()
    assert reader.returncode == (-signal.SIGKILL if said == b"held\n" else 0)
    return said == b"held\n"


async def asked_for(sandbox: Sandbox, requests: int) -> None:
    """Wait until so many requests have come. One that is to be slow is not answered before this returns."""
    async with asyncio.timeout(60):
        while sandbox.statistics.requests < requests:
            await asyncio.sleep(0.005)


def seen(file: Path) -> list[tuple[str, int]]:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [(line["id"], line["version"]) for line in lines]


def states(sandbox: Sandbox) -> list[tuple[str, int]]:
    return [(record.id, record.version) for record in held(sandbox)]


@pytest.mark.parametrize("prefetch", [0, 1])
async def test_killed_at_twelve_places(watchful_forks: Forks, tmp_path: Path, prefetch: int) -> None:
    """In one walk of 60 records, killed around page edges: none skipped, none doubled, with a page ahead or without."""
    file = tmp_path / "seen.jsonl"
    # After 1, 6, 7, 8, 13, 14, 15, 21, 22, 28, 35 and 59 records: in a page, at its end, at the next one's start.
    steps = [1, 5, 1, 1, 5, 1, 1, 6, 1, 6, 7, 24]
    async with Sandbox(records=60, profile="mixed") as sandbox:
        for number, step in enumerate(steps, start=1):
            assert await run_and_kill(watchful_forks, sandbox, file, step, prefetch)
            assert len(seen(file)) == sum(steps[:number])
        await run_to_the_end(watchful_forks, sandbox, file, prefetch)
        assert seen(file) == states(sandbox)


async def test_killed_while_an_answer_is_awaited(watchful_forks: Forks, tmp_path: Path) -> None:
    """Killed in the middle of a request, on the first page and later: nothing is lost or doubled."""
    file = tmp_path / "seen.jsonl"
    async with Sandbox(records=30) as sandbox:
        for page in (1, 2, 3):
            sandbox.faults.clear()
            sandbox.faults.add(Fault(kind="slow", every=page))
            asked = sandbox.statistics.requests
            reader = await start(watchful_forks, sandbox, file, 0)
            await asked_for(sandbox, asked + page)
            reader.kill()
            await reader.communicate()
        sandbox.faults.clear()
        await run_to_the_end(watchful_forks, sandbox, file)
        assert seen(file) == states(sandbox)


def disturb(sandbox: Sandbox, chance: random.Random, last: str) -> None:
    """Move, add and remove records, among them the last one that was read."""
    table = sandbox.brex.table
    current = held(sandbox)
    for record in chance.sample(current, 3):
        row = table.row_of(record.id)
        assert row is not None
        table.change(row, chance.choice(list(ReviewStatus)), sandbox.brex.now())
    new = f"accr_new_{chance.randrange(10**9)}"
    table.put(attrs.evolve(current[0], id=new, version=1, updated_at=sandbox.brex.now()))
    for name in (last, chance.choice(current).id):
        row = table.row_of(name)
        if row is not None:
            table.remove(row)


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_while_records_change(watchful_forks: Forks, tmp_path: Path, seed: int) -> None:
    """Records move, appear and go between kill and resume, the last one read too: none is skipped."""
    file = tmp_path / "seen.jsonl"
    chance = random.Random(seed)
    async with Sandbox(records=60, profile="awkward", seed=seed) as sandbox:
        kills = 0
        for step in (3, 4, 7, 1, 10, 14):
            if not await run_and_kill(watchful_forks, sandbox, file, step):
                break
            kills += 1
            disturb(sandbox, chance, seen(file)[-1][0])
        await run_to_the_end(watchful_forks, sandbox, file)
        assert kills == 6
        assert set(states(sandbox)) <= set(seen(file))
        repeats = sum(count - 1 for count in Counter(seen(file)).values())
        assert repeats <= kills * (PAGE - 1)  # a page starts over when its last record is gone


@pytest.mark.parametrize("when", ["between records", "in a request"])
async def test_interrupted_like_with_ctrl_c(watchful_forks: Forks, tmp_path: Path, when: str) -> None:
    """SIGINT ends it with KeyboardInterrupt and nothing else on stderr; the rest follows exactly."""
    file = tmp_path / "seen.jsonl"
    async with Sandbox(records=30) as sandbox:
        sandbox.faults.add(Fault(kind="slow", every=3))
        reader = await start(watchful_forks, sandbox, file, 10 if when == "between records" else 0)
        if when == "between records":
            assert reader.stdout is not None
            assert await asyncio.wait_for(reader.stdout.readline(), 60) == b"held\n"
        else:
            await asked_for(sandbox, 3)
        reader.send_signal(signal.SIGINT)
        _, errors = await reader.communicate()
        assert reader.returncode == -signal.SIGINT
        assert errors.rstrip().endswith(b"KeyboardInterrupt")
        assert not any(word in errors for word in (b"Warning", b"Unclosed", b"unclosed", b"destroyed", b"never"))
        sandbox.faults.clear()
        await run_to_the_end(watchful_forks, sandbox, file)
        assert seen(file) == states(sandbox)


@pytest.mark.slow
async def test_killed_at_every_record(watchful_forks: Forks, tmp_path: Path) -> None:
    """Sixty processes, each killed after one more record: all sixty, in order, once."""
    file = tmp_path / "seen.jsonl"
    async with Sandbox(records=60, profile="mixed") as sandbox:
        for number in range(1, 61):
            assert await run_and_kill(watchful_forks, sandbox, file, 1)
            assert len(seen(file)) == number
        await run_to_the_end(watchful_forks, sandbox, file)
        assert seen(file) == states(sandbox)


@pytest.mark.slow
async def test_killed_after_every_count(watchful_forks: Forks, tmp_path: Path) -> None:
    """Killed once, after each count from 1 to 30 in turn, then read to the end: all thirty, once."""
    # Four whole pages and a part of one: every place of a page, the last one too. Each count takes two processes.
    async with Sandbox(records=30) as sandbox:
        for count in range(1, 31):
            file = tmp_path / f"seen-{count}.jsonl"
            assert await run_and_kill(watchful_forks, sandbox, file, count)
            await run_to_the_end(watchful_forks, sandbox, file)
            assert seen(file) == states(sandbox)
