"""The promise, held against every store and engine: what may happen to a fleet happens, and the ERP counts.

``python -m tests.fleet.conformance --companies 1000 --case kill`` prints a line for each case, store and engine, and
ends with 1 when a document is missing, is there twice, waits for a person, or a story went otherwise. The ERP takes a
second document without a word. What happens in each case, and in which settings it can, is in ``cases``.

``recovery s``: from the blow until the last document is exported of the companies whose polls it cut short; of
several blows the slowest. Where a poll hangs, until another one has posted. A worker is missed after 2 s without a
sign of life, and a lease lasts 2 s; a poll is given up after 2 s where one hangs. Rates are of the whole case, from
the begin of the first poll until the last document is exported, with the recovery in it.
``ratio``: how fast companies are exported beside one that always fails, by how fast they are without, before and
afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from ..postgres_server import PostgresServer, running_server
from .cases import CASES, told
from .nursery import Nursery, running_nursery
from .town import Setting, Verdict, town

__all__ = ["Place", "judged", "running_place"]

_STORES, _ENGINES = ("sqlite", "postgres"), ("fleet", "loop")
_ROW = "{:<15}{:<10}{:<7}{:>10}{:>8}{:>6}{:>9}{:>13}{:>12}{:>13}{:>11}{:>7}\n"
_HEAD = (
    "case", "store", "engine", "companies", "records", "lost", "doubled", "unconfirmed",
    "recovery s", "companies/s", "records/s", "ratio",
)  # fmt: skip


@attrs.frozen(eq=False)
class Place:
    """What all cases share: a PostgreSQL, with a schema for each case, and where workers come from."""

    server: PostgresServer
    nursery: Nursery


@contextmanager
def running_place() -> Iterator[Place]:
    """One that runs."""
    with running_server() as server, running_nursery() as nursery:
        yield Place(server, nursery)


async def judged(name: str, setting: Setting, place: Place, folder: Path, *, companies: int) -> Verdict:
    """A case from its beginning to its end. Raises ``AssertionError`` when the story goes otherwise."""
    folder.mkdir()
    async with town(place.server.schema(), folder, place.nursery, companies=companies, setting=setting) as there:
        there.server = place.server
        return await told(name, there)


def _row(name: str, setting: Setting, verdict: Verdict) -> str:
    return _ROW.format(
        name,
        setting.store,
        setting.engine,
        verdict.companies,
        verdict.records,
        verdict.lost,
        verdict.doubled,
        verdict.unconfirmed,
        "-" if verdict.recovery is None else f"{verdict.recovery:.1f}",
        f"{verdict.companies / verdict.seconds:.1f}",
        f"{verdict.records / verdict.seconds:.1f}",
        "-" if verdict.ratio is None else f"{verdict.ratio:.2f}",
    )


def _matrix(given: argparse.Namespace) -> list[tuple[str, Setting]]:
    stores = _STORES if given.store == "both" else (given.store,)
    engines = _ENGINES if given.engine == "both" else (given.engine,)
    return [
        (name, setting)
        for name in given.case or CASES
        for setting in CASES[name].settings
        if setting.store in stores and setting.engine in engines
    ]


async def _all(given: argparse.Namespace, place: Place, folder: Path) -> bool:
    is_right = True
    sys.stdout.write(_ROW.format(*_HEAD))
    for number, (name, setting) in enumerate(_matrix(given)):
        try:
            verdict = await judged(name, setting, place, folder / str(number), companies=given.companies)
        except AssertionError as error:
            is_right = False
            sys.stdout.write(f"{name} {setting}: {error}\n")
        else:
            is_right = is_right and verdict.is_right
            sys.stdout.write(_row(name, setting, verdict))
        sys.stdout.flush()
    return is_right


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fleet.conformance", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--companies", type=int, default=1000, help="of three records each")
    parser.add_argument("--store", choices=(*_STORES, "both"), default="both")
    parser.add_argument("--engine", choices=(*_ENGINES, "both"), default="both")
    parser.add_argument("--case", choices=sorted(CASES), action="append", help="by default all of them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="town") as folder, running_place() as place:
        return 0 if asyncio.run(_all(given, place, Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())
