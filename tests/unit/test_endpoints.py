"""The six operations as they are sent: method, path, query, headers and body, as literal tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from brex_accounting import ConfigurationError, ExportFailure, ExportSuccess, endpoints
from brex_accounting.enums import IntegrationStatus
from brex_accounting.session.call import Call, Reply

SUCCESS = ExportSuccess(accounting_record_id="accr_1")
FAILURE = ExportFailure(accounting_record_id="accr_2", error_message="no such account")


def listed(filters: tuple[tuple[str, str], ...], page_size: int, cursor: str | None) -> Call[Any]:
    return endpoints.list_records(filters, page_size=page_size, cursor=cursor, on_bad_record="raise")


SENT: list[tuple[Call[Any], str, str, tuple[tuple[str, str], ...], Any]] = [
    (
        endpoints.create_integration("LEDGERLY", "org 1180 \u20ac"),
        "POST",
        "/v3/accounting/integration",
        (),
        {"vendor": "LEDGERLY", "vendor_account_id": "org 1180 \u20ac"},
    ),
    (endpoints.disconnect_integration("int_1"), "POST", "/v3/accounting/integration/int_1/disconnect", (), None),
    (endpoints.reactivate_integration("int_1"), "POST", "/v3/accounting/integration/int_1/reactivate", (), None),
    (endpoints.get_record("accr_1"), "GET", "/v3/accounting/records/accr_1", (), None),
    (
        endpoints.get_record("accr_1", single_entry=True),
        "GET",
        "/v3/accounting/records/accr_1",
        (("single_entry", "true"),),
        None,
    ),
    (
        endpoints.get_record("accr_1", single_entry=False),
        "GET",
        "/v3/accounting/records/accr_1",
        (("single_entry", "false"),),
        None,
    ),
    (listed((), 100, None), "GET", "/v3/accounting/records", (("limit", "100"),), None),
    (
        listed((("ids", "a"), ("ids", "b")), 7, "c=+/"),
        "GET",
        "/v3/accounting/records",
        (("ids", "a"), ("ids", "b"), ("limit", "7"), ("cursor", "c=+/")),
        None,
    ),
    (
        endpoints.report_export_results([SUCCESS, FAILURE]),
        "POST",
        "/v3/accounting/records/export-results",
        (),
        {
            "results": [
                {"accounting_record_id": "accr_1", "success": {}},
                {"accounting_record_id": "accr_2", "failure": {"error_message": "no such account"}},
            ]
        },
    ),
]


@pytest.mark.parametrize(("call", "method", "path", "query", "body"), SENT)
def test_what_is_sent(call: Call[Any], method: str, path: str, query: tuple[tuple[str, str], ...], body: Any) -> None:
    """Each operation has exactly this method, path, query and body."""
    assert (call.method, call.path, call.query, call.headers) == (method, path, query, ())
    assert (None if call.body is None else json.loads(call.body)) == body
    assert call.where == f"{method} {path}"
    assert call.trace_header == "x-brex-trace-id"


def test_names_are_told_apart() -> None:
    """Each operation has a name of its own for logs and events."""
    assert {call.name for call, *_ in SENT} == {
        "create integration",
        "disconnect integration",
        "reactivate integration",
        "get record",
        "list records",
        "report export results",
    }


@pytest.mark.parametrize(
    ("call", "again"),
    [
        (endpoints.create_integration("V", "a"), True),
        (endpoints.disconnect_integration("int_1"), True),
        (endpoints.reactivate_integration("int_1"), True),
        (endpoints.get_record("accr_1"), True),
        (listed((), 1, None), True),
        (endpoints.report_export_results([SUCCESS]), False),
    ],
)
def test_which_may_be_repeated(call: Call[Any], again: bool) -> None:
    """Only reported results are never repeated in doubt; each choice has its sentence."""
    assert call.repeat.after_ambiguous is again
    assert call.repeat.because.endswith(".")


@pytest.mark.parametrize(
    ("id_", "quoted"),
    [
        ("accr_1", "accr_1"),
        ("x?y", "x%3Fy"),
        ("x#y", "x%23y"),
        ("x%2Fy", "x%252Fy"),
        ("x&y=z+w", "x%26y%3Dz%2Bw"),
        ("x;y:z@w", "x%3By%3Az%40w"),
        ("...", "..."),
        ("VXNlcjox==", "VXNlcjox%3D%3D"),
        ("\u00e9", "%C3%A9"),
    ],
)
@pytest.mark.parametrize(
    ("operation", "template"),
    [
        (endpoints.get_record, "/v3/accounting/records/{}"),
        (endpoints.disconnect_integration, "/v3/accounting/integration/{}/disconnect"),
        (endpoints.reactivate_integration, "/v3/accounting/integration/{}/reactivate"),
    ],
)
def test_ids_are_quoted(operation: Callable[[str], Call[Any]], template: str, id_: str, quoted: str) -> None:
    """An id stays one segment of its path, whatever it holds."""
    assert operation(id_).path == template.format(quoted)


BAD_IDS: list[Any] = [
    "",
    ".",
    "..",
    "accr_1/../../x",
    "/",
    "a/b",
    "a\\b",
    " ",
    "accr_1 ",
    " accr_1",
    "a\tb",
    "a\nb",
    "a\r\nHost: x",
    "a\x00",
    "a\x7f",
    "a\u00a0b",
    "a\u2028b",
    "a\u200bb",
    "a\ud800",
    5,
    None,
    b"accr_1",
    ["accr_1"],
]


@pytest.mark.parametrize("bad", BAD_IDS, ids=repr)
@pytest.mark.parametrize(
    "operation",
    [
        endpoints.get_record,
        endpoints.disconnect_integration,
        endpoints.reactivate_integration,
        lambda bad: endpoints.report_export_results([ExportSuccess(accounting_record_id=bad)]),
        lambda bad: endpoints.report_export_results([ExportFailure(accounting_record_id=bad, error_message="x")]),
    ],
)
def test_bad_ids_are_refused(operation: Callable[[Any], Call[Any]], bad: Any) -> None:
    """Empty, path-like, blank, invisible and non-text ids are refused before anything is sent, unechoed."""
    with pytest.raises(ConfigurationError) as caught:
        operation(bad)
    if isinstance(bad, str) and len(bad) > 2:
        assert bad not in str(caught.value)


@pytest.mark.parametrize("bad", ["", " ", "a\nb", "\x00", None, 5, b"V"])
def test_bad_texts_are_refused(bad: Any) -> None:
    """Vendor and vendor account must be visible text."""
    with pytest.raises(ConfigurationError, match="vendor "):
        endpoints.create_integration(bad, "org")
    with pytest.raises(ConfigurationError, match="vendor_account_id"):
        endpoints.create_integration("V", bad)


@pytest.mark.parametrize("message", ["", " ", "\n", None, 5])
def test_a_failure_needs_words(message: Any) -> None:
    """An empty error message would tell the customer nothing."""
    with pytest.raises(ConfigurationError, match="error_message"):
        endpoints.report_export_results([ExportFailure(accounting_record_id="accr_1", error_message=message)])


@pytest.mark.parametrize("results", [[], (), iter([]), ["accr_1"], [None], [{"accounting_record_id": "accr_1"}]])
def test_bad_results_are_refused(results: Any) -> None:
    """No results, or something else in their place, is refused."""
    with pytest.raises(ConfigurationError):
        endpoints.report_export_results(results)


def test_results_from_a_generator_are_all_sent() -> None:
    """Results that can be iterated only once are all in the body."""
    call = endpoints.report_export_results(result for result in [SUCCESS, FAILURE])  # type: ignore[arg-type]
    assert call.body is not None
    assert len(json.loads(call.body)["results"]) == 2


@pytest.mark.parametrize("key", ["k", "3f8a-11", "!~", "x" * 255])
def test_an_idempotency_key_is_a_header(key: str) -> None:
    """A key goes out as it is given."""
    assert endpoints.report_export_results([SUCCESS], idempotency_key=key).headers == (("Idempotency-Key", key),)


@pytest.mark.parametrize("key", ["", " ", "a b", "a\r\nX: y", "a\x00", "\u00e9", "\u0661", 5, b"k"])
def test_a_bad_idempotency_key(key: Any) -> None:
    """A key that cannot stand in a header is refused, and never echoed."""
    with pytest.raises(ConfigurationError, match="idempotency key is printable ASCII"):
        endpoints.report_export_results([SUCCESS], idempotency_key=key)


@pytest.mark.parametrize("single_entry", ["false", "true", 0, 1, "no"])
def test_single_entry_is_a_boolean(single_entry: Any) -> None:
    """The text "false" would be true; it is refused."""
    with pytest.raises(ConfigurationError, match="single_entry"):
        endpoints.get_record("accr_1", single_entry=single_entry)


def test_a_call_keeps_what_it_sends_out_of_its_repr() -> None:
    """Ids, bodies, cursors and keys do not show in a log line about a call."""
    calls = [listed((("ids", "canary"),), 1, "canary"), endpoints.create_integration("canary", "canary")]
    key = endpoints.report_export_results([SUCCESS], idempotency_key="canary")
    for call in (*calls, key):
        assert "canary" not in repr(call)


def test_answers_are_decoded() -> None:
    """Each operation reads its own kind of answer."""
    body = b'{"id": "int_1", "vendor": "V", "vendor_account_id": "a", "status": "ACTIVE", "created_at": "2026-01-01"}'
    for call in (endpoints.create_integration("V", "a"), endpoints.disconnect_integration("int_1")):
        assert call.decode(Reply(status=200, body=body)).status is IntegrationStatus.ACTIVE
    report = endpoints.report_export_results([SUCCESS, FAILURE])
    read = report.decode(Reply(status=200, body=b'{"updated_accounting_record_ids": ["accr_2", "accr_9"]}'))
    assert (read.updated, read.not_named) == (("accr_2", "accr_9"), ("accr_1",))


@pytest.mark.parametrize("text", [5, b"x", "\ud800", ["JE-1"]])
@pytest.mark.parametrize("field", ["reference_id", "deep_link_url"])
def test_what_a_success_points_to_is_text(field: str, text: Any) -> None:
    """Numbers, bytes and halves of characters are refused, not sent as something else."""
    with pytest.raises(ConfigurationError, match=field):
        endpoints.report_export_results([ExportSuccess(accounting_record_id="accr_1", **{field: text})])


def test_half_a_character_is_no_message() -> None:
    """A lone surrogate in an error message is a ConfigurationError, not a UnicodeEncodeError."""
    with pytest.raises(ConfigurationError, match="surrogate"):
        endpoints.report_export_results([ExportFailure(accounting_record_id="accr_1", error_message="no \ud800")])


@pytest.mark.parametrize("trace", ["x" * 129, "two words", "canary\tx", "\u00e9", "<b>"])
def test_a_trace_id_that_is_none_stays_out_of_messages(trace: str) -> None:
    """What a server puts into the header is told only if it looks like a trace id."""
    call = endpoints.get_record("accr_1")
    error = call.refuse(Reply(status=500, headers={"X-Brex-Trace-Id": trace})).error
    assert trace not in str(error)
    assert call.trace_id(Reply(status=500, headers={"X-Brex-Trace-Id": trace})) is None
    assert call.trace_id(Reply(status=500, headers={"X-Brex-Trace-Id": "0af7-ab:1"})) == "0af7-ab:1"
