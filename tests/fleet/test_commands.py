"""The fleet from the command line: made, filled, run, looked at, and a company let go."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import attrs
import msgspec

from brex_accounting.sandbox.rules import ALL_SCOPES
from brex_accounting.sync.fleet import Keyring

from ..forks import ROOT
from .nursery import Nursery
from .town import Town, town

BOOKS = """
import os
import msgspec
from tests.fleet.orders import Orders
from tests.fleet.struck import Struck

STRUCK = Struck(msgspec.json.decode(os.environ["TOWN"], type=Orders))

def export(brex, company_id, store):
    return STRUCK.make(brex, company_id, store)
"""


@attrs.frozen
class Terminal:
    """Commands in the folder of the books."""

    folder: Path
    env: dict[str, str]
    group: str = "fleet"

    async def begin(self, *words: str) -> Process:
        command = (sys.executable, "-m", "brex_accounting", self.group, *words)
        return await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env=self.env, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )

    async def run(self, *words: str, given: str = "") -> tuple[int, str, str]:
        process = await self.begin(*words)
        out, err = await process.communicate(given.encode())
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


def terminal(there: Town, folder: Path) -> Terminal:
    (folder / "books.py").write_text(BOOKS)
    orders = there.orders
    return Terminal(
        folder,
        os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "TOWN": msgspec.json.encode(orders).decode(),
            "BREX_BASE_URL": orders.brex,
            "BREX_FLEET_DATABASE": orders.dsn,
            "BREX_FLEET_KEYS": orders.key,
        },
    )


async def test_a_company_is_retired_once_all_is_reported(dsn: str, nursery: Nursery, tmp_path: Path) -> None:
    """Without the right to report it is PAUSED with one document, and stays; with it, it goes, and so do its tokens."""
    async with town(dsn, tmp_path, nursery, companies=1) as there, AsyncExitStack() as ending:
        (company_id,) = there.companies
        brex, shell = there.companies[company_id].brex, terminal(there, tmp_path)
        assert there.fleet is not None
        brex.tokens["canary"] = frozenset({"accounting.record.read"})
        assert (await shell.run("init"))[0] == 0
        assert (await shell.run("add-company", company_id, given="canary\n"))[0] == 0
        worker = await shell.begin("run", "books:export", "--polls", "2")
        ending.callback(_kill, worker)
        await there.status_when(lambda status: len(status.paused) == 1 and not status.running)

        code, out, _ = await shell.run("status")
        assert code == 0
        assert "posted, not reported  1" in out
        assert "PAUSED" in out
        code, out, err = await shell.run("retire-company", company_id, "books:export")
        assert (code, "1 documents are not reported" in err) == (1, True)

        brex.tokens["canary"] = ALL_SCOPES
        assert await there.fleet.trigger(company_id)
        await there.exported()
        await there.status_when(lambda status: not (status.unreported or status.running))
        code, _, err = await shell.run("retire-company", company_id, "books:export")
        assert code == 0, err
        facts: dict[str, Any] = msgspec.json.decode((await shell.run("status", "--json"))[1])
        assert (facts["companies"], facts["retired"], facts["attention"]) == (0, 1, [])
        worker.send_signal(signal.SIGTERM)
        out_of_it = await worker.communicate()
        assert worker.returncode == 0
        assert b"canary" not in b"".join(out_of_it)


async def test_a_new_key_opens_what_it_sealed(tmp_path: Path) -> None:
    """It is printed alone, for BREX_FLEET_KEYS."""
    code, out, err = await Terminal(tmp_path, os.environ | {"PYTHONPATH": str(ROOT)}).run("new-key")
    assert (code, err) == (0, "")
    keyring = Keyring([out.strip()])
    assert keyring.unseal(keyring.seal(b"token")) == b"token"


def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()


async def test_wrong_use_is_told(tmp_path: Path) -> None:
    """No database, no key, no module: each says what to set, with exit code 2."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BREX_")}
    shell = Terminal(tmp_path, plain | {"PYTHONPATH": str(ROOT)})
    ready = attrs.evolve(shell, env=shell.env | {"BREX_FLEET_DATABASE": "host=nowhere"})
    told = await asyncio.gather(
        shell.run("init"), ready.run("status"), ready.run("run", "nowhere:export"), ready.run("run", "books")
    )
    assert [code for code, _, _ in told] == [2, 2, 2, 2]
    for (_, _, err), words in zip(
        told, ("BREX_FLEET_DATABASE", "BREX_FLEET_KEYS", "nowhere", "books:export"), strict=True
    ):
        assert words in err
