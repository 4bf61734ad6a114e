"""Model books, and the poster that writes into them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from brex_accounting import AccountingRecord
from brex_accounting.models import Receipt
from brex_accounting.sync.content import content_hash, is_live
from brex_accounting.sync.keys import ExportKey
from brex_accounting.sync.poster import NotNow, Outcome, Posted, Rejected, Skipped

from .world_time import LEASE, Gate, Time

SECOND = timedelta(seconds=1)


@attrs.define(eq=False)
class Document:
    """One document: of which record and content, and whether another one took its place."""

    reference: str
    key: str
    record_id: str
    content: str
    is_live: bool
    receipts: frozenset[str] = frozenset()


@attrs.define(eq=False)
class Books:
    """Knows a key that comes again when ``recovery`` is "same_key"; otherwise whatever comes is written.

    ``fates`` befall the next posts: "lost" (written, no answer), "nothing" (not written, no answer), "late"
    (no answer, and written up to the end of the lease) and "not now". ``refused`` and ``skipped`` are records.
    ``problems`` is what must never happen and did.
    """

    time: Time
    recovery: str
    documents: list[Document] = attrs.field(factory=list)
    fates: deque[str] = attrs.field(factory=deque)
    refused: set[str] = attrs.field(factory=set)
    skipped: set[str] = attrs.field(factory=set)
    coming: list[tuple[datetime, AccountingRecord, str, str | None]] = attrs.field(factory=list)
    held_until: dict[str, datetime] = attrs.field(factory=dict)
    """When the lease of a key ends."""
    renewed: set[str] = attrs.field(factory=set)
    """Keys whose lease was asked for since they were claimed: what is posted next is on its way at once."""
    sent: dict[str, int] = attrs.field(factory=dict)
    contents: dict[str, str] = attrs.field(factory=dict)
    problems: list[str] = attrs.field(factory=list)

    def of_key(self, key: str) -> Document | None:
        self.arrive()
        found = [one for one in self.documents if one.key == key]
        return found[-1] if found else None

    def live(self, record_id: str) -> list[Document]:
        return [one for one in self.documents if one.record_id == record_id and one.is_live]

    def arrive(self, *, at_once: bool = False) -> None:
        """What was on its way and is due now."""
        due = [one for one in self.coming if at_once or one[0] <= self.time.now]
        self.coming = [one for one in self.coming if one not in due]
        for _, record, key, supersedes in due:
            self._write(record, key, supersedes)

    def post(self, record: AccountingRecord, key: str, supersedes: str | None) -> Outcome:
        self.arrive()
        self.sent[key] = self.sent.get(key, 0) + 1
        if self.contents.setdefault(key, content_hash(record)) != content_hash(record):
            self.problems.append(f"{key} came with another content")
        fate = self.fates.popleft() if self.fates else ""
        if fate == "not now":
            return NotNow("busy")
        if fate == "nothing":
            raise TimeoutError
        known = self.of_key(key) if self.recovery == "same_key" else None
        if known is None and record.id in self.skipped:
            return Skipped("not for these books")
        if known is None and record.id in self.refused:
            return Rejected("CLOSED_PERIOD", "June is closed: set a date in July.")
        if fate == "late":
            due = min(self.time.now + LEASE / 2, self.held_until.get(key, self.time.now) - SECOND)
            self.coming.append((due, record, key, supersedes))
            raise TimeoutError
        reference = self._write(record, key, supersedes)
        if fate == "lost":
            raise ConnectionResetError
        return Posted(reference)

    def _write(self, record: AccountingRecord, key: str, supersedes: str | None) -> str:
        if self.recovery == "same_key":
            known = [one for one in self.documents if one.key == key]
            if known:
                return known[-1].reference
        elif any(one.key == key for one in self.documents):
            self.problems.append(f"two documents under {key}")
        for one in self.live(record.id):
            if one.key != supersedes:
                self.problems.append(f"{key} stands beside {one.key}, and supersedes {supersedes}")
            one.is_live = False
        if supersedes is not None and not any(one.key == supersedes for one in self.documents):
            self.problems.append(f"{key} supersedes {supersedes}, which there is not")
        reference = f"JE-{len(self.documents) + 1}"
        self.documents.append(Document(reference, key, record.id, content_hash(record), is_live(record)))
        return reference


@attrs.define(eq=False)
class BooksPoster:
    """A poster without ``find``."""

    gate: Gate
    books: Books

    @property
    def recovery(self) -> str:
        return self.books.recovery

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        async def effect() -> Outcome | Exception:
            try:
                return self.books.post(record, key, supersedes)
            except (TimeoutError, ConnectionResetError) as error:
                return error

        outcome = await self.gate.through("post", effect, key=key, answers=True)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def find(self, key: ExportKey) -> Posted | None:
        async def effect() -> Posted | None:
            found = self.books.of_key(key)
            return Posted(found.reference) if found else None

        return await self.gate.through("find", effect, key=key, answers=True)

    async def attach(
        self, record: AccountingRecord, *, key: ExportKey, posted: Posted, receipts: Sequence[Receipt]
    ) -> None:
        async def effect() -> None:
            document = self.books.of_key(key)
            if document is None or document.reference != posted.reference_id or document.record_id != record.id:
                self.books.problems.append(f"receipts for {posted.reference_id}, which {key} is not")
            else:
                document.receipts |= {one.id for one in receipts}

        await self.gate.through("attach", effect, key=key, answers=True)
