"""How many record versions a poll loses whose watermark is naive, and ours: ``python -m tests.sync.late_commits``.

A server stamps a version with its clock, and shows it when its transaction commits: mostly at once, sometimes
minutes later. Who asks only for what is stamped after the last answer never sees those. Pure: seeded, and on
a clock of its own.
"""

from __future__ import annotations

import argparse
import random
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Protocol

import attrs

from brex_accounting.sync.plan import OVERLAP, next_window

BEGIN = datetime(2026, 7, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
FOR_EVER = datetime.max.replace(tzinfo=UTC)
NONE = timedelta()


@attrs.frozen(kw_only=True)
class World:
    """Hourly polls of a server. The last one comes an hour after the last version, when all are committed.

    ``latest``: how late after its stamp one of ``late_share`` is committed at most. The server's clock goes
    ``jump_back`` back a minute after the middle poll. Of a poll in ``failing`` half is read, and no watermark.
    """

    polls: int = 400
    versions: int = 800_000
    late_share: float = 0.01
    latest: timedelta = timedelta(seconds=300)
    client_ahead: timedelta = timedelta(seconds=120)
    whole_seconds: bool = False
    jump_back: timedelta = NONE
    failing: frozenset[int] = frozenset()
    seed: int = 1

    def clock(self, moment: datetime) -> datetime:
        """What the server's clock shows."""
        jumps = moment > BEGIN + (self.polls // 2) * HOUR + timedelta(minutes=1)
        shown = moment - self.jump_back if jumps else moment
        return shown.replace(microsecond=0) if self.whole_seconds else shown


@attrs.frozen
class Version:
    """A version of a record: its ``updated_at``, and from when on it is shown."""

    stamp: datetime
    shown: datetime


class Strategy(Protocol):
    """How to choose what is asked for."""

    def window(self, *, server: datetime, client: datetime) -> tuple[datetime, datetime] | None:
        """From when on and up to when (without it) to ask at this moment of both clocks."""
        ...

    def stored(self, newest: datetime | None) -> None:
        """The window was read to its end; the newest stamp in it."""
        ...


@attrs.define
class NewestSeen:
    """``gt`` the newest stamp seen so far."""

    after: datetime = BEGIN

    def window(self, *, server: datetime, client: datetime) -> tuple[datetime, datetime]:  # noqa: ARG002
        """All that is stamped later."""
        return self.after, FOR_EVER

    def stored(self, newest: datetime | None) -> None:
        """It goes on from there."""
        self.after = max(self.after, newest + MICROSECOND) if newest else self.after


@attrs.define
class ClientClock:
    """``gte`` the moment of the last poll, as the client's clock shows it."""

    since: datetime = BEGIN
    asked: datetime = BEGIN

    def window(self, *, server: datetime, client: datetime) -> tuple[datetime, datetime]:  # noqa: ARG002
        """All that is stamped since."""
        self.asked = client
        return self.since, FOR_EVER

    def stored(self, newest: datetime | None) -> None:  # noqa: ARG002
        """It goes on from when it asked."""
        self.since = self.asked


@attrs.define
class Ours:
    """``plan.next_window`` on the server's clock."""

    watermark: datetime | None = None
    end: datetime = BEGIN

    def window(self, *, server: datetime, client: datetime) -> tuple[datetime, datetime] | None:  # noqa: ARG002
        """With overlap, and staying behind the clock."""
        found = next_window(self.watermark, now=server, start=BEGIN)
        if found is None:
            return None
        self.end = found.lt
        return found.gte, found.lt

    def stored(self, newest: datetime | None) -> None:  # noqa: ARG002
        """As the store does: the end of the window, never back."""
        self.watermark = max(self.watermark or self.end, self.end)


STRATEGIES: Mapping[str, Callable[[], Strategy]] = MappingProxyType(
    {"newest seen": NewestSeen, "client's clock": ClientClock, "ours": Ours}
)


@attrs.frozen(kw_only=True)
class Result:
    """What a strategy brought: versions never read, and reads of what had been read before."""

    versions: int
    lost: int
    again: int


def history(world: World) -> list[Version]:
    """All versions, in the order of their stamps."""
    dice = random.Random(world.seed)
    span = (world.polls - 1) * HOUR / MICROSECOND
    versions = []
    for _ in range(world.versions):
        moment = BEGIN + dice.randrange(round(span)) * MICROSECOND
        late = dice.random() * world.latest if dice.random() < world.late_share else NONE
        versions.append(Version(world.clock(moment), moment + late))
    return sorted(versions, key=stamp_of)


def stamp_of(version: Version) -> datetime:
    return version.stamp


def poll(world: World, versions: Sequence[Version], strategy: Strategy) -> Result:
    """All polls; a version read twice counts once, as the store sees by its id and version."""
    read = bytearray(len(versions))
    again = 0
    for number in range(1, world.polls + 1):
        moment = BEGIN + number * HOUR
        server = world.clock(moment)
        window = strategy.window(server=server, client=server + world.client_ahead)
        if window is None:
            continue
        found = list(shown(versions, window, moment))
        for index in found[: len(found) // 2] if number in world.failing else found:
            again += read[index]
            read[index] = 1
        if number not in world.failing:
            strategy.stored(versions[found[-1]].stamp if found else None)
    return Result(versions=len(versions), lost=read.count(0), again=again)


def shown(versions: Sequence[Version], window: tuple[datetime, datetime], moment: datetime) -> Iterator[int]:
    """Which versions a list of this window names at that moment."""
    # What is stamped after this moment is not there yet: without that end each poll would go through all the rest.
    since, until = window
    first, end = (bisect_left(versions, edge, key=stamp_of) for edge in (since, min(until, moment + MICROSECOND)))
    return (index for index in range(first, end) if versions[index].shown <= moment)


def worlds(polls: int, versions: int) -> dict[str, World]:
    """The worlds of the table."""
    plain = World(polls=polls, versions=versions)
    return {
        "up to 300 s late": plain,
        "clock of whole seconds": attrs.evolve(plain, whole_seconds=True),
        "clock goes back 5 min": attrs.evolve(plain, jump_back=timedelta(minutes=5)),
        "a poll fails": attrs.evolve(plain, failing=frozenset({polls // 2})),
        "late up to the overlap": attrs.evolve(plain, latest=OVERLAP),
        "late up to 3 overlaps: the limit": attrs.evolve(plain, latest=3 * OVERLAP),
    }


def table(polls: int, versions: int) -> Iterator[str]:
    """One line for each world and strategy."""
    yield f"{polls:,} hourly polls, {versions:,} record versions, 1 % committed late, a client 120 s ahead\n"
    yield f"{'world':34}{'strategy':16}{'lost':>8}{'of all':>10}{'re-read':>10}"
    for name, world in worlds(polls, versions).items():
        made = history(world)
        for strategy, make in STRATEGIES.items():
            result = poll(world, made, make())
            shares = f"{result.lost / versions:10.3%}{result.again / versions:10.1%}"
            yield f"{name:34}{strategy:16}{result.lost:8,}{shares}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What polls lose when commits come late.")
    parser.add_argument("--polls", type=int, default=World().polls)
    parser.add_argument("--versions", type=int, default=World().versions)
    asked = parser.parse_args()
    for line in table(asked.polls, asked.versions):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
