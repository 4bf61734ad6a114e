"""What a report is made of: the store, the books and Brex, read in this order.

Whatever is posted meanwhile is in the books before Brex is read, and what the store does not know yet of the books
is no difference: an export may run on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

import attrs

from ..client import BrexAccounting
from ..converters import from_json
from ..models import AccountingRecord, BadRecord
from ..posters.chart import Chart
from ..posters.entries import Entry
from ..posters.ledger import Ledger
from ..sync.content import HASH_VERSION, content_hash
from ..sync.exports import Export, Move
from ..sync.states import State
from ..sync.store import SyncStore
from .expecting import Revision
from .paper import ClosingReport
from .period import Period
from .placing import Placed, Placer
from .queueing import queues
from .reconciling import reconcile
from .rolling import roll_forward

__all__ = ["closing_report"]

_CHUNK: Final = 100
"""Records that are asked for by id at a time."""

_PIECE: Final = 1000
_TRIES: Final = 5


async def closing_report(
    brex: BrexAccounting, store: SyncStore, ledger: Ledger, *, chart: Chart, period: Period
) -> ClosingReport:
    """The report of a period. Reads all of Brex's records, all of the store and all of the books; changes nothing.

    ``store`` is open. Raises what each of them raises.
    """
    placer = Placer.of(chart)
    stored = await _stored(store, placer)
    held = _Held(await ledger.entries())
    in_brex = _InBrex(placer)
    await in_brex.read(brex)
    await in_brex.read_again(brex, {*stored.revisions, *(entry.record_id for entry in held.entries)})
    return await asyncio.to_thread(_report, period, stored, held, in_brex, await brex.server_now())


def _report(period: Period, stored: _Stored, held: _Held, in_brex: _InBrex, made_at: datetime) -> ClosingReport:
    found = reconcile(period, current=in_brex.placed, stored=stored.revisions, entries=held.entries)
    return ClosingReport(
        period=period,
        made_at=made_at,
        records=sum(period.holds(one.date) for one in in_brex.placed.values()),
        rows=found.rows,
        findings=found.findings,
        roll_forward=roll_forward(stored.moves, stored.placed, begin=period.begin, end=period.end),
        queues=queues(in_brex.placed, stored.revisions),
        unreadable=in_brex.unreadable,
        disagreeing=stored.disagreeing,
        was_moving=stored.was_moving,
    )


# What is read stands in the frames while more is read: error reporters print it with an error of the next step.


@attrs.frozen
class _Held:
    entries: tuple[Entry, ...] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, repr=False)
class _Stored:
    revisions: dict[str, list[Revision]]
    placed: dict[tuple[str, int], Placed]
    moves: Sequence[Move]
    disagreeing: tuple[str, ...]
    was_moving: bool


async def _stored(store: SyncStore, placer: Placer) -> _Stored:
    found = await _stored_at_once(store, placer)
    for _ in range(_TRIES):
        if not found.was_moving:
            break
        found = await _stored_at_once(store, placer)
    return found


async def _stored_at_once(store: SyncStore, placer: Placer) -> _Stored:
    moves = await _moves(store)
    revisions: dict[str, list[Revision]] = {}
    placed: dict[tuple[str, int], Placed] = {}
    order = 0
    while some := await store.exports(tuple(State), after=order, limit=_PIECE):
        order = some[-1].order
        await asyncio.to_thread(_take, some, placer, revisions, placed)
    was_moving = bool(await store.history(after=moves[-1].number if moves else 0, limit=1))
    return _Stored(
        revisions=revisions,
        placed=placed,
        moves=[move for move in moves if (move.record_id, move.revision) in placed],
        disagreeing=() if was_moving else _disagreeing(revisions, moves),
        was_moving=was_moving,
    )


async def _moves(store: SyncStore) -> list[Move]:
    moves: list[Move] = []
    while some := await store.history(after=moves[-1].number if moves else 0, limit=_PIECE):
        moves += some
    return moves


def _take(
    some: Sequence[Export],
    placer: Placer,
    revisions: dict[str, list[Revision]],
    placed: dict[tuple[str, int], Placed],
) -> None:
    for export in some:
        record = from_json(export.body, AccountingRecord)
        one = placed[export.record_id, export.revision] = placer.place(record)
        revision = Revision(
            key=export.key,
            state=export.state,
            has_document=export.reference_id is not None,
            is_kept=export.hash_version != HASH_VERSION or export.content_hash == content_hash(record),
            placed=one,
        )
        revisions.setdefault(export.record_id, []).append(revision)


def _disagreeing(revisions: dict[str, list[Revision]], moves: Sequence[Move]) -> tuple[str, ...]:
    last: dict[tuple[str, int], State] = {(move.record_id, move.revision): move.after for move in moves}
    standing = {
        (record_id, number): one.state for record_id, some in revisions.items() for number, one in enumerate(some, 1)
    }
    return tuple(sorted({record_id for record_id, _ in dict(last.items() ^ standing.items())}))


class _InBrex:
    """Every record as Brex has it."""

    def __init__(self, placer: Placer) -> None:
        self._placer = placer
        self._bad: dict[str, None] = {}
        self.placed: dict[str, Placed] = {}

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Ids of records that cannot be decoded, "" for one that has no id."""
        return tuple(self._bad)

    async def read(self, brex: BrexAccounting) -> None:
        """All of them."""
        async for page in brex.records.list(on_bad_record=self._note, prefetch=1).pages():
            self._take(page.items)

    async def read_again(self, brex: BrexAccounting, record_ids: Collection[str]) -> None:
        """Those of these that the list did not name: they may be new, or gone."""
        missing = sorted({*record_ids} - self.placed.keys() - self._bad.keys())
        for start in range(0, len(missing), _CHUNK):
            some = missing[start : start + _CHUNK]
            listed = brex.records.list(ids=some, page_size=_CHUNK, on_bad_record=self._note)
            async for page in listed.pages():
                self._take(page.items)

    def _take(self, records: Iterable[AccountingRecord]) -> None:
        self.placed.update({record.id: self._placer.place(record) for record in records})

    def _note(self, bad: BadRecord) -> None:
        self._bad[bad.record_id or ""] = None
