"""Answers that are wrong, odd, huge or hostile, over a real port."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import pickle
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from brex_accounting import (
    AccountingRecord,
    APIStatusError,
    AuthenticationError,
    BadRequest,
    BrexAccounting,
    BrexError,
    Conflict,
    CursorLoop,
    DecodeError,
    ExportSuccess,
    NotFound,
    PaginationError,
    PermissionDenied,
    ResponseTooLarge,
    RetryPolicy,
    ServerError,
    UnprocessableEntity,
)
from brex_accounting.models import BadRecord
from brex_accounting.sandbox import Fault, Sandbox

from ..session.raw import RawServer, answering, http_bytes
from .support import UNLIMITED, client_of, held, page_json, ready_ids, wire_record

GOOD = [wire_record(number) for number in range(3)]
BAD = wire_record(7, amount={"amount": "canary", "currency": "USD"})
WORSE = {"id": "accr_8"}


@asynccontextmanager
async def talking_to(*answers: bytes, **options: Any) -> AsyncIterator[tuple[BrexAccounting, RawServer]]:
    """A client of a server that gives these answers, the last one for ever."""
    async with (
        answering(*answers) as server,
        BrexAccounting(
            "bxt_x", base_url=server.url, retry=RetryPolicy(attempts=1), rate_limit=UNLIMITED, **options
        ) as brex,
    ):
        yield brex, server


async def test_html_with_200_is_a_decode_error(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """A maintenance page names the call and the trace id, and none of its text."""
    sandbox.faults.add(Fault(kind="html", next=2))
    with pytest.raises(DecodeError) as caught:
        await brex.records.get("accr_1")
    assert "GET /v3/accounting/records/accr_1" in str(caught.value)
    assert "sandbox-00000001" in str(caught.value)
    assert "maintenance" not in str(caught.value)
    assert caught.value.may_have_happened is False
    with pytest.raises(DecodeError) as reported:
        await brex.records.report_export_results([ExportSuccess(accounting_record_id=ready_ids(sandbox)[0])])
    assert reported.value.may_have_happened is True
    assert sandbox.statistics.requests == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"items"',
        b"{}",
        b'{"items":null,"has_next_page":false}',
        b'{"items":{},"has_next_page":false}',
        b'{"items":[],"has_next_page":"no"}',
        b'{"items":[null],"has_next_page":false}',
        page_json()[:-1],
        page_json() + b"}",
        b"\xef\xbb\xbf" + page_json()[:-5],
        page_json().replace(b"false", b"NaN"),
        b'{"items":' + b"[" * 100_000,
        "{ümlaut".encode("latin-1"),
    ],
)
async def test_pages_that_are_none(body: bytes) -> None:
    """Anything but a page is a DecodeError, never an empty list and never another exception."""
    async with talking_to(http_bytes(body)) as (brex, _):
        with pytest.raises(DecodeError) as caught:
            await brex.records.list().collect()
    assert "GET /v3/accounting/records" in str(caught.value)
    assert caught.value.checkpoint is not None


async def test_a_truncated_gzip_is_no_page() -> None:
    """A compressed body that ends early cannot pass for a shorter list."""
    packed = gzip.compress(page_json(*GOOD))
    for cut in (1, 8, 20, len(packed) // 2):
        async with talking_to(http_bytes(packed[:-cut], "Content-Encoding: gzip")) as (brex, _):
            try:
                seen = await brex.records.list().collect()
            except BrexError:
                continue
        assert len(seen) == len(GOOD)  # only the checksum was missing


async def test_a_wrong_record_names_its_path() -> None:
    """The path, the expected type, the call; never the value."""
    page = http_bytes(page_json(GOOD[0], BAD), "X-Brex-Trace-Id: tr-7")
    async with talking_to(page) as (brex, _):
        with pytest.raises(DecodeError) as caught:
            await brex.records.list()
    assert "$.items[1].amount" in str(caught.value)
    assert "tr-7" in str(caught.value)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


async def test_bad_records_can_be_skipped(caplog: pytest.LogCaptureFixture) -> None:
    """skip leaves them out, tells observers and the log which, and reads the rest."""
    told: list[object] = []
    page = http_bytes(page_json(GOOD[0], BAD, WORSE, {"id": 5}, GOOD[1]))
    async with talking_to(page, observers=[told.append]) as (brex, _):
        with caplog.at_level(logging.WARNING, "brex_accounting"):
            seen = [record.id async for record in brex.records.list(on_bad_record="skip")]
    assert seen == ["accr_0", "accr_1"]
    bad = [event for event in told if isinstance(event, BadRecord)]
    assert [(one.index, one.record_id) for one in bad] == [(1, "accr_7"), (2, "accr_8"), (3, None)]
    assert "$.items[1].amount" in bad[0].problem
    assert {one.raw for one in bad} == {b""}  # observers may print what they are told
    assert "accr_7" in caplog.text
    assert "canary" not in caplog.text + repr(bad)


async def test_bad_records_can_be_handled() -> None:
    """A function is given each; what it raises comes out as it is."""
    page = http_bytes(page_json(BAD, GOOD[0]))
    bad: list[BadRecord] = []
    async with talking_to(page) as (brex, _):
        assert len(await brex.records.list(on_bad_record=bad.append).collect()) == 1
        assert [one.record_id for one in bad] == ["accr_7"]
        assert json.loads(bad[0].raw) == BAD

        def give_up(one: BadRecord) -> None:
            raise LookupError(one.record_id)

        with pytest.raises(LookupError, match="accr_7"):
            await brex.records.list(on_bad_record=give_up)


async def test_skipping_does_not_hide_a_broken_page() -> None:
    """Only records can be skipped: a page that is no page still raises."""
    async with talking_to(http_bytes(b'{"items":[{}]}')) as (brex, _):
        with pytest.raises(DecodeError):
            await brex.records.list(on_bad_record="skip")


async def test_answers_over_the_limit(sandbox: Sandbox) -> None:
    """ResponseTooLarge names the call and the limit; smaller pages get through."""
    async with client_of(sandbox, max_response_bytes=20_000) as brex:
        with pytest.raises(ResponseTooLarge, match="20000") as caught:
            await brex.records.list()
        assert len(caught.value.attempts) == 1
        assert caught.value.checkpoint is not None
        assert await brex.records.list(page_size=4).collect() == held(sandbox)


def next_page(cursor: str | None, *records: dict[str, Any]) -> bytes:
    return http_bytes(page_json(*records, has_next_page=True, next_cursor=cursor))


async def test_paging_follows_the_cursor_and_never_the_count() -> None:
    """An empty page with a cursor goes on; a cursor with has_next_page false is the end."""
    last = http_bytes(page_json(GOOD[2], next_cursor="c4"))
    async with talking_to(next_page("c1", GOOD[0]), next_page("c2"), next_page("c3", GOOD[1]), last) as (brex, server):
        assert [record.id async for record in brex.records.list()] == ["accr_0", "accr_1", "accr_2"]
    asked = [request.split(b" ")[1] for request in server.requests]
    assert [b"cursor=c" in one for one in asked] == [False, True, True, True]
    assert all(b"updated_at%5Bgte%5D=2000-01-01T00:00:00Z" in one for one in asked)


@pytest.mark.parametrize(
    ("pages", "kind", "seen"),
    [
        ([next_page("c1", GOOD[0]), next_page("c1", GOOD[1])], CursorLoop, 2),
        ([next_page("c1", GOOD[0]), next_page("c2", GOOD[1]), next_page("c1", GOOD[2])], CursorLoop, 3),
        ([next_page(None, GOOD[0])], PaginationError, 1),
        ([next_page("", GOOD[0])], PaginationError, 1),
    ],
)
async def test_lists_that_do_not_end_properly(pages: list[bytes], kind: type[BrexError], seen: int) -> None:
    """A repeated or missing cursor is an error after the records before it, neither a loop nor a silent end."""
    records: list[AccountingRecord] = []
    async with talking_to(*pages) as (brex, server):
        walk = brex.records.list().records()
        with pytest.raises(kind) as caught:
            await asyncio.wait_for(_read(walk, records), 60)
    assert type(caught.value) is kind
    assert len(records) == seen
    assert len(server.requests) == len(pages)
    assert caught.value.checkpoint == walk.checkpoint


async def _read(walk: AsyncIterator[AccountingRecord], into: list[AccountingRecord]) -> None:
    async for record in walk:
        into.append(record)


ACCOUNTING = b'{"error_code":"NOT_FOUND","message":"canary","details":{"canary":"canary","n":1e400}}'
GATEWAY = b'{"type":"FORBIDDEN","message":"canary"}'
HTML = b"<html>canary</html>"


@pytest.mark.parametrize(
    "body", [ACCOUNTING, GATEWAY, HTML, b"", b'{"message":5,"error_code":[],"details":"x"}', b"[1]"]
)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad", BadRequest),
        ("401 No", AuthenticationError),
        ("403 No", PermissionDenied),
        ("404 No", NotFound),
        ("409 No", Conflict),
        ("418 Tea", APIStatusError),
        ("422 No", UnprocessableEntity),
        ("500 No", ServerError),
        ("520 Odd", ServerError),
        ("599 Odd", ServerError),
        ("302 Go", APIStatusError),
        ("304 Same", APIStatusError),
    ],
)
async def test_every_status_with_every_body(status: str, kind: type[APIStatusError], body: bytes) -> None:
    """The status decides the class whatever the body is, and no text of the server's is shown."""
    if status.startswith("304"):
        body = b""
    async with talking_to(http_bytes(body, "Location: /x", status=status)) as (brex, server):
        with pytest.raises(APIStatusError) as caught:
            await brex.records.get("accr_1")
    assert type(caught.value) is kind
    assert caught.value.status == int(status[:3])
    assert "canary" not in str(caught.value) + repr(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "raw",
    [
        http_bytes(ACCOUNTING, status="404 No"),
        http_bytes(GATEWAY, status="403 No"),
        http_bytes(b'{"type":"FORBIDDEN","message":"Invalid or Revoked Token canary"}', status="403 No"),
        http_bytes(HTML, status="502 No"),
        http_bytes(HTML),
        http_bytes(page_json(BAD)),
        http_bytes(b'{"canary":'),
        http_bytes(b"x" * 5_000 + b"canary"),
        b"HTTP/1.1 canary OK\r\n\r\n",
        b"",
    ],
)
async def test_neither_token_nor_body_is_ever_shown(raw: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Logs of everybody at DEBUG, str, repr, tracebacks, events and pickles: no canary of either kind."""
    events: list[object] = []
    shown: list[str] = []
    with caplog.at_level(logging.DEBUG):
        async with answering(raw) as server:
            brex = BrexAccounting(
                "bxt_secret",
                base_url=server.url,
                retry=RetryPolicy(attempts=2, base=0.001),
                observers=[events.append],
                max_response_bytes=4_000,
            )
            async with brex:
                calls: list[Callable[[], Any]] = [
                    lambda: brex.records.list().collect(),
                    lambda: brex.records.get("accr_1"),
                    lambda: brex.records.report_export_results([ExportSuccess(accounting_record_id="accr_1")]),
                    lambda: brex.integrations.create(vendor="ACME", vendor_account_id="1"),
                    lambda: brex.integrations.disconnect("int_1"),
                    brex.server_now,
                ]
                for call in calls:
                    with pytest.raises(BrexError) as caught:
                        await call()
                    error = caught.value
                    shown += [str(error), repr(error), repr(error.attempts), *traceback.format_exception(error)]
                    assert b"bxt_secret" not in pickle.dumps(error)
                shown += [repr(brex), repr(brex._view), repr(events), str(events)]
    everything = "\n".join([*shown, caplog.text, *(repr(record.__dict__) for record in caplog.records)])
    assert events
    assert "bxt_secret" not in everything
    assert "canary" not in everything.replace("test_bad_answers", "")
