"""How commands end when something is wrong: one line, what to try next, an exit code, no traceback."""

from __future__ import annotations

import asyncio
import json
import socket
import sys

import pytest

from brex_accounting.cli.commands import _COMMANDS
from brex_accounting.sandbox import Fault, Sandbox

from .conftest import Ended, Shell

EXPORT = ["export", "--store", "exports.db", "--csv", "journal.csv", "--post-from", "2026-01-01"]
TOKEN = {"BREX_TOKEN": "bxt_secret_canary", "BREX_BASE_URL": "http://127.0.0.1:9"}


def failed_with_one_line(ended: Ended, code: int) -> None:
    assert ended.code == code, ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert "canary" not in ended.err
    assert ended.err.count("\n") == 1
    assert ended.err.strip()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["nonsense"], "--help"),
        (["records", "nonsense"], "--help"),
        (["records", "list", "--nonsense"], "--help"),
        (["records", "list", "--page-size", "many"], "--help"),
        (["records", "list", "--page-size", "0"], "page_size"),
        (["records", "list", "--max-items", "0"], "max_items"),
        (["records", "list", "--review-status", "READY"], "READY_FOR_EXPORT"),
        (["records", "list", "--review-status", "REVIEW", "--source-type", "BILL"], "updated_at"),
        (["records", "list", "--updated-gte", "yesterday"], "2026-06-01"),
        (["records", "list", "--updated-gte", "2026-06-01T12:00:00"], "timezone"),
        (["records", "list", "--no-window", "--updated-gte", "2026-06-01"], "exclude"),
        (["records", "list", "--id", ""], "empty"),
        (["records", "list", "--format", "xml"], "--help"),
        (["records", "get"], "--help"),
        (["records", "get", "../x"], "slash"),
        (["integration", "create", "--vendor", "V"], "--help"),
        (["integration", "disconnect", "int_1"], "--yes"),
        (["integration", "disconnect", "int_1", "--yes", "--id-again", "int_2"], "--id-again"),
        (["sandbox", "--fault", "503:often"], "every"),
        (["sandbox", "--fault", "plague"], "drop-after"),
        (["sandbox", "--records", "-1"], "0 to 10000000"),
        (["sandbox", "--records", "99999999999"], "0 to 10000000"),
        (["demo", "--records", "100000000000000000000000"], "at most"),
        (["records", "list", "--updated-gte", "2026-W01-1"], "timezone"),
        (["sandbox", "--profile", "boring"], "--help"),
        (["export"], "--store"),
        (["export", "--store", "exports.db"], "--post-from"),
        (["export", "--store", "exports.db", "--post-from", "2026-01-01"], "--csv FILE or --beancount FILE"),
        ([*EXPORT, "--beancount", "books.beancount"], "--csv FILE or --beancount FILE"),
        ([*EXPORT, "--chart", "missing.toml"], "cannot be read"),
        ([*EXPORT, "--dry-run"], "--chart"),
        ([*EXPORT, "--dry-run", "--every", "1h"], "exclude"),
        (["sync", "check"], "--chart"),
        ([*EXPORT[:-1], "yesterday"], "2026-01-31"),
        ([*EXPORT[:-1], "2026-02-30"], "2026-01-31"),
        ([*EXPORT, "--every", "often"], "1h"),
        ([*EXPORT, "--every", "0s"], "1h"),
        ([*EXPORT, "--lease", "2"], "30s"),
        ([*EXPORT, "--since", "2026-01"], "2026-01-31"),
        ([*EXPORT, "--parallel", "0"], "1 to 64"),
        (["sync", "status"], "--store"),
        (["demo", "--records", "0"], "at least 1"),
    ],
)
async def test_wrong_usage_exits_with_2(shell: Shell, arguments: list[str], hint: str) -> None:
    """Nothing is sent, the reason is told, and so is what to do."""
    shell.environment |= TOKEN
    ended = await shell(*arguments)
    failed_with_one_line(ended, 2)
    assert hint in ended.err


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        ({}, "BREX_TOKEN"),
        ({"BREX_TOKEN": ""}, "empty"),
        ({"BREX_TOKEN": "bxt_secret_canary\n"}, "newline"),
        ({"BREX_TOKEN": "bxt_secret_canary", "BREX_BASE_URL": "http://example.invalid"}, "https"),
        ({"BREX_TOKEN": "bxt_secret_canary", "BREX_BASE_URL": "nonsense"}, "absolute"),
        ({"BREX_TOKEN": "bxt_secret_canary", "BREX_BASE_URL": "https://a\\.b"}, "host name"),
    ],
)
async def test_a_wrong_environment_exits_with_2(shell: Shell, environment: dict[str, str], hint: str) -> None:
    """A missing or broken token or host is told before anything is sent, without echoing the token."""
    shell.environment |= environment
    ended = await shell("records", "list")
    failed_with_one_line(ended, 2)
    assert hint in ended.err


async def test_nobody_at_home_exits_with_1(shell: Shell) -> None:
    """A refused connection is one line after the retries."""
    shell.environment |= TOKEN
    ended = await shell("records", "get", "accr_1")
    failed_with_one_line(ended, 1)
    assert "got no answer" in ended.err


async def test_a_dead_token_says_what_to_do(shell: Shell, sandbox: Sandbox) -> None:
    """A revoked token gives one line with the advice, and the server's words after it."""
    sandbox.brex.tokens.clear()
    ended = await shell("records", "list")
    failed_with_one_line(ended, 1)
    assert "new token" in ended.err
    assert "Invalid or Revoked Token" in ended.err


async def test_json_makes_the_error_an_object(shell: Shell, sandbox: Sandbox) -> None:
    """With --json a script reads type, status, code and exit code."""
    ended = await shell("records", "get", "accr_unknown", "--json")
    error = json.loads(ended.err)["error"]
    assert (error["type"], error["status"], error["error_code"]) == ("NotFound", 404, "NOT_FOUND")
    assert error["exit_code"] == ended.code == 1
    usage = await shell("records", "list", "--nonsense", "--json")
    assert json.loads(usage.err)["error"]["exit_code"] == usage.code == 2
    assert sandbox.statistics.requests == 1


async def test_html_with_status_200_is_one_line(shell: Shell, sandbox: Sandbox) -> None:
    """A captive portal's page is a decode error with the trace id, and not printed."""
    sandbox.faults.add(Fault(kind="html", next=1))
    ended = await shell("records", "list")
    failed_with_one_line(ended, 1)
    assert "expected JSON" in ended.err
    assert "maintenance" not in ended.err


async def test_a_taken_port_is_one_line(shell: Shell) -> None:
    """``sandbox --port`` on a port in use fails with one line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = await shell("sandbox", "--port", str(taken.getsockname()[1]))
    failed_with_one_line(ended, 1)
    assert "address already in use" in ended.err


@pytest.mark.parametrize("arguments", [[], ["--help"], ["records"], ["records", "list", "--help"], ["demo", "--help"]])
async def test_help_is_on_stdout(shell: Shell, arguments: list[str]) -> None:
    """Asking for help is no error."""
    ended = await shell.started(*arguments)
    assert (ended.code, ended.err) == (0, "")
    assert "Usage: brex-accounting" in ended.out


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(_COMMANDS), ids=" ".join)
async def test_every_command_starts(shell: Shell, command: tuple[str, ...]) -> None:
    """In a process that nobody loaded anything for, each finds all it needs."""
    ended = await shell.started(*command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert f"Usage: brex-accounting {' '.join(command)}" in ended.out


async def test_integration_commands_go_through_the_life_cycle(shell: Shell, sandbox: Sandbox) -> None:
    """Create, disconnect with its two confirmations, reactivate."""
    made = json.loads((await shell("integration", "create", "--vendor", "V", "--vendor-account-id", "a")).out)
    key = made["integration_id"]
    off = await shell("integration", "disconnect", key, "--yes", "--id-again", key)
    assert json.loads(off.out)["status"] == "DISABLED"
    again = await shell("integration", "disconnect", key, "--yes", "--id-again", key)
    failed_with_one_line(again, 1)
    assert "INTEGRATION_NOT_ACTIVE" in again.err
    on = await shell("integration", "reactivate", key)
    assert json.loads(on.out)["status"] == "ACTIVE"
    assert sandbox.statistics.requests == 4


async def test_a_closed_stdout_is_one_line(shell: Shell) -> None:
    """``>&-`` gives one line instead of a traceback."""
    command = f"{sys.executable} -m brex_accounting demo --records 5 >&-"
    process = await asyncio.create_subprocess_shell(command, stderr=asyncio.subprocess.PIPE, env=shell.environment)
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    assert err.decode().splitlines() == ["error: stdout is closed, and there is nowhere to print to"]


async def test_a_folder_that_cannot_be_written_to_is_found_out_first(shell: Shell, sandbox: Sandbox) -> None:
    """--resume in a missing folder fails before anything is printed or asked for."""
    ended = await shell("records", "list", "--resume", "missing/cp")
    failed_with_one_line(ended, 1)
    assert sandbox.statistics.requests == 0


async def test_with_resume_an_error_is_still_one_line_or_one_object(shell: Shell, sandbox: Sandbox) -> None:
    """The hint about the checkpoint is part of the line, and of the JSON object."""
    sandbox.faults.add(Fault(kind="html", every=2))
    plain = await shell("records", "list", "--resume", "cp", "--page-size", "20")
    assert (plain.code, plain.err.count("\n")) == (1, 1)
    assert "noted in cp" in plain.err
    as_json = await shell("records", "list", "--resume", "cp", "--page-size", "20", "--json")
    assert "noted in cp" in json.loads(as_json.err)["error"]["message"]
