"""A model Brex: what an export uses of ``BrexAccounting``, as the wire's documentation tells it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import attrs

from brex_accounting import AccountingRecord, ExportSuccess, from_json
from brex_accounting.enums import ReviewStatus, SourceType
from brex_accounting.errors import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    BadRequest,
    BrexError,
    CursorExpired,
    IntegrationNotActive,
    PermissionDenied,
    RecordsNotFound,
    RecordsNotReadyForExport,
)
from brex_accounting.models import ConfirmedReport, ExportReport, ExportResult, Page, UpdatedAt
from brex_accounting.reporting import Reporting
from brex_accounting.sync.content import content_hash

from ..unit.documents import encoded, record
from .world_time import Gate, Time

PAGE = 2
READY = ReviewStatus.READY_FOR_EXPORT

TROUBLE: Mapping[str, Callable[[], BrexError]] = {
    "dead token": lambda: AuthenticationError("a call", status=401),
    "scope": lambda: PermissionDenied("a call", status=403),
    "inactive": lambda: IntegrationNotActive("a call", status=409),
    "not sent": lambda: APIConnectionError("a call: no connection", sent=False),
    "bad request": lambda: BadRequest("a call", status=400),
}


@attrs.frozen(kw_only=True)
class Account:
    """A record as it stands in Brex."""

    record_id: str
    source_type: str = "CARD"
    source_id: str | None = None
    memo: str = "a"
    day: str = "2026-06-11"
    review_status: str = "READY_FOR_EXPORT"
    status: str = "APPROVED"
    receipts: tuple[str, ...] = ()
    version: int = 1
    updated_at: datetime

    @property
    def is_bill(self) -> bool:
        return self.source_type == "BILL"

    @property
    def is_ready(self) -> bool:
        return not self.is_bill and self.review_status == "READY_FOR_EXPORT"


@lru_cache(maxsize=10_000)
def record_of(account: Account) -> AccountingRecord:
    document: dict[str, Any] = {
        "id": account.record_id,
        "source_type": account.source_type,
        "type": "BILL_EXPENSE" if account.is_bill else "CARD_EXPENSE_POST",
        "source_id": account.source_id,
        "memo": account.memo,
        "erp_posting_date": f"{account.day}T00:00:00Z",
        "review_status": account.review_status,
        "status": account.status,
        "receipts": [{"id": one, "download_uris": None} for one in account.receipts],
        "version": account.version,
        "updated_at": account.updated_at.isoformat(),
    }
    return from_json(encoded(record(**document)), AccountingRecord)


@attrs.define(eq=False)
class Brex:
    """The server's side. ``fates`` befall the next requests: the names in ``TROUBLE``, and for reports "lost"
    (processed, no answer) and "nothing" (not processed, no answer), for lists "expired".

    ``shrinks``: whether cursors count, so that a list from which something left skips what follows.
    ``check`` is told of every result before it is taken.
    """

    time: Time
    check: Callable[[ExportResult], None]
    shrinks: bool = False
    accounts: dict[str, Account] = attrs.field(factory=dict)
    fates: deque[str] = attrs.field(factory=deque)
    exported: dict[str, str | None] = attrs.field(factory=dict)
    """References of the successes taken."""
    past: dict[str, list[tuple[datetime, Account]]] = attrs.field(factory=dict)
    """Every account as it was, with the moment at which it ceased to be so."""

    def put(self, account: Account) -> None:
        before = self.accounts.get(account.record_id)
        if before is not None:
            self.past.setdefault(account.record_id, []).append((self.time.now, before))
        self.accounts[account.record_id] = account

    def change(self, record_id: str, *, at: datetime | None = None, **changes: Any) -> None:
        before = self.accounts[record_id]
        moment = max(at or self.time.now, before.updated_at)
        self.put(attrs.evolve(before, version=before.version + 1, updated_at=moment, **changes))

    def was_offered(self, record_id: str, content: str, *, since: datetime) -> bool:
        """Whether it was to be exported with this content at some moment since then."""
        stood = [one for until, one in self.past.get(record_id, ()) if until >= since]
        now = self.accounts.get(record_id)
        return any(
            (one.is_bill or one.is_ready) and content_of(one) == content for one in (*stood, *([now] if now else ()))
        )

    def fate(self, *names: str) -> str:
        """The next fate, if it is one that can befall this request."""
        return self.fates.popleft() if self.fates and self.fates[0] in names else ""

    def queue(self, cursor: Any) -> tuple[Page[AccountingRecord], Any]:
        rows = sorted((one for one in self.accounts.values() if one.is_ready), key=lambda one: one.record_id)
        if self.shrinks:
            return self._page(rows[cursor or 0 :], lambda some: (cursor or 0) + len(some))
        rows = [one for one in rows if cursor is None or one.record_id > cursor]
        return self._page(rows, lambda some: some[-1].record_id)

    def bills(self, window: UpdatedAt, cursor: Any) -> tuple[Page[AccountingRecord], Any]:
        gte, lt = window.gte, window.lt
        assert isinstance(gte, datetime)
        assert isinstance(lt, datetime)
        rows = [one for one in self.accounts.values() if one.is_bill and gte <= one.updated_at < lt]
        rows = [one for one in rows if cursor is None or (one.updated_at, one.record_id) > cursor]
        rows.sort(key=lambda one: (one.updated_at, one.record_id))
        return self._page(rows, lambda some: (some[-1].updated_at, some[-1].record_id))

    def _page(self, rows: list[Account], after: Callable[[list[Account]], Any]) -> tuple[Page[AccountingRecord], Any]:
        some = rows[:PAGE]
        more = len(rows) > PAGE
        page = Page(items=tuple(map(record_of, some)), has_next_page=more)
        return page, after(some) if more else None

    def by_ids(self, ids: Sequence[str]) -> Page[AccountingRecord]:
        found = tuple(record_of(self.accounts[one]) for one in ids if one in self.accounts)
        return Page(items=found, has_next_page=False)

    def report(self, results: Sequence[ExportResult]) -> ExportReport:
        ids = [one.accounting_record_id for one in results]
        unknown = [one for one in ids if one not in self.accounts]
        if unknown:
            raise RecordsNotFound("a report", status=404, details={"not_found_export_entry_source_ids": unknown})
        # Bills have no queue to leave.
        not_ready = [one for one in ids if not self.accounts[one].is_ready]
        if not_ready:
            details: dict[str, Any] = {"not_ready_for_export_accounting_record_ids": not_ready}
            raise RecordsNotReadyForExport("a report", status=422, details=details)
        for one in results:
            self.check(one)
            if isinstance(one, ExportSuccess):
                self.exported[one.accounting_record_id] = one.reference_id
                self.change(one.accounting_record_id, review_status="EXPORTED")
            else:
                self.change(one.accounting_record_id, review_status="PREPARE")
        return ExportReport(updated=tuple(ids))


@attrs.define(eq=False)
class BrexClient:
    """One worker's ``BrexAccounting``, and its ``records`` in one."""

    gate: Gate
    brex: Brex

    @property
    def records(self) -> BrexClient:
        return self

    async def server_now(self) -> datetime:
        return self.gate.server_now()

    def list(
        self,
        *,
        ids: Sequence[str] | None = None,
        review_status: ReviewStatus | None = None,
        source_type: SourceType | None = None,
        updated_at: UpdatedAt | None = None,
        **_options: Any,
    ) -> Records:
        if ids is not None:
            asked = tuple(ids)
            return Records(self, "ids", lambda _: (self.brex.by_ids(asked), None))
        if review_status == READY:
            return Records(self, "queue", self.brex.queue)
        assert source_type == SourceType.BILL
        assert updated_at is not None
        window = updated_at
        return Records(self, "bills", lambda cursor: self.brex.bills(window, cursor))

    async def report_export_results(self, results: Sequence[ExportResult], *, idempotency_key: str) -> ExportReport:
        assert idempotency_key
        report: ExportReport = await self.request("report", lambda: self.brex.report(results), "lost", "nothing")
        return report

    async def report_confirmed(self, results: Sequence[ExportResult], *, idempotency_key: str) -> ConfirmedReport:
        async def send(some: Sequence[ExportResult], key: str) -> ExportReport:
            return await self.report_export_results(some, idempotency_key=key)

        async def read(some: Sequence[str]) -> Mapping[str, ReviewStatus]:
            return {one.id: one.review_status async for one in self.list(ids=some)}

        return await Reporting(send=send, read=read).run(results, idempotency_key, 100)

    async def request(self, name: str, answer: Callable[[], Any], *also: str) -> Any:
        """A request: refused, lost on its way there or back, or answered."""

        async def effect() -> Any:
            fate = self.brex.fate(*TROUBLE, *also)
            if fate in TROUBLE:
                return TROUBLE[fate]()
            if fate == "expired":
                return CursorExpired("a list: its cursor is too old")
            try:
                result = None if fate == "nothing" else answer()
            except BrexError as error:
                result = error
            return _unanswered() if fate else result

        result = await self.gate.through(name, effect, answers=True)
        if isinstance(result, BrexError):
            raise result
        self.gate.heard()
        return result


def _unanswered() -> BrexError:
    error = APITimeoutError("a call: no answer")
    error.may_have_happened = True
    return error


@attrs.define(eq=False)
class Records:
    """A list on its way: page by page, or record by record."""

    client: BrexClient
    name: str
    read: Callable[[Any], tuple[Page[AccountingRecord], Any]]

    async def pages(self) -> AsyncIterator[Page[AccountingRecord]]:
        cursor: Any = None
        while True:
            page, cursor = await self.client.request(
                self.name, partial(self.read, cursor), *(["expired"] if cursor is not None else [])
            )
            yield page
            if not page.has_next_page:
                return

    async def __aiter__(self) -> AsyncIterator[AccountingRecord]:
        async for page in self.pages():
            for one in page.items:
                yield one


def content_of(account: Account) -> str:
    return content_hash(record_of(account))
