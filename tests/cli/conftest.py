"""The command line as a user runs it: a process of its own, against a sandbox on a real port.

Most of them are forked, which costs a tenth of what a start costs. What a start shows is shown by those that are
started: by ``Shell.start``, by README's command lines, and by one for each command in ``test_usage``.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import IO

import attrs
import pytest

from brex_accounting.sandbox import Sandbox

from ..forks import Forked, Forks


@attrs.frozen
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Run = Callable[..., Awaitable[Ended]]


@attrs.define
class Shell:
    """Runs ``brex-accounting`` in an empty folder."""

    folder: Path
    environment: dict[str, str]
    forks: Forks

    async def start(
        self, *arguments: str, stdout: int | IO[bytes] = -1, stderr: int = -1
    ) -> asyncio.subprocess.Process:
        """Start it, with the outputs that are given."""
        command = (sys.executable, "-W", "error", "-m", "brex_accounting", *arguments)
        return await asyncio.create_subprocess_exec(
            *command, stdout=stdout, stderr=stderr, env=self.environment, cwd=self.folder
        )

    async def fork(self, *arguments: str, stdout: IO[bytes] | None = None) -> Forked:
        """The same without the time a start takes, with pipes for its outputs, or a file for the first."""
        return await self.forks.start(
            *arguments,
            module="brex_accounting",
            folder=self.folder,
            environment=self.environment,
            stdout=stdout,
        )

    async def __call__(self, *arguments: str) -> Ended:
        """Run it to its end, forked."""
        return await _ended(await self.fork(*arguments))

    async def started(self, *arguments: str) -> Ended:
        """Run it to its end, started."""
        return await _ended(await self.start(*arguments))


async def _ended(process: asyncio.subprocess.Process | Forked) -> Ended:
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return Ended(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
def shell(tmp_path: Path, forks: Forks) -> Shell:
    """No token, no sandbox: what a newcomer has."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BREX_", "MONITE_"))}
    # A folder of its own, to see what is left behind.
    (tmp_path / "work").mkdir()
    (tmp_path / "tmp").mkdir()
    return Shell(tmp_path / "work", environment | {"TMPDIR": str(tmp_path / "tmp")}, forks)


@pytest.fixture
async def sandbox(shell: Shell) -> AsyncIterator[Sandbox]:
    """A sandbox of 250 records that the shell's environment names."""
    async with Sandbox(records=250) as running:
        shell.environment |= {"BREX_TOKEN": running.token, "BREX_BASE_URL": running.url}
        yield running
