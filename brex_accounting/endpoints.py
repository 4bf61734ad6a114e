"""The endpoint table: one function per operation of Brex's Accounting API, each giving a ``Call``.

Source: Brex, Accounting API reference (alpha), host https://api.brex.com. ``repeat`` says with which
sentence of the documents a call may be sent again when the first try got no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Final

from .converters.cursors import peek_cursor
from .converters.errors import TRACE_HEADER, refuse, refuse_with_cursor
from .converters.exports import ReportReply, checked_key, checked_results, report_body
from .converters.pages import OnBadRecord, finished, page_of, page_steps
from .converters.queries import Query, checked_text, single_entry_filter
from .converters.wire import codec, to_json
from .models import AccountingRecord, ExportReport, ExportResult, Integration, Page
from .operations import call_of, quoted, reads
from .session.call import Call, Repeat, Reply, trace_id

__all__ = [
    "create_integration",
    "disconnect_integration",
    "get_record",
    "list_records",
    "reactivate_integration",
    "report_export_results",
]

_INTEGRATION: Final = "/v3/accounting/integration"
_RECORDS: Final = "/v3/accounting/records"

READ: Final = Repeat(after_ambiguous=True, because="A GET changes nothing.")
CREATE: Final = Repeat(
    after_ambiguous=True,
    because="An active integration with the same vendor and vendor account is returned, not made again.",
)
SWITCH: Final = Repeat(
    after_ambiguous=True,
    because="A second disconnect or reactivate changes nothing: it is answered with 409 and the current state.",
)
REPORT: Final = Repeat(
    after_ambiguous=False,
    because="A record that was already exported or failed is refused with 422, as if the report were wrong.",
)


def create_integration(vendor: str, vendor_account_id: str) -> Call[Integration]:
    """POST /v3/accounting/integration."""
    checked_text("vendor", vendor)
    checked_text("vendor_account_id", vendor_account_id)
    body = codec().dumps({"vendor": vendor, "vendor_account_id": vendor_account_id})
    return call_of("create integration", "POST", _INTEGRATION, CREATE, reads(Integration), body=body)


def disconnect_integration(integration_id: str) -> Call[Integration]:
    """POST /v3/accounting/integration/{integration_id}/disconnect."""
    return _switch("disconnect", integration_id)


def reactivate_integration(integration_id: str) -> Call[Integration]:
    """POST /v3/accounting/integration/{integration_id}/reactivate."""
    return _switch("reactivate", integration_id)


def get_record(record_id: str, *, single_entry: bool | None = None) -> Call[AccountingRecord]:
    """GET /v3/accounting/records/{record_id}."""
    path = f"{_RECORDS}/{quoted('record_id', record_id)}"
    query = single_entry_filter(single_entry)
    return call_of("get record", "GET", path, READ, reads(AccountingRecord), query=query)


def list_records(
    filters: Query,
    *,
    page_size: int,
    cursor: str | None,
    on_bad_record: OnBadRecord,
    peeked: Callable[[str], bool] | None = None,
    kind: type[Any] = AccountingRecord,
) -> Call[Page[Any]]:
    """GET /v3/accounting/records: one page of ``kind``, a record or a projection of it.

    ``peeked`` is told the next cursor before the page is decoded, and whether it made use of it is its answer.
    """

    def steps(reply: Reply) -> Generator[None, None, Page[Any]]:
        following = peek_cursor(reply.body) if peeked is not None else None
        if peeked is not None and following is not None and peeked(following):
            yield
        body = yield from page_steps(codec(), reply.body, kind, on_bad_record)
        trace = trace_id(reply.headers, TRACE_HEADER)
        return page_of(body, reply.body, served_at=reply.served_at, trace_id=trace)

    def decode(reply: Reply) -> Page[Any]:
        return finished(steps(reply))

    query = (*filters, ("limit", str(page_size)))
    if cursor is not None:
        query = (*query, ("cursor", cursor))
    refusing = refuse if cursor is None else refuse_with_cursor
    return call_of("list records", "GET", _RECORDS, READ, decode, query=query, refusing=refusing, steps=steps)


def report_export_results(results: Sequence[ExportResult], *, idempotency_key: str | None = None) -> Call[ExportReport]:
    """POST /v3/accounting/records/export-results."""
    results = checked_results(results)
    sent = [result.accounting_record_id for result in results]

    def decode(reply: Reply) -> ExportReport:
        updated = codec().decode(reply.body, ReportReply).updated_accounting_record_ids
        named = set(updated)
        return ExportReport(updated=updated, not_named=tuple(one for one in sent if one not in named))

    headers: tuple[tuple[str, str], ...] = ()
    if idempotency_key is not None:
        headers = (("Idempotency-Key", checked_key(idempotency_key)),)
    body = to_json(report_body(results))
    path = f"{_RECORDS}/export-results"
    return call_of("report export results", "POST", path, REPORT, decode, body=body, headers=headers)


def _switch(verb: str, integration_id: str) -> Call[Integration]:
    path = f"{_INTEGRATION}/{quoted('integration_id', integration_id)}/{verb}"
    return call_of(f"{verb} integration", "POST", path, SWITCH, reads(Integration))
