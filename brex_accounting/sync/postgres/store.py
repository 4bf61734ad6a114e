"""``PostgresStore``: each method as ``SyncStore`` describes it, on the functions beside this file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from ...errors import ConfigurationError
from ...models import ExportResult
from ..exports import Batch, Binding, Claim, Copy, Counts, Export, Feed, Judgement, Lease, Move, Pause, Settlement
from ..poster import Outcome, Posted, Rejected
from ..states import State
from ..store import Judge, JudgeAbsence
from . import moving, people, posting, reporting, seeing
from .database import Database
from .pool import Pool
from .schema import MIGRATIONS

__all__ = ["PostgresStore"]


class PostgresStore:
    """The exports of ``company`` in PostgreSQL, for any number of processes on any number of hosts.

    ``database`` is a connection string, or a pool that is open: it is shared with other stores and left open.
    The tables lie where the connection makes new ones, those of all companies in the same ones. A call waits
    for a connection, and for a server that went away in the middle of a commit, for up to ``patience``
    seconds; what has begun on a connection that is lost fails with ``StoreUnavailable`` at once. Connections
    must isolate as PostgreSQL does by itself, READ COMMITTED.
    """

    def __init__(self, database: str | Pool, company: str, *, patience: float = 30.0) -> None:
        if not company:
            raise ConfigurationError("a store in PostgreSQL is a company's: its id is required")
        if not patience > 0:
            raise ConfigurationError("patience is a number of seconds > 0")
        self._database = Database(database, company, patience=patience, migrations=MIGRATIONS)

    async def open(self, binding: Binding | None = None, *, now: datetime) -> Binding:
        """Open the company's store, or make it. What is refused is left as it is."""
        return await self._database.open(binding, now)

    async def close(self) -> None:
        """Let what was asked for end, then close. Closing twice does nothing."""
        await self._database.close()

    async def feed(self, name: str) -> Feed | None:
        """How far a feed is stored."""
        return await self._database.read(seeing.feed_of, name)

    async def record_seen(
        self, copies: Sequence[Copy], judge: Judge, *, now: datetime, feed: Feed | None = None
    ) -> tuple[Judgement, ...]:
        """Judge copies and carry the judgements out, with the watermark, in one transaction."""
        return await self._database.write(seeing.record_seen, copies, judge, now, feed)

    async def record_absent(
        self, record_ids: Sequence[str], judge: JudgeAbsence, *, now: datetime
    ) -> tuple[Judgement, ...]:
        """The same for records that Brex no longer returns."""
        return await self._database.write(seeing.record_absent, record_ids, judge, now)

    async def awaited(self, *, before: datetime) -> tuple[str, ...]:
        """What a complete listing of the queue should name."""
        return await self._database.read(seeing.awaited, before)

    async def stale(self, *, now: datetime, read_before: datetime, limit: int) -> tuple[str, ...]:
        """What would be claimed if it were read anew."""
        return await self._database.read(posting.stale, now, read_before, limit)

    async def claim(
        self, owner: str, *, now: datetime, until: datetime, read_since: datetime, limit: int
    ) -> tuple[Claim, ...]:
        """DISCOVERED -> INTENT."""
        if not await self._database.read(posting.is_due, now, until, read_since):
            return ()
        return await self._database.write(posting.claim, owner, now, until, read_since, limit)

    async def take_over(self, owner: str, *, now: datetime, until: datetime, limit: int) -> tuple[Claim, ...]:
        """INTENT -> INTENT where a lease ended."""
        if not await self._database.read(posting.is_let_go, now, until):
            return ()
        return await self._database.write(posting.take_over, owner, now, until, limit)

    async def renew(self, claim: Claim, *, now: datetime, until: datetime) -> Claim:
        """Prolong a lease that still counts."""
        return await self._database.write(posting.renew, claim, now, until)

    async def record_outcome(self, claim: Claim, outcome: Outcome, *, now: datetime, detail: str = "") -> Export:
        """INTENT -> what the poster said."""
        return await self._database.write(posting.record_outcome, claim, outcome, now, detail)

    async def park(self, claim: Claim, *, why: str, now: datetime, detail: str = "") -> Export:
        """INTENT -> UNCONFIRMED."""
        return await self._database.write(posting.park, claim, why, now, detail)

    async def reportable(self, *, limit: int, bills: bool = False) -> tuple[Export, ...]:
        """What Brex waits for."""
        return await self._database.read(reporting.reportable, limit, bills)

    async def open_batch(
        self,
        owner: str,
        exports: Sequence[Export],
        results: Sequence[ExportResult],
        *,
        key: str,
        now: datetime,
        until: datetime,
    ) -> Batch:
        """POSTED or REJECTED -> REPORTING."""
        return await self._database.write(reporting.open_batch, owner, exports, results, key, now, until)

    async def take_over_batches(
        self, owner: str, *, now: datetime, until: datetime, limit: int = 1
    ) -> tuple[Batch, ...]:
        """Batches whose lease ended."""
        if not await self._database.read(reporting.is_let_go, now, until):
            return ()
        return await self._database.write(reporting.take_over_batches, owner, now, until, limit)

    async def renew_batch(self, batch: Batch, *, now: datetime, until: datetime) -> Batch:
        """Prolong a lease that still counts."""
        return await self._database.write(reporting.renew_batch, batch, now, until)

    async def settle(self, batch: Batch, settlements: Sequence[Settlement], *, now: datetime) -> Batch | None:
        """REPORTING -> what became of each result."""
        return await self._database.write(reporting.settle, batch, settlements, now)

    async def claim_receipts(self, owner: str, *, now: datetime, until: datetime, limit: int) -> tuple[Claim, ...]:
        """Lease what lacks receipts."""
        if not await self._database.read(posting.lacks_receipts, now, until):
            return ()
        return await self._database.write(posting.claim_receipts, owner, now, until, limit)

    async def record_attached(self, claim: Claim, *, now: datetime) -> Export:
        """The receipts are there."""
        return await self._database.write(posting.record_attached, claim, now)

    async def decide(
        self,
        record_id: str,
        revision: int,
        after: State,
        *,
        why: str,
        by: str,
        now: datetime,
        outcome: Posted | Rejected | None = None,
    ) -> Export:
        """A person's move."""
        return await self._database.write(people.decide, record_id, revision, after, why, by, now, outcome)

    async def pause(self, reason: str, *, code: str, by: str, now: datetime) -> Pause:
        """Post nothing more."""
        return await self._database.write(people.pause, reason, code, by, now)

    async def resume(self, *, by: str, why: str, now: datetime) -> None:
        """Post again."""
        return await self._database.write(people.resume, by, why, now)

    async def paused(self) -> Pause | None:
        """Why nothing is posted."""
        return await self._database.read(people.paused)

    async def exports_of(self, record_id: str) -> tuple[Export, ...]:
        """All revisions of a record."""
        return await self._database.read(moving.revisions, record_id)

    async def exports(self, states: Collection[State], *, after: int = 0, limit: int = 100) -> tuple[Export, ...]:
        """Exports in these states."""
        return await self._database.read(people.exports_in, states, after, limit)

    async def history(self, record_id: str | None = None, *, after: int = 0, limit: int = 1000) -> tuple[Move, ...]:
        """Moves as committed."""
        return await self._database.read(people.history, record_id, after, limit)

    async def counts(self) -> Counts:
        """How many exports are where."""
        return await self._database.read(people.counts)

    async def lease_of(self, record_id: str, revision: int) -> Lease | None:
        """Who holds an export."""
        return await self._database.read(people.lease, record_id, revision)
