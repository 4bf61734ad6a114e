"""What a user writes, checked by mypy --strict and pyright; never run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import assert_type

import attrs
from aiohttp import ClientSession

from brex_accounting import (
    ALL_TIME,
    AccountingRecord,
    ActiveIntegrationExists,
    APIStatusError,
    BrexAccounting,
    BrexError,
    Checkpoint,
    ExportFailure,
    ExportSuccess,
    FixedToken,
    Integration,
    LineItem,
    Money,
    OAuthTokens,
    Page,
    RateLimit,
    RecordsNotReadyForExport,
    RetryPolicy,
    ScanCheckpoint,
    TokenRefreshError,
    UpdatedAt,
    from_json,
    to_json,
    warm_up,
)
from brex_accounting.enums import RecordType, ReviewStatus
from brex_accounting.models import BadRecord, ConfirmedReport, ExportReport, JsonValue
from brex_accounting.oauth import Consent, OAuthApp, TokenPair
from brex_accounting.paging import RecordQuery
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.sandbox import Sandbox
from brex_accounting.scanning import Scan, ScanPage
from brex_accounting.session.events import AttemptEvent
from brex_accounting.sync import ExportSync, Summary
from brex_accounting.sync.keys import ExportKey
from brex_accounting.sync.poster import NotNow, Outcome, Posted, Poster, Rejected, RejectionCode, Skipped
from brex_accounting.sync.sqlite import SqliteStore
from brex_accounting.sync.store import SyncStore
from brex_accounting.testing.erp_poster import FindErpPoster


async def token() -> str:
    return "bxt_..."


def watch(event: object) -> None:
    if isinstance(event, AttemptEvent):
        assert_type(event.elapsed, float)


async def client(session: ClientSession) -> None:
    async with BrexAccounting(token, session=session, observers=[watch], retry=RetryPolicy(attempts=2)) as brex:
        assert_type(brex, BrexAccounting)
        assert_type(brex.with_options(timeout=5), BrexAccounting)
        assert_type(brex.for_company("cuacc_1", token=FixedToken("t")), BrexAccounting)
        assert_type(await brex.server_now(), datetime)
    BrexAccounting("t", rate_limit=RateLimit(limit=10, per=1.0))


async def lists(brex: BrexAccounting, checkpoint: Checkpoint) -> None:
    query = brex.records.list(
        review_status="READY_FOR_EXPORT", source_type="CARD", updated_at=UpdatedAt(gte=date(2026, 6, 1)), page_size=50
    )
    assert_type(await query, Page[AccountingRecord])
    async for record in query:
        assert_type(record, AccountingRecord)
    records = query.records(resume_from=checkpoint)
    assert_type(records.checkpoint, Checkpoint)
    async for page in query.pages(resume_from=checkpoint):
        assert_type(page.items, tuple[AccountingRecord, ...])
        assert_type(page.checkpoint, Checkpoint | None)
    async with query.pages() as pages:
        async for page in pages:
            assert_type(page.raw, bytes)
    assert_type(await query.collect(10), list[AccountingRecord])
    brex.records.list(updated_at=None, on_bad_record=bad)
    brex.records.list(updated_at=ALL_TIME, on_bad_record="skip")
    brex.records.list(review_state="READY")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]


def bad(record: BadRecord) -> None:
    assert_type(record.record_id, str | None)


def fields(record: AccountingRecord) -> None:
    assert_type(record.amount, Money)
    assert_type(record.amount.amount, Decimal)
    assert_type(record.type, RecordType)
    assert_type(record.review_status == "EXPORTED", bool)
    assert_type(record.review_status is ReviewStatus.EXPORTED, bool)
    assert_type(record.debits, tuple[LineItem, ...])
    assert_type(record.accounting_date, date)
    record.memo = "no"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def reporting(brex: BrexAccounting) -> None:
    results = [ExportSuccess(accounting_record_id="a"), ExportFailure(accounting_record_id="b", error_message="no")]
    assert_type(await brex.records.report_export_results(results), ExportReport)
    confirmed = await brex.records.report_confirmed(results, idempotency_key="k", chunk=50)
    assert_type(confirmed, ConfirmedReport)
    assert_type(confirmed.presumed_reported, tuple[str, ...])
    many = brex.records.get_many(["a", "b"])
    async for record in many:
        assert_type(record, AccountingRecord)
    assert_type(many.missing, tuple[str, ...])
    assert_type(await brex.integrations.create(vendor="v", vendor_account_id="a"), Integration)


def failures(error: BrexError) -> None:
    assert_type(error.may_have_happened, bool)
    assert_type(error.checkpoint, Checkpoint | None)
    assert_type(error.confirmed, ConfirmedReport | None)
    if isinstance(error, APIStatusError):
        assert_type(error.details, Mapping[str, JsonValue])
    if isinstance(error, RecordsNotReadyForExport):
        assert_type(error.ids, tuple[str, ...])
    if isinstance(error, ActiveIntegrationExists):
        assert_type(error.existing_integration_id, str | None)


def json(data: bytes, record: AccountingRecord) -> None:
    assert_type(from_json(data, AccountingRecord), AccountingRecord)
    assert_type(from_json(data, Page[AccountingRecord]), Page[AccountingRecord])
    assert_type(from_json(data, Checkpoint), Checkpoint)
    assert_type(to_json(record), bytes)


async def sandbox() -> None:
    async with Sandbox(records=10, profile="awkward") as running:
        assert_type(running, Sandbox)
        assert_type(running.url, str)


@attrs.frozen
class Posting:
    id: str
    amount: Money


async def projections(brex: BrexAccounting, checkpoint: Checkpoint) -> None:
    query = brex.records.list(as_type=Posting, review_status="READY_FOR_EXPORT")
    assert_type(query, RecordQuery[Posting])
    assert_type(await query, Page[Posting])
    async for posting in query.records(resume_from=checkpoint):
        assert_type(posting, Posting)
    async for page in query.pages():
        assert_type(page.items, tuple[Posting, ...])
    assert_type(await query.collect(), list[Posting])
    assert_type(brex.records.list(as_type=AccountingRecord), RecordQuery[AccountingRecord])
    assert_type(brex.records.list(), RecordQuery[AccountingRecord])


async def oauth(consented: TokenPair) -> None:
    async def save(pair: TokenPair) -> None:
        assert_type(pair.expires_at, datetime)

    app = OAuthApp("id", "secret", redirect_uri="https://example.com/back")
    consent = app.begin(["accounting.record.read"])
    assert_type(consent, Consent)
    assert_type(await app.finish(consent, code="c", state=consent.state), TokenPair)
    await app.revoke(consented.refresh_token)
    tokens = OAuthTokens("id", "secret", consented.refresh_token, save=save, save_timeout=5)
    assert_type(await tokens.token(), str)
    async with BrexAccounting(tokens) as brex:
        company = brex.for_company("cuacc_1", token=tokens)
        assert_type(company, BrexAccounting)
    await tokens.aclose()
    try:
        await tokens.renew("refused")
    except TokenRefreshError as error:
        assert_type(error.retry_after, float | None)


async def ahead_and_side_by_side(brex: BrexAccounting, data: bytes) -> None:
    warm_up()
    async for record in brex.records.list(prefetch=1):
        assert_type(record, AccountingRecord)
    window = UpdatedAt(gte=date(2026, 1, 1), lt=await brex.server_now())
    scan = brex.records.scan(window, parallel=4, as_type=Posting, resume_from=from_json(data, ScanCheckpoint))
    assert_type(scan, Scan[Posting])
    async with scan as pages:
        async for page in pages:
            assert_type(page, ScanPage[Posting])
            assert_type(page.items, tuple[Posting, ...])
            assert_type(page.checkpoint, ScanCheckpoint)
    assert_type(brex.records.scan(window), Scan[AccountingRecord])
    assert_type(scan.checkpoint, ScanCheckpoint)


class ErpPoster:
    recovery = "same_key"

    async def post(
        self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None
    ) -> Posted | Rejected | Skipped | NotNow:
        assert_type(key.uuid, str)
        assert_type(key.short, str)
        if supersedes:
            return Skipped("the first one stands")
        return Posted(f"JE-{key.short}") if record.is_balanced else Rejected("UNBALANCED", "Balance the lines.")


def durable_export() -> None:
    poster: Poster = ErpPoster()
    store: SyncStore = SqliteStore("exports.db")
    outcome: Outcome = Rejected(RejectionCode.CURRENCY, "Use USD.")
    assert_type(Rejected("MINE", "Words.").code, RejectionCode)
    print(poster, store, outcome)  # noqa: T201


def numbers(summary: Summary) -> None:
    assert_type(summary.posted, int)


async def exporting(brex: BrexAccounting, books: FindErpPoster) -> None:
    posters: list[Poster] = [CsvPoster("journal.csv"), books, ErpPoster()]
    for poster in posters:
        sync = ExportSync(brex, poster, store=SqliteStore("exports.db"), post_from=date(2026, 1, 1))
        assert_type(await sync.run_once(), Summary)
        await sync.run_forever(every=timedelta(hours=1), ended=numbers)
