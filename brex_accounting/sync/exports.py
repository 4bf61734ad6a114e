"""What a store keeps and what it is told: frozen values. Pure.

Every moment is aware and of one clock, Brex's own (``brex.server_now()``). Bodies, words for the customer
and internal details are in no repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Final

import attrs

from ..enums import ReviewStatus, SourceType
from ..models import ExportResult
from .keys import ExportKey
from .states import State

__all__ = [
    "ENGINE",
    "Batch",
    "Binding",
    "Claim",
    "Copy",
    "Counts",
    "Export",
    "Feed",
    "Judgement",
    "Lease",
    "Move",
    "Pause",
    "Settlement",
    "Verdict",
]

ENGINE: Final = "engine"
"""Who made a move that no person made."""


@attrs.frozen(kw_only=True)
class Binding:
    """Whom a store belongs to: a Brex company, and a vendor's account. Empty: not told, which fits any."""

    company: str = ""
    vendor: str = ""
    vendor_account_id: str = ""


@attrs.frozen(kw_only=True)
class Copy:
    """A record as it was read once. ``turn`` sorts the records that share a ``source_id``.

    ``is_live`` is False for a bill that is a draft, void or cancelled. ``body`` is the record as
    ``to_json`` writes it, ``read_at`` the moment at which it certainly read like this or later.
    """

    record_id: str
    version: int
    review_status: ReviewStatus
    is_live: bool
    source_type: SourceType
    source_id: str | None
    accounting_date: date
    turn: str
    content_hash: str
    receipts_hash: str
    hash_version: int
    body: bytes = attrs.field(repr=False)
    read_at: datetime


@attrs.frozen(kw_only=True)
class Export:
    """One revision of one record on its way into the books and back to Brex.

    The fields of ``Copy`` are those of the newest copy of this revision; from INTENT until the outcome is
    known they stay as they were claimed, because a system may compare what comes twice under one key.

    ``revision`` counts the record's contents from 1, ``attempt`` how often INTENT was entered under ``key``.
    ``reference_id`` is given exactly when a document is in the books. ``code`` and ``message`` are a
    rejection's (or a reason) in words for the customer, ``detail`` is for your eyes alone. ``not_before``:
    when it may be tried again. ``rejections`` counts them. ``left_queue``: since it was last
    READY_FOR_EXPORT it was seen in another status, or was missing. ``attached_hash``: the ``receipts_hash``
    of what is attached already. ``supersedes``: the key of the document before it, set when it is claimed.
    ``batch`` is the open report it is in. ``order`` numbers the exports of a store as they came.
    """

    order: int
    record_id: str
    revision: int
    key: ExportKey
    state: State
    attempt: int = 0
    version: int
    is_live: bool = True
    source_type: SourceType
    source_id: str | None = None
    accounting_date: date
    turn: str
    content_hash: str
    receipts_hash: str = ""
    hash_version: int
    body: bytes = attrs.field(repr=False)
    read_at: datetime
    reference_id: str | None = None
    deep_link_url: str | None = attrs.field(default=None, repr=False)
    code: str | None = None
    message: str | None = attrs.field(default=None, repr=False)
    detail: str = attrs.field(default="", repr=False)
    not_before: datetime | None = None
    rejections: int = 0
    left_queue: bool = False
    attached_hash: str = ""
    supersedes: ExportKey | None = None
    batch: int | None = None
    changed_at: datetime


class Verdict(Enum):
    """What a copy means for the export of its record."""

    NEW = "new"
    OUT_OF_SCOPE = "out of scope"
    NEWER_COPY = "newer copy of the same revision"
    AMENDED = "amended: a new revision"
    EXCEPTION = "changed after it was exported: a new revision that waits for a person"
    NEW_ATTEMPT = "a new attempt of the same revision"
    REPORT_AGAIN = "to be reported again"
    WITHDRAWN = "withdrawn"
    NOTED = "only whether it is in the queue is remembered"
    NOTHING = "nothing"


@attrs.frozen(kw_only=True)
class Judgement:
    """A verdict, and what the store does about it, in this order.

    ``left_queue``, unless None, is remembered of the newest revision; with ``keep_copy`` it takes over the
    copy; it makes the ``move``; a new revision of the copy begins in the state ``begin``.
    """

    verdict: Verdict
    left_queue: bool | None = None
    keep_copy: bool = False
    move: State | None = None
    begin: State | None = None


@attrs.frozen(kw_only=True)
class Lease:
    """Who holds something until when. Each claim raises ``epoch``; a write that names an old one is refused."""

    owner: str
    epoch: int
    until: datetime


@attrs.frozen(kw_only=True)
class Claim:
    """An export that its owner may work on alone until the lease ends."""

    export: Export
    lease: Lease


@attrs.frozen(kw_only=True)
class Batch:
    """A report that may have been sent: its idempotency ``key``, its exact ``body`` and the results in it.

    ``members`` is (record id, revision) of each result that is not settled; the store closes a batch
    when the last one is.
    """

    id: int
    key: str
    body: bytes = attrs.field(repr=False)
    results: tuple[ExportResult, ...] = attrs.field(repr=False)
    members: tuple[tuple[str, int], ...] = attrs.field(repr=False)
    opened_at: datetime
    lease: Lease


@attrs.frozen(kw_only=True)
class Settlement:
    """What became of one result of a batch.

    ``after`` is REPORTED, REPORTED_FAILED, or, when it was not taken, POSTED or REJECTED as before.
    ``left_queue``, unless None, is what the read-back said. ``not_before``: when a failure that never
    leaves the queue is tried again.
    """

    record_id: str
    after: State
    left_queue: bool | None = None
    not_before: datetime | None = None


@attrs.frozen(kw_only=True)
class Move:
    """One line of the history, numbered as committed. ``before`` is None where a revision begins."""

    number: int
    at: datetime
    record_id: str
    revision: int
    before: State | None
    after: State
    why: str
    by: str


@attrs.frozen(kw_only=True)
class Feed:
    """How far a stream of changes is stored. ``watermark``: everything before it was read and kept."""

    name: str
    watermark: datetime


@attrs.frozen(kw_only=True)
class Pause:
    """Why nothing more is posted for the company until somebody resumes."""

    reason: str
    code: str
    since: datetime
    by: str


@attrs.frozen(kw_only=True)
class Counts:
    """How many exports are in each state, and how many posts in a row ended as NotNow.

    ``unreported``: documents that Brex waits to be told of, or is being told of. Bills are not: it is told of none.
    """

    by_state: Mapping[State, int]
    not_now: int
    unreported: int
