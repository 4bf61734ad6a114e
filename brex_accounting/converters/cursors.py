"""The cursor of the next page, seen in the bytes before the page is decoded."""

from __future__ import annotations

import attrs
import msgspec

__all__ = ["peek_cursor"]


@attrs.frozen
class _Tail:
    next_cursor: str | None
    has_next_page: bool


_FARTHEST = 4096
"""Bytes from the end that are looked at; cursors are far shorter."""


def peek_cursor(body: bytes) -> str | None:
    """The cursor that the page will turn out to have, or None when its end does not say so plainly.

    Only what follows the last array is read, so no text inside a record is mistaken for it.
    """
    end = body.rfind(b"]", -_FARTHEST)
    if end < 0:
        return None
    try:
        tail = msgspec.json.decode(b"{" + body[end + 1 :].lstrip().removeprefix(b","), type=_Tail)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return tail.next_cursor or None if tail.has_next_page else None
