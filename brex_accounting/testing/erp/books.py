"""The ERP's rules, without HTTP and without a disk: drafts in, decisions or refusals out.

A decision is not done yet: its ``writes`` are committed first, and then put.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

import attrs

from .counting import is_balanced
from .options import Options
from .refusal import Refused, not_found, not_offered
from .values import Attachment, Document, Draft, DraftLine, Side, Status, too_long

__all__ = ["Books", "Decision"]


@attrs.frozen
class Decision:
    """The document to answer with, and the new states of documents to commit in one step; none when nothing moves."""

    answer: Document
    writes: tuple[Document, ...] = ()


class Books:
    """One company's journal. Documents are never removed."""

    def __init__(self, options: Options, documents: Iterable[Document] = ()) -> None:
        self.options: Options = options
        self._documents: dict[str, Document] = {}
        self._named: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for document in documents:
            self.put(document)

    def put(self, document: Document) -> None:
        """Hold a document's new state."""
        if document.id not in self._documents:
            for name in _names(document.draft):
                self._named[name].append(document.id)
        self._documents[document.id] = document

    def all(self) -> list[Document]:
        """Every document, oldest first."""
        return list(self._documents.values())

    def get(self, document_id: str) -> Document:
        """One document."""
        found = self._documents.get(document_id)
        if found is None:
            raise not_found("journal entry")
        return found

    def look_up(self, by: str, value: str) -> list[Document]:
        """The documents with this key or number, oldest first; refused where the ERP offers no such search."""
        if by != self.options.lookup:
            raise not_offered(f"search by {by}")
        return self._having(by, value)

    def create(self, draft: Draft, now: datetime) -> Decision:
        """A new document, or the first one with its key where the ERP knows keys."""
        if self.options.dedupe == "key" and draft.key is not None:
            for first in self._having("key", draft.key):
                return Decision(_same(first, draft))
        self._check(draft)
        document = Document(id=self._next_id(), draft=draft, created_at=now)
        replaced = [self._replaced(old, document.id) for old in self._superseded(draft)]
        return Decision(document, (*replaced, document))

    def update(self, document_id: str, draft: Draft) -> Decision:
        """Another content for an open document. Its key, number and what it supersedes stay as they are."""
        old = self._open(document_id)
        kept = {name: getattr(old.draft, name) for name in ("key", "number", "supersedes", "record", "revision")}
        draft = attrs.evolve(draft, **kept)
        self._check(draft)
        first = old.created_as or old.draft
        return _written(attrs.evolve(old, draft=draft, created_as=first, version=old.version + 1))

    def void(self, document_id: str) -> Decision:
        """Take a document out of the totals. Again is the same."""
        old = self.get(document_id)
        if old.status == Status.VOID:
            return Decision(old)
        self._open(document_id)
        return _written(attrs.evolve(old, status=Status.VOID, version=old.version + 1))

    def reverse(self, document_id: str, on: date, now: datetime) -> Decision:
        """A second document with the sides swapped, in an open period. Again is the first reversal."""
        old = self.get(document_id)
        if old.reversed_by is not None:
            return Decision(self.get(old.reversed_by))
        if old.status != Status.POSTED:
            raise _not_open(old)
        draft = Draft(date=on, lines=tuple(_swapped(line) for line in old.draft.lines), memo=old.draft.memo)
        self._check(draft)
        reversal = Document(id=self._next_id(), draft=draft, created_at=now, reverses=old.id)
        changed = attrs.evolve(old, reversed_by=reversal.id, version=old.version + 1)
        return Decision(reversal, (changed, reversal))

    def attach(self, document_id: str, attachment: Attachment) -> Decision:
        """One more file. The same file twice is two files."""
        old = self.get(document_id)
        return _written(attrs.evolve(old, attachments=(*old.attachments, attachment), version=old.version + 1))

    def _having(self, by: str, value: str) -> list[Document]:
        return [self._documents[found] for found in self._named.get((by, value), ())]

    def _next_id(self) -> str:
        return f"JE-{len(self._documents) + 1:06d}"

    def _open(self, document_id: str) -> Document:
        document = self.get(document_id)
        if document.status != Status.POSTED or document.reversed_by is not None:
            raise _not_open(document)
        self._check_period(document.draft.date)
        return document

    def _superseded(self, draft: Draft) -> list[Document]:
        if draft.supersedes is None:
            return []
        found = {doc.id: doc for by in ("key", "number") for doc in self._having(by, draft.supersedes)}
        standing = [doc for doc in found.values() if doc.status == Status.POSTED]
        if not standing:
            raise Refused(422, "document_not_found", "There is no such posted entry.", "supersedes", draft.supersedes)
        return standing

    def _replaced(self, old: Document, by: str) -> Document:
        self._open(old.id)
        return attrs.evolve(old, status=Status.SUPERSEDED, replaced_by=by, version=old.version + 1)

    def _check(self, draft: Draft) -> None:
        options = self.options
        self._check_period(draft.date)
        if options.vendors is not None and draft.vendor is not None and draft.vendor not in options.vendors:
            raise Refused(422, "vendor_not_found", "There is no such vendor.", "vendor", draft.vendor)
        for index, line in enumerate(draft.lines):
            self._check_line(line, f"lines[{index}]")
        if not is_balanced(draft.lines):
            raise Refused(422, "unbalanced", "Debits and credits differ, or a side is missing.", "lines")
        if len(draft.memo) > options.longest_memo:
            raise too_long("memo", options.longest_memo)

    def _check_period(self, day: date) -> None:
        closed = self.options.closed_through
        if closed is not None and day <= closed:
            raise Refused(422, "period_closed", f"The books are closed through {closed}.", "date", str(day))

    def _check_line(self, line: DraftLine, where: str) -> None:
        options, account = self.options, line.account
        if options.accounts is not None and account not in options.accounts:
            raise Refused(422, "account_not_found", "There is no such account.", f"{where}.account", account)
        if account in options.inactive:
            raise Refused(422, "account_inactive", "The account takes no entries.", f"{where}.account", account)
        if options.currencies is not None and line.currency not in options.currencies:
            raise Refused(
                422, "currency_not_enabled", "The currency is not enabled.", f"{where}.currency", line.currency
            )
        if len(line.memo) > options.longest_memo:
            raise too_long(f"{where}.memo", options.longest_memo)


def _names(draft: Draft) -> list[tuple[str, str]]:
    return [(by, value) for by, value in (("key", draft.key), ("number", draft.number)) if value is not None]


def _same(first: Document, draft: Draft) -> Document:
    if (first.created_as or first.draft) != draft:
        raise Refused(409, "key_reused", "This key belongs to a document with another content.", "key", first.id)
    return first


def _swapped(line: DraftLine) -> DraftLine:
    return attrs.evolve(line, side=Side.CREDIT if line.side == Side.DEBIT else Side.DEBIT)


def _written(document: Document) -> Decision:
    return Decision(document, (document,))


def _not_open(document: Document) -> Refused:
    return Refused(422, "not_open", f"The document is {document.status} or reversed.", "id", document.id)
