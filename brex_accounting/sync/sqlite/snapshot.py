"""A store looked into by somebody who must not change it: neither the file nor what lies beside it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Final

import attrs

from ...errors import BrexError, StoreUnavailable
from ..content import HASH_VERSION
from ..exports import Export
from ..snapshot import Snapshot
from .file import check_version, transaction_failed
from .people import paused
from .rows import export_of
from .schema import MIGRATIONS

__all__ = ["read_snapshot"]

_NOTHING_BESIDE: Final = "mode=ro&immutable=1"
_SOMEBODY_WRITES: Final = "mode=ro"


async def read_snapshot(path: Path) -> Snapshot:
    """What the store in the SQLite file ``path`` holds, while others may write it.

    Raises ``StoreUnavailable`` when there is none or it cannot be read, ``StoreTooNew`` and ``StoreCorrupt``.
    """
    return await asyncio.to_thread(_read, path)


def _read(path: Path) -> Snapshot:
    if not path.is_file():
        raise StoreUnavailable(f"{path}: there is no store")
    # A store that nobody has open is one file, and stays one: to open it in the ordinary way makes two more.
    if not _is_open(path):
        before = _stamp(path)
        found = _attempt(path, _NOTHING_BESIDE)
        if _stamp(path) == before and not _is_open(path):
            return _given(found)
    return _given(_attempt(path, _SOMEBODY_WRITES))


def _given(found: Snapshot | BrexError) -> Snapshot:
    if isinstance(found, BrexError):
        raise found
    return found


def _is_open(path: Path) -> bool:
    return path.with_name(f"{path.name}-wal").exists()


def _stamp(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _attempt(path: Path, how: str) -> Snapshot | BrexError:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return _snapshot(connection, path)
    except BrexError as error:
        return error
    except sqlite3.Error as error:
        return transaction_failed(path, error)


def _snapshot(connection: sqlite3.Connection, path: Path) -> Snapshot:
    if not check_version(connection, path, len(MIGRATIONS)):
        raise StoreUnavailable(f"{path}: there is no store of this version yet; the next export makes it one")
    exports: dict[str, list[Export]] = {}
    connection.execute("BEGIN")
    for row in connection.execute("SELECT * FROM exports ORDER BY number"):
        export = export_of(row)
        exports.setdefault(export.record_id, []).append(_lean(export))
    for revisions in exports.values():
        revisions.sort(key=lambda one: one.revision)
    return Snapshot(
        exports=MappingProxyType({record_id: tuple(found) for record_id, found in exports.items()}),
        paused=paused(connection),
    )


def _lean(export: Export) -> Export:
    return export if export.hash_version != HASH_VERSION else attrs.evolve(export, body=b"")
