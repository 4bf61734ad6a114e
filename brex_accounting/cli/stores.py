"""The store that ``--store`` names, a file or a fleet's company, and the client that goes with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from ..client import BrexAccounting
from ..sync import SqliteStore
from ..sync.store import SyncStore
from .console import Failed, one_line
from .fleet_settings import database, fleet_of

__all__ = ["client_at", "store_at"]

_FLEET: Final = "fleet:"


def store_at(place: Path, *, is_there: bool = True) -> SyncStore:
    """The store, not opened yet; ``is_there``: a file must exist. Raises ``Failed`` and ``UsageError``."""
    name = str(place)
    if name.startswith(_FLEET):
        return _of_company(name.removeprefix(_FLEET))
    if is_there and not place.exists():
        raise Failed(f"there is no store {one_line(name)}: name the --store of an export that has run")
    return SqliteStore(place)


@asynccontextmanager
async def client_at(place: Path) -> AsyncIterator[BrexAccounting]:
    """A client of the store's company: with the token in the environment, or with those that its fleet keeps."""
    name = str(place)
    if name.startswith(_FLEET):
        async with fleet_of() as fleet, fleet.client(name.removeprefix(_FLEET)) as brex:
            yield brex
    else:
        async with BrexAccounting() as brex:
            yield brex


def _of_company(company_id: str) -> SyncStore:
    conninfo = database()
    # Here: most commands do without the extra [fleet].
    from ..sync.postgres import PostgresStore

    return PostgresStore(conninfo, company_id)
