"""A ledger after SIGKILL: torn at every byte, killed between the writes of a change, written by two at once."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

import attrs
import pytest
from beancount import loader

from brex_accounting.models import Receipt
from brex_accounting.posters.beancount import BeancountPoster
from brex_accounting.posters.beancount.ledger import HEADER
from brex_accounting.sync.keys import export_key
from brex_accounting.sync.poster import Posted

from ..forks import Forked, Forks
from .booked import CHART, record
from .ledger_writer import BOOKED, KEYS, revisions

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is neither flock nor SIGKILL")


async def keys_of(path: Path) -> list[str]:
    """The keys in a ledger once it is mended."""
    await BeancountPoster(path, CHART).check()
    return [entry.key for entry in await BeancountPoster(path, CHART).entries()]


async def test_torn_at_every_byte_of_the_last_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut anywhere in a change, which is two entries: what is whole before the cut is there, and nothing else.

    Posting again makes the same ledger, byte for byte, from wherever it was cut.
    """
    monkeypatch.setattr("os.fsync", lambda _: None)  # nothing here is about the disk
    path = tmp_path / "brex.beancount"
    poster = BeancountPoster(path, CHART)
    first = attrs.evolve(record("BILL_EXPENSE", ["100"]), id="accr_1", memo="Größe: zwölf Stühle")
    second = attrs.evolve(first, memo="dreizehn Stühle")
    keys = [export_key("accr_1", revision) for revision in (1, 2)]
    assert await poster.post(first, key=keys[0], supersedes=None) == Posted(keys[0])
    one = path.stat().st_size
    assert await poster.post(second, key=keys[1], supersedes=keys[0]) == Posted(keys[1])
    whole = path.read_bytes()
    two = whole.index(b"\n; brex-begin accr_1.2\n")
    cuts = 0
    for cut in range(one, len(whole)):
        path.write_bytes(whole[:cut])
        poster = BeancountPoster(path, CHART)
        with poster._file.opened() as file:
            assert list(file.contents.index.entries) == [keys[0], *(["accr_1.2.rev"] if cut >= two else [])]
        assert path.read_bytes() == whole[: one if cut < two else two]
        if cut % 7 == 0:
            assert await poster.post(second, key=keys[1], supersedes=keys[0]) == Posted(keys[1])
            assert path.read_bytes() == whole
        cuts += 1
    assert cuts == len(whole) - one > 1_200


async def test_torn_in_the_header(tmp_path: Path) -> None:
    """Wherever it was cut it is written anew."""
    path = tmp_path / "brex.beancount"
    for cut in range(len(HEADER) + 1):
        path.write_bytes(HEADER[:cut])
        assert await keys_of(path) == []
        assert path.read_bytes() == HEADER


async def test_torn_in_the_receipts(tmp_path: Path) -> None:
    """They are linked again, and the entry is not touched."""
    path = tmp_path / "brex.beancount"
    poster = BeancountPoster(path, CHART, fetch=content)
    one, key = record(), export_key(record().id, 1)
    posted = await poster.post(one, key=key, supersedes=None)
    assert isinstance(posted, Posted)
    before = path.stat().st_size
    await poster.attach(one, key=key, posted=posted, receipts=[Receipt(id="r1")])
    whole = path.read_bytes()
    for cut in range(before, len(whole), 3):
        path.write_bytes(whole[:cut])
        again = BeancountPoster(path, CHART, fetch=content)
        assert await again.find(key) == posted
        await again.attach(one, key=key, posted=posted, receipts=[Receipt(id="r1")])
        assert path.read_bytes() == whole


async def content(receipt: Receipt) -> bytes:
    return receipt.id.encode()


# Real processes.


async def start(forks: Forks, path: Path, *arguments: int) -> Forked:
    return await forks.start(str(path), *map(str, arguments), module="tests.posters.ledger_writer")


async def said(process: Forked) -> list[str]:
    """The keys it printed until its end."""
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    return out.decode().split()[1:]


async def expected(tmp_path: Path, last: int) -> bytes:
    """The ledger of a process that nobody kills."""
    path = tmp_path / "expected.beancount"
    poster = BeancountPoster(path, CHART)
    for one in BOOKED[:last]:
        for revision, key, before in revisions(one):
            assert await poster.post(revision, key=key, supersedes=before) == Posted(key)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("writes", "left", "told"),
    [
        pytest.param(1, 0, 0, id="header", marks=pytest.mark.slow),
        pytest.param(2, 1, 0, id="entry", marks=pytest.mark.slow),
        pytest.param(3, 2, 1, id="between reversal and replacement"),
        pytest.param(4, 3, 1, id="replacement", marks=pytest.mark.slow),
    ],
)
async def test_killed_between_the_writes_of_a_change(
    forks: Forks, tmp_path: Path, writes: int, left: int, told: int
) -> None:
    """A real process, right after each of its writes: the next one goes on there, and each entry is written once."""
    path = tmp_path / "brex.beancount"
    process = await start(forks, path, 0, 1, 0, writes)
    assert await said(process) == KEYS[:told]
    assert process.returncode == -signal.SIGKILL
    assert len(await keys_of(path)) == left
    assert await said(await start(forks, path, 0, 1)) == KEYS[:2]
    assert await keys_of(path) == [KEYS[0], f"{KEYS[1]}.rev", KEYS[1]]
    assert path.read_bytes() == await expected(tmp_path, 1)


async def test_killed_at_random_bytes(forks: Forks, tmp_path: Path) -> None:
    """Each process dies in the middle of a write; in the end the ledger is the one of a process that nobody killed."""
    path, chance, last, kills, torn = tmp_path / "brex.beancount", random.Random(3), 3, 0, 0
    while True:
        process = await start(forks, path, 0, last, 1 << 20, chance.randrange(1_000, 7_000))
        posted = await said(process)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        size = path.stat().st_size
        assert set(posted) <= set(await keys_of(path))
        kills += 1
        torn += size > path.stat().st_size
    assert torn >= 2
    assert path.read_bytes() == await expected(tmp_path, last)
    assert loader.load_file(str(path))[1] == []


async def test_two_processes_write_one_ledger(forks: Forks, tmp_path: Path) -> None:
    """The same records and others at the same time, a few bytes at once: every entry is whole, and there once."""
    path = tmp_path / "brex.beancount"
    pair = [await start(forks, path, 0, 8, 97), await start(forks, path, 4, 12, 97)]
    told = [await said(process) for process in pair]
    assert told == [KEYS[:16], KEYS[8:24]]
    keys = [key for key in await keys_of(path) if not key.endswith(".rev")]
    assert sorted(keys) == sorted(KEYS[:24])
    assert len(await keys_of(path)) == 12 * 3
    assert loader.load_file(str(path))[1] == []
