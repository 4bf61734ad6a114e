"""Where the tokens of a fleet's companies are kept, encrypted, and the row that one refresh at a time holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import attrs

from ...errors import UnknownCompany
from .database import Connection, Database
from .keyring import Keyring
from .secret import Secret, read_secret, written

__all__ = ["Held", "Kept", "Vault"]

_LONGEST: Final = 90
"""Seconds that a refresh may hold its row: longer than any. A process that was stopped meanwhile loses it."""


@attrs.frozen(kw_only=True)
class Kept:
    """A token as it is kept. ``generation`` is another one after each change.

    ``resting_until``: the last refresh failed, and until then no other is tried.
    """

    secret: Secret = attrs.field(repr=False)
    generation: int
    resting_until: datetime | None = None


@attrs.frozen(eq=False)
class Held:
    """A token whose row nobody else can take until the block ends. What is written counts when it has ended."""

    kept: Kept
    now: datetime
    _company_id: str
    _connection: Connection = attrs.field(repr=False)
    _keyring: Keyring = attrs.field(repr=False)

    async def save(self, secret: Secret) -> int:
        """Keep a new pair; its generation."""
        generation = self.kept.generation + 1
        await self._connection.execute(
            """UPDATE brex_fleet_company SET secret = %s, generation = %s, resting_until = NULL
            WHERE company_id = %s""",
            (self._keyring.seal(written(secret)), generation, self._company_id),
        )
        return generation

    async def rest(self, seconds: float) -> None:
        """A refresh failed: no process tries another for so long."""
        await self._connection.execute(
            "UPDATE brex_fleet_company SET resting_until = clock_timestamp() + %s WHERE company_id = %s",
            (timedelta(seconds=seconds), self._company_id),
        )


class Vault:
    """Reads tokens, and lends them out for a refresh, to one process at a time. Raises ``StoreError``."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def read(self, company_id: str) -> Kept:
        """The token. Raises ``UnknownCompany``, also for one that is retired."""
        async with self._database.connection() as connection:
            return (await self._row(connection, company_id, for_update=False))[0]

    @asynccontextmanager
    async def hold(self, company_id: str) -> AsyncIterator[Held]:
        """The token, once no other process holds it."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "SELECT set_config('lock_timeout', %(ms)s, true), "
                "set_config('idle_in_transaction_session_timeout', %(ms)s, true)",
                {"ms": f"{_LONGEST * 1000}"},
            )
            kept, now = await self._row(connection, company_id, for_update=True)
            yield Held(kept, now, company_id, connection, self._keyring)

    async def _row(self, connection: Connection, company_id: str, *, for_update: bool) -> tuple[Kept, datetime]:
        lock = "FOR UPDATE" if for_update else ""
        found = await connection.execute(
            f"""SELECT secret, generation, resting_until, clock_timestamp() AS now FROM brex_fleet_company
            WHERE company_id = %s AND secret IS NOT NULL {lock}""",  # noqa: S608 - one of two words of ours
            (company_id,),
        )
        row = await found.fetchone()
        if row is None:
            raise UnknownCompany("the fleet keeps no token for this company")
        kept = Kept(
            secret=read_secret(self._keyring.unseal(bytes(row["secret"]))),
            generation=row["generation"],
            resting_until=row["resting_until"],
        )
        return kept, row["now"]
