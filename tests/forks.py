"""Python processes that cost a fork: real ones, without the time it takes to import everything."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

import attrs

__all__ = ["COMMANDS", "ROOT", "Forked", "Forks"]

ROOT = Path(__file__).parent.parent
CLI = ROOT / "brex_accounting" / "cli"
COMMANDS = tuple(f"brex_accounting.cli.{file.stem}" for file in sorted(CLI.glob("[!_]*.py")) if file.stem != "worker")
"""The modules of the command line. The worker of the demo is started as a module: it must not be loaded yet."""


async def _stream_of(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(descriptor, "rb"))
    return reader


async def _all_of(stream: asyncio.StreamReader | None) -> bytes:
    return b"" if stream is None else await stream.read()


class _News(asyncio.Protocol):
    """What the server says of a process: its number, and later how it ended."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.pid: asyncio.Future[int] = loop.create_future()
        self.status: asyncio.Future[int] = loop.create_future()
        self._transport: asyncio.BaseTransport | None = None
        self._text = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            (self.status if self.pid.done() else self.pid).set_result(int(line))
        if self.status.done() and self._transport is not None:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        for waited_for in (self.pid, self.status):
            if not waited_for.done():
                waited_for.set_exception(ConnectionError("the server of forks has ended"))


@attrs.define(eq=False)
class Forked:
    """A process, as ``asyncio.subprocess.Process`` shows one."""

    pid: int
    stdout: asyncio.StreamReader | None
    stderr: asyncio.StreamReader
    _news: _News = attrs.field(repr=False)

    @property
    def returncode(self) -> int | None:
        """None while it runs; then its exit code, negative after a signal."""
        return self._news.status.result() if self._news.status.done() else None

    async def wait(self) -> int:
        """Its exit code."""
        return await asyncio.shield(self._news.status)

    async def communicate(self) -> tuple[bytes, bytes]:
        """What it wrote until its end."""
        out, err, _ = await asyncio.gather(_all_of(self.stdout), _all_of(self.stderr), self.wait())
        return out, err

    def send_signal(self, number: int) -> None:
        """A signal, if it is not known to have ended."""
        # Its number is its own until the server has seen its end. We hear of that a little later.
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Forks:
    """A server that has imported ``modules`` and forks. All it forked end with the block."""

    def __init__(self, modules: Sequence[str], options: Sequence[str] = ("-W", "error")) -> None:
        self._modules = modules
        self._options = options

    def __enter__(self) -> Self:
        self._control, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            command = [sys.executable, *self._options, "-m", "tests.fork_server", str(number), *self._modules]
            self._server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[number])
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
        self._server.wait(30)

    async def start(
        self,
        *arguments: str,
        module: str = "",
        script: str = "",
        folder: Path = ROOT,
        environment: Mapping[str, str] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> Forked:
        """``python -m module arguments``, or of a script, with pipes for its outputs or a file for the first."""
        order = {
            "module": module,
            "script": script,
            "arguments": arguments,
            "folder": str(folder),
            "environment": dict(os.environ if environment is None else environment),
        }
        conversation, theirs = socket.socketpair()
        err, its_err = os.pipe()
        out, its_out = os.pipe() if stdout is None else (None, os.dup(stdout.fileno()))
        streams = [os.open(os.devnull, os.O_RDONLY), its_out, its_err]
        with theirs:
            socket.send_fds(self._control, [b"!"], [theirs.fileno()])
            socket.send_fds(conversation, [json.dumps(order).encode() + b"\n"], streams)
        for stream in streams:
            os.close(stream)
        _, news = await asyncio.get_running_loop().create_connection(_News, sock=conversation)
        reader = None if out is None else await _stream_of(out)
        return Forked(await news.pid, reader, await _stream_of(err), news)
