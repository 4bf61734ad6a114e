"""What you write: the poster, which books one record in your accounting system and says what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, Protocol, TypeAlias, cast, get_args, runtime_checkable

import attrs

from ..enums import OpenEnum
from ..errors import ConfigurationError
from ..models import AccountingRecord, Receipt
from .keys import ExportKey

__all__ = [
    "Attaching",
    "Checking",
    "Finding",
    "FindingRecords",
    "FoundDocument",
    "NotNow",
    "Outcome",
    "Posted",
    "Poster",
    "Recovery",
    "Rejected",
    "RejectionCode",
    "Skipped",
    "checked_recovery",
]

Recovery: TypeAlias = Literal["same_key", "find", "park"]
"""What to do about a post whose outcome nobody knows. ``same_key``: post again, the system knows the key.
``find``: ask the system for the key, and post again if it has none. ``park``: a person finds out.
"""


class RejectionCode(OpenEnum):
    """Why books refuse a record. Your own codes are welcome."""

    CLOSED_PERIOD = "CLOSED_PERIOD"
    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN"
    ACCOUNT_INACTIVE = "ACCOUNT_INACTIVE"
    FIELD_MISSING = "FIELD_MISSING"
    VENDOR_UNKNOWN = "VENDOR_UNKNOWN"
    CURRENCY = "CURRENCY"
    INTERCOMPANY = "INTERCOMPANY"
    UNBALANCED = "UNBALANCED"
    TOO_LONG = "TOO_LONG"
    OTHER = "OTHER"


def _readable(_: object, field: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{field.name} must be a text that says something")


def _code(value: str | RejectionCode) -> RejectionCode:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError("code must be a RejectionCode or a text of your own")
    return RejectionCode(value)


@attrs.frozen
class Posted:
    """It is in the books, as ``reference_id``. ``deep_link_url`` opens it there, if there is such an address."""

    reference_id: str = attrs.field(validator=_readable)
    deep_link_url: str | None = attrs.field(default=None, repr=False, validator=attrs.validators.optional(_readable))


@attrs.frozen
class Rejected:
    """The books refuse it, and nothing was written.

    The customer reads ``message`` in Brex: say which field to change and to what. Keep the system's own
    words out of it.
    """

    code: RejectionCode = attrs.field(converter=_code)
    message: str = attrs.field(repr=False, validator=_readable)


@attrs.frozen
class Skipped:
    """It is not for these books, and nothing was written. Nothing is reported."""

    reason: str = attrs.field(validator=_readable)


@attrs.frozen
class NotNow:
    """Certainly nothing was written, and trying later may help: the system is down or busy.

    ``after``: how long to leave this record alone, at least.
    """

    reason: str = attrs.field(validator=_readable)
    after: timedelta | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.instance_of(timedelta))
    )


Outcome: TypeAlias = Posted | Rejected | Skipped | NotNow


class Poster(Protocol):
    """Books records. Any exception out of ``post`` means that nobody knows whether it was written."""

    @property
    def recovery(self) -> str:
        """A ``Recovery``; a plain class attribute does."""
        ...

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        """Book the record under the key.

        ``supersedes`` is the key of the document that an earlier revision left in the books: update it, or
        reverse it and book anew. A bill that was cancelled comes back with it too, to be voided.
        """
        ...


@runtime_checkable
class Finding(Protocol):
    """A poster that can ask the system for a key, as ``recovery = "find"`` needs."""

    async def find(self, key: ExportKey) -> Posted | None:
        """What the system holds under the key; None: certainly nothing."""
        ...


@attrs.frozen(kw_only=True)
class FoundDocument:
    """A document of a record as the books hold it: the one of the revision whose key it has.

    ``content_hash`` and ``hash_version``: those of the record when it was booked, where the books keep them.
    ``stands`` is False when it was taken out of the books again: reversed, or voided.
    """

    key: ExportKey
    posted: Posted
    content_hash: str | None = None
    hash_version: int = 0
    stands: bool = True


@runtime_checkable
class FindingRecords(Protocol):
    """A poster that can ask the system for all documents of a record, so that a store that was lost can be rebuilt."""

    async def find_record(self, record_id: str) -> Sequence[FoundDocument]:
        """The documents of the record's revisions, reversals not among them. Empty: certainly none."""
        ...


@runtime_checkable
class Attaching(Protocol):
    """A poster that attaches receipts to what it posted."""

    async def attach(
        self, record: AccountingRecord, *, key: ExportKey, posted: Posted, receipts: Sequence[Receipt]
    ) -> None:
        """Attach these receipts; attaching one that is there already must do nothing."""
        ...


@runtime_checkable
class Checking(Protocol):
    """A poster that can check its login before anything is posted."""

    async def check(self) -> None:
        """Raise if the system would refuse everything."""
        ...


def checked_recovery(poster: Poster) -> Recovery:
    """The poster's recovery. Raises ``ConfigurationError`` unless it is one and the poster can do it."""
    recovery = getattr(poster, "recovery", None)
    if recovery not in get_args(Recovery):
        raise ConfigurationError(f"{type(poster).__name__}.recovery must be one of {', '.join(get_args(Recovery))}")
    if recovery == "find" and not isinstance(poster, Finding):
        raise ConfigurationError(f'{type(poster).__name__} says recovery = "find" and has no find()')
    return cast(Recovery, recovery)
