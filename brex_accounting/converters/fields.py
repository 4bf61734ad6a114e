"""The Fields API on the wire: lists without ``has_next_page``, bodies of many values, arrays spelt ``key[]``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, TypeVar

import attrs

from ..enums import FieldGroup
from ..errors import ConfigurationError, DecodeError
from ..fields.models import FieldValue, FieldValueChange, FieldValueKey, NewFieldValue
from .queries import Query, checked_id, checked_text, each_checked, is_encodable, member

__all__ = [
    "MAX_PAGE",
    "ChangeBody",
    "ChangesBody",
    "DataBody",
    "FieldBody",
    "KeysBody",
    "NewValuesBody",
    "Nothing",
    "ValuesReply",
    "change_of",
    "changes_body",
    "checked_changes",
    "checked_keys",
    "checked_new_values",
    "checked_page_size",
    "field_body",
    "field_filters",
    "in_order",
    "key_of",
    "keys_left",
    "value_filters",
]

T = TypeVar("T")

MAX_PAGE: Final = 1000
"""Brex: "It can't be greater than 1000"."""

_MOST_FILTERS: Final = 200
"""Ids in one query at most. Brex documents no maximum, but a line of a request has one."""


@attrs.frozen(kw_only=True)
class Nothing:
    """An object of which nothing is documented."""


@attrs.frozen(kw_only=True)
class FieldBody:
    """The request body of "Create a custom field"; "Update a custom field" takes ``name`` and ``is_disabled``."""

    name: str | None = attrs.field(default=None, repr=False)
    group: FieldGroup | None = None
    remote_id: str | None = attrs.field(default=None, repr=False)
    integration_id: str | None = None
    is_disabled: bool | None = None


@attrs.frozen(kw_only=True)
class NewValuesBody:
    """The request body of "Create custom field values"."""

    items: tuple[NewFieldValue, ...]


@attrs.frozen(kw_only=True)
class DataBody:
    """What a change holds of a value."""

    value: str | None = None
    is_disabled: bool | None = None


@attrs.frozen(kw_only=True)
class ChangeBody:
    """One change: which value, and what of it."""

    brex_id: str | None = None
    value_id: str | None = None
    remote_id: str | None = None
    data: DataBody


@attrs.frozen(kw_only=True)
class ChangesBody:
    """The request body of "Update custom field values"."""

    items: tuple[ChangeBody, ...]


@attrs.frozen(kw_only=True)
class KeysBody:
    """The request body of "Delete custom field values"."""

    items: tuple[FieldValueKey, ...]


@attrs.frozen(kw_only=True)
class ValuesReply:
    """The answer to what was created or updated."""

    items: tuple[FieldValue, ...]


def checked_page_size(page_size: int) -> int:
    """A page size that Brex takes."""
    if isinstance(page_size, bool) or not isinstance(page_size, int) or not 1 <= page_size <= MAX_PAGE:
        raise ConfigurationError(f"page_size must be a whole number from 1 to {MAX_PAGE}")
    return page_size


def field_filters(ids: Iterable[str] | None) -> Query:
    """The filter of "List custom fields" as sent: ``field_id[]=a&field_id[]=b``."""
    return _few(_repeated("field_id[]", ids))


def value_filters(
    *,
    brex_ids: Iterable[str] | None = None,
    value_ids: Iterable[str] | None = None,
    remote_ids: Iterable[str] | None = None,
    value: str | None = None,
) -> Query:
    """The filters of "List custom field values" as sent."""
    query = (
        *_repeated("brex_id[]", brex_ids),
        *_repeated("value_id[]", value_ids, free=True),
        *_repeated("remote_id[]", remote_ids, free=True),
    )
    named = () if value is None else (("value", checked_text("value", value)),)
    return (*_few(query), *named)


def field_body(
    *,
    name: str | None,
    group: FieldGroup | str | None = None,
    remote_id: str | None = None,
    integration_id: str | None = None,
    is_disabled: bool | None = None,
) -> FieldBody:
    """What a field is made or changed with."""
    kind = member(FieldGroup, "group", group)
    if kind == FieldGroup.ERP and integration_id is None:
        raise ConfigurationError("an ERP field belongs to an integration: connect one, and pass its integration_id")
    body = FieldBody(
        name=None if name is None else checked_text("name", name),
        group=kind,
        remote_id=None if remote_id is None else checked_text("remote_id", remote_id),
        integration_id=None if integration_id is None else checked_id("integration_id", integration_id),
        is_disabled=_checked_switch(is_disabled),
    )
    if body == FieldBody():
        raise ConfigurationError("there is nothing to change; give a name, is_disabled, or both")
    return body


def checked_new_values(values: Iterable[NewFieldValue]) -> tuple[NewFieldValue, ...]:
    """Values that can be created: at least one."""
    return _each(values, NewFieldValue, _check_new)


def checked_changes(changes: Iterable[FieldValueChange]) -> tuple[FieldValueChange, ...]:
    """Changes that can be sent: at least one."""
    return _each(changes, FieldValueChange, _check_change)


def checked_keys(keys: Iterable[FieldValueKey]) -> tuple[FieldValueKey, ...]:
    """Keys that can be sent: at least one, and each by exactly one id."""
    return _each(keys, FieldValueKey, _check_key)


def changes_body(changes: Sequence[FieldValueChange]) -> ChangesBody:
    """Changes as they are sent."""
    return ChangesBody(
        items=tuple(
            ChangeBody(
                brex_id=one.key.brex_id,
                value_id=one.key.value_id,
                remote_id=one.key.remote_id,
                data=DataBody(value=one.value, is_disabled=one.is_disabled),
            )
            for one in changes
        )
    )


def change_of(body: ChangeBody) -> FieldValueChange:
    """A received change. Raises ``DecodeError`` unless it names the value by exactly one id."""
    key = FieldValueKey(brex_id=body.brex_id, value_id=body.value_id, remote_id=body.remote_id)
    return FieldValueChange(key=key_of(key), value=body.data.value, is_disabled=body.data.is_disabled)


def key_of(key: FieldValueKey) -> FieldValueKey:
    """A received key. Raises ``DecodeError`` unless it names the value by exactly one id."""
    if len(_ids(key)) != 1:
        raise DecodeError("expected exactly one of brex_id, value_id and remote_id at $.items[]")
    return key


def in_order(sent: Sequence[NewFieldValue], answered: Sequence[FieldValue]) -> tuple[FieldValue, ...]:
    """The values that were made, in the order in which they were sent; those of no known origin last."""
    places: dict[tuple[str | None, ...], list[int]] = {}
    for place, one in enumerate(sent):
        places.setdefault((one.remote_id, one.value_id, one.value), []).append(place)
    found: list[tuple[int, FieldValue]] = []
    for value in answered:
        left = places.get((value.remote_id, value.value_id, value.value))
        found.append((left.pop(0) if left else len(sent), value))
    return tuple(value for _, value in sorted(found, key=lambda pair: pair[0]))


def keys_left(keys: Iterable[FieldValueKey], held: Collection[FieldValue]) -> tuple[FieldValueKey, ...]:
    """The keys of which there still is a value."""
    ids = {("brex_id", one.brex_id) for one in held} | {("value_id", one.value_id) for one in held}
    ids |= {("remote_id", one.remote_id) for one in held}
    return tuple(key for key in keys if any((name, one) in ids for name, one in _named_ids(key)))


def _repeated(key: str, ids: Iterable[str] | None, *, free: bool = False) -> Query:
    if ids is None:
        return ()
    # A remote id is another system's, and may hold blanks and slashes.
    found = [checked_text(key, one) for one in _listed(key, ids)] if free else each_checked(ids)
    if not found:
        raise ConfigurationError(f"the filter {key} is empty, and without it Brex would return everything; use None")
    return tuple((key, one) for one in found)


def _listed(name: str, given: Iterable[Any]) -> Iterable[Any]:
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{name} takes a list, not one {type(given).__name__}")
    return given


def _few(query: Query) -> Query:
    if len(query) > _MOST_FILTERS:
        raise ConfigurationError(f"{len(query)} ids are too many for one request (at most {_MOST_FILTERS})")
    return query


def _each(given: Iterable[Any], kind: type[T], check: Any) -> tuple[T, ...]:
    found = tuple(_listed("values", given))  # once: a generator is empty the second time
    if not found:
        raise ConfigurationError("there are no values to write")
    for one in found:
        if not isinstance(one, kind):
            raise ConfigurationError(f"a value to write is a {kind.__name__} here, not a {type(one).__name__}")
        check(one)
    return found


def _check_new(one: NewFieldValue) -> None:
    _check_name(one.value)
    for name, given in (("value_id", one.value_id), ("remote_id", one.remote_id)):
        if given is not None:
            checked_text(name, given)
    _checked_switch(one.is_disabled)


def _check_change(one: FieldValueChange) -> None:
    _check_key(one.key)
    if one.value is None and one.is_disabled is None:
        raise ConfigurationError("a change gives a value, is_disabled, or both")
    if one.value is not None:
        _check_name(one.value)
    _checked_switch(one.is_disabled)


def _check_key(key: FieldValueKey) -> None:
    if not isinstance(key, FieldValueKey) or len(_ids(key)) != 1:
        raise ConfigurationError("a FieldValueKey names exactly one of brex_id, value_id and remote_id")
    checked_text("an id of a value", _ids(key)[0])


def _check_name(value: str) -> None:
    if not isinstance(value, str) or not value.strip() or not is_encodable(value):
        raise ConfigurationError("a value's name is text that is not blank")


def _checked_switch(is_disabled: bool | None) -> bool | None:
    if is_disabled is not None and not isinstance(is_disabled, bool):
        raise ConfigurationError("is_disabled is True, False or None")  # "false" would be true
    return is_disabled


def _ids(key: FieldValueKey) -> list[str]:
    return [one for _, one in _named_ids(key)]


def _named_ids(key: FieldValueKey) -> list[tuple[str, str]]:
    named = (("brex_id", key.brex_id), ("value_id", key.value_id), ("remote_id", key.remote_id))
    return [(name, one) for name, one in named if one is not None]
