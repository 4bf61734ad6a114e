"""Where the books meet the disk: one thread decides, commits and holds, one change after another."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from .books import Books, Decision
from .counting import Counts, Summary, count, summarize
from .journal import Journal
from .options import Options, changed
from .orders import Orders
from .values import Attachment, Document, Draft

__all__ = ["Desk"]

T = TypeVar("T")


class Desk:
    """The books of one file, for many coroutines. Call ``open`` first and ``close`` last.

    A caller that is cancelled stops nothing: what was begun is committed and held, or neither.
    """

    def __init__(self, store: Path, orders: Orders) -> None:
        self._store = store
        self._orders = orders
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="erp")
        self._journal: Journal | None = None
        self._books: Books = Books(Options())

    @property
    def options(self) -> Options:
        """The ways of the ERP as they are now."""
        return self._books.options

    async def open(self, settings: Mapping[str, object]) -> None:
        """Read the file. ``settings`` change its options; ``ValueError`` says which cannot be."""

        def load() -> None:
            self._journal = journal = Journal(self._store)
            options = changed(journal.options() or Options(), settings)
            journal.keep(options)
            self._books = Books(options, journal.documents())

        await self._do(load)

    async def close(self) -> None:
        """Let go of the file, after what was begun."""

        def unload() -> None:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

        await self._do(unload)
        self._thread.shutdown(wait=False)

    async def change(self, settings: Mapping[str, object]) -> Options:
        """Change options, for good."""

        def settle() -> Options:
            options = changed(self._books.options, settings)
            self._open_journal().keep(options)
            self._books.options = options
            return options

        return await self._do(settle)

    async def create(self, draft: Draft) -> tuple[Document, bool]:
        """The document, and whether it is new."""
        decision = await self._settled(lambda books: books.create(draft, _now()))
        return decision.answer, bool(decision.writes)

    async def update(self, document_id: str, draft: Draft) -> Document:
        """Another content for an open document."""
        return (await self._settled(lambda books: books.update(document_id, draft))).answer

    async def void(self, document_id: str) -> Document:
        """Take a document out of the totals."""
        return (await self._settled(lambda books: books.void(document_id))).answer

    async def reverse(self, document_id: str, on: date) -> Document:
        """The reversal of a document."""
        return (await self._settled(lambda books: books.reverse(document_id, on, _now()))).answer

    async def attach(self, document_id: str, attachment: Attachment) -> Document:
        """One more file."""
        return (await self._settled(lambda books: books.attach(document_id, attachment))).answer

    async def get(self, document_id: str) -> Document:
        """One document."""
        return await self._do(lambda: self._books.get(document_id))

    async def look_up(self, by: str, value: str) -> list[Document]:
        """The documents with this key or number."""
        return await self._do(lambda: self._books.look_up(by, value))

    async def documents(self) -> list[Document]:
        """Every document, oldest first."""
        return await self._do(lambda: self._books.all())

    async def summary(self) -> Summary:
        """Totals."""
        return await self._do(lambda: summarize(self._books.all()))

    async def counts(self) -> Counts:
        """Documents per key, number and revision."""
        return await self._do(lambda: count(self._books.all()))

    async def _settled(self, decide: Callable[[Books], Decision]) -> Decision:
        def settle() -> Decision:
            decision = decide(self._books)
            if decision.writes:
                crash = self._orders.on_commit()
                _die_if(crash == "crash-before")
                self._open_journal().commit(decision.writes)
                _die_if(crash == "crash-after")
                for document in decision.writes:
                    self._books.put(document)
            return decision

        return await self._do(settle)

    def _open_journal(self) -> Journal:
        if self._journal is None:
            raise RuntimeError("the ERP is not running")
        return self._journal

    async def _do(self, action: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, action)


def _die_if(ordered: bool) -> None:
    if ordered:
        os.kill(os.getpid(), signal.SIGKILL)


def _now() -> datetime:
    return datetime.now(UTC)
