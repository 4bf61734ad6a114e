"""The database told apart, brought to this version, and a company bound to its books."""

from __future__ import annotations

from datetime import datetime

from ...errors import StoreMismatch, StoreTooNew, StoreUnavailable
from ..exports import Binding
from ..store_rules import BINDING_PARTS, merged, mismatched
from .rows import aware
from .schema import MIGRATION_LOCK
from .session import Session, Values

__all__ = ["Migrations", "bring_up", "open_store"]

Migrations = tuple[tuple[str, ...], ...]


async def open_store(session: Session, binding: Binding | None, now: datetime, migrations: Migrations) -> Binding:
    """The binding that the company now has, its tables made or brought to this version where need be.

    Raises ``StoreUnavailable``, ``StoreMismatch`` and ``StoreTooNew``.
    """
    if binding is None and not await _version(session):
        raise _absent(session)
    await bring_up(session, migrations)
    row = await session.row("SELECT * FROM brex_companies WHERE company = %(company)s FOR UPDATE")
    if row is None and binding is None:
        raise _absent(session)
    there = Binding(**{part: row[part] for part in BINDING_PARTS}) if row else Binding(company=session.company)
    asked = binding or Binding()
    wrong = mismatched(there, asked)
    if wrong is not None:
        raise StoreMismatch(f"PostgreSQL: {wrong}. Name the right company, or a store of its own for the other system")
    bound = merged(there, asked)
    await _bind(session, bound, now)
    return bound


async def bring_up(session: Session, migrations: Migrations) -> None:
    """The tables made, or brought to this version. Raises ``StoreTooNew``."""
    version = await _version(session)
    _check_version(session, version, len(migrations))
    if version < len(migrations):
        await _migrate(session, migrations)


async def _version(session: Session) -> int:
    # Not to_regclass: it remembers that there was none while another process made it.
    if await session.row("SELECT 1 FROM pg_class WHERE relname = 'brex_version' AND pg_table_is_visible(oid)"):
        return int((await session.only("SELECT version FROM brex_version"))["version"])
    return 0


def _check_version(session: Session, version: int, known: int) -> None:
    if version > known:
        raise StoreTooNew(
            f"{session.company}: a store of version {version}, and this package knows {known}. Upgrade brex-accounting"
        )


async def _migrate(session: Session, migrations: Migrations) -> None:
    await session.run("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": MIGRATION_LOCK})
    encoding = (await session.only("SHOW server_encoding"))["server_encoding"]
    if encoding != "UTF8":
        raise StoreUnavailable(f"{session.company}: the database writes {encoding}; a store needs one in UTF8")
    # Another process may have done it while this one waited.
    version = await _version(session)
    _check_version(session, version, len(migrations))
    for statements in migrations[version:]:
        for statement in statements:
            await session.connection.execute(statement.encode())
    await session.run("UPDATE brex_version SET version = %(version)s", {"version": len(migrations)})


async def _bind(session: Session, bound: Binding, now: datetime) -> None:
    values: Values = {"vendor": bound.vendor, "account": bound.vendor_account_id, "now": aware(now)}
    # Written also where nothing is new: a store that cannot be written is told now, not after the first post.
    await session.run(
        "INSERT INTO brex_companies (company, vendor, vendor_account_id, since) "
        "VALUES (%(company)s, %(vendor)s, %(account)s, %(now)s) ON CONFLICT (company) DO UPDATE "
        "SET vendor = %(vendor)s, vendor_account_id = %(account)s",
        values,
    )


def _absent(session: Session) -> StoreUnavailable:
    return StoreUnavailable(f"{session.company}: there is no store")
