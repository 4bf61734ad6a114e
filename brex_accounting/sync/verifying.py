"""The store held against Brex: does each record stand there as its export says?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Final

import attrs

from ..client import BrexAccounting
from ..enums import ReviewStatus, SourceType
from ..models import AccountingRecord, BadRecord
from .content import HASH_VERSION, content_hash
from .exports import Export
from .reading import CHUNK, record_of
from .states import State
from .store import SyncStore

__all__ = ["Difference", "Verification", "verify"]


@attrs.frozen(kw_only=True)
class Difference:
    """A record that does not stand in Brex as its export says."""

    record_id: str
    revision: int
    state: State
    what: str


@attrs.frozen(kw_only=True)
class Verification:
    """``checked`` records, and those that differ: none is what to expect when nothing is under way."""

    checked: int
    differences: tuple[Difference, ...]


_TO_COMPARE: Final = frozenset({State.POSTED, State.REPORTED, State.DISCOVERED, State.REJECTED, State.REPORTED_FAILED})


async def verify(brex: BrexAccounting, store: SyncStore) -> Verification:
    """Read every record of the store by its id, and compare. Changes nothing."""
    checked = 0
    differences: list[Difference] = []
    async for some in _newest(store):
        bad: list[BadRecord] = []
        listed = brex.records.list(ids=[one.record_id for one in some], page_size=CHUNK, on_bad_record=bad.append)
        records = {record.id: record async for record in listed}
        checked += len(some)
        differences.extend(_differences(some, records, unreadable={one.record_id for one in bad}))
    return Verification(checked=checked, differences=tuple(differences))


async def _newest(store: SyncStore) -> AsyncIterator[Sequence[Export]]:
    order = 0
    while some := await store.exports(tuple(_TO_COMPARE), after=order, limit=CHUNK):
        order = some[-1].order
        newest = [one for one in some if (await store.exports_of(one.record_id))[-1].revision == one.revision]
        if newest:
            yield newest


def _differences(
    some: Iterable[Export], records: Mapping[str, AccountingRecord], *, unreadable: Collection[str | None]
) -> list[Difference]:
    found = []
    for one in some:
        is_bad = one.record_id in unreadable
        what = "it cannot be read" if is_bad else _difference(one, records.get(one.record_id))
        if what is not None:
            found.append(Difference(record_id=one.record_id, revision=one.revision, state=one.state, what=what))
    return found


def _difference(export: Export, record: AccountingRecord | None) -> str | None:
    if record is None:
        return "Brex does not return it"
    stored = export.content_hash if export.hash_version == HASH_VERSION else content_hash(record_of(export))
    if stored != content_hash(record):
        return "its content is another one"
    if export.source_type == SourceType.BILL or export.left_queue:
        return None
    status = record.review_status
    if export.state is State.REPORTED and status != ReviewStatus.EXPORTED:
        return f"it was reported as exported and reads {status}"
    if export.state in (State.DISCOVERED, State.POSTED) and status != ReviewStatus.READY_FOR_EXPORT:
        return f"it waits to be exported and reads {status}"
    return None
