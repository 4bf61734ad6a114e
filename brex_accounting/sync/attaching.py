"""Receipts, attached to documents that are in the books. Never in the way of an entry or its report."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import attrs

from ..errors import LeaseLost
from ..models import AccountingRecord
from ..session.discreet import Hidden
from .context import Context
from .exports import Claim
from .poster import Attaching, Posted

__all__ = ["Clerk"]

_log = logging.getLogger("brex_accounting")


@attrs.frozen
class Clerk:
    """Attaches receipts, several documents at a time, each held by a lease."""

    context: Context
    _tried: set[int] = attrs.field(factory=set, init=False)
    _came_back: set[int] = attrs.field(factory=set, init=False)

    async def attach(self, limit: int) -> int:
        """Attach what is missing to about ``limit`` documents; how many were begun, each once a run.

        What fails is left to a later run; a poster without ``attach`` has none.
        """
        begun = 0
        poster, settings = self.context.poster, self.context.settings
        if not isinstance(poster, Attaching):
            return begun
        while begun < limit and not self.context.stopping.is_set():
            now, until = await self.context.leased()
            claims = await self.context.store.claim_receipts(
                settings.owner, now=now, until=until, limit=settings.parallel
            )
            # Where many fail, the leases of the first end before the last was tried: those are passed over, once.
            come_back = {claim.export.order for claim in claims} & self._tried
            if not claims or come_back & self._came_back:
                break
            self._came_back.update(come_back)
            claims = tuple(claim for claim in claims if claim.export.order not in self._tried)
            self._tried.update(claim.export.order for claim in claims)
            if claims:
                begun += len(claims)
                await self._attach_all(poster, claims)
        return begun

    async def _attach_all(self, poster: Attaching, claims: Sequence[Claim]) -> None:
        # The addresses of receipts live for minutes: they are asked for when they are needed.
        ids = [claim.export.record_id for claim in claims]
        found = self.context.brex.records.list(ids=ids, on_bad_record="skip")
        records = {record.id: Hidden(record) async for record in found}
        attaching = (self._attach(poster, claim, records.get(claim.export.record_id)) for claim in claims)
        for problem in await asyncio.gather(*attaching, return_exceptions=True):
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
            await self.context.store.record_attached(claim, now=await self.context.now())
        except LeaseLost as error:
            _log.warning("%s", error)
        else:
            self.context.tally.add(attached=1)
