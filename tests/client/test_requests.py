"""What goes out, request by request, without a socket."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

from aioresponses import aioresponses as Canned  # noqa: N812 - a class, whatever its case
from yarl import URL

from brex_accounting import BrexAccounting, ExportFailure, ExportSuccess, UpdatedAt

from .support import page_json, wire_record

BASE = "https://api.brex.com/v3/accounting"
EMPTY = page_json()


def only_request(canned: Canned) -> tuple[str, URL, dict[str, object]]:
    [((method, url), calls)] = canned.requests.items()
    [call] = calls
    return method, url, call.kwargs


def raw_query(canned: Canned) -> str:
    return only_request(canned)[1].raw_query_string


async def test_the_default_window_is_sent(canned: Canned) -> None:
    """Without a window of the caller's, one that holds everything goes out, and the page size."""
    canned.get(f"{BASE}/records?limit=100&updated_at%5Bgte%5D=2000-01-01T00:00:00Z", body=EMPTY)
    async with BrexAccounting("bxt_x") as brex:
        await brex.records.list()
    assert sorted(raw_query(canned).split("&")) == ["limit=100", "updated_at%5Bgte%5D=2000-01-01T00:00:00Z"]


async def test_filters_on_the_wire(canned: Canned) -> None:
    """Repeated ids, brackets quoted in keys, UTC times, plain booleans."""
    window = UpdatedAt(gt=datetime(2026, 6, 1, 2, 30, 0, 5, tzinfo=UTC), lte=date(2026, 7, 1))
    url = URL(f"{BASE}/records").with_query(
        [
            ("ids", "accr_a"),
            ("ids", "accr_b"),
            ("review_status", "EXPORTED"),
            ("source_type", "CARD"),
            ("updated_at[gt]", "2026-06-01T02:30:00.000005Z"),
            ("updated_at[lte]", "2026-07-01"),
            ("single_entry", "true"),
            ("limit", "7"),
        ]
    )
    canned.get(url, body=EMPTY)
    async with BrexAccounting("bxt_x") as brex:
        await brex.records.list(
            ids=["accr_a", "accr_b"],
            review_status="EXPORTED",
            source_type="CARD",
            updated_at=window,
            single_entry=True,
            page_size=7,
        )
    parts = raw_query(canned).split("&")
    assert [part for part in parts if part.startswith("ids")] == ["ids=accr_a", "ids=accr_b"]
    assert "updated_at%5Bgt%5D=2026-06-01T02:30:00.000005Z" in parts
    assert "updated_at%5Blte%5D=2026-07-01" in parts
    assert "single_entry=true" in parts


async def test_no_window_when_told_so(canned: Canned) -> None:
    """updated_at=None sends none."""
    canned.get(f"{BASE}/records?limit=100", body=EMPTY)
    async with BrexAccounting("bxt_x") as brex:
        await brex.records.list(updated_at=None)
    assert raw_query(canned) == "limit=100"


async def test_headers_and_switches_of_each_request(canned: Canned) -> None:
    """Bearer token, JSON and our name go out; redirects, session middlewares and raising are off."""
    canned.get(f"{BASE}/records/accr_1", body=json.dumps(wire_record()).encode())
    async with BrexAccounting("bxt_x", user_agent="acme/2") as brex:
        await brex.records.get("accr_1")
    _, _, kwargs = only_request(canned)
    headers = dict(kwargs["headers"])  # type: ignore[call-overload]
    assert headers == {"Authorization": "Bearer bxt_x", "Accept": "application/json", "User-Agent": "acme/2"}
    assert (kwargs["allow_redirects"], kwargs["raise_for_status"], kwargs["middlewares"]) == (False, False, ())
    assert kwargs["data"] is None


async def test_our_user_agent_by_default(canned: Canned) -> None:
    """Brex's support can see which client and Python called."""
    canned.get(f"{BASE}/records/accr_1", body=json.dumps(wire_record()).encode())
    async with BrexAccounting("bxt_x") as brex:
        await brex.records.get("accr_1")
    agent = dict(only_request(canned)[2]["headers"])["User-Agent"]  # type: ignore[call-overload]
    assert agent.startswith("brex-accounting/")
    assert "Python/3." in agent


async def test_ids_in_paths_are_quoted(canned: Canned) -> None:
    """An odd id stays one path segment and never becomes a query."""
    canned.get(URL(f"{BASE}/records/x%3Fy%23%C3%A9", encoded=True), body=json.dumps(wire_record()).encode())
    async with BrexAccounting("bxt_x") as brex:
        await brex.records.get("x?y#é")
    assert only_request(canned)[1].raw_path == "/v3/accounting/records/x%3Fy%23%C3%A9"


async def test_reports_on_the_wire(canned: Canned) -> None:
    """A success leaves empty fields out, a failure has its message, the key is a header."""
    canned.post(f"{BASE}/records/export-results", payload={"updated_accounting_record_ids": ["a"]})
    results = [
        ExportSuccess(accounting_record_id="a", reference_id="JE-1"),
        ExportSuccess(accounting_record_id="b"),
        ExportFailure(accounting_record_id="c", error_message="No such account"),
    ]
    async with BrexAccounting("bxt_x") as brex:
        report = await brex.records.report_export_results(results, idempotency_key="key-1")
    assert (report.updated, report.not_named) == (("a",), ("b", "c"))
    _, _, kwargs = only_request(canned)
    headers = dict(kwargs["headers"])  # type: ignore[call-overload]
    assert (headers["Idempotency-Key"], headers["Content-Type"]) == ("key-1", "application/json")
    assert json.loads(kwargs["data"]) == {  # type: ignore[arg-type]
        "results": [
            {"accounting_record_id": "a", "success": {"reference_id": "JE-1"}},
            {"accounting_record_id": "b", "success": {}},
            {"accounting_record_id": "c", "failure": {"error_message": "No such account"}},
        ]
    }


async def test_a_path_in_the_base_url_is_kept(canned: Canned) -> None:
    """A proxy that serves Brex under a path of its own works, with or without a trailing slash."""
    for base in ("https://proxy.example/brex", "https://proxy.example/brex/"):
        canned.get("https://proxy.example/brex/v3/accounting/records/a", body=json.dumps(wire_record()).encode())
        async with BrexAccounting("bxt_x", base_url=base) as brex:
            assert (await brex.records.get("a")).id == "accr_0"
