"""From the store back to Brex: batches, each with its exact body kept before it is sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final
from uuid import uuid4

import attrs

from ..confirming import Fate, fates
from ..enums import ReviewStatus
from ..errors import BadRequest, BrexError, LeaseLost, MoveRefused
from ..models import ConfirmedReport, ExportFailure, ExportReport, ExportResult
from ..reporting import Reporting
from .context import Context
from .exports import Batch, Export
from .results import result_of, settlement_of
from .states import State

__all__ = ["Reports"]

_log = logging.getLogger("brex_accounting")

_MOST: Final = 100
_FATES: Final = tuple(fate for fate in Fate if fate is not Fate.SEND_AGAIN)


@attrs.frozen(kw_only=True)
class _Standing:
    """How a record stands, and nothing else of it: what else it holds must not get in the way."""

    id: str
    review_status: ReviewStatus


@attrs.frozen
class Reports:
    """Reports one company's exports. A batch is held by a lease; whoever comes after it reads back first."""

    context: Context
    _refused: set[tuple[str, int]] = attrs.field(factory=set, init=False)

    async def take_over(self) -> None:
        """Batches that somebody may have sent and never settled: read what became of their records."""
        owner = self.context.settings.owner
        while True:
            now, until = await self.context.leased()
            batches = await self.context.store.take_over_batches(owner, now=now, until=until, limit=1)
            if not batches:
                return
            for batch in batches:
                await self._read_back(batch)

    async def send(self) -> int:
        """Report everything that waits for it; how many results Brex took.

        Raises the first error that stopped it. What Brex took before is settled, what may have been
        processed is read back when the lease has ended, and the rest waits.
        """
        taken = 0
        tried: set[tuple[str, int]] = set()
        while not self.context.stopping.is_set():
            limit, bills = _MOST + len(self._refused), self.context.settings.report_bills
            waiting = await self.context.store.reportable(limit=limit, bills=bills)
            some = [one for one in waiting if (one.record_id, one.revision) not in tried | self._refused][:_MOST]
            if not some:
                return taken
            batch = await self._opened(some)
            if batch is not None:
                tried.update(batch.members)
                taken += await self._sent(batch)
        return taken

    async def _opened(self, some: Sequence[Export]) -> Batch | None:
        now, until = await self.context.leased()
        owner, results = self.context.settings.owner, tuple(map(result_of, some))
        try:
            return await self.context.store.open_batch(owner, some, results, key=str(uuid4()), now=now, until=until)
        except MoveRefused:  # another worker, or the customer, was faster
            return None

    async def _sent(self, batch: Batch) -> int:
        reporting = Reporting(send=partial(self._request, batch), read=self._standing)
        try:
            report = await reporting.run(batch.results, batch.key, _MOST)
        except LeaseLost as error:
            _log.warning("%s", error)
            return 0
        except BrexError as error:
            return await self._failed(batch, error)
        except asyncio.CancelledError:
            _log.info("a report of %d results was interrupted; it is read back later", len(batch.results))
            raise
        return await self._settle(batch, _fates_in(report), left=await self._left(batch, report))

    async def _left(self, batch: Batch, report: ConfirmedReport) -> frozenset[str]:
        """Whose failure took them out of the queue: back in it, they are tried again, however soon that is."""
        failed = [one.accounting_record_id for one in batch.results if isinstance(one, ExportFailure)]
        told = frozenset(failed).intersection(report.updated)
        try:
            standing = await self._standing(sorted(told)) if told else {}
        except BrexError as error:
            _log.info("where %d refused records are now is not known: %s", len(told), error)
            return frozenset()
        return frozenset(one for one in told if standing.get(one) != ReviewStatus.READY_FOR_EXPORT)

    async def _request(self, batch: Batch, results: Sequence[ExportResult], key: str) -> ExportReport:
        # Before each try: what somebody else reported of these records meanwhile must not be taken back.
        now, until = await self.context.leased()
        await self.context.store.renew_batch(batch, now=now, until=until)
        return await self.context.brex.records.report_export_results(results, idempotency_key=key)

    async def _standing(self, ids: Sequence[str]) -> dict[str, ReviewStatus]:
        records = self.context.brex.records.list(as_type=_Standing, ids=ids, page_size=_MOST)
        return {one.id: one.review_status async for one in records}

    async def _failed(self, batch: Batch, error: BrexError) -> int:
        known = _fates_in(error.confirmed or ConfirmedReport())
        if error.may_have_happened:
            await self._settle(batch, known)
            raise error
        again = {one.accounting_record_id: Fate.SEND_AGAIN for one in batch.results}
        if not isinstance(error, BadRequest):
            await self._settle(batch, again | known)
            raise error
        if len(batch.results) == 1:
            _log.error("Brex takes no report of %s: %s", batch.results[0].accounting_record_id, error)
            # Until the next run: one bad result must not hold up the others.
            self._refused.update(batch.members)
            return await self._settle(batch, again)
        # One of them is not to Brex's liking, and Brex does not say which: they go one by one.
        await self._settle(batch, again | known)
        return sum([await self._one(result) for result in batch.results if result.accounting_record_id not in known])

    async def _one(self, result: ExportResult) -> int:
        stored = await self.context.store.exports_of(result.accounting_record_id)
        if not stored or stored[-1].state not in (State.POSTED, State.REJECTED) or self.context.stopping.is_set():
            return 0
        batch = await self._opened(stored[-1:])
        return 0 if batch is None else await self._sent(batch)

    async def _read_back(self, batch: Batch) -> None:
        members = {record_id for record_id, _ in batch.members}
        left = [one for one in batch.results if one.accounting_record_id in members]
        found = await self._standing([one.accounting_record_id for one in left])
        known = fates(left, found, ambiguous=True)
        await self._settle(batch, dict.fromkeys(sorted(members), Fate.SEND_AGAIN) | known)

    async def _settle(self, batch: Batch, known: Mapping[str, Fate], left: Collection[str] = ()) -> int:
        if not known:
            return 0
        now = await self.context.now()
        settled = [
            settlement_of(one, known[one.accounting_record_id], has_left=one.accounting_record_id in left, now=now)
            for one in batch.results
            if one.accounting_record_id in known
        ]
        try:
            await self.context.store.settle(batch, settled, now=now)
        except LeaseLost as error:
            _log.warning("%s", error)
            return 0
        reported = sum(one.after is State.REPORTED for one in settled)
        failed = sum(one.after is State.REPORTED_FAILED for one in settled)
        self.context.tally.add(reported=reported, reported_failed=failed, unreported=len(settled) - reported - failed)
        return reported + failed


def _fates_in(report: ConfirmedReport) -> dict[str, Fate]:
    return {record_id: fate for fate in _FATES for record_id in getattr(report, fate.value)}
