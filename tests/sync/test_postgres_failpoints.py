"""Killed with SIGKILL before and after every durable boundary, with the store in PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..postgres_server import PostgresServer
from .crashes import FEEDS, cases_of, chosen, play_all, ways_of
from .failpoints import ALL
from .lives import Workers
from .test_failpoints import wrong


@pytest.mark.slow
async def test_killed_at_every_failpoint(tmp_path: Path, postgres: PostgresServer) -> None:
    """n of n, each for a record of the queue and for a bill: the end is that of a run that nobody killed."""
    async with Workers() as workers:
        ways = [(case, "") for case in (*ways_of("find"), *ways_of("park", "decided"))]
        unharmed = await play_all(workers, tmp_path / "unharmed", ways, schema=postgres.schema)
        assert wrong(unharmed) == []
        cases = chosen(cases_of(unharmed))
        killed = [(case, "") for case in cases]
        played = await play_all(workers, tmp_path / "killed", killed, schema=postgres.schema)
    assert wrong(played) == []
    assert all(one.struck for one in played)
    for feed in FEEDS:
        assert {case.failpoint for case in cases if case.feed == feed} == ALL
