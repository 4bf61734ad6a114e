"""Receipts, attached to documents that are in the books. Never in the way of an entry or its report."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import attrs

from ..client import BrexAccounting
from ..errors import LeaseLost
from ..models import AccountingRecord
from ..session.discreet import Hidden
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

    async def attach(self) -> None:
        """Attach what is missing. What fails is tried again after its lease; a poster without ``attach`` has none."""
        if not isinstance(self.poster, Attaching):
            return
        while not self.stopping.is_set():
            now = await self.brex.server_now()
            claims = await self.store.claim_receipts(self.owner, now=now, until=now + self.lease, limit=self.parallel)
            if not claims:
                return
            # The addresses of receipts live for minutes: they are asked for when they are needed.
            ids = [claim.export.record_id for claim in claims]
            found = self.brex.records.list(ids=ids, on_bad_record="skip")
            records = {record.id: Hidden(record) async for record in found}
            attaching = (self._attach(self.poster, claim, records.get(claim.export.record_id)) for claim in claims)
            problems = await asyncio.gather(*attaching, return_exceptions=True)
            for problem in problems:
                if problem is not None:
                    raise problem

    async def _attach(self, poster: Attaching, claim: Claim, record: Hidden[AccountingRecord] | None) -> None:
        export = claim.export
        if record is None or export.reference_id is None:
            return
        posted = Posted(export.reference_id, export.deep_link_url)
        try:
            await poster.attach(record.value, key=export.key, posted=posted, receipts=record.value.receipts or ())
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            _log.warning("receipts of %s: %s; tried again later", export.key, type(error).__name__)
            return
        try:
            await self.store.record_attached(claim, now=await self.brex.server_now())
        except LeaseLost as error:
            _log.warning("%s", error)
        else:
            self.tally.add(attached=1)
