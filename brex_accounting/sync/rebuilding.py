"""A store that was lost, made again from what Brex and the books hold, so that nothing is posted twice.

Of each record that the books have a document of, every revision is stored again. The newest one is REPORTED when
Brex counts the record as exported, else POSTED: if it is READY_FOR_EXPORT it is reported by the next run, and if the
customer took it back a person sees that. What changed since it was booked is a new revision, as in any run. What
the books do not have is not stored: the next run finds it where it always does.

Lost for good are decisions that only the store knew: why something was skipped or resolved by hand, and how often
the books refused it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Final, TypeVar
from uuid import uuid4

import attrs

from ..client import BrexAccounting
from ..enums import ReviewStatus
from ..errors import ConfigurationError
from ..models import AccountingRecord, BadRecord
from .exports import Binding, Copy, Settlement
from .pausing import PauseCode
from .plan import judge
from .poster import FindingRecords, FoundDocument
from .reading import copy_read, rehash, restarted
from .restoring import Revision, begun_again, revisions_of
from .results import result_of
from .states import State
from .store import SyncStore

__all__ = ["Rebuilt", "rebuild"]

T = TypeVar("T")

_WHY: Final = "found in the books when the store was rebuilt"
_PAUSE: Final = "the store is being rebuilt; if that did not end, remove the store and rebuild it again"
_LEASE: Final = timedelta(minutes=2)
_AT_ONCE: Final = 8
"""Records that the books are asked for at a time."""


@attrs.frozen(kw_only=True)
class Rebuilt:
    """What a rebuild found: ``read`` records in Brex, of which ``restored`` (their ids) have documents in the books.

    ``by_state`` counts the revisions stored. ``unreadable``: records that could not be decoded; what the books hold of
    them is not known to the store.
    """

    read: int
    restored: frozenset[str]
    by_state: Mapping[State, int]
    unreadable: int


async def rebuild(
    brex: BrexAccounting,
    store: SyncStore,
    books: FindingRecords,
    *,
    post_from: date,
    by: str,
    binding: Binding | None = None,
) -> Rebuilt:
    """Fill a new store from Brex's records and the documents of the books. It is opened, and closed at the end.

    ``by``: who does it, kept in the history. Until it has ended the store is paused, and an export posts nothing.
    Raises ``ConfigurationError`` for a store that holds exports, before anything is changed.
    """
    now = await brex.server_now()
    await store.open(binding or Binding(), now=now)
    try:
        if (await store.counts()).by_state:
            raise ConfigurationError("the store has exports already: name a new one, or remove what a rebuild left")
        await store.pause(_PAUSE, code=PauseCode.PERSON.value, by=by, now=now)
        work = _Rebuild(brex, store, books, post_from, by)
        await restarted(work.read_all)
        await store.resume(by=by, why="rebuilt", now=await brex.server_now())
        by_state = (await store.counts()).by_state
    finally:
        await store.close()
    return Rebuilt(read=work.read, restored=frozenset(work.restored), by_state=by_state, unreadable=len(work.bad))


@attrs.define
class _Rebuild:
    """One rebuild. It may read Brex's list again from the beginning: what is stored is passed over."""

    _brex: BrexAccounting
    _store: SyncStore
    _books: FindingRecords
    _post_from: date
    _by: str
    read: int = 0
    restored: set[str] = attrs.field(factory=set)
    bad: list[BadRecord] = attrs.field(factory=list)

    async def read_all(self) -> None:
        """Every record of Brex, a page at a time."""
        self.read = 0
        self.bad.clear()
        asked = await self._brex.server_now()
        async for page in self._brex.records.list(on_bad_record=self.bad.append).pages():
            self.read += len(page.items)
            documents = await self._documents([one for one in page.items if one.id not in self.restored])
            copies = [copy_read(one, asked) for one in page.items if documents.get(one.id)]
            await self._restore({copy.record_id: revisions_of(copy, documents[copy.record_id]) for copy in copies})
            await self._settle(copies)
            asked = await self._brex.server_now()

    async def _documents(self, records: Sequence[AccountingRecord]) -> dict[str, Sequence[FoundDocument]]:
        free = asyncio.Semaphore(_AT_ONCE)

        async def ask(record_id: str) -> Sequence[FoundDocument]:
            async with free:
                return await self._books.find_record(record_id)

        ids = [one.id for one in records]
        return dict(zip(ids, await _all([ask(one) for one in ids]), strict=True))

    async def _restore(self, revisions: Mapping[str, Sequence[Revision]]) -> None:
        """Each record's revisions, the first of all of them, then the second, and so on."""
        for at in range(max(map(len, revisions.values()), default=0)):
            some = [(record_id, found[at]) for record_id, found in revisions.items() if at < len(found)]
            now = await self._brex.server_now()
            await self._store.record_seen([one.copy for _, one in some], begun_again, now=now)
            decide = partial(self._store.decide, after=State.POSTED, why=_WHY, by=self._by, now=now)
            await _all(
                [decide(record_id, at + 1, outcome=one.posted) for record_id, one in some if one.posted is not None]
            )
        self.restored.update(record_id for record_id, found in revisions.items() if found)

    async def _settle(self, copies: Sequence[Copy]) -> None:
        """What Brex counts as exported is reported; then each copy is judged as in any run."""
        copies = [copy for copy in copies if copy.record_id in self.restored]
        exported = [copy.record_id for copy in copies if copy.review_status == ReviewStatus.EXPORTED]
        now = await self._brex.server_now()
        if exported:
            exports = [(await self._store.exports_of(one))[-1] for one in exported]
            owner, results = f"rebuild:{uuid4()}", [result_of(one) for one in exports]
            # Were it cut short here, an export would read back that they are exported already.
            batch = await self._store.open_batch(owner, exports, results, key=str(uuid4()), now=now, until=now + _LEASE)
            await self._store.settle(
                batch, [Settlement(record_id=one, after=State.REPORTED) for one in exported], now=now
            )
        bound = partial(judge, post_from=self._post_from, rehash=rehash)
        await self._store.record_seen(copies, bound, now=now)


async def _all(work: Sequence[Awaitable[T]]) -> list[T]:
    """All of it at once. The first that failed is raised when the others have ended."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return [one for one in done if not isinstance(one, BaseException)]
