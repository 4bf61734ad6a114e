"""Receipts that cannot be attached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from brex_accounting import AccountingRecord, BrexAccounting
from brex_accounting.models import Receipt
from brex_accounting.sandbox import Sandbox
from brex_accounting.sync import ExportKey, ExportSync, Posted, SqliteStore
from brex_accounting.sync.exports import Claim


class Forgetful(SqliteStore):
    """Leases on receipts that have ended when the next one is taken, as when attaching takes long."""

    days = 0

    async def claim_receipts(self, owner: str, *, now: datetime, until: datetime, limit: int) -> tuple[Claim, ...]:
        self.days += 1
        passed = timedelta(days=self.days)
        return await super().claim_receipts(owner, now=now + passed, until=until + passed, limit=limit)


class NoArchive:
    """Books that take entries and lose every receipt."""

    recovery = "same_key"

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Posted:
        assert supersedes is None
        return Posted(f"JE-{record.id}-{key}")

    async def attach(
        self, record: AccountingRecord, *, key: ExportKey, posted: Posted, receipts: Sequence[Receipt]
    ) -> None:
        self.tried[record.id] += 1
        raise OSError(f"no archive for {key}, {posted}, {len(receipts)} receipts")


async def test_a_run_tries_each_document_once_where_no_receipt_can_be_attached(tmp_path: Path) -> None:
    """However soon the leases end, the run comes to its end."""
    books = NoArchive()
    async with Sandbox(records=300) as sandbox, BrexAccounting(sandbox.token, base_url=sandbox.url) as brex:
        store = Forgetful(tmp_path / "exports.db")
        async with ExportSync(brex, books, store=store, post_from=date(2026, 1, 1), parallel=2) as sync:
            summary = await sync.run_once()
    assert (summary.attached, summary.open) == (0, 0)
    assert books.tried
    assert set(books.tried.values()) == {1}
