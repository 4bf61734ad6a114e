"""A ledger that Beancount reads, and so does an accountant.

    poster = BeancountPoster("brex.beancount", chart)

The posting rules decide what is booked. What was posted is on disk and stays so through SIGKILL: an entry that was
torn in the middle of its writing is removed when the ledger is next opened, and then booked again. Several processes
may write the same ledger. It is only ever appended to: a person's own entries go into a file of their own, which
includes it. POSIX only, on a local disk (it locks with ``flock``).

Beancount itself is not needed. Its own checks are no proof of these books: see ``ledger``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Final, TypeAlias

from ...errors import ConfigurationError
from ...models import AccountingRecord, Receipt
from ...sync.content import HASH_VERSION, content_hash, is_live
from ...sync.keys import ExportKey
from ...sync.poster import FoundDocument, NotNow, Outcome, Posted, Recovery, Rejected, Skipped
from ..appended import AppendedFile, Opened
from ..chart import Chart
from ..entries import Entry, Kind
from ..rules import entries_for
from ..standing import append_only
from .accounts import account_names
from .fetching import NotFetched, fetch_receipt
from .ledger import HEADER, Attachment, LedgerContents
from .receipts import MOST_BYTES, ReceiptFolder, receipt_name
from .text import Booking

__all__ = ["BeancountPoster", "Fetch"]

_FORGOTTEN: Final = (
    "the ledger holds other revisions of the record than the store knows of: sync rebuild makes a lost store again"
)

Fetch: TypeAlias = Callable[[Receipt], Awaitable[bytes]]
"""Gets a receipt's content. What it raises is told by its kind alone, unless it is a ``NotFetched``."""


class BeancountPoster:
    """Books records as transactions of the ledger at ``path``, which is made when it is missing.

    Accounts are named as ``accounts`` says and opened from the chart's ``post_from`` on. After an unknown
    outcome the ledger is asked. A bill that changed while it may still change is reversed and booked anew, as a
    journal entry is: the links ``^`` lead from one to the other. The reference of an entry is its key.

    Receipts go into a folder beside the ledger, ``brex-receipts`` for ``brex.beancount``, and are linked with a
    ``document`` each once they are there. ``fetch`` gets their content; by default from their addresses.

    Raises ``ConfigurationError`` for a chart whose accounts cannot be told apart in a ledger.
    """

    recovery: Recovery = "find"

    def __init__(self, path: str | PathLike[str], chart: Chart, *, fetch: Fetch = fetch_receipt) -> None:
        ledger = Path(path)
        self._chart = chart
        self._names = account_names(chart)
        self._file = AppendedFile(ledger, what="ledger", header=HEADER, contents=LedgerContents)
        self._folder = ReceiptFolder(ledger.with_name(f"{ledger.stem}-receipts"))
        self._fetch = fetch

    async def check(self) -> None:
        """Raise if nothing can be posted: the ledger cannot be written, was changed, or contradicts the chart.

        Mends a ledger that was torn.
        """
        await asyncio.to_thread(self._check)

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        """Append what the rules make of the record. An entry that is there already stays, and is what was posted.

        Where it has another content, or was taken out again, the store that gives the key has forgotten something:
        ``NotNow``.
        """
        try:
            return await asyncio.to_thread(self._post, record, key, supersedes)
        except ConfigurationError as error:
            return NotNow(str(error))

    async def find(self, key: ExportKey) -> Posted | None:
        """The entry with the key."""
        return await asyncio.to_thread(self._find, key)

    async def find_record(self, record_id: str) -> tuple[FoundDocument, ...]:
        """The documents of a record, in the order written."""
        return await asyncio.to_thread(self._find_record, record_id)

    async def entries(self) -> tuple[Entry, ...]:
        """Everything that the ledger holds, in the order written; nothing when there is none. It is left as it is."""
        return await asyncio.to_thread(self._entries)

    async def attach(
        self,
        record: AccountingRecord,
        *,
        key: ExportKey,
        posted: Posted,  # noqa: ARG002 - the protocol gives it
        receipts: Sequence[Receipt],
    ) -> None:
        """Put receipts beside the ledger and link them to the entry. One that is linked already is left alone.

        Nothing happens for an entry that is in other books. Raises ``NotFetched`` when one did not come: those that
        did are linked.
        """
        missing = await asyncio.to_thread(self._missing, key, [receipt.id for receipt in receipts])
        there: list[Attachment] = []
        problems: list[str] = []
        for receipt in receipts:
            if receipt.id not in missing:
                continue
            try:
                path = await self._saved(receipt_name(record.id, receipt.id), receipt)
            except NotFetched as error:
                problems.append(str(error))
            else:
                there.append(Attachment(receipt_id=receipt.id, path=path))
        if there:
            await asyncio.to_thread(self._link, key, there)
        if problems:
            raise NotFetched(f"{len(problems)} receipts of {key} are not attached. Of the first: {problems[0]}")

    # What blocks: it waits for other writers and for the disk.

    @contextmanager
    def _writable(self) -> Iterator[Opened[LedgerContents]]:
        with self._file.opened() as file:
            file.contents.check_names(self._names)
            file.contents.check_first_day(self._chart.post_from)
            yield file

    def _check(self) -> None:
        with self._writable():
            pass

    def _post(self, record: AccountingRecord, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        with self._writable() as file:
            content = f"{HASH_VERSION} {content_hash(record)}"
            if key in file.contents.index.entries:
                return NotNow(_FORGOTTEN) if _is_another(file.contents, key, content) else Posted(str(key))
            entries = self._entries_for(file.contents, record, key, supersedes)
            if isinstance(entries, (Rejected, Skipped)):
                return entries
            bookings = [Booking(entry=entry, content=content if entry.key == key else None) for entry in entries]
            for booking in bookings:  # that all can be written is known before any is
                self._block(file, booking)
            for booking in bookings:
                file.append(self._block(file, booking))
        return Posted(str(key))

    def _entries_for(
        self, contents: LedgerContents, record: AccountingRecord, key: ExportKey, supersedes: ExportKey | None
    ) -> tuple[Entry, ...] | Rejected | Skipped:
        standing = contents.index.standing(supersedes, is_live=is_live(record)) if supersedes else None
        entries = entries_for(record, self._chart, key=key, supersedes=supersedes, standing=standing)
        return append_only(entries, standing) if isinstance(entries, tuple) else entries

    def _block(self, file: Opened[LedgerContents], booking: Booking) -> bytes:
        return file.contents.entry_block(booking, named=self._names, day=self._chart.post_from)

    def _find(self, key: ExportKey) -> Posted | None:
        with self._file.opened() as file:
            return Posted(str(key)) if key in file.contents.index.entries else None

    def _find_record(self, record_id: str) -> tuple[FoundDocument, ...]:
        with self._file.opened() as file:
            contents = file.contents
            return tuple(
                _document(entry, contents)
                for entry in contents.index.of_record(record_id)
                if entry.kind is not Kind.REVERSAL
            )

    def _entries(self) -> tuple[Entry, ...]:
        return tuple(self._file.looked_at().index.entries.values())

    def _missing(self, key: ExportKey, receipt_ids: Iterable[str]) -> frozenset[str]:
        with self._file.opened() as file:
            if key not in file.contents.index.entries:
                return frozenset()
            return frozenset(one for one in receipt_ids if (key, one) not in file.contents.attached)

    def _link(self, key: ExportKey, attachments: Sequence[Attachment]) -> None:
        with self._file.opened() as file:
            contents = file.contents
            new = [one for one in attachments if (key, one.receipt_id) not in contents.attached]
            if new:
                file.append(contents.receipts_block(contents.index.entries[key], new))

    async def _saved(self, name: str, receipt: Receipt) -> str:
        """The receipt's path from beside the ledger. Raises ``NotFetched``."""
        path = await asyncio.to_thread(self._folder.find, name)
        if path is not None:
            return path
        content = await self._fetched(receipt)
        if len(content) > MOST_BYTES:
            raise NotFetched(f"it has more than {MOST_BYTES} bytes")
        return await asyncio.to_thread(self._folder.save, name, content)

    async def _fetched(self, receipt: Receipt) -> bytes:
        try:
            return await self._fetch(receipt)
        except NotFetched:
            raise
        except Exception as error:  # noqa: BLE001 - the caller's code, whose words may quote an address
            problem = type(error).__name__
        raise NotFetched(f"it did not come: {problem}")


def _is_another(contents: LedgerContents, key: ExportKey, content: str) -> bool:
    """Whether what stands under the key is certainly not this content."""
    known = contents.contents.get(key, content)
    of_one_version = known.split(" ")[0] == content.split(" ")[0]
    return contents.index.is_taken_out(key) or (of_one_version and known != content)


def _document(entry: Entry, contents: LedgerContents) -> FoundDocument:
    version, _, digest = contents.contents.get(entry.key, "").partition(" ")
    return FoundDocument(
        key=entry.key,
        posted=Posted(str(entry.key)),
        content_hash=digest or None,
        hash_version=int(version or 0),
        stands=not contents.index.is_taken_out(entry.key),
    )
