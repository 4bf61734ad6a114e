"""Fields and values over a real port: lists, single ones, writing, and how it all is spelt."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest

from brex_accounting import (
    BadRequest,
    BrexAccounting,
    BrexError,
    CheckpointMismatch,
    ConfigurationError,
    CursorExpired,
    DecodeError,
    NotFound,
    PermissionDenied,
    from_json,
    to_json,
)
from brex_accounting.converters.pages import CursorBody
from brex_accounting.converters.wire import codec
from brex_accounting.enums import AccountType, FieldGroup
from brex_accounting.fields import Field, FieldValue, FieldValueChange, FieldValueEdit, FieldValueKey, NewFieldValue
from brex_accounting.models import Checkpoint
from brex_accounting.sandbox import ALL_SCOPES, Fault, Sandbox
from brex_accounting.session.events import PageEvent

from ..reporter import printed
from ..session.raw import answering, http_bytes
from .charts import account, accounts

FIELD = (
    b'{"brex_id":"extended_field_foobar","name":null,"remote_id":"foo_bar","updated_at":"2026-11-20T10:00:00.123456Z",'
    b'"is_disabled":false,"group":"SOMETHING_NEW","new_name":1}'
)
"""Brex's example of a field, with what may come: no name, a group of tomorrow, a name that nobody knows."""

VALUE = (
    b'{"brex_id":"efo_foobar","value":"Foobar","field_id":"extended_field_foobar",'
    b'"updated_at":"2026-11-20T10:00:00Z","is_disabled":true}'
)
"""A value without its two optional ids."""


def test_documents_of_the_documented_shape_are_read() -> None:
    """A field and a value as the pages show them, with absent and unknown names; unknown groups keep their text."""
    field = from_json(FIELD, Field)
    assert (field.name, field.remote_id, field.group) == (None, "foo_bar", FieldGroup("SOMETHING_NEW"))
    assert field.updated_at.microsecond == 123456
    value = from_json(VALUE, FieldValue)
    assert (value.remote_id, value.value_id, value.is_disabled) == (None, None, True)
    page = codec().decode(b'{"items":[' + VALUE + b'],"next_cursor":null}', CursorBody[FieldValue])
    assert page.items == (value,)
    assert json.loads(to_json(value)) == {**json.loads(VALUE), "remote_id": None, "value_id": None} | {
        "updated_at": "2026-11-20T10:00:00Z"
    }


async def test_the_fields_are_those_of_the_records(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Every coding of every record is a value of one of the fields, under the same ids and names."""
    held = {
        value.brex_id: value async for one in brex.fields.list() async for value in brex.fields.values.list(one.brex_id)
    }
    codings = [
        coding
        for record in sandbox.brex.records()
        for line in record.line_items
        for coding in line.coding
        if coding.brex_field_value_id is not None
    ]
    assert len(codings) > 60
    for coding in codings:
        value = held[coding.brex_field_value_id or ""]
        assert (value.field_id, value.remote_id) == (coding.brex_field_id, coding.remote_field_value_id)
        assert value.value == coding.field_value_name


async def test_a_field_is_made_read_changed_and_deleted(brex: BrexAccounting) -> None:
    """Each verb gives the field as it stands; one that is gone is NotFound."""
    made = await brex.fields.create(name="Cost centre", group=FieldGroup.ACCOUNTING, remote_id="CC", is_disabled=True)
    assert await brex.fields.get(made.brex_id) == made
    changed = await brex.fields.update(made.brex_id, name="Cost center", is_disabled=False)
    assert (changed.name, changed.is_disabled, changed.remote_id) == ("Cost center", False, "CC")
    assert changed in await brex.fields.list(ids=[made.brex_id, "extended_field_x"]).collect()
    await brex.fields.delete(made.brex_id)
    with pytest.raises(NotFound) as gone:
        await brex.fields.get(made.brex_id)
    assert (gone.value.status, gone.value.error_code, gone.value.message) == (404, "NOT_FOUND", "No such field.")


async def test_an_erp_field_belongs_to_the_active_integration(brex: BrexAccounting) -> None:
    """Without an integration it is refused before anything is sent; a disconnected one is refused by Brex."""
    with pytest.raises(ConfigurationError, match="integration_id"):
        await brex.fields.create(name="Accounts", group="ERP")
    ours = await brex.integrations.create(vendor="ACME", vendor_account_id="1")
    field = await brex.fields.create(name="Accounts", group="ERP", integration_id=ours.id)
    assert field.group == FieldGroup.ERP
    await brex.integrations.disconnect(ours.id)
    with pytest.raises(BadRequest):
        await brex.fields.create(name="Others", group="ERP", integration_id=ours.id)
    with pytest.raises(NotFound):
        await brex.fields.create(name="Others", group="ERP", integration_id="int_nobody")


async def test_a_key_that_is_kept_makes_one_field(brex: BrexAccounting) -> None:
    """The same Idempotency-Key makes one field, however often it is called; for another field it is refused."""
    one, two = [await brex.fields.create(name="Once", group="USER", idempotency_key="k-1") for _ in range(2)]
    assert one == two
    with pytest.raises(BadRequest):
        await brex.fields.create(name="Twice", group="USER", idempotency_key="k-1")


async def test_ten_thousand_values_in_their_order(brex: BrexAccounting, sandbox: Sandbox, field: Field) -> None:
    """Created in ten requests, read in ten, changed in ten and deleted in ten, each time in the order given."""
    values = accounts(10_000)
    before = sandbox.statistics.requests
    made = await brex.fields.values.create(field.brex_id, iter(values))
    assert sandbox.statistics.requests - before == 10
    assert [(one.remote_id, one.value_id, one.value) for one in made] == [
        (one.remote_id, one.value_id, one.value) for one in values
    ]
    assert tuple(await brex.fields.values.list(field.brex_id).collect()) == made
    assert sandbox.statistics.requests - before == 20
    changes = [FieldValueChange(key=FieldValueKey(value_id=one.value_id), is_disabled=True) for one in reversed(values)]
    changed = await brex.fields.values.update(field.brex_id, changes)
    assert [one.brex_id for one in changed] == [one.brex_id for one in reversed(made)]
    assert all(one.is_disabled for one in changed)
    await brex.fields.values.delete(field.brex_id, [FieldValueKey(remote_id=one.remote_id) for one in values])
    assert sandbox.statistics.requests - before == 40
    assert sandbox.brex.fields.values(field.brex_id) == ()


async def test_values_are_listed_as_records_are(brex: BrexAccounting, field: Field) -> None:
    """Pages, a limit, a checkpoint to resume from, page events; a checkpoint of another field's values is refused."""
    events: list[object] = []
    made = await brex.fields.values.create(field.brex_id, accounts(25))
    async with client_of_events(brex, events) as watched:
        query = watched.fields.values.list(field.brex_id, page_size=10)
        pages = [page async for page in query.pages()]
    assert [len(page.items) for page in pages] == [10, 10, 5]
    assert [event.items for event in events if isinstance(event, PageEvent)] == [10, 10, 5]
    checkpoint = from_json(to_json(pages[0].checkpoint), Checkpoint)
    query = brex.fields.values.list(field.brex_id, page_size=10)
    assert [value async for value in query.records(resume_from=checkpoint)] == list(made[10:])
    assert (await query).next_cursor
    assert await brex.fields.values.list(field.brex_id, max_items=3).collect() == list(made[:3])
    other = (await brex.fields.list()).items[0]
    with pytest.raises(CheckpointMismatch):
        brex.fields.values.list(other.brex_id, page_size=10).records(resume_from=checkpoint)
    lost = Checkpoint(filters=checkpoint.filters, page_size=10, cursor="bm90aGluZw==")
    with pytest.raises(CursorExpired):
        await anext(query.pages(resume_from=lost))


def client_of_events(brex: BrexAccounting, events: list[object]) -> BrexAccounting:
    settings = brex._view.core.settings
    return BrexAccounting("bxt_sandbox", base_url=settings.base_url, observers=[events.append])


async def test_values_are_found_by_each_of_their_ids(brex: BrexAccounting, field: Field) -> None:
    """By Brex's id, by code, by remote id and by name; and one by one."""
    made = await brex.fields.values.create(field.brex_id, accounts(30))
    values = brex.fields.values
    assert await values.list(field.brex_id, brex_ids=[made[3].brex_id, made[1].brex_id]).collect() == [made[1], made[3]]
    assert await values.list(field.brex_id, value_ids=["00004", "x"]).collect() == [made[4]]
    assert await values.list(field.brex_id, remote_ids=["gl/00005"], value_ids=["00005"]).collect() == [made[5]]
    assert await values.list(field.brex_id, value="00006 Account").collect() == [made[6]]
    assert await values.get(field.brex_id, made[7].brex_id) == made[7]
    with pytest.raises(NotFound):
        await values.get(field.brex_id, "efo_nobody")


async def test_arrays_are_spelt_with_brackets() -> None:
    """``field_id[]=a&field_id[]=b``, percent-encoded: unlike the ids of records, which have no brackets."""
    answer = http_bytes(b'{"items":[],"next_cursor":""}')
    async with answering(answer) as server, BrexAccounting("bxt_x", base_url=server.url) as brex:
        assert await brex.fields.list(ids=["a", "b"]).collect() == []
        assert await brex.fields.values.list("f", remote_ids=["6/1 0"], value="A&B").collect() == []
    assert [request.split(b" ")[1] for request in server.requests] == [
        b"/v1/fields?field_id%5B%5D=a&field_id%5B%5D=b&limit=1000",
        b"/v1/fields/f/values?remote_id%5B%5D=6/1+0&value=A%26B&limit=1000",
    ]


async def test_what_is_written_is_spelt_as_documented() -> None:
    """Bodies and keys as the pages show them, with nothing that was not given; reads carry no key."""
    answer = http_bytes(b'{"items":[' + VALUE + b"]}")
    async with answering(answer) as server, BrexAccounting("bxt_x", base_url=server.url) as brex:
        values = brex.fields.values
        await values.create("f", [NewFieldValue(value="Foobar", remote_id="foo_bar")])
        await values.update("f", [FieldValueChange(key=FieldValueKey(value_id="FooBar"), is_disabled=True)])
        await values.delete("f", [FieldValueKey(remote_id="foo_bar")])
        await values.list("f")
    parts = [request.split(b"\r\n\r\n") for request in server.requests]
    assert [json.loads(body or b"null") for _, body in parts] == [
        {"items": [{"value": "Foobar", "remote_id": "foo_bar"}]},
        {"items": [{"value_id": "FooBar", "data": {"is_disabled": True}}]},
        {"items": [{"remote_id": "foo_bar"}]},
        None,
    ]
    assert [head.split(b" ")[0] for head, _ in parts] == [b"POST", b"PUT", b"DELETE", b"GET"]
    assert [b"idempotency-key: " in head.lower() for head, _ in parts] == [True, True, False, False]


async def test_a_deleted_value_leaves_what_is_coded(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Records stay coded as they were when a value is disabled, deleted, or gone with its field."""
    record = next(one for one in sandbox.brex.records() if any(line.coding for line in one.line_items))
    coding = next(line.coding for line in record.line_items if line.coding)[0]
    values = brex.fields.values
    key = FieldValueKey(
        brex_id=coding.brex_field_value_id or (await values.list(coding.brex_field_id)).items[0].brex_id
    )
    await values.update(coding.brex_field_id, [FieldValueChange(key=key, value="Another name", is_disabled=True)])
    await values.delete(coding.brex_field_id, [key])
    await brex.fields.delete(coding.brex_field_id)
    assert await brex.records.get(record.id) == record


async def test_each_verb_wants_its_scope(brex: BrexAccounting, sandbox: Sandbox, field: Field) -> None:
    """A token without any of them is refused each time, and nothing is changed."""
    sandbox.brex.tokens["bxt_less"] = ALL_SCOPES - {
        *("fields.read", "fields.write", "field_values.read", "field_values.write", "companies.readonly")
    }
    fields = brex.for_company("other", token="bxt_less").fields
    key = FieldValueKey(value_id="1")
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: fields.list().collect(),
        lambda: fields.get(field.brex_id),
        lambda: fields.create(name="x", group="USER"),
        lambda: fields.update(field.brex_id, name="x"),
        lambda: fields.delete(field.brex_id),
        lambda: fields.values.list(field.brex_id).collect(),
        lambda: fields.values.get(field.brex_id, "efo_1"),
        lambda: fields.values.create(field.brex_id, accounts(1)),
        lambda: fields.values.update(field.brex_id, [FieldValueChange(key=key, value="x")]),
        lambda: fields.values.delete(field.brex_id, [key]),
        brex.for_company("other", token="bxt_less").company,
    ]
    for attempt in attempts:
        with pytest.raises(PermissionDenied):
            await attempt()
    assert await brex.fields.get(field.brex_id) == field


async def test_wrong_arguments_are_refused_before_anything_is_sent(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Each is a ConfigurationError that says what to give, and never the value."""
    fields, values, secret = brex.fields, brex.fields.values, "canary-value"
    good = FieldValueKey(brex_id="efo_1")
    wrong: list[Callable[[], object]] = [
        lambda: fields.list(ids=[]),
        lambda: fields.list(ids="extended_field_1"),
        lambda: fields.list(page_size=1001),
        lambda: values.list("f", page_size=0),
        lambda: values.list("../f"),
        lambda: values.list("f", remote_ids=["x"] * 201),
        lambda: values.list("f", value_ids=["\n"]),
        lambda: values.list("f", value=" "),
        lambda: fields.get("a/b"),
        lambda: fields.create(name="  ", group="USER"),
        lambda: fields.create(name="x", group="USERS"),
        lambda: fields.create(name="x", group="USER", is_disabled="false"),  # type: ignore[arg-type]
        lambda: fields.create(name="x", group="USER", idempotency_key="a b"),
        lambda: fields.update("f"),
        lambda: values.create("f", []),
        lambda: values.create("f", accounts(1), idempotency_key=""),
        lambda: values.create("f", [secret]),  # type: ignore[list-item]
        lambda: values.create("f", NewFieldValue(value=secret)),  # type: ignore[arg-type]
        lambda: values.create("f", [NewFieldValue(value=" ")]),
        lambda: values.create("f", [NewFieldValue(value="\ud800")]),
        lambda: values.create("f", [NewFieldValue(value=secret, remote_id="")]),
        lambda: values.create("f", [NewFieldValue(value=secret, is_disabled=1)]),  # type: ignore[arg-type]
        lambda: values.update("f", [FieldValueChange(key=good)]),
        lambda: values.update("f", [FieldValueChange(key=FieldValueKey(), value=secret)]),
        lambda: values.delete("f", [FieldValueKey(brex_id="a", value_id="b")]),
        lambda: values.delete("f", [FieldValueKey(brex_id="")]),
        lambda: fields.sync_chart_of_accounts([]),
        lambda: fields.sync_chart_of_accounts([account(1)], missing="drop"),  # type: ignore[arg-type]
    ]
    for call in wrong:
        with pytest.raises(ConfigurationError) as refused:
            await finished(call)
        assert secret not in str(refused.value)
    assert sandbox.statistics.requests == 0


async def finished(call: Callable[[], object]) -> None:
    result = call()
    if isinstance(result, Awaitable):
        await result


async def test_the_company_is_whose_token_it_is(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Its id is the account of the records' users, and its one camelCase name is read."""
    company = await brex.company()
    assert company == sandbox.brex.company
    assert company.account_type is AccountType.BREX_EMPOWER
    users = {record.user.account_id for record in sandbox.brex.records() if record.user is not None}
    assert users == {company.id}
    assert json.loads(to_json(company))["accountType"] == "BREX_EMPOWER"
    assert company.mailing_address is not None
    assert company.mailing_address.country == "US"


@pytest.mark.parametrize("verb", ["create", "update"])
async def test_a_value_that_brex_does_not_answer_with_is_unknown(verb: str) -> None:
    """An answer that leaves values out is an error that says how many; nobody is told that all is well."""
    answer = http_bytes(b'{"items":[' + VALUE + b"]}")
    edits: list[FieldValueEdit] = [*accounts(3)]
    if verb == "update":
        edits = [FieldValueChange(key=FieldValueKey(value_id=str(one)), value="x") for one in range(3)]
    async with answering(answer) as server, BrexAccounting("bxt_x", base_url=server.url) as brex:
        with pytest.raises(BrexError, match="without 2 of the values") as short:
            await getattr(brex.fields.values, verb)("f", edits)
    settled = short.value.settled
    assert settled is not None
    assert (settled.done, settled.unknown, settled.left) == ((), tuple(edits), ())
    assert "Foobar" not in printed(short.value)


async def test_an_answer_that_is_not_brexs_is_no_success(brex: BrexAccounting, sandbox: Sandbox, field: Field) -> None:
    """A page of HTML with status 200 in place of a deletion's empty answer is an error."""
    sandbox.faults.add(Fault(kind="html", next=1, method="DELETE"))
    with pytest.raises(DecodeError):
        await brex.fields.delete(field.brex_id)
    await brex.fields.delete(field.brex_id)


async def test_reprs_say_nothing(brex: BrexAccounting) -> None:
    """The resources show no token and no value."""
    assert (repr(brex.fields), repr(brex.fields.values)) == ("Fields()", "FieldValues()")
