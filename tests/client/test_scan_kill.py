"""A reader of a scan that is killed with SIGKILL, windows under way, and goes on from its last saved checkpoint."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from datetime import datetime
from pathlib import Path

import pytest

from brex_accounting import UpdatedAt
from brex_accounting.sandbox import Fault, Sandbox

from ..forks import Forked, Forks
from .scanning import identities, make_uneven, whole

SCANNER = Path(__file__).with_name("scanner.py")
PAGE = 10

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


async def start(forks: Forks, sandbox: Sandbox, file: Path, time: UpdatedAt, hold_at: int, parallel: int = 4) -> Forked:
    assert isinstance(time.gte, datetime)
    assert isinstance(time.lt, datetime)
    bounds = [time.gte.isoformat(), time.lt.isoformat()]
    numbers = [str(number) for number in (PAGE, parallel, hold_at)]
    return await forks.start(sandbox.url, sandbox.token, str(file), *bounds, *numbers, script=str(SCANNER))


async def run_to_the_end(forks: Forks, sandbox: Sandbox, file: Path, time: UpdatedAt) -> None:
    reader = await start(forks, sandbox, file, time, 0)
    output, _ = await asyncio.wait_for(reader.communicate(), 60)
    assert (output, reader.returncode) == (b"done\n", 0)


async def run_and_kill(forks: Forks, sandbox: Sandbox, file: Path, time: UpdatedAt, hold_at: int) -> None:
    """Kill it after that many pages."""
    reader = await start(forks, sandbox, file, time, hold_at)
    assert reader.stdout is not None
    assert await asyncio.wait_for(reader.stdout.readline(), 60) == b"held\n"
    reader.kill()
    await reader.communicate()
    assert reader.returncode == -signal.SIGKILL


def seen(file: Path) -> list[tuple[str, int]]:
    return [(name, version) for line in file.read_text().splitlines() for name, version in json.loads(line)["seen"]]


@pytest.mark.parametrize("uneven", [0, 400])
async def test_killed_at_several_places(watchful_forks: Forks, tmp_path: Path, uneven: int) -> None:
    """Even data or 90 % of it in 1 % of the time, with answers under way: nothing skipped, nothing doubled."""
    file = tmp_path / "seen.jsonl"
    steps = [1, 1, 2, 5, 9]
    async with Sandbox(records=300, profile="mixed", faults=[Fault(kind="slow", every=11)]) as sandbox:
        make_uneven(sandbox, uneven)
        time = whole(sandbox)
        for number, step in enumerate(steps, start=1):
            await run_and_kill(watchful_forks, sandbox, file, time, step)
            assert len(file.read_text().splitlines()) == sum(steps[:number])
        sandbox.faults.clear()
        await run_to_the_end(watchful_forks, sandbox, file, time)
        assert sorted(seen(file)) == identities(sandbox)
        await run_to_the_end(watchful_forks, sandbox, file, time)
        assert sorted(seen(file)) == identities(sandbox)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_storm_of_kills(watchful_forks: Forks, tmp_path: Path, seed: int) -> None:
    """Killed at forty random moments, wherever it is then; every record version once in the end."""
    chance = random.Random(seed)
    file = tmp_path / "seen.jsonl"
    async with Sandbox(records=2000, profile="mixed", seed=seed) as sandbox:
        make_uneven(sandbox, 3000, seed)
        time = whole(sandbox)
        for _ in range(40):
            before = sandbox.statistics.requests
            reader = await start(watchful_forks, sandbox, file, time, 0, parallel=chance.choice([1, 4, 8]))
            until = before + chance.randrange(1, 30)
            while reader.returncode is None and sandbox.statistics.requests < until:
                await asyncio.sleep(0.001)
            await asyncio.sleep(chance.random() / 100)
            if reader.returncode is None:
                reader.kill()
            await reader.communicate()
        await run_to_the_end(watchful_forks, sandbox, file, time)
        assert sorted(cut_off(file)) == identities(sandbox)


def cut_off(file: Path) -> list[tuple[str, int]]:
    """What was seen; the last line is whole, since the last run came to its end."""
    assert file.read_bytes().endswith(b"\n")
    return seen(file)


@pytest.mark.slow
async def test_killed_after_every_page(watchful_forks: Forks, tmp_path: Path) -> None:
    """One process a page, as long as there are any."""
    file = tmp_path / "seen.jsonl"
    async with Sandbox(records=200) as sandbox:
        make_uneven(sandbox, 200)
        time = whole(sandbox)
        processes = 0
        while True:
            reader = await start(watchful_forks, sandbox, file, time, 1)
            assert reader.stdout is not None
            said = await asyncio.wait_for(reader.stdout.readline(), 60)
            if said == b"held\n":
                reader.kill()
            await reader.communicate()
            processes += 1
            if said == b"done\n":
                break
        assert sorted(seen(file)) == identities(sandbox)
        assert processes <= 80
