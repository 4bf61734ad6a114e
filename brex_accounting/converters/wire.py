"""The names on the wire, and models to and from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast, get_args, get_origin

from ..codec import Codec, instant_or_date
from ..companies.models import Company
from ..errors import ConfigurationError
from ..exact import exact_numbers, exact_value
from ..fields.models import FieldValueKey, NewFieldValue
from ..models import (
    AccountingFieldValue,
    AccountingRecord,
    Amount,
    Bound,
    ExportFailure,
    ExportSuccess,
    Integration,
    LineItem,
    Money,
    Page,
    User,
)
from ..wiretypes import Unmodelled
from .exports import ResultBody, SuccessBody, result_body, result_of
from .fields import ChangeBody, DataBody, FieldBody
from .money import exact_amount, settle_money
from .pages import PageBody, page_of, read_page
from .webhooks import ABSENT as WEBHOOK_ABSENT
from .webhooks import SPELLINGS as WEBHOOK_SPELLINGS

__all__ = ["SPELLINGS", "codec", "from_json", "to_json"]

T = TypeVar("T")

SPELLINGS: Final[Mapping[type, Mapping[str, str]]] = MappingProxyType(
    {
        # Brex's schema says integration_id, its examples id; the first is the one we write.
        Integration: {"integration_id": "id", "id": "id"},
        **WEBHOOK_SPELLINGS,
        # The one camelCase name of an otherwise snake_case answer.
        Company: {"accountType": "account_type", "account_type": "account_type"},
    }
)
"""Wire name -> attribute, where they differ. A field that Brex renames is one line here."""

ABSENT: Final[Mapping[type, frozenset[str]]] = MappingProxyType(
    {
        # Captured records leave these out where they send null for other empty fields.
        AccountingRecord: frozenset({"status", "billing_amount"}),
        LineItem: frozenset({"billing_amount", "accounting_field_values"}),
        AccountingFieldValue: frozenset({"field_name", "field_value_name", "type"}),
        User: frozenset(
            {"account_id", "manager_id", "manager_first_name", "manager_last_name", "manager_title_id"}
            | {"manager_title_name", "department_id", "department_name", "location_id", "location_name"}
            | {"title_id", "title_name"}
        ),
        # A null deep_link_url is refused.
        SuccessBody: frozenset({"reference_id", "deep_link_url"}),
        ResultBody: frozenset({"success", "failure"}),
        **WEBHOOK_ABSENT,
        # What is left out of a request is left as it is.
        FieldBody: frozenset({"name", "group", "remote_id", "integration_id", "is_disabled"}),
        NewFieldValue: frozenset({"value_id", "remote_id", "is_disabled"}),
        FieldValueKey: frozenset({"brex_id", "value_id", "remote_id"}),
        ChangeBody: frozenset({"brex_id", "value_id", "remote_id"}),
        DataBody: frozenset({"value", "is_disabled"}),
    }
)
"""Attributes that are left out, not null, when they are None."""


@cache
def codec() -> Codec:
    """The codec for every model, compiled at first use."""
    return Codec(
        spellings=SPELLINGS,
        absent=ABSENT,
        leaves={Amount: exact_amount, Unmodelled: exact_value, Bound: instant_or_date},
        settlers={Money: settle_money},
        float_hook=exact_numbers(),
    )


def from_json(data: bytes, cls: type[T]) -> T:
    """Read a model from JSON bytes.

    ``from_json(body, Page[AccountingRecord])`` reads a response body (bare ``Page`` means the same);
    ``checkpoint``, ``served_at`` and ``trace_id`` are None there. Raises ``DecodeError`` with the JSON
    path and the expected type.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise ConfigurationError(f"from_json takes bytes, not {type(data).__name__}")
    data = bytes(data)
    # Two classes are read through their JSON part, which no type checker can follow from cls.
    kind: Any = cls
    if kind is Page or get_origin(kind) is Page:
        held: Any = (get_args(kind) or (AccountingRecord,))[0]
        return cast(T, page_of(read_page(codec(), data, held, "raise"), data))
    if kind is ExportSuccess or kind is ExportFailure:
        return result_of(codec().decode(data, ResultBody), cls)
    return codec().decode(data, cls)


def to_json(model: object) -> bytes:
    """Write a model as JSON bytes: wire names, amounts as exact numbers, times as RFC 3339."""
    if isinstance(model, Page):
        model = PageBody.of(model)
    elif isinstance(model, (ExportSuccess, ExportFailure)):
        model = result_body(model)
    try:
        return codec().dumps(model)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"cannot write {type(model).__name__} as JSON: {type(error).__name__}") from None
