"""README is a test: its blocks run, and it names what there is."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import CodeType

import pytest

import brex_accounting
from brex_accounting.cli.demo import demo
from brex_accounting.cli.export import export
from brex_accounting.cli.records import list_records
from brex_accounting.cli.sandbox import serve
from brex_accounting.sandbox import Sandbox

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SETUP, REST = BLOCKS[:2], BLOCKS[2:]

POSTER = """
from brex_accounting.sync import Posted

class MyPoster:
    recovery = "same_key"

    def __init__(self, company_id):
        pass

    async def post(self, record, *, key, supersedes):
        with open("books.txt", "a") as file:
            print(record.id, file=file)
        return Posted(f"JE-{key.short}")
"""


@pytest.fixture
async def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """A sandbox that BREX_TOKEN and BREX_BASE_URL name, and a current folder with nothing but a poster in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_erp.py").write_text(POSTER)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    async with Sandbox(records=300) as sandbox:
        monkeypatch.setenv("BREX_TOKEN", sandbox.token)
        monkeypatch.setenv("BREX_BASE_URL", sandbox.url)
        yield tmp_path


def test_the_set_up_is_two_lines() -> None:
    """The first two blocks are one line of shell each, and do everything from an empty environment."""
    assert [kind for kind, _ in SETUP] == ["sh", "sh"]
    for _, text in SETUP:
        assert text.count("\n") == 1
        assert text.startswith("python3 -m venv .venv && .venv/bin/pip install ")


@pytest.mark.parametrize("text", [text for kind, text in REST if kind == "python"])
async def test_python_blocks_run(environment: Path, text: str) -> None:
    """Each Python block runs as printed against the local Brex, twice where it keeps a file."""
    code = compile(text, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    if "run_forever" in text:
        await run_until_told(code)
        return
    await run(code)
    if "records.checkpoint" in text:
        assert (environment / "records.checkpoint").exists()
        await run(code)


async def run_until_told(code: CodeType) -> None:
    """Run what goes on for ever, and end it by SIGTERM once it listens to that."""
    running = asyncio.create_task(run(code))
    while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and not running.done():
        await asyncio.sleep(0.01)
    if not running.done():
        os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        await running


async def run(code: CodeType) -> None:
    result = eval(code, {"__name__": "readme"})
    if inspect.isawaitable(result):
        async with asyncio.timeout(60):
            await result


@pytest.mark.parametrize("text", [text for kind, text in REST if kind == "sh"])
async def test_command_lines_run(environment: Path, text: str) -> None:
    """Each command line runs as printed, twice and in order: it says something, and no file it appends to shrinks."""
    for line in text.splitlines():
        appended = environment / line.rpartition(">> ")[2] if ">>" in line else None
        said = [await output_of(line, environment, appended) for _ in range(2)]
        assert all(said), line
        assert appended is None or len(said[1]) >= len(said[0])


async def output_of(line: str, folder: Path, appended: Path | None) -> bytes:
    """What a command line said, or the file it appends to."""
    process = await asyncio.create_subprocess_shell(line, stdout=-1, stderr=-1, cwd=folder)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return (out or err) if appended is None else appended.read_bytes()


def test_the_sandbox_prints_what_readme_shows() -> None:
    """The console block is what the command prints, but for the port."""
    (text,) = [text for kind, text in REST if kind == "console" and "$ brex-accounting sandbox" in text]
    command, *shown = text.splitlines()
    arguments = command.removeprefix("$ brex-accounting ").split()
    process = subprocess.Popen(
        [sys.executable, "-m", "brex_accounting", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in shown]
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) == 130
        finally:
            process.kill()
    assert [without_port(line) for line in printed] == [without_port(line) for line in shown]


def without_port(line: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", line.strip())


def test_every_block_is_run_by_a_test() -> None:
    """No block is of a kind that no test runs."""
    assert {kind for kind, _ in REST} == {"python", "sh", "console"}


@pytest.mark.parametrize("name", brex_accounting.__all__)
def test_every_public_name_is_in_readme(name: str) -> None:
    """Whoever searches README for a public name finds it."""
    assert re.search(rf"\b{re.escape(name)}\b", README) or name == "__version__"


def test_every_command_is_in_readme() -> None:
    """Whoever searches README for a command, or for an option of the larger ones, finds it."""
    of_sync = (
        *("status", "exceptions", "resolve", "retry", "replay", "pause", "resume", "history", "verify"),
        *("check", "chart", "report", "rebuild"),
    )
    commands = (
        *("demo", "sandbox", "records list", "records get", "integration create", "disconnect", "reactivate"),
        *("fields list", "fields values ID", "fields sync-accounts FILE.csv", "webhook verify", "webhook listen"),
    )
    for command in (*commands, "export", *(f"sync {name}" for name in of_sync)):
        assert f"`{command}" in README, command
    for function in (demo, serve, list_records, export):
        for name in inspect.signature(function).parameters:
            switch = "--no-" if name in ("window", "bills") else "--"
            option = switch + name.strip("_").replace("_", "-")
            assert option in README, option
