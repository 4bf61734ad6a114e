"""The posters for the fake ERP: what each of its answers becomes, and that each recovery keeps its promise."""

from __future__ import annotations

import asyncio
import hashlib
import traceback
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from brex_accounting.enums import ReviewStatus, SourceType
from brex_accounting.models import AccountingRecord, Receipt
from brex_accounting.sandbox import make_seed
from brex_accounting.sync.keys import export_key
from brex_accounting.sync.poster import NotNow, Posted, Rejected, RejectionCode, Skipped, checked_recovery
from brex_accounting.testing.erp import ErpProcess, FakeErp, Status
from brex_accounting.testing.erp_client import NothingWritten, Unclear
from brex_accounting.testing.erp_poster import ErpPoster, FindErpPoster, ParkErpPoster, SameKeyErpPoster, download

from .support import pass_time, until

CONTROL = {"CARD": "2100", "REIMBURSEMENT": "2200", "BILL": "2000"}
WAYS: dict[type[ErpPoster], dict[str, Any]] = {
    SameKeyErpPoster: {"dedupe": "key", "lookup": "key"},
    FindErpPoster: {"dedupe": "none", "lookup": "number"},
    ParkErpPoster: {"dedupe": "none", "lookup": "none"},
}


def ready(count: int = 3000) -> list[AccountingRecord]:
    seed = make_seed("lifelike", records=count, seed=7)
    rows = [row for row in range(count) if seed.header(row).review_status == ReviewStatus.READY_FOR_EXPORT]
    return [seed.record(row) for row in rows]


def accounts_for(records: list[AccountingRecord]) -> dict[str, str]:
    """Every general ledger code is an account of the same number; types without one have theirs."""
    codes = {
        value.remote_field_value_id
        for record in records
        for line in record.line_items
        for value in line.coding
        if value.remote_field_id == "GL_ACCOUNT" and value.remote_field_value_id
    }
    return {**{code: code for code in codes}, **CONTROL, **{record.type: "1000" for record in records}}


RECORDS = ready(400)
ACCOUNTS = accounts_for(RECORDS)
CARD = next(record for record in RECORDS if record.type == "CARD_EXPENSE_POST" and record.vendor)
OTHER = next(record for record in RECORDS if record.source_type == "REIMBURSEMENT")
KEY = export_key(CARD.id, 1)


@pytest.fixture(params=WAYS, ids=lambda kind: kind.recovery)
def kind(request: pytest.FixtureRequest) -> type[ErpPoster]:
    found: type[ErpPoster] = request.param
    return found


@pytest.fixture
async def erp(tmp_path: Path, kind: type[ErpPoster]) -> AsyncIterator[FakeErp]:
    async with FakeErp(tmp_path / "erp.db", **WAYS[kind]) as running:
        yield running


@pytest.fixture
async def poster(erp: FakeErp, kind: type[ErpPoster]) -> AsyncIterator[ErpPoster]:
    async with kind(erp.url, erp.token, accounts=ACCOUNTS, timeout=20) as made:
        yield made


async def post(poster: ErpPoster, record: AccountingRecord = CARD, revision: int = 1) -> object:
    supersedes = export_key(record.id, revision - 1) if revision > 1 else None
    return await poster.post(record, key=export_key(record.id, revision), supersedes=supersedes)


async def test_every_ready_record_is_booked_exactly(poster: ErpPoster, erp: FakeErp) -> None:
    """The ERP's totals per account and currency are those added up from the records, to the last digit."""
    expected: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for record in RECORDS:
        assert isinstance(await post(poster, record), Posted)
        for line in record.line_items:
            sign = 1 if line.type == "DEBIT" else -1
            expected[account_of(record, line.coding), line.amount.currency] += sign * line.amount.amount
    accounts = (await erp.control.summary()).accounts
    assert {(name, currency): sides.net for name, found in accounts.items() for currency, sides in found.items()} == (
        expected
    )
    counts = await erp.control.counts()
    assert (counts.doubled, counts.lost({record.id: 1 for record in RECORDS})) == ((), ())


def account_of(record: AccountingRecord, coding: tuple[Any, ...]) -> str:
    if not coding:
        return CONTROL[record.source_type]
    codes = [value.remote_field_value_id for value in coding if value.remote_field_id == "GL_ACCOUNT"]
    return codes[0] or "" if codes else "1000"


def test_each_says_how_it_recovers(kind: type[ErpPoster]) -> None:
    """The export accepts all three, and only the one that finds needs ``find``."""
    made = kind("http://127.0.0.1:1", "x", accounts={})
    assert checked_recovery(made) == kind.recovery
    assert hasattr(made, "find") == (kind.recovery == "find")


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        ({"closed_through": "2030-01-01"}, RejectionCode.CLOSED_PERIOD, str(CARD.accounting_date)),
        ({"accounts": ["6100"]}, RejectionCode.ACCOUNT_UNKNOWN, "choose another"),
        ({"inactive": ["2100"]}, RejectionCode.ACCOUNT_INACTIVE, "2100"),
        ({"vendors": []}, RejectionCode.VENDOR_UNKNOWN, CARD.vendor.id if CARD.vendor else ""),
        ({"currencies": []}, RejectionCode.CURRENCY, CARD.amount.currency),
        ({"longest_memo": 1}, RejectionCode.TOO_LONG, "memo"),
    ],
)
async def test_the_erps_no(poster: ErpPoster, erp: FakeErp, options: dict[str, Any], code: str, word: str) -> None:
    """Each refusal has our code and names what to change; nothing is booked, and mended it is."""
    before = (await erp.control.state()).options
    await erp.control.change(**options)
    refused = await post(poster, attrs.evolve(CARD, memo="two words"))
    assert isinstance(refused, Rejected)
    assert refused.code == code
    assert word in refused.message
    assert (await erp.control.summary()).documents == 0
    await erp.control.change(**{name: getattr(before, name) for name in options})
    assert isinstance(await post(poster), Posted)


async def test_records_that_no_books_take(poster: ErpPoster) -> None:
    """Unbalanced lines, and a line for which no account is known."""
    one_sided = await post(poster, attrs.evolve(CARD, line_items=CARD.line_items[:1]))
    assert isinstance(one_sided, Rejected)
    assert one_sided.code == RejectionCode.UNBALANCED
    other = attrs.evolve(CARD, source_type=SourceType("CASH"))
    unknown = await post(poster, other)
    assert isinstance(unknown, Rejected)
    assert (unknown.code, "CASH" in unknown.message) == (RejectionCode.ACCOUNT_UNKNOWN, True)


@pytest.mark.parametrize("fault", ["401", "429", "503", "login", "offline"])
async def test_not_now(poster: ErpPoster, erp: FakeErp, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """The ERP's own word that nothing was processed; the same post is booked once it is over."""
    if fault == "login":
        await erp.control.change(login_refused=True)
    elif fault == "offline":
        await erp.control.offline(1000)
    else:
        await erp.control.order(fault, every=1, path="journal", seconds=7)
    outcome = await post(poster)
    assert isinstance(outcome, NotNow)
    assert outcome.after == (timedelta(seconds=7) if fault in ("429", "503") else None)
    if fault == "offline":
        pass_time(monkeypatch, 1000)
    else:
        assert (await erp.control.summary()).documents == 0
        await erp.control.calm()
        await erp.control.change(login_refused=False)
    async with asyncio.timeout(30):
        while isinstance(outcome, NotNow):
            await asyncio.sleep(0.01)
            outcome = await post(poster)
    assert isinstance(outcome, Posted)
    assert (await erp.control.counts()).doubled == ()


async def test_a_session_that_is_over_is_renewed(poster: ErpPoster, erp: FakeErp) -> None:
    """Logged out between two posts, or restarted: the second one logs in again and is booked."""
    await post(poster)
    await erp.control.log_out()
    assert isinstance(await post(poster, OTHER), Posted)


PROCESSED = {"500": False, "500-after": True, "drop": False, "drop-after": True, "cut": True, "html": False}


@pytest.mark.parametrize("fault", PROCESSED)
async def test_what_is_unclear_is_raised_and_recovered(poster: ErpPoster, erp: FakeErp, fault: str) -> None:
    """After each, what the recovery says leads to one document; posting blindly is what makes two."""
    await erp.control.order(fault, next=1, path="journal")
    with pytest.raises(Unclear):
        await post(poster)
    booked = PROCESSED[fault]
    assert (await erp.control.summary()).documents == booked
    if isinstance(poster, FindErpPoster):
        found = await poster.find(KEY)
        assert (found is not None) == booked
        if found is None:
            await post(poster)
        assert await poster.find(KEY) is not None
    elif poster.recovery == "same_key":
        await post(poster)
    counts = await erp.control.counts()
    if poster.recovery != "park":
        assert (counts.doubled, counts.lost({CARD.id: 1})) == ((), ())
    await post(poster)
    doubled = poster.recovery != "same_key" and (booked or poster.recovery == "find")
    assert bool((await erp.control.counts()).doubled) == doubled


async def test_an_answer_that_comes_too_late_is_unclear(
    poster: ErpPoster, erp: FakeErp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time-out says nothing about the books."""
    await erp.control.order("slow", next=1, path="journal", seconds=1000)
    posting = asyncio.create_task(post(poster))

    async def is_booked() -> bool:
        return (await erp.control.summary()).documents == 1

    await until(is_booked)
    assert not posting.done()
    pass_time(monkeypatch, 30)
    with pytest.raises(Unclear):
        await posting


async def test_a_new_revision_takes_the_old_ones_place(poster: ErpPoster, erp: FakeErp) -> None:
    """One document stands; when the old one's period is closed, the customer reads so."""
    await post(poster)
    assert isinstance(await post(poster, attrs.evolve(CARD, memo="changed"), 2), Posted)
    first, second = await erp.control.documents()
    assert (first.status, first.replaced_by, second.status) == (Status.SUPERSEDED, second.id, Status.POSTED)
    counts = await erp.control.counts()
    assert (counts.by_revision, counts.doubled) == ({CARD.id: {1: 1, 2: 1}}, ())
    await erp.control.change(closed_through=str(CARD.accounting_date))
    moved = attrs.evolve(CARD, erp_posting_date=CARD.erp_posting_date + timedelta(days=40))
    refused = await post(poster, moved, 3)
    assert isinstance(refused, Rejected)
    assert refused.code == RejectionCode.CLOSED_PERIOD


@pytest.mark.parametrize("status", ["DRAFT", "VOID", "CANCELED"])
async def test_a_bill_that_is_no_longer_due(poster: ErpPoster, erp: FakeErp, status: str) -> None:
    """Never booked, it is skipped; booked before, its document is voided, or a person is asked to."""
    live = attrs.evolve(CARD, source_type=SourceType.BILL, status="APPROVED")
    bill = attrs.evolve(live, status=status)
    assert isinstance(await post(poster, bill), Skipped)
    await post(poster, live)
    outcome = await post(poster, bill, 2)
    if poster.recovery == "park":
        assert isinstance(outcome, Rejected)
        assert KEY.short in outcome.message
    else:
        assert isinstance(outcome, Posted)
        assert (await erp.control.summary()).by_status == {"VOID": 1}
        assert isinstance(await post(poster, bill, 2), Skipped)


async def test_other_records_have_such_statuses_too(poster: ErpPoster) -> None:
    """Only a bill's status says that it is not due: a card record with that word is booked."""
    assert isinstance(await post(poster, attrs.evolve(CARD, status="VOID")), Posted)


async def test_receipts_are_attached_once(erp: FakeErp, kind: type[ErpPoster]) -> None:
    """Each under its id with its content's hash; after a lost answer and a second try there is still one."""

    async def fetch(receipt: Receipt) -> bytes:
        return receipt.id.encode()

    receipts = [Receipt(id="receipt_1"), Receipt(id="receipt_2")]
    async with kind(erp.url, erp.token, accounts=ACCOUNTS, fetch=fetch) as poster:
        posted = await post(poster)
        assert isinstance(posted, Posted)
        await erp.control.order("drop-after", next=1, path="attachments")
        with pytest.raises(Unclear):
            await poster.attach(CARD, key=KEY, posted=posted, receipts=receipts)
        for _ in range(2):
            await poster.attach(CARD, key=KEY, posted=posted, receipts=receipts)
    (document,) = await erp.control.documents()
    assert [(file.name, file.sha256) for file in document.attachments] == [
        (receipt.id, hashlib.sha256(receipt.id.encode()).hexdigest()) for receipt in receipts
    ]


async def test_a_crowd_whose_session_is_over(poster: ErpPoster, erp: FakeErp) -> None:
    """Forty posts at once after a log-out: each is booked once, and none is told to wait."""
    await erp.control.log_out()
    outcomes = await asyncio.gather(*(post(poster, record) for record in RECORDS[:40]))
    assert all(isinstance(outcome, Posted) for outcome in outcomes)
    counts = await erp.control.counts()
    assert (counts.doubled, sum(counts.standing.values())) == ((), len(outcomes))


async def test_receipts_are_downloaded_without_the_erps_session() -> None:
    """The first address that gives the content is taken, and nobody there sees who we are in the ERP."""
    seen = []

    async def serve(request: web.BaseRequest) -> web.Response:
        seen.append((request.path, "Authorization" in request.headers))
        return web.Response(status=403 if request.path == "/gone" else 200, body=b"%PDF")

    async with RawTestServer(serve) as server:
        there = tuple(str(server.make_url(path)) for path in ("/gone", "/there"))
        assert await download(Receipt(id="receipt_1", download_uris=there)) == b"%PDF"
        for nothing in (there[:1], (), None, ("http://127.0.0.1:1/",)):
            with pytest.raises(Unclear):
                await download(Receipt(id="receipt_1", download_uris=nothing))
    assert seen == [("/gone", False), ("/there", False), ("/gone", False)]


async def test_a_changed_chart_leaves_the_first_document(tmp_path: Path) -> None:
    """The same key with other accounts is not a second document: the first one is told."""
    async with FakeErp(tmp_path / "erp.db") as erp:
        async with SameKeyErpPoster(erp.url, erp.token, accounts=ACCOUNTS) as poster:
            first = await post(poster)
        async with SameKeyErpPoster(erp.url, erp.token, accounts={**ACCOUNTS, "CARD": "2199"}) as poster:
            assert await post(poster) == first


async def test_a_document_that_somebody_voided_is_not_found(tmp_path: Path) -> None:
    """It counts no more, so it may be booked anew."""
    async with (
        FakeErp(tmp_path / "erp.db", lookup="number", dedupe="none") as erp,
        FindErpPoster(erp.url, erp.token, accounts=ACCOUNTS) as poster,
    ):
        await post(poster)
        assert await poster.find(KEY) is not None
        assert isinstance(await post(poster, attrs.evolve(CARD, source_type=SourceType.BILL, status="VOID"), 2), Posted)
        assert await poster.find(KEY) is None


async def test_check_says_whether_the_login_works(poster: ErpPoster, erp: FakeErp) -> None:
    """Nothing when it does, an error when it does not; a wrong token the same."""
    await poster.check()
    await erp.control.change(login_refused=True)
    with pytest.raises(NothingWritten):
        await poster.check()


async def test_no_token_and_no_session_in_an_error(erp: FakeErp, kind: type[ErpPoster]) -> None:
    """Neither in the words nor in the local variables of a traceback."""
    async with kind(erp.url, erp.token, accounts=ACCOUNTS) as poster:
        await poster.check()
        session = poster._erp._session
        for order in ("drop", "500", "html"):  # with a POST, because aiohttp sends a GET again when it is dropped
            await erp.control.order(order, next=1, path="journal")
            with pytest.raises(Unclear) as caught:
                await post(poster)
            told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
            ours = [part for part in told.split("\n  File ") if "brex_accounting" in part.splitlines()[0]]
            assert ours
            assert not any(secret in part for part in ours for secret in (session, "'erp_fake'"))


@pytest.mark.parametrize("crash", ["crash-before", "crash-after"])
async def test_the_erp_dies_under_a_post(tmp_path: Path, kind: type[ErpPoster], crash: str) -> None:
    """Killed before or after its commit and started again: the poster logs in anew, and its recovery keeps its word."""
    with ErpProcess(tmp_path / "erp.db", orders=[f"{crash}:at=2"], **WAYS[kind]) as erp:
        async with kind(erp.url, erp.token, accounts=ACCOUNTS) as poster:
            await post(poster, OTHER)
            with pytest.raises(Unclear):
                await post(poster)
            erp.wait()
            assert isinstance(await post(poster), NotNow)
            erp.start()
            booked = crash == "crash-after"
            if isinstance(poster, FindErpPoster):
                assert (await poster.find(KEY) is not None) == booked
            if poster.recovery == "same_key" or not booked:
                assert isinstance(await post(poster), Posted)
        counts = await erp.control.counts()
        assert (counts.doubled, counts.lost({OTHER.id: 1, CARD.id: 1})) == ((), ())
