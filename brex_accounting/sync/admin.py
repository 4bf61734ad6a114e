"""What a person sees of an export and decides about it. Needs the store alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, Self

import attrs

from ..enums import SourceType
from ..errors import MoveRefused
from ..session.clock import Clock, SystemClock
from .exports import Binding, Export, Move, Pause
from .pausing import PauseCode
from .poster import Posted, Rejected, Skipped
from .states import OPEN, State
from .store import SyncStore

__all__ = ["ExceptionItem", "ExportAdmin", "Status"]

MANY_REJECTIONS: Final = 5
"""From here on a rejected record is listed as an exception."""

_PIECE: Final = 500

_LOOKED_AT: Final = (State.UNCONFIRMED, State.HELD, State.REJECTED, State.REPORTED_FAILED, State.POSTED)


@attrs.frozen(kw_only=True)
class Status:
    """How things stand. ``open``: posts and reports whose outcome is not known yet."""

    binding: Binding
    by_state: Mapping[State, int]
    open: int
    watermarks: Mapping[str, datetime]
    paused: Pause | None


@attrs.frozen(kw_only=True)
class ExceptionItem:
    """An export that waits for a person: ``why``, and ``what_to_do`` about it."""

    export: Export
    why: str
    what_to_do: str


class ExportAdmin:
    """A company's export store, opened when it is first used; close it with ``aclose`` or ``async with``.

        async with ExportAdmin(SqliteStore("exports.db")) as admin:
            for item in await admin.exceptions():
                print(item.export.record_id, item.why)

    Whoever decides something says why and who they are; both are kept in the history for ever.
    Every method raises ``StoreError`` as the store does.
    """

    def __init__(self, store: SyncStore, *, binding: Binding | None = None, clock: Clock | None = None) -> None:
        self._store = store
        self._asked_binding = binding
        self._clock = clock or SystemClock()
        self._binding: Binding | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._opened()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the store."""
        self._binding = None
        await self._store.close()

    async def status(self) -> Status:
        """How many exports are where, how far the feeds are read, and whether the company is paused."""
        store = await self._opened()
        counts = (await store.counts()).by_state
        feed = await store.feed("bills")
        return Status(
            binding=self._binding or Binding(),
            by_state=counts,
            open=sum(counts.get(state, 0) for state in OPEN),
            watermarks=MappingProxyType({feed.name: feed.watermark} if feed else {}),
            paused=await store.paused(),
        )

    async def unreported(self) -> int:
        """How many documents Brex waits to be told of. Bills are not: it is told of none."""
        return (await (await self._opened()).counts()).unreported

    async def exceptions(self) -> tuple[ExceptionItem, ...]:
        """Everything that goes no further without a person, in the order it came."""
        return tuple([item async for export in self._every(_LOOKED_AT) if (item := _exception(export)) is not None])

    async def exports_of(self, record_id: str) -> tuple[Export, ...]:
        """All revisions of a record, oldest first; empty when it was never seen."""
        return await (await self._opened()).exports_of(record_id)

    async def history(self, record_id: str | None = None) -> AsyncIterator[Move]:
        """Every move of a record, or of all, oldest first."""
        store = await self._opened()
        number = 0
        while moves := await store.history(record_id, after=number, limit=_PIECE):
            for one in moves:
                yield one
            number = moves[-1].number

    async def resolve(
        self,
        record_id: str,
        outcome: Posted | Rejected | Skipped | None,
        *,
        why: str,
        by: str,
        revision: int | None = None,
    ) -> Export:
        """Say what became of an export that waits for a person: the revision that does, unless told which.

        ``Posted``: it is in the books, under this reference; it is reported, and never posted again.
        ``Rejected``: the books refused it; the customer reads its message. ``Skipped``: it stays out of the
        books, and Brex is told nothing. None: it is not in the books, and is posted.

        Raises ``MoveRefused`` for what cannot have become of it.
        """
        export = await self._waiting(record_id) if revision is None else await self._newest(record_id, revision)
        after = {Posted: State.POSTED, Rejected: State.REJECTED, Skipped: State.SKIPPED}.get(
            type(outcome), State.DISCOVERED
        )
        found = outcome if isinstance(outcome, (Posted, Rejected)) else None
        return await self._decide(export, after, why=why, by=by, outcome=found)

    async def retry(self, record_id: str, *, why: str, by: str) -> Export:
        """Post what the books refused once more, under the same key. Raises ``MoveRefused`` for anything else."""
        export = await self._newest(record_id, None)
        if export.state not in (State.REJECTED, State.REPORTED_FAILED):
            raise MoveRefused(f"{record_id} is {export.state.value}: only what was refused is tried again")
        return await self._decide(export, State.DISCOVERED, why=why, by=by)

    async def replay(self, *, reason: str, by: str, record_ids: Iterable[str] | None = None) -> tuple[Export, ...]:
        """Let in what was left out: OUT_OF_SCOPE and SKIPPED exports, those named or all; they are posted next.

        Nothing that has a document in the books is ever replayed. Raises ``MoveRefused`` for a name that is
        neither, before any is let in.
        """
        states = (State.OUT_OF_SCOPE, State.SKIPPED)
        if record_ids is None:
            chosen = [export async for export in self._every(states) if await self._is_newest(export)]
        else:
            chosen = [await self._newest(record_id, None) for record_id in record_ids]
            for export in chosen:
                if export.state not in states:
                    raise MoveRefused(f"{export.record_id} is {export.state.value}: it was not left out")
        return tuple([await self._decide(export, State.DISCOVERED, why=reason, by=by) for export in chosen])

    async def pause(self, reason: str, *, by: str) -> Pause:
        """Post nothing more, from the next post on; what is posted is still reported. An earlier pause stays."""
        store = await self._opened()
        return await store.pause(reason, code=PauseCode.PERSON.value, by=by, now=await self._now())

    async def resume(self, *, why: str, by: str) -> None:
        """Post again."""
        store = await self._opened()
        await store.resume(by=by, why=why, now=await self._now())

    async def _opened(self) -> SyncStore:
        async with self._opening:
            if self._binding is None:
                self._binding = await self._store.open(self._asked_binding, now=self._clock.now())
        return self._store

    async def _now(self) -> datetime:
        # Brex is not asked: a decision's moment only orders it among the moves around it.
        return self._clock.now()

    async def _decide(
        self, export: Export, after: State, *, why: str, by: str, outcome: Posted | Rejected | None = None
    ) -> Export:
        return await self._store.decide(
            export.record_id, export.revision, after, why=why, by=by, now=await self._now(), outcome=outcome
        )

    async def _newest(self, record_id: str, revision: int | None) -> Export:
        found = await self.exports_of(record_id)
        if revision is not None:
            found = tuple(one for one in found if one.revision == revision)
        if not found:
            raise MoveRefused(f"the store has no such export: {record_id}")
        return found[-1]

    async def _waiting(self, record_id: str) -> Export:
        # What nobody knows of may have a newer revision waiting behind it.
        found = await self.exports_of(record_id)
        waiting = [one for one in found if one.state in (State.UNCONFIRMED, State.HELD)]
        return waiting[0] if waiting else await self._newest(record_id, None)

    async def _is_newest(self, export: Export) -> bool:
        return (await self._store.exports_of(export.record_id))[-1].revision == export.revision

    async def _every(self, states: Iterable[State]) -> AsyncIterator[Export]:
        store = await self._opened()
        wanted = tuple(states)
        order = 0
        while some := await store.exports(wanted, after=order, limit=_PIECE):
            for one in some:
                yield one
            order = some[-1].order


def _exception(export: Export) -> ExceptionItem | None:
    why, what_to_do = "", ""
    if export.state is State.UNCONFIRMED:
        why = "nobody knows whether it was posted"
        what_to_do = f"look for {export.key} ({export.key.short}) in the books, then resolve it"
    elif export.state is State.HELD:
        why = "it changed after Brex counted it as exported"
        what_to_do = "correct the books by hand or let the change be posted, then resolve it"
    elif export.state in (State.REJECTED, State.REPORTED_FAILED):
        if export.source_type == SourceType.BILL:
            why, what_to_do = (
                "the books refuse this bill, and Brex is not told about bills",
                "mend the cause, then retry",
            )
        elif export.rejections >= MANY_REJECTIONS:
            why, what_to_do = f"refused {export.rejections} times", "mend the cause with the customer, then retry"
        elif export.state is State.REJECTED and export.left_queue:
            why = "the books refuse it, and Brex does not wait for it any more"
            what_to_do = "mend the cause, then retry, or let the customer export it again"
    elif export.left_queue and export.source_type != SourceType.BILL:
        why = "it is in the books, and the customer took it back in Brex"
        what_to_do = "ask the customer; it is reported as soon as it is READY_FOR_EXPORT again"
    return ExceptionItem(export=export, why=why, what_to_do=what_to_do) if why else None
