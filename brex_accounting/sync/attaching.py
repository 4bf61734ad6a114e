"""Receipts, attached to documents that are in the books. Never in the way of an entry or its report."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta

import attrs

from ..client import BrexAccounting
from ..errors import LeaseLost
from ..models import AccountingRecord
from .exports import Claim
from .poster import Attaching, Posted, Poster
from .store import SyncStore
from .summary import Tally

__all__ = ["Clerk"]

_log = logging.getLogger("brex_accounting")


@attrs.frozen(kw_only=True)
class Clerk:
    """Attaches receipts as ``owner``, ``parallel`` documents at a time, each held for ``lease``."""

    brex: BrexAccounting
    store: SyncStore
    poster: Poster
    owner: str
    parallel: int
    lease: timedelta
    tally: Tally
    stopping: asyncio.Event
    tried: set[int] = attrs.field(factory=set, init=False)

    async def attach(self, limit: int) -> int:
        """Attach what is missing to about ``limit`` documents; how many were begun, each once a run.

        What fails is tried again after its lease, by another run. A poster without ``attach`` has none.
        """
        begun = 0
        if not isinstance(self.poster, Attaching):
            return begun
        while begun < limit and not self.stopping.is_set():
            now = await self.brex.server_now()
            claims = await self.store.claim_receipts(self.owner, now=now, until=now + self.lease, limit=self.parallel)
            # Of more failures than a lease is long, the first come again before the last was tried.
            claims = tuple(claim for claim in claims if claim.export.order not in self.tried)
            if not claims:
                break
            begun += len(claims)
            self.tried.update(claim.export.order for claim in claims)
            # The addresses of receipts live for minutes: they are asked for when they are needed.
            found = self.brex.records.get_many([claim.export.record_id for claim in claims])
            records = {record.id: record async for record in found}
            await asyncio.gather(*(self._attach(self.poster, claim, records) for claim in claims))
        return begun

    async def _attach(self, poster: Attaching, claim: Claim, records: Mapping[str, AccountingRecord]) -> None:
        export = claim.export
        record = records.get(export.record_id)
        if record is None or export.reference_id is None:
            return
        posted = Posted(export.reference_id, export.deep_link_url)
        try:
            await poster.attach(record, key=export.key, posted=posted, receipts=record.receipts or ())
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            _log.warning("receipts of %s: %s; tried again later", export.key, type(error).__name__)
            return
        try:
            await self.store.record_attached(claim, now=await self.brex.server_now())
        except LeaseLost as error:
            _log.warning("%s", error)
        else:
            self.tally.add(attached=1)
