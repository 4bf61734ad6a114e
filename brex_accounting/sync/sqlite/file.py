"""The file: told apart from other files before anything is written, opened, brought to this version.

Whatever is refused is read through a connection that cannot write, so that it stays as it was.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from ...errors import (
    BrexError,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreMismatch,
    StoreTooNew,
    StoreUnavailable,
)
from ..exports import Binding
from ..store_rules import BINDING_PARTS, merged, mismatched
from .rows import stamp
from .schema import APPLICATION_ID, LEFT

__all__ = ["Migrations", "check_version", "connect", "transaction_failed"]

Migrations = tuple[tuple[str, ...], ...]

_PAGE: Final = 4096
_NEEDED: Final = (3, 37, 0)
_MAGIC: Final = b"SQLite format 3\0"


def connect(
    path: Path, binding: Binding | None, now: datetime, *, busy_timeout: float, migrations: Migrations
) -> tuple[sqlite3.Connection, Binding]:
    """A connection to the store, made if there is none, and the binding it now has."""
    if sqlite3.sqlite_version_info < _NEEDED:
        raise StoreUnavailable(f"the store needs SQLite 3.37 or newer; this Python has {sqlite3.sqlite_version}")
    _check(path, binding, len(migrations))
    if not path.exists():
        _make(path)
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=busy_timeout)
    try:
        connection.isolation_level = None
        connection.row_factory = sqlite3.Row
        _is_ours(connection, path, len(migrations))
        _use_wal(connection, path, busy_timeout)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection, _migrate(connection, path, binding, now, migrations)
    except BaseException:
        connection.close()
        raise


def check_version(connection: sqlite3.Connection, path: Path, version: int) -> bool:
    """Whether it is a store of this version: one that was never finished, or is older, is not.

    Raises ``StoreTooNew``, and ``StoreCorrupt`` for a database of something else.
    """
    is_ours = _is_ours(connection, path, version)
    return is_ours and connection.execute("PRAGMA user_version").fetchone()[0] == version


def transaction_failed(path: Path, error: sqlite3.Error) -> BrexError:
    """SQLite's error as one of ours. It quotes no value, because SQLite's own text is left out."""
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary == sqlite3.SQLITE_FULL:
        return StoreFull(f"{path}: no room to write; what was committed is safe. Make room and go on")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreUnavailable(f"{path}: locked by another process for too long. Try again, or end that process")
    if primary == sqlite3.SQLITE_READONLY:
        return StoreUnavailable(f"{path}: cannot be written. Check the rights on the file and on its folder")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or name == "SQLITE_IOERR_SHORT_READ":
        return _damaged(path)
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM):
        return StoreUnavailable(f"{path}: cannot be opened, read or written ({name}). Check the disk and the rights")
    if str(error) == LEFT:
        return StoreUnavailable(f"{path}: it takes no writes any more. Open it anew, which says where its exports went")
    return StoreError(f"{path}: SQLite failed ({name})")


def _damaged(path: Path) -> StoreCorrupt:
    return StoreCorrupt(f"{path}: damaged. It was left as it is: restore a copy, and post nothing until then")


def _check(path: Path, binding: Binding | None, version: int) -> None:
    """Refuse what is no store of ours, of this version and this binding, through a connection that cannot write."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise StoreUnavailable(f"{path}: its folder does not exist") from None
        if binding is None:
            raise _absent(path) from None
        return
    except OSError as error:
        raise StoreUnavailable(f"{path}: cannot be read ({type(error).__name__})") from None
    if not magic:
        return
    if magic != _MAGIC:
        raise StoreCorrupt(f"{path}: no export store, but a file of another kind. Name another file")
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        if not _was_never_finished(connection, path) and _is_ours(connection, path, version):
            _check_whole(connection, path)
            _bound(connection, path, binding)


def _was_never_finished(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether a process was killed while it made the store: one page, and a journal that only a writer can undo."""
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK or path.stat().st_size > _PAGE:
            raise
        return True
    return False


def _is_ours(connection: sqlite3.Connection, path: Path, version: int) -> bool:
    """Whether there is something in it, and it is a store; one that was never finished is empty."""
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return False
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreCorrupt(f"{path}: no export store, but a database of something else. Name another file")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > version:
        raise StoreTooNew(
            f"{path}: a store of version {found}, and this package knows {version}. Upgrade brex-accounting"
        )
    return True


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    if [row[0] for row in connection.execute("PRAGMA quick_check(1)")] != ["ok"]:
        raise _damaged(path)


def _make(path: Path) -> None:
    # Records hold names and addresses: nobody else may read them.
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreUnavailable(f"{path}: cannot be made ({type(error).__name__})") from None


def _use_wal(connection: sqlite3.Connection, path: Path, busy_timeout: float) -> None:
    # Two processes that make a store at once refuse each other here without waiting.
    end = time.monotonic() + busy_timeout
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(0.01)
        else:
            break
    if mode != "wal":
        raise StoreUnavailable(f"{path}: its file system cannot hold a store; use a local disk")


def _migrate(
    connection: sqlite3.Connection, path: Path, binding: Binding | None, now: datetime, migrations: Migrations
) -> Binding:
    # A lock also where nothing is to do: a store that cannot be written is told now, not after the first post.
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection, path, binding, len(migrations))
        for statements in migrations[version:]:
            for statement in statements:
                connection.execute(statement)
        if version < len(migrations):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(migrations)}")
        bound = _bound(connection, path, binding)
        _bind(connection, bound, now)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return bound


def _version(connection: sqlite3.Connection, path: Path, binding: Binding | None, known: int) -> int:
    if _is_ours(connection, path, known):
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    if binding is None:
        raise _absent(path)
    return 0


def _absent(path: Path) -> StoreUnavailable:
    return StoreUnavailable(f"{path}: there is no store")


def _bind(connection: sqlite3.Connection, merged: Binding, now: datetime) -> None:
    values = {part: getattr(merged, part) for part in BINDING_PARTS} | {"now": stamp(now)}
    connection.execute(
        "INSERT INTO binding (id, company, vendor, vendor_account_id, since) "
        "VALUES (1, :company, :vendor, :vendor_account_id, :now) ON CONFLICT (id) DO UPDATE "
        "SET company = :company, vendor = :vendor, vendor_account_id = :vendor_account_id "
        "WHERE (company, vendor, vendor_account_id) <> (:company, :vendor, :vendor_account_id)",
        values,
    )


def _bound(connection: sqlite3.Connection, path: Path, binding: Binding | None) -> Binding:
    """What the store is bound to, with what ``binding`` adds."""
    row = connection.execute("SELECT company, vendor, vendor_account_id FROM binding").fetchone()
    asked = binding or Binding()
    there = Binding(**{part: row[part] for part in BINDING_PARTS}) if row else Binding()
    wrong = mismatched(there, asked)
    if wrong is not None:
        raise StoreMismatch(f"{path}: {wrong}. Name the right file, or a new one for the other company or system")
    return merged(there, asked)
