"""What a request about fields says, or the refusal it gets: query keys, bodies, and the cursor of a page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import attrs

from ..converters.fields import ChangesBody, FieldBody, KeysBody, NewValuesBody, change_of, key_of
from ..converters.pages import CursorBody
from ..converters.wire import codec
from ..errors import DecodeError
from ..fields.models import FieldValue, FieldValueChange, FieldValueKey, NewFieldValue
from .refusal import bad_request

__all__ = [
    "MAX_VALUES",
    "FieldsRequest",
    "ValuesRequest",
    "page_of",
    "read_changes",
    "read_field",
    "read_fields_request",
    "read_keys",
    "read_new_values",
    "read_values_request",
]

T = TypeVar("T")
B = TypeVar("B")

MAX_VALUES: Final = 1000
"""Of a request that writes, and of a page."""

_DEFAULT_PAGE: Final = 100  # guess: undocumented here; the paging guide's


@attrs.frozen(kw_only=True)
class _ListRequest:
    limit: int = _DEFAULT_PAGE
    after: int = -1
    bound_to: str


@attrs.frozen(kw_only=True)
class FieldsRequest(_ListRequest):
    """A list of fields: those of some ids, or all."""

    ids: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class ValuesRequest(_ListRequest):
    """A list of values. Several filters hold together."""

    brex_ids: frozenset[str] = frozenset()
    value_ids: frozenset[str] = frozenset()
    remote_ids: frozenset[str] = frozenset()
    value: str | None = None

    def takes(self, value: FieldValue) -> bool:
        """Whether a value passes the filters."""
        return (
            (not self.brex_ids or value.brex_id in self.brex_ids)
            and (not self.value_ids or value.value_id in self.value_ids)
            and (not self.remote_ids or value.remote_id in self.remote_ids)
            and (self.value is None or value.value == self.value)
        )


def read_fields_request(query: Sequence[tuple[str, str]]) -> FieldsRequest:
    """A list of fields from its query. Unknown and repeated keys are refused (stricter than Brex may be)."""
    limit, after, bound_to = _paging(query, {"field_id[]"}, set())
    return FieldsRequest(limit=limit, after=after, bound_to=bound_to, ids=_all(query, "field_id[]"))


def read_values_request(query: Sequence[tuple[str, str]]) -> ValuesRequest:
    """A list of values from its query."""
    limit, after, bound_to = _paging(query, {"brex_id[]", "value_id[]", "remote_id[]"}, {"value"})
    return ValuesRequest(
        limit=limit,
        after=after,
        bound_to=bound_to,
        brex_ids=_all(query, "brex_id[]"),
        value_ids=_all(query, "value_id[]"),
        remote_ids=_all(query, "remote_id[]"),
        value=dict(query).get("value"),
    )


def page_of(request: _ListRequest, found: Iterable[tuple[int, T]]) -> CursorBody[T]:
    """The page of a request, of what was found with its places."""
    items: list[T] = []
    last = request.after
    for place, one in found:
        if place <= request.after:
            continue
        if len(items) == request.limit:
            cursor = base64.urlsafe_b64encode(f"{last}:{request.bound_to}".encode()).decode()
            return CursorBody(items=tuple(items), next_cursor=cursor)
        items.append(one)
        last = place
    return CursorBody(items=tuple(items))


def read_field(body: bytes) -> FieldBody:
    """What a field is made or changed with."""
    return _read(body, FieldBody)


def read_new_values(body: bytes) -> tuple[NewFieldValue, ...]:
    """The values to create."""
    return _read(body, NewValuesBody).items


def read_changes(body: bytes) -> tuple[FieldValueChange, ...]:
    """The values to update."""
    items = _read(body, ChangesBody).items
    try:
        return tuple(map(change_of, items))
    except DecodeError as error:
        raise _malformed(error) from None


def read_keys(body: bytes) -> tuple[FieldValueKey, ...]:
    """The values to delete."""
    items = _read(body, KeysBody).items
    try:
        return tuple(map(key_of, items))
    except DecodeError as error:
        raise _malformed(error) from None


def _read(body: bytes, kind: type[B]) -> B:
    try:
        return codec().decode(body, kind)
    except DecodeError as error:
        raise _malformed(error) from None


def _malformed(error: DecodeError) -> Exception:
    return bad_request(f"The body is malformed: {error.problems[0]}.")


def _all(query: Sequence[tuple[str, str]], key: str) -> frozenset[str]:
    return frozenset(value for name, value in query if name == key)


def _paging(query: Sequence[tuple[str, str]], many: set[str], once: set[str]) -> tuple[int, int, str]:
    single = [key for key, _ in query if key not in many]
    unknown = set(single) - once - {"limit", "cursor"}
    if unknown:
        raise bad_request(f"Unknown query key {min(unknown)}.")
    if len(set(single)) < len(single):
        raise bad_request("A query key is given twice.")
    given = dict(query)
    filters = sorted((key, value) for key, value in query if key not in ("cursor", "limit"))
    # A cursor belongs to its filters; the page size may change.
    bound_to = hashlib.sha256(repr(filters).encode()).hexdigest()[:12]
    after = -1 if "cursor" not in given else _place(given["cursor"], bound_to)
    return _limit(given.get("limit", str(_DEFAULT_PAGE))), after, bound_to


def _limit(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 6 and 1 <= int(value) <= MAX_VALUES):
        raise bad_request(f"limit is a number from 1 to {MAX_VALUES}.")
    return int(value)


def _place(cursor: str, bound_to: str) -> int:
    try:
        place, of = base64.urlsafe_b64decode(cursor.encode()).decode().split(":")
        after = int(place)
    except ValueError:
        raise bad_request("Invalid cursor") from None
    if of != bound_to:
        raise bad_request("Invalid cursor: it belongs to another query")
    return after
