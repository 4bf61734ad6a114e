"""Workers as processes, forked from one that has everything imported: each begins within milliseconds.

``python -m tests.fleet.nursery`` reads orders as lines of JSON, and answers each with the number of a process. That
one's parent does nothing but wait for it, and leaves its exit status in a file.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs
import msgspec

from .orders import Orders

__all__ = ["Nursery", "Worker", "running_nursery"]

ROOT = Path(__file__).parent.parent.parent
_PATIENCE = 10.0


@attrs.define(eq=False)
class Worker:
    """A process that works. ``number``: what the diary calls it."""

    number: int
    pid: int
    ending: Path

    @property
    def status(self) -> int | None:
        """Its exit status, negative after a signal; None while it lives."""
        return int(self.ending.read_text()) if self.ending.exists() else None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        with suppress(ProcessLookupError):  # it ended a moment ago, and its status is being written
            if self.status is None:
                os.kill(self.pid, number)

    @property
    def words(self) -> str:
        """What it had to say."""
        path = Path(f"{self.ending}.log")
        return path.read_text() if path.exists() else ""

    def kill(self) -> None:
        """End it, also one that is frozen."""
        self.send(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for its end, which is near."""
        async with asyncio.timeout(_PATIENCE):
            while (status := self.status) is None:
                await asyncio.sleep(0.02)
        return status


@attrs.frozen(eq=False)
class Nursery:
    """Where workers come from, for any number of event loops one after the other."""

    server: subprocess.Popen[bytes]

    def begin(self, orders: Orders) -> Worker:
        """Begin one."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(msgspec.json.encode(orders) + b"\n")
        self.server.stdin.flush()
        return Worker(orders.number, int(self.server.stdout.readline()), _ending(orders))


@contextmanager
def running_nursery() -> Iterator[Nursery]:
    """One that runs. Whatever becomes of us, its workers die with us."""
    reading, writing = os.pipe()
    command = (sys.executable, "-W", "error", "-m", "tests.fleet.nursery", str(reading))
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[reading],
        start_new_session=True,  # whoever presses Ctrl-C means us, and we end them
    )
    os.close(reading)
    with server:
        try:
            yield Nursery(server)
        finally:
            os.close(writing)


def _ending(orders: Orders) -> Path:
    return Path(f"{orders.diary}.{orders.number}")


def _serve(leash: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how those end who wait
    for line in sys.stdin.buffer:
        if os.fork() == 0:
            _keep(msgspec.json.decode(line, type=Orders), leash)


def _keep(orders: Orders, leash: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        _work(orders, leash)
    os.write(1, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    ending = _ending(orders)
    written = Path(f"{ending}.new")
    written.write_text(str(os.waitstatus_to_exitcode(status)))
    written.replace(ending)
    os._exit(0)


def _work(orders: Orders, leash: int) -> None:
    status = 1
    try:
        words = os.open(f"{_ending(orders)}.log", os.O_WRONLY | os.O_CREAT)
        os.dup2(words, 1)
        os.dup2(words, 2)
        from . import fleet_worker, loop_worker

        asyncio.run((fleet_worker if orders.engine == "fleet" else loop_worker).main(orders, leash))
        status = 0
    except BaseException:  # noqa: BLE001 - the forked server must not go on here
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    from . import fleet_worker, loop_worker  # noqa: F401 - before anything is forked

    _serve(int(sys.argv[1]))
