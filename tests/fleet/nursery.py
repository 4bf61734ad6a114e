"""Workers as processes, forked from one that has everything imported: each begins within milliseconds."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import attrs
import msgspec

from ..forks import Forked, Forks
from .orders import Orders

__all__ = ["Nursery", "Worker", "running_nursery"]


@attrs.define(eq=False)
class Worker:
    """A process that works. ``number``: what the diary calls it."""

    number: int
    process: Forked
    log: Path

    @property
    def status(self) -> int | None:
        """Its exit status, negative after a signal; None while it lives."""
        return self.process.returncode

    @property
    def words(self) -> str:
        """What it had to say."""
        return self.log.read_text()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        self.process.send_signal(number)


@attrs.frozen(eq=False)
class Nursery:
    """Where workers come from. They end with it."""

    forks: Forks

    async def begin(self, orders: Orders) -> Worker:
        """Begin one."""
        log = Path(f"{orders.diary}.{orders.number}")
        with _opened(log) as words:
            process = await self.forks.start(
                msgspec.json.encode(orders).decode(), module="tests.fleet.worker", stdout=words
            )
        return Worker(orders.number, process, log)


def _opened(log: Path) -> IO[bytes]:
    return log.open("wb")


@contextmanager
def running_nursery() -> Iterator[Nursery]:
    """One that runs."""
    with Forks(["tests.fleet.fleet_worker", "tests.fleet.loop_worker"]) as forks:
        yield Nursery(forks)
