"""The operations of Brex's Fields API, each giving a ``Call``.

Source: Brex, Fields API reference (1.0.0-beta); idempotency guide, for what ``repeat`` rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from ..converters.errors import TRACE_HEADER, refuse, refuse_with_cursor
from ..converters.exports import checked_key
from ..converters.fields import FieldBody, KeysBody, NewValuesBody, Nothing, ValuesReply, changes_body
from ..converters.pages import CursorBody, cursor_page
from ..converters.queries import Query
from ..converters.wire import codec, to_json
from ..models import Page
from ..operations import call_of, quoted, reads
from ..session.call import Call, Repeat, Reply, trace_id
from .models import Field, FieldValue, FieldValueChange, FieldValueKey, NewFieldValue

__all__ = [
    "create_field",
    "create_values",
    "delete_field",
    "delete_values",
    "get_field",
    "get_value",
    "list_fields",
    "list_values",
    "update_field",
    "update_values",
]

T = TypeVar("T")

_FIELDS: Final = "/v1/fields"

READ: Final = Repeat(after_ambiguous=True, because="A GET changes nothing.")
CREATE: Final = Repeat(
    after_ambiguous=True,
    because="The Idempotency-Key is required here, and a second request with the same one is ignored as a duplicate.",
)
UPDATE: Final = Repeat(
    after_ambiguous=True,
    because="All PUT requests accept an Idempotency-Key, and this one says how things are to be, not what to add.",
)
DELETE: Final = Repeat(
    after_ambiguous=True,
    because="A DELETE is idempotent by definition: what is gone stays gone, and is answered with 404 at worst.",
)


def list_fields(filters: Query, *, page_size: int, cursor: str | None) -> Call[Page[Field]]:
    """GET /v1/fields."""
    return _listed("list fields", _FIELDS, Field, filters, page_size, cursor)


def get_field(field_id: str) -> Call[Field]:
    """GET /v1/fields/{id}."""
    return call_of("get field", "GET", _path(field_id), READ, reads(Field))


def create_field(content: FieldBody, *, idempotency_key: str) -> Call[Field]:
    """POST /v1/fields."""
    body, headers = to_json(content), _keyed(idempotency_key)
    return call_of("create field", "POST", _FIELDS, CREATE, reads(Field), body=body, headers=headers)


def update_field(field_id: str, content: FieldBody, *, idempotency_key: str) -> Call[Field]:
    """PUT /v1/fields/{id}."""
    body, headers = to_json(content), _keyed(idempotency_key)
    return call_of("update field", "PUT", _path(field_id), UPDATE, reads(Field), body=body, headers=headers)


def delete_field(field_id: str) -> Call[None]:
    """DELETE /v1/fields/{id}."""
    return call_of("delete field", "DELETE", _path(field_id), DELETE, _gone)


def list_values(field_id: str, filters: Query, *, page_size: int, cursor: str | None) -> Call[Page[FieldValue]]:
    """GET /v1/fields/{field_id}/values."""
    return _listed("list field values", _values(field_id), FieldValue, filters, page_size, cursor)


def get_value(field_id: str, brex_id: str) -> Call[FieldValue]:
    """GET /v1/fields/{field_id}/values/{brex_id}."""
    path = f"{_values(field_id)}/{quoted('brex_id', brex_id)}"
    return call_of("get field value", "GET", path, READ, reads(FieldValue))


def create_values(
    field_id: str, values: Sequence[NewFieldValue], *, idempotency_key: str
) -> Call[tuple[FieldValue, ...]]:
    """POST /v1/fields/{field_id}/values."""
    body, headers = to_json(NewValuesBody(items=tuple(values))), _keyed(idempotency_key)
    path = _values(field_id)
    return call_of("create field values", "POST", path, CREATE, _written, body=body, headers=headers)


def update_values(
    field_id: str, changes: Sequence[FieldValueChange], *, idempotency_key: str
) -> Call[tuple[FieldValue, ...]]:
    """PUT /v1/fields/{field_id}/values."""
    body, headers = to_json(changes_body(changes)), _keyed(idempotency_key)
    path = _values(field_id)
    return call_of("update field values", "PUT", path, UPDATE, _written, body=body, headers=headers)


def delete_values(field_id: str, keys: Sequence[FieldValueKey]) -> Call[None]:
    """DELETE /v1/fields/{field_id}/values."""
    body = to_json(KeysBody(items=tuple(keys)))
    return call_of("delete field values", "DELETE", _values(field_id), DELETE, _all_gone, body=body)


def _listed(name: str, path: str, kind: type[T], filters: Query, page_size: int, cursor: str | None) -> Call[Page[T]]:
    query = (*filters, ("limit", str(page_size)), *(() if cursor is None else (("cursor", cursor),)))
    refusing = refuse if cursor is None else refuse_with_cursor
    return call_of(name, "GET", path, READ, _page_of(kind), query=query, refusing=refusing)


def _page_of(kind: type[T]) -> Callable[[Reply], Page[T]]:
    def decode(reply: Reply) -> Page[T]:
        body: CursorBody[T] = codec().decode(reply.body, CursorBody[kind])  # type: ignore[valid-type]
        trace = trace_id(reply.headers, TRACE_HEADER)
        return cursor_page(body, reply.body, served_at=reply.served_at, trace_id=trace)

    return decode


def _written(reply: Reply) -> tuple[FieldValue, ...]:
    return codec().decode(reply.body, ValuesReply).items


def _all_gone(reply: Reply) -> None:
    # Nothing is documented of the object, but that there is one: what has none did not come from Brex.
    codec().decode(reply.body, Nothing)


def _gone(reply: Reply) -> None:
    # Here no body is documented at all.
    if reply.body.strip():
        codec().decode(reply.body, Nothing)


def _keyed(idempotency_key: str) -> tuple[tuple[str, str], ...]:
    return (("Idempotency-Key", checked_key(idempotency_key)),)


def _path(field_id: str) -> str:
    return f"{_FIELDS}/{quoted('field_id', field_id)}"


def _values(field_id: str) -> str:
    return f"{_path(field_id)}/values"
