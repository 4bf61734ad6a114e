"""The same models in the peers' own terms, derived from ours so that nobody gets fewer fields."""

from __future__ import annotations

import typing
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any, get_args, get_origin

import attrs
import cattrs.preconf.json
import msgspec
import pydantic

from brex_accounting.converters.pages import PageBody
from brex_accounting.enums import OpenEnum
from brex_accounting.models import AccountingRecord, Amount, Instant
from brex_accounting.shapes import fields_of
from brex_accounting.wiretypes import Unmodelled

__all__ = ["plain_converter", "plain_page", "pydantic_page", "stainless_record", "struct_page"]

Field = tuple[str, Any, bool]
"""Name, type, and whether it may be left out (then it is None)."""
# Under another name, because its arguments are values here.
_TUPLE: Any = tuple
_LIST: Any = list

Make = Callable[[str, list[Field]], Any]


def _translated(cls: Any, make: Make, instant: Any) -> Any:
    """``cls`` and all that it holds, as classes made by ``make``."""

    @cache
    def of(inner: Any) -> Any:
        fields = [(field.name, typed(field.type), field.default is not attrs.NOTHING) for field in fields_of(inner)]
        return make(inner.__name__, fields)

    def typed(kind: Any) -> Any:
        if kind is Amount:
            return Decimal
        if kind is Unmodelled:
            return Any
        if kind is Instant:
            return instant
        if attrs.has(get_origin(kind) or kind):
            return of(kind)
        if get_origin(kind) is tuple:
            return _TUPLE[typed(get_args(kind)[0]), ...]
        optional = [one for one in get_args(kind) if one is not type(None)]
        return typing.Optional[typed(optional[0])] if optional else kind  # noqa: UP045 - the type is a value here

    record = of(cls)
    page = [
        ("items", _TUPLE[record, ...], False),
        ("next_cursor", str | None, True),
        ("has_next_page", bool, False),
        ("total_count", int | None, True),
    ]
    assert {name for name, _, _ in page} == {field.name for field in fields_of(PageBody)}
    return make("Page", page)


def struct_page() -> Any:
    """The page as msgspec Structs."""

    def make(name: str, fields: list[Field]) -> Any:
        given = [(field, kind, None) if optional else (field, kind) for field, kind, optional in fields]
        return msgspec.defstruct(name, given, kw_only=True, frozen=True)

    return _translated(AccountingRecord, make, Instant)


def pydantic_page() -> Any:
    """The page as frozen pydantic models."""
    config = pydantic.ConfigDict(frozen=True)

    def make(name: str, fields: list[Field]) -> Any:
        given: dict[str, Any] = {field: (kind, None if optional else ...) for field, kind, optional in fields}
        return pydantic.create_model(name, __config__=config, **given)

    return _translated(AccountingRecord, make, pydantic.AwareDatetime)


def stainless_record() -> Any:
    """A record as Stainless would generate it: its runtime's models, closed enums as literals, amounts as floats."""
    base = import_module("increase").BaseModel

    def make(name: str, fields: list[Field]) -> Any:
        given: dict[str, Any] = {field: (_loose(kind), None if left_out else ...) for field, kind, left_out in fields}
        return pydantic.create_model(name, __base__=base, **given)

    page = _translated(AccountingRecord, make, datetime)
    return get_args(page.model_fields["items"].annotation)[0]


def _loose(kind: Any) -> Any:
    if kind is Decimal:
        return float
    if isinstance(kind, type) and issubclass(kind, OpenEnum):
        return typing.Literal[tuple(member.value for member in kind)]
    if get_origin(kind) is tuple:
        return _LIST[get_args(kind)[0]]
    inner = [one for one in get_args(kind) if one is not type(None)]
    return typing.Optional[_loose(inner[0])] if inner else kind  # noqa: UP045 - the type is a value here


def plain_page() -> Any:
    """The page as attrs classes that cattrs can read without hooks of ours."""

    def make(name: str, fields: list[Field]) -> Any:
        given = {
            field: attrs.field(type=kind, default=None) if optional else attrs.field(type=kind)
            for field, kind, optional in fields
        }
        return attrs.make_class(name, given, frozen=True, slots=True, kw_only=True)

    return _translated(AccountingRecord, make, datetime)


def plain_converter() -> Any:
    """cattrs' converter for JSON, with the one hook that exact amounts need."""
    converter = cattrs.preconf.json.make_converter()
    converter.register_structure_hook(Decimal, lambda value, _: Decimal(value))
    return converter
