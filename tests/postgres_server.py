"""A real PostgreSQL for the tests, in a folder of its own: its data is gone when they end."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.database import patiently, started, stop_at_once

__all__ = ["PostgresServer", "running_server"]


@attrs.define
class PostgresServer:
    """A server that listens on a socket in its folder alone."""

    inner: Any
    numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    @property
    def conninfo(self) -> str:
        return str(self.inner.get_uri())

    def schema(self, **options: str) -> str:
        """The connection string of a schema with nothing in it; ``options`` are settings of its connections."""
        name = f"t{os.getpid()}_{next(self.numbers)}"
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return with_options(self.conninfo, search_path=name, **options)

    def stop_at_once(self) -> None:
        """As if the machine had lost its power, but that what was written to its disk is there."""
        stop_at_once(self.inner)

    def start(self) -> None:
        """Start it again; it recovers what was committed."""
        with patiently():
            self.inner.ensure_postgres_running()


def with_options(conninfo: str, **options: str) -> str:
    """The connection string with settings of the session."""
    return make_conninfo(conninfo, options=" ".join(f"-c{name}={value}" for name, value in options.items()))


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """One that runs; stopped and gone afterwards."""
    with started() as inner:
        with psycopg.connect(inner.get_uri(), autocommit=True) as connection:
            # Nothing here outlives the machine; what a crash of the server leaves is the same without it.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("SELECT pg_reload_conf()")
        yield PostgresServer(inner)
