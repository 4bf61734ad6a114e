"""List bodies: decoding a page, and what to do with a record on it that cannot be decoded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import attrs
import msgspec

from ..codec import Codec
from ..errors import DecodeError
from ..models import BadRecord, Page

__all__ = ["OnBadRecord", "PageBody", "page_of", "read_page"]

T = TypeVar("T")

_ID = re.compile(r"[\w:=+-]{1,128}", re.ASCII)

OnBadRecord: TypeAlias = Literal["raise", "skip"] | Callable[[BadRecord], None]
"""What happens to a record that cannot be decoded: the page raises, the record is left out, or it is
left out after the function was told (which may raise)."""


@attrs.frozen(kw_only=True)
class PageBody(Generic[T]):
    """The JSON of a list."""

    items: tuple[T, ...]
    next_cursor: str | None = None
    has_next_page: bool
    total_count: int | None = None

    @classmethod
    def of(cls, page: Page[T]) -> PageBody[T]:
        """The part of a page that is JSON."""
        return cls(
            items=page.items,
            next_cursor=page.next_cursor,
            has_next_page=page.has_next_page,
            total_count=page.total_count,
        )


def page_of(
    body: PageBody[T], raw: bytes, *, served_at: datetime | None = None, trace_id: str | None = None
) -> Page[T]:
    """A page from its JSON part."""
    return Page(
        items=body.items,
        next_cursor=body.next_cursor,
        has_next_page=body.has_next_page,
        total_count=body.total_count,
        served_at=served_at,
        trace_id=trace_id,
        raw=raw,
    )


def read_page(codec: Codec, data: bytes, cls: type[T], on_bad: OnBadRecord) -> PageBody[T]:
    """The body of a list of ``cls``. Raises ``DecodeError`` when the page itself is wrong."""
    body_type: Any = PageBody[cls]  # type: ignore[valid-type]
    try:
        whole: PageBody[T] = codec.decode(data, body_type)
    except DecodeError:
        if on_bad == "raise":
            raise
        return _read_each(codec, data, cls, on_bad)
    return whole


def _read_each(codec: Codec, data: bytes, cls: type[T], on_bad: OnBadRecord) -> PageBody[T]:
    envelope = codec.decode(data, PageBody[msgspec.Raw])
    items: list[T] = []
    for index, raw in enumerate(envelope.items):
        one = bytes(raw)
        try:
            items.append(codec.decode(one, cls, at=f"$.items[{index}]"))
        except DecodeError as error:
            problem = "; ".join(error.problems)
            if callable(on_bad):
                on_bad(BadRecord(index=index, record_id=_readable_id(one), problem=problem, raw=one))
    return attrs.evolve(PageBody.of(page_of(envelope, b"")), items=tuple(items))  # type: ignore[arg-type,return-value]


def _readable_id(raw: bytes) -> str | None:
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    found = record.get("id") if isinstance(record, dict) else None
    # It goes into logs: only what looks like an id.
    return found if isinstance(found, str) and _ID.fullmatch(found) else None
