"""The companies of a fleet, a row for each: who is polled when, and how the last poll went.

Every moment is of the database's clock: the workers' own may differ.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import attrs

from ...errors import StoreError, UnknownCompany
from ...session.grants import TokenPair
from .database import Database
from .keyring import Keyring
from .secret import Secret, written
from .spread import next_due, put_off, put_off_lost
from .status import CompanyStatus, FleetStatus

__all__ = ["Poll", "Roster"]

_AT_A_TIME: Final = 500


@attrs.frozen(kw_only=True)
class Poll:
    """How a poll ended that came to its end. ``again``: after this long there is something left to settle."""

    paused_code: str | None = None
    paused_reason: str | None = None
    unreported: int = 0
    unconfirmed: int = 0
    watermark: datetime | None = None
    requests: int = 0
    throttled: int = 0
    again: timedelta | None = None


class Roster:
    """The rows. ``every``: the interval in which each company is polled once. Methods raise ``StoreError``."""

    def __init__(self, database: Database, keyring: Keyring, *, every: timedelta) -> None:
        self._database = database
        self._keyring = keyring
        self._every = every

    async def add(self, company_id: str, token: str | TokenPair) -> None:
        """A company that is due at once. One that was retired comes back; a known one gets the new token."""
        sealed = self._keyring.seal(written(Secret.of(token)))
        del token  # error reporters print local variables
        async with self._database.connection() as connection:
            await connection.execute(
                """INSERT INTO brex_fleet_company (company_id, secret, due_at) VALUES (%s, %s, now())
                ON CONFLICT (company_id) DO UPDATE SET secret = excluded.secret, due_at = now(), retired_at = NULL,
                generation = brex_fleet_company.generation + 1, resting_until = NULL,
                attempts = 0, last_error = NULL""",
                (company_id, sealed),
            )

    async def seal_anew(self) -> int:
        """Encrypt every token under the newest key; how many there are. Safe beside running workers."""
        done, last = 0, ""
        while True:
            async with self._database.transaction() as connection:
                found = await connection.execute(
                    """SELECT company_id, secret FROM brex_fleet_company WHERE company_id > %s AND secret IS NOT NULL
                    ORDER BY company_id LIMIT %s FOR UPDATE""",
                    (last, _AT_A_TIME),
                )
                rows = await found.fetchall()
                for row in rows:
                    await connection.execute(
                        "UPDATE brex_fleet_company SET secret = %s WHERE company_id = %s",
                        (self._keyring.sealed_anew(bytes(row["secret"])), row["company_id"]),
                    )
            if not rows:
                return done
            done, last = done + len(rows), rows[-1]["company_id"]

    async def begin(self, company_id: str) -> int:
        """A poll begins: which one it is since the last that came to its end. 0: the company is not polled any more."""
        # Counted before it begins: a poll that kills its worker has failed too.
        async with self._database.connection() as connection:
            found = await connection.execute(
                """UPDATE brex_fleet_company SET started_at = now(), ended_at = NULL, queued_at = NULL,
                attempts = attempts + 1 WHERE company_id = %s AND due_at IS NOT NULL RETURNING attempts""",
                (company_id,),
            )
            row = await found.fetchone()
        return row["attempts"] if row else 0

    async def ended(self, company_id: str, poll: Poll) -> None:
        """It came to its end."""
        async with self._database.connection() as connection:
            await connection.execute(
                """UPDATE brex_fleet_company SET ended_at = now(), attempts = 0, last_error = NULL,
                paused_code = %(paused_code)s, paused_reason = %(paused_reason)s, unreported = %(unreported)s,
                unconfirmed = %(unconfirmed)s, watermark = %(watermark)s, requests = %(requests)s,
                throttled = %(throttled)s,
                due_at = CASE WHEN due_at IS NOT NULL THEN least(due_at, now() + %(again)s::interval) END
                WHERE company_id = %(company_id)s""",
                attrs.asdict(poll) | {"company_id": company_id},
            )

    async def failed(self, company_id: str, why: str, *, is_lost: bool = False) -> None:
        """It failed: the next one comes before its turn, but later each time. ``is_lost``: with its store."""
        async with self._database.transaction() as connection:
            found = await connection.execute(
                """UPDATE brex_fleet_company SET ended_at = now(), last_error = %s WHERE company_id = %s
                RETURNING attempts""",
                (why, company_id),
            )
            row = await found.fetchone()
            wait = (put_off_lost if is_lost else put_off)(row["attempts"] if row else 1, every=self._every)
            await connection.execute(
                """UPDATE brex_fleet_company SET due_at = now() + %s, goes_first = %s
                WHERE company_id = %s AND due_at IS NOT NULL""",
                (wait, not wait, company_id),
            )

    async def given_back(self, company_id: str, *, wait: timedelta = timedelta()) -> None:
        """It was cut short, and nothing is wrong with it: whoever is free goes on, before all that are merely due.

        ``wait``: only after this, and in its turn.
        """
        async with self._database.connection() as connection:
            await connection.execute(
                """UPDATE brex_fleet_company SET ended_at = now(), attempts = greatest(attempts - 1, 0),
                due_at = now() + %s, goes_first = %s WHERE company_id = %s AND due_at IS NOT NULL""",
                (wait, not wait, company_id),
            )

    async def attempts(self, company_id: str) -> int:
        """Polls begun since the last that came to its end."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                "SELECT attempts FROM brex_fleet_company WHERE company_id = %s", (company_id,)
            )
            row = await found.fetchone()
        return row["attempts"] if row else 0

    def turn_after(self, company_id: str, now: datetime) -> datetime:
        """The company's next turn."""
        return next_due(company_id, every=self._every, after=now)

    @asynccontextmanager
    async def retiring(self, company_id: str) -> AsyncIterator[None]:
        """No poll begins inside the block. At its end the company is retired and its tokens are gone, unless it raised.

        Raises ``UnknownCompany``, and ``StoreError`` while a poll runs.
        """
        # One transaction: whoever dies inside leaves the company as it was.
        async with self._database.transaction() as connection:
            # The block opens the user's books: nobody knows how long that takes.
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
            found = await connection.execute(
                """SELECT started_at IS NOT NULL AND ended_at IS NULL AS running FROM brex_fleet_company
                WHERE company_id = %s AND retired_at IS NULL FOR UPDATE""",
                (company_id,),
            )
            row = await found.fetchone()
            if row is None:
                raise UnknownCompany("the fleet has no such company, or it is retired already")
            if row["running"]:
                raise StoreError("a poll of this company runs; retire it when that has ended")
            yield
            await connection.execute(
                """UPDATE brex_fleet_company SET retired_at = now(), secret = NULL, generation = generation + 1,
                due_at = NULL, queued_at = NULL WHERE company_id = %s""",
                (company_id,),
            )

    async def status(self) -> FleetStatus:
        """All rows."""
        async with self._database.transaction() as connection:
            moment = await (await connection.execute("SELECT now() AS now")).fetchone()
            found = await connection.execute(
                """SELECT company_id, retired_at IS NOT NULL AS retired, last_error, ended_at, attempts,
                coalesce(queued_at, CASE WHEN due_at <= now() THEN due_at END) AS waiting_since,
                started_at IS NOT NULL AND ended_at IS NULL AS running, paused_code, paused_reason,
                unreported, unconfirmed, watermark, requests, throttled
                FROM brex_fleet_company ORDER BY company_id"""
            )
            rows = await found.fetchall()
        assert moment is not None
        return FleetStatus(at=moment["now"], companies=tuple(CompanyStatus(**row) for row in rows))
