"""The Monite commands as a user runs them, against a local Monite on a real port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from brex_accounting.sandbox import Fault
from brex_accounting.sandbox.monite import MoniteRules, MoniteSandbox

from .conftest import Shell

UNKNOWN = "00000000-0000-4000-8000-000000000000"
CONNECTIONS = ("monite", "connections")


@pytest.fixture
async def monite(shell: Shell) -> AsyncIterator[MoniteSandbox]:
    """A local Monite that the shell's environment names."""
    async with MoniteSandbox(rules=MoniteRules(rate_limit=None)) as running:
        shell.environment |= {
            "MONITE_BASE_URL": running.url,
            "MONITE_CLIENT_ID": running.client_id,
            "MONITE_CLIENT_SECRET": running.client_secret,
            "MONITE_ENTITY_ID": running.entity_id,
        }
        yield running


def only(text: str) -> Any:
    (line,) = text.splitlines()
    return json.loads(line)


async def test_a_life(shell: Shell, monite: MoniteSandbox) -> None:
    """Created, authorised, listed, synced, read and disconnected: data on stdout, words on stderr."""
    made = await shell(*CONNECTIONS, "create")
    connection = only(made.out)
    assert (made.code, connection["status"]) == (0, "pending_auth")
    assert connection["connection_url"] in made.err
    async with aiohttp.ClientSession() as browser, browser.get(connection["connection_url"]):
        pass
    id_ = connection["id"]
    listed = await shell(*CONNECTIONS, "list")
    assert [json.loads(line)["status"] for line in listed.lines] == ["connected"]
    started = await shell(*CONNECTIONS, "sync", id_)
    assert (started.code, started.out) == (0, "")
    assert "Started" in started.err
    synced = await shell(*CONNECTIONS, "sync", id_, "--wait", "60")
    assert only(synced.out)["last_pull"]
    assert only((await shell(*CONNECTIONS, "get", id_)).out)["id"] == id_
    assert only((await shell(*CONNECTIONS, "disconnect", id_, "--yes")).out)["status"] == "disconnected"
    assert monite.monite.connections(monite.entity_id)[0].status == "disconnected"


async def test_waiting_for_the_person(shell: Shell, monite: MoniteSandbox) -> None:
    """``create --wait`` ends when the connection is authorised."""
    process = await shell.start(*CONNECTIONS, "create", "--wait", "60", stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    url = (await asyncio.wait_for(process.stderr.readline(), 60)).decode().split()[-1]
    async with aiohttp.ClientSession() as browser, browser.get(url):
        pass
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert only(out.decode())["status"] == "connected"
    assert process.returncode == 0
    assert monite.monite.granted == 1


async def test_nobody_comes(shell: Shell, monite: MoniteSandbox) -> None:
    """The wait fails, and the connection is printed all the same."""
    ended = await shell(*CONNECTIONS, "create", "--wait", "0.1")
    assert ended.code == 1
    assert "not connected within 0.1 s" in ended.err
    assert only(ended.out)["id"] == monite.monite.connections(monite.entity_id)[0].id


async def test_a_disconnect_wants_a_yes(shell: Shell, monite: MoniteSandbox) -> None:
    """Without it nothing is asked."""
    ended = await shell(*CONNECTIONS, "disconnect", UNKNOWN)
    assert ended.code == 2
    assert "--yes" in ended.err
    assert monite.statistics.requests == 0


async def test_a_server_that_says_no(shell: Shell, monite: MoniteSandbox) -> None:
    """One line with its words, and what it is called by its support; as JSON on request."""
    made = monite.monite.create(monite.entity_id)
    ended = await shell(*CONNECTIONS, "get", made.id, "--entity", UNKNOWN)
    assert (ended.code, ended.out) == (1, "")
    assert "answered 404 (trace id sandbox-" in ended.err
    assert "There is no such connection." in ended.err
    assert ended.err.count("\n") == 1
    monite.faults.add(Fault(kind="drop-after", every=1, method="POST", path="/accounting_connections"))
    lost = json.loads((await shell(*CONNECTIONS, "create", "--json")).err)["error"]
    assert (lost["type"], lost["may_have_happened"]) == ("APIConnectionError", True)


async def test_what_is_missing_is_named(shell: Shell) -> None:
    """A newcomer has no credentials."""
    ended = await shell(*CONNECTIONS, "list")
    assert ended.code == 2
    assert "MONITE_CLIENT_ID" in ended.err


async def test_the_local_monite_is_served(shell: Shell) -> None:
    """``sandbox --provider monite`` prints what the other commands read from the environment."""
    process = await shell.start("sandbox", "--provider", "monite", stderr=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    lines = [(await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip() for _ in range(4)]
    assignments = dict(line.split("=", 1) for line in lines)
    assert set(assignments) == {f"MONITE_{name}" for name in ("BASE_URL", "CLIENT_ID", "CLIENT_SECRET", "ENTITY_ID")}
    shell.environment |= assignments
    assert only((await shell(*CONNECTIONS, "create")).out)["status"] == "pending_auth"
    process.terminate()
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 143
    assert b"served 2 requests" in err


async def test_options_of_the_other_provider(shell: Shell) -> None:
    """Refused instead of ignored."""
    ended = await shell("sandbox", "--provider", "monite", "--retry-after")
    assert ended.code == 2
    assert "local Brex alone" in ended.err
