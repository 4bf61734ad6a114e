"""Our windows lose no version that is committed late, up to their overlap; what is naive does."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import pytest

from brex_accounting.sync.plan import OVERLAP, SETTLE

from .late_commits import BEGIN, HOUR, MICROSECOND, ClientClock, NewestSeen, Ours, Version, World, history, poll, worlds

POLLS, VERSIONS = 40, 20_000
WORLDS = worlds(POLLS, VERSIONS)
REACH = OVERLAP + SETTLE + MICROSECOND
"""How far before a poll the next one reaches, for what is shown right after it."""
LIMIT = "late up to 3 overlaps: the limit"


@pytest.mark.parametrize("name", [name for name in WORLDS if name != LIMIT])
def test_ours_loses_nothing(name: str) -> None:
    """In no world within the overlap, while the newest stamp seen loses some, and a clock that is ahead far more."""
    versions = history(WORLDS[name])
    ours, newest, client = (poll(WORLDS[name], versions, make()) for make in (Ours, NewestSeen, ClientClock))
    assert ours.lost == 0
    assert 0 < newest.lost < client.lost


def test_what_it_costs() -> None:
    """Ten minutes of each hour are read again."""
    ours = poll(WORLDS["up to 300 s late"], history(WORLDS["up to 300 s late"]), Ours())
    assert 0.15 < ours.again / ours.versions < 0.18


def test_the_limit() -> None:
    """What is committed later than the overlap can be lost: that is the documented limit."""
    assert poll(WORLDS[LIMIT], history(WORLDS[LIMIT]), Ours()).lost > 0


@pytest.mark.parametrize(("late", "lost"), [(OVERLAP, 0), (REACH, 0), (REACH + MICROSECOND, 1)])
def test_where_the_limit_is(late: timedelta, lost: int) -> None:
    """To the microsecond: shown just after a poll, and the next one does not reach back to its stamp."""
    poll_after = BEGIN + 3 * HOUR + MICROSECOND
    versions = [Version(poll_after - late, poll_after)]
    assert poll(World(polls=6, versions=1), versions, Ours()).lost == lost


def test_polls_that_fail_one_after_the_other() -> None:
    """However many fail, the next one reads from where the last good one ended."""
    world = attrs.evolve(WORLDS["a poll fails"], failing=frozenset(range(10, 30)))
    assert poll(world, history(world), Ours()).lost == 0


def test_a_poll_that_fails_moves_no_watermark() -> None:
    """One that kept it all the same would lose the half that was not read."""

    class Careless(Ours):
        def window(self, *, server: datetime, client: datetime) -> tuple[datetime, datetime] | None:
            found = super().window(server=server, client=client)
            self.stored(None)
            return found

    world = WORLDS["a poll fails"]
    assert poll(world, history(world), Careless()).lost > 100


def test_the_table() -> None:
    """The command prints a line for each world and strategy."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sync.late_commits", "--polls", "6", "--versions", "600"],
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 3 + 3 * len(WORLDS)
    assert [line.split()[-3] for line in lines if " ours " in line][:-1] == ["0"] * (len(WORLDS) - 1)
