"""What a request to the local Monite says, or the refusal it gets."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs
import msgspec

from ...monite.enums import ObjectType, Order, SortBy
from ...monite.models import SyncedRecord
from ...wiretypes import Instant
from .refusal import refused, unprocessable

__all__ = ["LARGEST_PAGE", "RecordList", "Window", "is_uuid", "pagination_token", "read_list", "read_object"]

LARGEST_PAGE: Final = 250
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_BOUND: Final = re.compile(r"(created_at|updated_at)__(gt|gte|lt|lte)")
_CHOICES: Final[Mapping[str, Any]] = {"object_type": ObjectType, "order": Order, "sort": SortBy}


@attrs.frozen(kw_only=True)
class Window:
    """One bound on a time of a record."""

    field: str
    side: str
    moment: datetime

    def holds(self, record: SyncedRecord) -> bool:
        """Whether the record is inside."""
        at: datetime = getattr(record, self.field)
        sides = {"gt": at > self.moment, "gte": at >= self.moment, "lt": at < self.moment, "lte": at <= self.moment}
        return sides[self.side]


@attrs.frozen(kw_only=True)
class RecordList:
    """A list request. ``query`` are its filters as sent, ``start`` how many records come before the page."""

    query: tuple[tuple[str, str], ...]
    object_type: ObjectType
    object_ids: frozenset[str] | None
    windows: tuple[Window, ...]
    sort: SortBy
    order: Order
    limit: int
    start: int

    def holds(self, record: SyncedRecord) -> bool:
        """Whether the record is asked for."""
        named = self.object_ids is None or record.object_id in self.object_ids
        return record.object_type == self.object_type and named and all(one.holds(record) for one in self.windows)


def read_list(query: Sequence[tuple[str, str]]) -> RecordList:
    """A list request from its query. Unknown and repeated keys are refused (stricter than Monite may be)."""
    single = {key: value for key, value in query if key != "object_id__in"}
    if len(single) != sum(key != "object_id__in" for key, _ in query):
        raise unprocessable(["query"], "a key is given twice")
    limit = _limit(single.get("limit"))
    token = single.pop("pagination_token", None)
    if "object_type" not in single:
        raise unprocessable(["query", "object_type"], "field required", "value_error.missing")
    filters = tuple((key, value) for key, value in query if key not in ("limit", "pagination_token"))
    start = 0
    if token is not None:
        # Whatever else is sent beside a token is ignored, but for the limit.
        filters, start = _resumed(token)
    return _of_filters(filters, limit, start)


def _of_filters(filters: tuple[tuple[str, str], ...], limit: int, start: int) -> RecordList:
    ids: list[str] = []
    windows: list[Window] = []
    chosen: dict[str, Any] = {}
    for key, value in filters:
        if key in ("object_id", "object_id__in"):
            ids.append(_uuid(key, value))
        elif key in _CHOICES:
            chosen[key] = _choice(key, value)
        elif bound := _BOUND.fullmatch(key):
            windows.append(Window(field=bound[1], side=bound[2], moment=_moment(key, value)))
        elif key != "limit":
            raise unprocessable(["query", key], "no such parameter")
    return RecordList(
        query=filters,
        object_type=chosen["object_type"],
        object_ids=frozenset(ids) if ids else None,
        windows=tuple(windows),
        sort=chosen.get("sort", SortBy.CREATED_AT),
        order=chosen.get("order", Order.ASC),
        limit=limit,
        start=start,
    )


def pagination_token(request: RecordList, start: int) -> str:
    """A token for the page that begins after ``start`` records."""
    # guess: opaque, and good for ever
    return base64.urlsafe_b64encode(json.dumps([start, request.query]).encode()).decode()


def read_object(body: bytes, keys: Sequence[str]) -> dict[str, Any]:
    """A JSON object with none but these keys."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise unprocessable(["body"], "value is not a valid dict", "type_error.dict") from None
    if not isinstance(content, dict):
        raise unprocessable(["body"], "value is not a valid dict", "type_error.dict")
    strange = sorted(content.keys() - set(keys))
    if strange:
        raise unprocessable(["body", strange[0]], "extra fields not permitted", "value_error.extra")
    return content


def is_uuid(text: object) -> bool:
    """Whether a value is a UUID in its usual form."""
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def _resumed(token: str) -> tuple[tuple[tuple[str, str], ...], int]:
    try:
        start, filters = json.loads(
            base64.urlsafe_b64decode(
                token.encode(),
            ).decode()
        )
        return tuple((str(key), str(value)) for key, value in filters), int(start)
    except (ValueError, TypeError):
        # guess: the document says nothing of a token that is none
        raise refused(400, "The pagination token is invalid.") from None


def _limit(text: str | None) -> int:
    if text is None:
        return LARGEST_PAGE
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= LARGEST_PAGE):
        raise unprocessable(["query", "limit"], f"limit is a number from 1 to {LARGEST_PAGE}", "value_error.number")
    return int(text)


def _uuid(key: str, value: str) -> str:
    if not is_uuid(value):
        raise unprocessable(["query", key], "value is not a valid uuid", "type_error.uuid")
    return value


def _choice(key: str, value: str) -> object:
    found = _CHOICES[key](value)
    if not found.is_known:
        raise unprocessable(["query", key], "value is not a valid enumeration member", "type_error.enum")
    return found


def _moment(key: str, value: str) -> datetime:
    try:
        moment: datetime = msgspec.convert(value, Instant)
    except msgspec.ValidationError:
        raise unprocessable(["query", key], "invalid datetime format", "value_error.datetime") from None
    return moment
