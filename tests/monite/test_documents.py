"""Answers written by hand in the shapes that Monite documents or shows, and what is read of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import DecodeError
from brex_accounting.monite import (
    Connection,
    ConnectionProblem,
    ConnectionStatus,
    Platform,
    SyncedRecord,
    from_json,
    to_json,
)
from brex_accounting.monite.converters import ConnectionList, SyncedRecordList

from ..unit.documents import thorough

# OpenAPI document, AccountingConnectionResponse: every property.
FULL: dict[str, Any] = {
    "id": "9d2b4c8f-2087-4738-ba91-7359683c49a4",
    "created_at": "2026-03-01T09:30:00.123456+00:00",
    "updated_at": "2026-03-02T09:30:00Z",
    "business_info": {
        "base_currency": "EUR",
        "email": "books@shop.example",
        "legal_name": "A Shop Ltd",
        "name": "A Shop",
        "type": "limited",
    },
    "connection_url": "https://link.example/company/1",
    "errors": [{"message": "The last pull failed."}],
    "last_pull": "2026-03-02T09:00:00.5+02:00",
    "platform": "xero",
    "status": "connected",
}
# Guide, "Manage connections": the answer to a disconnect has no connection_url, and null for errors.
DISCONNECTED: dict[str, Any] = {
    "id": "9d2b4c8f-2087-4738-ba91-7359683c49a4",
    "created_at": "2026-03-01T09:30:00.123456+00:00",
    "updated_at": "2026-03-02T09:30:00.654321+00:00",
    "errors": None,
    "last_pull": "2026-03-02T09:00:00+00:00",
    "platform": "xero",
    "status": "disconnected",
}
# OpenAPI document, SyncRecordResource: every property, with a free object of errors.
RECORD: dict[str, Any] = {
    "id": "5b4daced-6b9a-4707-83c6-08193d999fab",
    "created_at": "2026-03-01T09:30:00Z",
    "updated_at": "2026-03-01T09:30:00Z",
    "errors": {"validation": [{"field": "amount", "limit": 12.50}], "code": 7},
    "last_pulled_at": "2026-03-01T09:30:00Z",
    "object_id": "6c4daced-6b9a-4707-83c6-08193d999fab",
    "object_type": "payment_record",
    "object_updated_at": "2026-03-01T09:30:00Z",
    "platform": "quickbooks_online_sandbox",
    "platform_object_id": "120",
    "platform_updated_at": "2026-03-01T09:30:00Z",
    "provider": "railz",
    "provider_object_id": "x/1",
    "provider_updated_at": "2026-03-01T09:30:00Z",
    "sync_status": "error",
}
SMALLEST: dict[str, Any] = {name: FULL[name] for name in ("id", "created_at", "updated_at")}
REQUIRED = ("id", "created_at", "updated_at", "last_pulled_at", "object_type", "sync_status")


def connection(**changes: Any) -> Connection:
    return from_json(json.dumps(FULL | changes).encode(), Connection)


def test_a_full_connection() -> None:
    """Every field, times as instants; the URL, which whoever has it may use, is not in the repr."""
    found = connection()
    assert found.created_at == datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
    assert found.last_pull == datetime(2026, 3, 2, 7, 0, 0, 500000, tzinfo=UTC)
    assert found.errors == (ConnectionProblem(message="The last pull failed."),)
    assert found.problems == ("The last pull failed.",)
    assert (found.platform, found.status) == (Platform.XERO, ConnectionStatus.CONNECTED)
    assert "link.example" not in repr(found)


def test_the_guides_own_disconnect() -> None:
    """No URL and null errors, which a reader true to the OpenAPI document would refuse."""
    found = from_json(json.dumps(DISCONNECTED).encode(), Connection)
    assert (found.status, found.connection_url, found.errors, found.problems) == ("disconnected", None, None, ())


@pytest.mark.parametrize("name", [name for name in FULL if name not in SMALLEST])
def test_whatever_is_not_required_may_be_null_or_absent(name: str) -> None:
    """Both mean the same."""
    absent = {key: value for key, value in FULL.items() if key != name}
    assert getattr(connection(**{name: None}), name) is None
    assert from_json(json.dumps(absent).encode(), Connection) == connection(**{name: None})


@pytest.mark.parametrize("name", [name for name in RECORD if name not in REQUIRED])
def test_the_same_of_records(name: str) -> None:
    """Null or absent."""
    absent = {key: value for key, value in RECORD.items() if key != name}
    null = from_json(json.dumps(RECORD | {name: None}).encode(), SyncedRecord)
    assert from_json(json.dumps(absent).encode(), SyncedRecord) == null
    assert getattr(null, name) is None


@pytest.mark.parametrize(("model", "whole"), [(Connection, SMALLEST), (SyncedRecord, {n: RECORD[n] for n in REQUIRED})])
def test_what_is_required_is_missed(model: type[object], whole: dict[str, Any]) -> None:
    """By name, and no value is shown."""
    from_json(json.dumps(whole).encode(), model)
    for name in whole:
        with pytest.raises(DecodeError, match=name):
            from_json(json.dumps({key: value for key, value in whole.items() if key != name}).encode(), model)


def test_values_and_fields_that_came_later() -> None:
    """A platform, a status and a field of tomorrow are read, and known to be unknown."""
    found = connection(platform="sage", status="paused", region="eu")
    assert (found.platform, found.status) == ("sage", "paused")
    assert found.platform is not None
    assert not found.platform.is_known
    assert connection().platform.is_known  # type: ignore[union-attr]


def test_a_free_object_is_exact() -> None:
    """Numbers in it are Decimals."""
    found = from_json(json.dumps(RECORD).encode(), SyncedRecord)
    assert isinstance(found.errors, dict)
    assert found.errors["validation"][0]["limit"] == Decimal("12.5")
    assert isinstance(found.errors["validation"][0]["limit"], Decimal)
    assert (found.platform_object_id, found.provider_object_id) == ("120", "x/1")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"created_at": "2026-03-01T09:30:00"}, r"a date-time with an offset at \$\.created_at"),
        ({"errors": {"message": "x"}}, r"\$\.errors"),
        ({"errors": [{"message": 5}]}, r"str at \$\.errors\[0\]\.message"),
        ({"status": 5}, r"ConnectionStatus.* at \$\.status"),
        ({"id": 5}, r"str at \$\.id"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], problem: str) -> None:
    """The path and the type that was expected."""
    with pytest.raises(DecodeError, match=problem):
        connection(**changes)


@pytest.mark.parametrize(
    ("model", "document"),
    [(Connection, FULL), (Connection, DISCONNECTED), (Connection, SMALLEST | {"errors": None}), (SyncedRecord, RECORD)],
)
def test_what_was_read_is_written_again(model: type[object], document: dict[str, Any]) -> None:
    """The same names and values, times as instants."""
    found = from_json(json.dumps(document).encode(), model)
    again = json.loads(to_json(found))
    assert again.keys() == document.keys()
    assert from_json(to_json(found), model) == found


def test_lists() -> None:
    """``data``, and for records the tokens, null at the end."""
    connections = from_json(json.dumps({"data": [FULL, DISCONNECTED]}).encode(), ConnectionList)
    assert [one.status for one in connections.data] == ["connected", "disconnected"]
    page = json.dumps({"data": [RECORD], "next_pagination_token": None, "prev_pagination_token": "p"}).encode()
    records = from_json(page, SyncedRecordList)
    assert (len(records.data), records.next_pagination_token, records.prev_pagination_token) == (1, None, "p")


mutations = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@thorough
@given(st.sampled_from([(Connection, FULL), (SyncedRecord, RECORD)]), st.data())
def test_a_changed_document_is_read_or_refused(kind: tuple[type[object], dict[str, Any]], data: st.DataObject) -> None:
    """Whatever stands in one field, it is read, or named as wrong; nothing else is raised."""
    model, document = kind
    name = data.draw(st.sampled_from(sorted(document)))
    changed = json.dumps(document | {name: data.draw(mutations)}).encode()
    problem = None
    try:
        found = from_json(changed, model)
        assert from_json(to_json(found), model) == found
    except DecodeError as error:
        problem = str(error)
    assert problem is None or f"$.{name}" in problem


@thorough
@given(st.binary())
def test_bytes_are_read_or_refused(body: bytes) -> None:
    """No bytes can raise anything else."""
    for model in (Connection, ConnectionList, SyncedRecordList):
        with pytest.raises(DecodeError):
            from_json(body, model)
