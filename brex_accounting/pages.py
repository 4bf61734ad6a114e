"""One page of a list, and where a reader of the list stands. Of any provider's; no JSON, no I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import attrs

__all__ = ["Checkpoint", "Page"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Checkpoint:
    """Where a reader stands: enough to go on after it, in another process or on another day.

    ``filters`` are the query as sent (they are sent again with the cursor), ``cursor`` asks for the
    page that was being read (None: the first), ``after`` is the (id, version) of the last record
    handed out from it (None: none yet). Save it with ``to_json``, load it with
    ``from_json(data, Checkpoint)``.
    """

    filters: tuple[tuple[str, str], ...] = ()
    page_size: int
    cursor: str | None = None
    after: tuple[str, int] | None = None


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list.

    ``checkpoint`` means that everything up to and including this page is done: save it after
    processing. ``served_at`` is the server's clock when it answered, ``raw`` the body as received, for
    fields that are not modelled yet.
    """

    items: tuple[T, ...] = attrs.field(repr=False)
    next_cursor: str | None = None
    has_next_page: bool
    total_count: int | None = None
    checkpoint: Checkpoint | None = None
    served_at: datetime | None = None
    trace_id: str | None = None
    raw: bytes = attrs.field(default=b"", repr=False)
