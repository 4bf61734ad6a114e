"""The local Brex's rules about fields and values: what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from brex_accounting.converters.fields import FieldBody
from brex_accounting.enums import FieldGroup
from brex_accounting.fields import FieldValueChange, FieldValueKey, NewFieldValue
from brex_accounting.sandbox import TOKEN, LocalBrex, Refused, make_seed
from brex_accounting.sandbox.field_reading import read_fields_request, read_values_request

from .drivers import Clock, HttpDriver

KEYED = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "k-1"}


@pytest.fixture
def brex() -> LocalBrex:
    """The rules, with the fields of a seed."""
    return LocalBrex(make_seed("mixed", records=20), now=Clock())


def new(remote_id: str | None, value_id: str | None = None, value: str = "Airfare") -> NewFieldValue:
    return NewFieldValue(value=value, remote_id=remote_id, value_id=value_id)


def change(key: FieldValueKey, value: str | None = None) -> FieldValueChange:
    return FieldValueChange(key=key, value=value)


def by_code(value_id: str) -> FieldValueKey:
    return FieldValueKey(value_id=value_id)


def test_a_seed_brings_its_fields(brex: LocalBrex) -> None:
    """Both halves of a mixed seed: three lifelike fields with 31 values, and two awkward ones."""
    fields = brex.fields.list_fields(read_fields_request([])).items
    assert [field.name for field in fields] == ["GL Account", "Department", "Entity", "GL Account", "Department"]
    assert [len(brex.fields.values(field.brex_id)) for field in fields] == [20, 8, 3, 1, 1]


@pytest.mark.parametrize(
    ("write", "status"),
    [
        (lambda fields, f: fields.create_values(f, []), 400),
        (lambda fields, f: fields.create_values(f, [new(str(one)) for one in range(1001)]), 400),
        (lambda fields, f: fields.create_values(f, [new("new"), new("a")]), 400),
        (lambda fields, f: fields.create_values(f, [new("new"), new("new")]), 400),
        (lambda fields, f: fields.create_values(f, [new("new"), new(None, "1")]), 400),
        (lambda fields, f: fields.create_values(f, [new("new"), new("b", value=" ")]), 400),
        (lambda fields, _: fields.create_values("nobody", [new("new")]), 404),
        (lambda fields, f: fields.update_values(f, [change(by_code("1"), "x"), change(by_code("9"), "x")]), 404),
        (lambda fields, f: fields.update_values(f, [change(by_code("1"), "x"), change(by_code("2"), " ")]), 400),
        (
            lambda fields, f: fields.update_values(
                f, [change(by_code("1"), "x"), change(FieldValueKey(remote_id="a"), "y")]
            ),
            400,
        ),
        (lambda fields, f: fields.delete_values(f, [by_code("1"), by_code("9")]), 404),
        (lambda fields, f: fields.delete_values(f, [by_code("1"), FieldValueKey(remote_id="a")]), 400),
        (lambda fields, f: fields.delete_values(f, []), 400),
        (lambda fields, f: fields.update_field(f, FieldBody(name=" ")), 400),
        (lambda fields, _: fields.delete_field("nobody"), 404),
        (lambda fields, _: fields.create_field(FieldBody(name="x", group=FieldGroup("NEW"))), 400),
        (lambda fields, _: fields.create_field(FieldBody(name="x", group=FieldGroup.USER, remote_id="R")), 400),
        (lambda fields, _: fields.create_field(FieldBody(name="x", group=FieldGroup.ERP)), 400),
    ],
)
def test_a_refusal_changes_nothing(brex: LocalBrex, write: Callable[[Any, str], object], status: int) -> None:
    """One that is wrong refuses the whole request, whatever stood before it."""
    field = brex.fields.create_field(FieldBody(name="Accounts", group=FieldGroup.ACCOUNTING, remote_id="R"))
    brex.fields.create_values(field.brex_id, [new("a", "1"), new("b", "2")])
    fields, values = brex.fields.list_fields(read_fields_request([])), brex.fields.values(field.brex_id)
    with pytest.raises(Refused) as refused:
        write(brex.fields, field.brex_id)
    assert (refused.value.status, refused.value.shape) == (status, "gateway")
    assert brex.fields.list_fields(read_fields_request([])) == fields
    assert brex.fields.values(field.brex_id) == values


def test_a_list_goes_on_after_what_was_deleted_meanwhile(brex: LocalBrex) -> None:
    """A cursor stands behind the last value of its page, whether that is still there or not; nothing is skipped."""
    field_id = brex.fields.create_field(FieldBody(name="Accounts", group=FieldGroup.ACCOUNTING)).brex_id
    brex.fields.create_values(field_id, [new(str(one)) for one in range(10)])
    first = brex.fields.list_values(field_id, read_values_request([("limit", "4")]))
    brex.fields.delete_values(field_id, [value.key for value in first.items])
    brex.fields.create_values(field_id, [new("late")])
    rest = brex.fields.list_values(field_id, read_values_request([("cursor", first.next_cursor or "")]))
    assert [value.remote_id for value in rest.items] == ["4", "5", "6", "7", "8", "9", "late"]
    assert rest.next_cursor is None


@pytest.mark.parametrize(
    "query",
    [
        [("limit", "0")],
        [("limit", "1001")],
        [("limit", "ten")],
        [("limit", "1"), ("limit", "2")],
        [("cursor", "???")],
        [("cursor", "MTp4")],
        [("ids", "efo_1")],
        [("brex_id", "efo_1")],
    ],
)
def test_queries_that_are_refused(query: list[tuple[str, str]]) -> None:
    """Limits, cursors of nothing or of another query, unknown keys, and arrays without brackets."""
    for read in (read_fields_request, read_values_request):
        with pytest.raises(Refused) as refused:
            read(query)
        assert refused.value.status == 400


@pytest.mark.parametrize(
    ("method", "headers", "content", "status"),
    [
        ("POST", {"Idempotency-Key": ""}, {"items": [{"value": "x"}]}, 400),
        ("POST", {"Content-Type": "text/plain"}, {"items": [{"value": "x"}]}, 400),
        ("POST", {}, {"items": [{}]}, 400),
        ("POST", {}, [], 400),
        ("POST", {}, {"items": [{"value": "x", "is_disabled": "no"}]}, 400),
        ("PUT", {}, {"items": [{"value_id": "1", "remote_id": "1", "data": {}}]}, 400),
        ("PUT", {}, {"items": [{"value_id": "1"}]}, 400),
        ("DELETE", {}, {"items": [{}]}, 400),
        ("PATCH", {}, {}, 405),
    ],
)
async def test_requests_that_are_refused(
    served: HttpDriver, method: str, headers: Mapping[str, str], content: object, status: int
) -> None:
    """Without the key that is required, of another content type, malformed in each way: 400 in the general shape."""
    (field, *_) = served.brex.fields.list_fields(read_fields_request([])).items
    before = served.brex.fields.values(field.brex_id)
    url = f"{served.sandbox.url}/v1/fields/{field.brex_id}/values"
    async with served.session.request(method, url, json=content, headers={**KEYED, **headers}) as response:
        assert response.status == status
        body = await response.json()
        assert body.get("type", body.get("error_code")) == "INVALID_REQUEST"
    assert served.brex.fields.values(field.brex_id) == before


async def test_a_key_sent_again_gets_the_first_answer(served: HttpDriver) -> None:
    """Word for word, although the value is gone meanwhile; a refused request does not use its key up."""
    url = f"{served.sandbox.url}/v1/fields"
    answers = []
    for name in (" ", "Projects", "Projects", "Others"):
        async with served.session.post(url, json={"name": name, "group": "USER"}, headers=KEYED) as response:
            answers.append((response.status, await response.read()))
    assert [status for status, _ in answers] == [400, 200, 200, 400]
    assert answers[1] == answers[2]
    assert b"another request" in answers[3][1]


async def test_the_company_wants_its_scope(served: HttpDriver) -> None:
    """Whose token it is, for a token that may know it."""
    async with served.session.get(f"{served.sandbox.url}/v2/company", headers=KEYED) as response:
        assert (response.status, (await response.json())["id"]) == (200, served.brex.company.id)
    served.brex.tokens["bxt_less"] = frozenset({"fields.read"})
    less = {"Authorization": "Bearer bxt_less"}
    async with served.session.get(f"{served.sandbox.url}/v2/company", headers=less) as response:
        assert response.status == 403
