"""List bodies: decoding a page, and what to do with a record on it that cannot be decoded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import attrs
import msgspec

from ..codec import Codec
from ..errors import DecodeError
from ..models import BadRecord, Page

__all__ = ["CursorBody", "OnBadRecord", "PageBody", "cursor_page", "finished", "page_of", "page_steps", "read_page"]

T = TypeVar("T")
R = TypeVar("R")

_LARGE = 512 * 1024
_CHUNK = 100
"""Above so many bytes (about 200 records) a page is read by so many records at a time."""
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


@attrs.frozen(kw_only=True)
class CursorBody(Generic[T]):
    """The JSON of a list that ends where no cursor is given."""

    items: tuple[T, ...]
    next_cursor: str | None = None


def cursor_page(
    body: CursorBody[T], raw: bytes, *, served_at: datetime | None = None, trace_id: str | None = None
) -> Page[T]:
    """A page of a list that says only by its cursor whether there is more."""
    return Page(
        items=body.items,
        next_cursor=body.next_cursor,
        has_next_page=bool(body.next_cursor),
        served_at=served_at,
        trace_id=trace_id,
        raw=raw,
    )


def read_page(codec: Codec, data: bytes, cls: type[T], on_bad: OnBadRecord) -> PageBody[T]:
    """The body of a list of ``cls``. Raises ``DecodeError`` when the page itself is wrong."""
    return finished(page_steps(codec, data, cls, on_bad))


def finished(steps: Generator[None, None, R]) -> R:
    """The result of steps, without a pause between them."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: R = done.value
            return result


def page_steps(codec: Codec, data: bytes, cls: type[T], on_bad: OnBadRecord) -> Generator[None, None, PageBody[T]]:
    """The same in steps of a millisecond or so, between which others may run.

    A page of usual size is read in one go. A large one is split into its records, as they stand in the
    bytes, and read by the chunk. Where the fast pass cannot tell, records are read one by one, so that an
    odd one costs the slow pass over itself alone.
    """
    small = len(data) <= _LARGE
    if small:
        whole: PageBody[T] | None = _fast(codec, data, PageBody[cls], on_bad)  # type: ignore[valid-type]
        if whole is not None:
            return whole
    split = codec.decode_fast(data, PageBody[msgspec.Raw])
    if split is None and on_bad == "raise":  # a value of the page itself is odd
        return codec.decode(data, PageBody[cls])  # type: ignore[valid-type]
    split = split or codec.decode(data, PageBody[msgspec.Raw])
    items: list[T] = []
    problems: list[str] = []
    for start in range(0, len(split.items), _CHUNK):
        if start or not small:
            yield
        raws = split.items[start : start + _CHUNK]
        chunk: Iterable[T] | None = None
        if not small:
            chunk = _fast(codec, b"[%b]" % b",".join(raws), tuple[cls, ...], on_bad)  # type: ignore[valid-type]
        items += _each(codec, raws, start, cls, on_bad, problems) if chunk is None else chunk
    if problems:
        codec.check_syntax(data)  # what is no JSON has no records either
        raise DecodeError(tuple(problems))
    return attrs.evolve(PageBody.of(page_of(split, b"")), items=tuple(items))  # type: ignore[arg-type,return-value]


def _fast(codec: Codec, data: bytes, kind: Any, on_bad: OnBadRecord) -> Any:
    try:
        return codec.decode_fast(data, kind)
    except DecodeError:
        if on_bad == "raise":
            raise
        return None  # of bad bytes in one record the others know nothing


def _each(
    codec: Codec, raws: Iterable[msgspec.Raw], start: int, cls: type[T], on_bad: OnBadRecord, problems: list[str]
) -> Iterator[T]:
    """The records that can be read; the problems of others are added, or told."""
    for index, raw in enumerate(raws, start):
        bad: BadRecord | None = None
        try:
            yield codec.decode(bytes(raw), cls, at=f"$.items[{index}]")
        except DecodeError as error:
            if on_bad == "raise":
                problems += error.problems
            problem = "; ".join(error.problems)
            bad = BadRecord(index=index, record_id=_readable_id(bytes(raw)), problem=problem, raw=bytes(raw))
        # Not inside: what the function raises would hang on the error, and on the frames that read the record.
        if bad is not None and callable(on_bad):
            on_bad(bad)


def _readable_id(raw: bytes) -> str | None:
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    found = record.get("id") if isinstance(record, dict) else None
    # It goes into logs: only what looks like an id.
    return found if isinstance(found, str) and _ID.fullmatch(found) else None
