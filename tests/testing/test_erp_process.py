"""The fake ERP as a process, killed with SIGKILL by itself and by others."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import aiohttp
import pytest

from brex_accounting.testing.erp import ErpProcess

from ..forks import Forks
from .support import Client, client_of, entry

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
MODULE = [sys.executable, "-m", "brex_accounting.testing.erp"]


@pytest.mark.parametrize("kind", ["crash", "crash-before", "crash-after"])
async def test_it_crashes_at_the_ordered_document(tmp_path: Path, kind: str) -> None:
    """At the third: what came before is there, the third only if it was committed, and its key tells."""
    with ErpProcess(tmp_path / "erp.db") as erp:
        async with client_of(erp) as client:
            await erp.control.order(kind, at=3, **({"path": "journal", "method": "POST"} if kind == "crash" else {}))
            for number in (1, 2):
                assert (await client.create(entry(f"k-{number}"))).status == 201
            with pytest.raises(aiohttp.ClientError):
                await client.create(entry("k-3"))
        assert erp.wait() == -signal.SIGKILL
        erp.start()
        there = {"k-1": 1, "k-2": 1} | ({"k-3": 1} if kind == "crash-after" else {})
        assert (await erp.control.counts()).by_key == there
        async with client_of(erp) as client:
            assert (await client.create(entry("k-3"))).status == (200 if kind == "crash-after" else 201)


async def test_a_superseding_entry_is_whole_or_not_there(tmp_path: Path) -> None:
    """Killed before and after its commit, the old and the new document never count both, nor neither."""
    with ErpProcess(tmp_path / "erp.db") as erp:
        async with client_of(erp) as client:
            await client.create(entry("r.1", record="r", revision=1))
        for kind in ("crash-before", "crash-after"):
            await erp.control.order(kind, next=1)
            async with client_of(erp) as client:
                with pytest.raises(aiohttp.ClientError):
                    await client.create(entry("r.2", "99", record="r", revision=2, supersedes="r.1"))
            erp.wait()
            erp.start()
            assert (await erp.control.counts()).standing == {"r": 1}
        assert str((await erp.control.summary()).accounts["6100"]["USD"].net) == "99"


async def test_killed_again_and_again_it_keeps_every_answer(tmp_path: Path) -> None:
    """Ten kills at random moments under load: each 201 that came is there, and each key has one document at most."""
    chance, confirmed, kills, number = random.Random(5), set[str](), 10, 0
    with ErpProcess(tmp_path / "erp.db") as erp:
        for _ in range(kills):
            before = len(confirmed)
            async with client_of(erp) as client, asyncio.TaskGroup() as tasks:
                for _ in range(8):
                    number += 1
                    tasks.create_task(create_until_it_dies(client, f"w{number}", confirmed))
                await asyncio.sleep(chance.uniform(0.0, 0.15))
                async with asyncio.timeout(30):
                    while len(confirmed) == before:
                        await asyncio.sleep(0.001)
                erp.kill()
            erp.start()
        counts = await erp.control.counts()
    assert confirmed <= counts.by_key.keys()
    assert counts.doubled == ()


async def create_until_it_dies(client: Client, name: str, confirmed: set[str]) -> None:
    for number in range(10_000):
        try:
            answer = await client.create(entry(f"{name}-{number}"))
        except aiohttp.ClientError:
            return
        assert answer.status == 201
        confirmed.add(f"{name}-{number}")


def test_the_child_ends_with_its_parent(tmp_path: Path) -> None:
    """Killed itself, the starter leaves no ERP behind."""
    starter = (
        "import sys, time\n"
        "from brex_accounting.testing.erp import ErpProcess\n"
        "with ErpProcess(sys.argv[1]) as erp:\n"
        "    print(erp.url, flush=True)\n"
        "    time.sleep(60)\n"
    )
    arguments = [sys.executable, "-c", starter, str(tmp_path / "erp.db")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        process.kill()
    deadline = time.monotonic() + 20
    while listens(url):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def listens(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 5).close()
    except ConnectionError:
        return False
    return True


def test_the_command(tmp_path: Path) -> None:
    """It prints URL and token, takes options and orders, and Ctrl-C ends it without a word."""
    arguments = ["--store", str(tmp_path / "erp.db"), "--set", "dedupe=none", "--order", "500:next=1"]
    with subprocess.Popen([*MODULE, *arguments], stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().removeprefix("ERP_URL=")
        assert process.stdout.readline() == "ERP_TOKEN=erp_fake\n"
        with pytest.raises(urllib.error.HTTPError, match="500") as caught:
            urllib.request.urlopen(f"{url}/v1/company", timeout=30)
        caught.value.close()
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=30)
    assert (process.returncode, words) == (130, "")


@pytest.mark.parametrize(
    "wrong", [["--set", "x"], ["--set", "x=1"], ["--order", "x"], ["--store", "/nowhere/x.db"], ["--store", __file__]]
)
async def test_wrong_arguments(forks: Forks, tmp_path: Path, wrong: list[str]) -> None:
    """One line that says what is possible, exit code 2."""
    arguments = ["--store", str(tmp_path / "erp.db"), *wrong]
    process = await forks.start(*arguments, module="brex_accounting.testing.erp")
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out, err.count(b"\n")) == (2, b"", 1)


def test_help_names_every_kind_and_option() -> None:
    """Whoever asks for help sees what can be ordered and set."""
    done = subprocess.run([*MODULE, "--help"], capture_output=True, text=True, timeout=60, check=True)
    for word in ("crash-after", "closed_through", "rate_limit", "drop-after"):
        assert word in done.stdout
