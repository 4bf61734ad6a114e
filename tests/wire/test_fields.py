"""Fields, values and the company: read, and sent, as documented."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from brex_accounting import from_json, to_json
from brex_accounting.companies import Address, Company
from brex_accounting.companies.endpoints import get_company
from brex_accounting.converters.fields import field_body
from brex_accounting.enums import AccountType, FieldGroup
from brex_accounting.fields import Field, FieldValue, FieldValueChange, FieldValueKey, NewFieldValue, endpoints
from brex_accounting.session.call import Call, Reply

from .comparing import meaning, parsed, same
from .sources import document

KEYS = [FieldValueKey(brex_id="efo_41aa"), FieldValueKey(value_id="6110"), FieldValueKey(remote_id="acct/6120")]
NEW = [
    NewFieldValue(value="Airfare São Paulo", value_id="6100", remote_id="acct/6100 EU"),
    NewFieldValue(value="Lodging", is_disabled=True),
]
CHANGES = [
    FieldValueChange(key=KEYS[0], value="Airfare"),
    FieldValueChange(key=KEYS[1], is_disabled=True),
    FieldValueChange(key=KEYS[2], value="Taxi", is_disabled=False),
]
VALUE = FieldValue(
    brex_id="efo_41aa",
    remote_id="acct/6100 EU",
    value_id="6100",
    value="Airfare São Paulo",
    field_id="extended_field_7Qk2",
    updated_at=datetime(2026, 10, 2, 7, 15, 10, 500_000, tzinfo=UTC),
    is_disabled=False,
)
LAST = FieldValue(
    brex_id="efo_41ab",
    value="Made in the dashboard",
    field_id="extended_field_7Qk2",
    updated_at=datetime(2026, 10, 2, 7, 15, 10, tzinfo=UTC),
    is_disabled=True,
)
PUSHED = Field(
    brex_id="extended_field_7Qk2",
    name="General ledger",
    remote_id="GL_ACCOUNT",
    updated_at=datetime(2026, 10, 2, 7, 15, 9, 120344, tzinfo=UTC),
    is_disabled=False,
    group=FieldGroup.ERP,
)
NAMELESS = Field(
    brex_id="extended_field_8Rm3", updated_at=datetime(2026, 10, 2, 7, 15, 9, tzinfo=UTC), is_disabled=True
)
COMPANY = Company(
    id="cuacc_5521",
    legal_name="Pennant & Daughters Ltd",
    mailing_address=Address(line1="4 Quay Street", city="Falmouth", state="ME", country="US", postal_code="04105"),
    account_type=AccountType.BREX_EMPOWER,
)


@pytest.mark.parametrize(
    ("name", "expected", "call"),
    [
        ("field_pushed", PUSHED, endpoints.get_field("extended_field_7Qk2")),
        ("field_nameless", NAMELESS, endpoints.get_field("extended_field_8Rm3")),
        ("field_value_pushed", VALUE, endpoints.get_value("extended_field_7Qk2", "efo_41aa")),
        ("company", COMPANY, get_company()),
    ],
)
def test_what_is_read(name: str, expected: object, call: Call[object]) -> None:
    """Each document decodes to what it says, by its model and by its operation, and goes back the same."""
    assert from_json(document(name), type(expected)) == expected
    assert call.decode(Reply(status=200, body=document(name))) == expected
    assert same(to_json(expected), document(name))


def test_a_page_ends_where_no_cursor_is_given() -> None:
    """These lists have no has_next_page: a cursor says that there is more, and its absence that there is not."""
    fields = endpoints.list_fields((), page_size=1, cursor=None).decode(reply("page_of_fields"))
    assert (fields.next_cursor, fields.has_next_page, fields.total_count) == ("bmV4dA==", True, None)
    assert [field.group for field in fields.items] == [FieldGroup.TRAVEL]
    values = endpoints.list_values("f", (), page_size=1, cursor="bmV4dA==").decode(reply("page_of_values_last"))
    assert (values.next_cursor, values.has_next_page, values.items) == (None, False, (LAST,))
    assert values.raw == document("page_of_values_last")


def reply(name: str) -> Reply:
    return Reply(status=200, body=document(name))


ERP = field_body(name="General ledger", group="ERP", remote_id="GL_ACCOUNT", integration_id="int_schema_5")


@pytest.mark.parametrize(
    ("name", "call", "where"),
    [
        ("field_create_request", endpoints.create_field(ERP, idempotency_key="k"), "POST /v1/fields"),
        (
            "field_update_request",
            endpoints.update_field("f", field_body(name=None, is_disabled=False), idempotency_key="k"),
            "PUT /v1/fields/f",
        ),
        (
            "field_values_create_request",
            endpoints.create_values("f", NEW, idempotency_key="k"),
            "POST /v1/fields/f/values",
        ),
        (
            "field_values_update_request",
            endpoints.update_values("f", CHANGES, idempotency_key="k"),
            "PUT /v1/fields/f/values",
        ),
        ("field_values_delete_request", endpoints.delete_values("f", KEYS), "DELETE /v1/fields/f/values"),
    ],
)
def test_what_is_sent(name: str, call: Call[Any], where: str) -> None:
    """Each request's body is the documented one, to the last key, with no null in place of what was not given."""
    assert call.where == where
    assert parsed(call.body or b"null") == parsed(document(name))
    assert meaning(parsed(call.body or b"null")) == parsed(document(name))
    keyed: Sequence[tuple[str, str]] = () if call.method == "DELETE" else (("Idempotency-Key", "k"),)
    assert tuple(call.headers) == tuple(keyed)
