"""What the books should hold of a record, by its export and by Brex; and why it is not what Brex has. Pure.

The export says which revision is in the books. Where it does not know (its outcome is open, or the store is a new
one), the books themselves are asked whether they hold it; never for its amounts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import attrs

from ..enums import ReviewStatus, SourceType
from ..posters.entries import Entry, reversal_key
from ..sync.keys import ExportKey
from ..sync.states import State
from .placing import Placed
from .sums import NOTHING, Sums

__all__ = ["Expected", "Gap", "Revision", "expected", "gap_of"]


@attrs.frozen(kw_only=True)
class Revision:
    """One revision of a record, as its export has it. ``has_document``: the store counts it as in the books.

    ``is_kept``: ``placed`` is what was posted. A store that was rebuilt knows only of some documents that they are
    of another content than the record has now.
    """

    key: ExportKey
    state: State
    has_document: bool
    is_kept: bool = True
    placed: Placed


class Gap(StrEnum):
    """What accounts for the books not holding what Brex has."""

    SKIPPED = "skipped"
    """Not for these books, by the chart, by the poster or by a person."""
    REJECTED = "rejected"
    """The books refuse it."""
    EXCEPTIONS = "exceptions"
    """A person decides."""
    NOT_YET = "not_yet"
    """It is not ready, or its turn has not come."""
    NOTHING = "nothing"
    """Nothing does: it is a difference."""


@attrs.frozen(kw_only=True)
class Expected:
    """What the books should hold of a record, under the ``key`` of which revision; None where no store says it.

    ``dated`` is the accounting date, ``day`` where it is booked: the same, unless the chart has moved it. Not
    ``is_known``: only the books can say what it was.
    """

    is_known: bool = True

    sums: Sums = attrs.field(default=NOTHING, repr=False)
    key: ExportKey | None = None
    dated: date | None = None
    day: date | None = None


_UNSETTLED: Final = frozenset({State.DISCOVERED, State.INTENT, State.UNCONFIRMED})
"""Perhaps in the books, although the store does not know it."""


def expected(now: Placed | None, revisions: Sequence[Revision], entries: Sequence[Entry]) -> Expected:
    """What the books should hold.

    ``now`` is the record in Brex, None when it is not there any more; ``revisions`` its export, oldest first;
    ``entries`` what the books hold of it, whenever it is dated.
    """
    if revisions:
        last = _booked(revisions, {entry.key for entry in entries})
        if last is not None and not last.is_kept:
            return Expected(is_known=False, key=last.key)
        booked, key = (last.placed, last.key) if last else (None, None)
    else:
        booked, key = _found(now, entries), None
    if booked is None or not booked.is_live:
        return Expected()
    moved = [entry.date for entry in entries if entry.moved_from == booked.date and entry.date > booked.date]
    return Expected(sums=booked.sums, key=key, dated=booked.date, day=moved[-1] if moved else booked.date)


def _booked(revisions: Sequence[Revision], keys: Collection[ExportKey]) -> Revision | None:
    booked: Revision | None = None
    for one in revisions:
        if one.has_document or (one.state in _UNSETTLED and one.key in keys):
            booked = one
        elif one.state in _UNSETTLED and reversal_key(one.key) in keys:
            booked = None  # what it takes the place of is out already, and it is not in yet
    return booked


def _found(now: Placed | None, entries: Sequence[Entry]) -> Placed | None:
    # A store that was lost: what Brex has offered may be in the books.
    return now if now is not None and entries and _was_offered(now) else None


def gap_of(now: Placed | None, revisions: Sequence[Revision], *, in_books: bool) -> tuple[Gap, str]:
    """Why the books are not to hold what Brex has of a record; for ``Gap.NOTHING`` in words.

    ``in_books``: they hold some of it.
    """
    if now is None:
        return Gap.NOTHING, "Brex does not return it any more"
    is_exported = now.review_status == ReviewStatus.EXPORTED and now.source_type != SourceType.BILL
    if not revisions:
        unknown = "Brex counts it as exported, and neither the store nor the books know it"
        return (Gap.NOTHING, unknown) if is_exported else (Gap.NOT_YET, "")
    newest = revisions[-1]
    if any(one.state is State.UNCONFIRMED for one in revisions):
        return Gap.EXCEPTIONS, ""  # a newer revision waits behind it
    if newest.state in _GAPS:
        return _GAPS[newest.state], ""
    if newest.state is State.REPORTING and not newest.has_document:
        return Gap.REJECTED, ""
    if is_exported and not in_books:
        return Gap.NOTHING, f"Brex counts it as exported, and the store as {newest.state.value}"
    if is_exported and newest.state not in _UNSETTLED:
        return Gap.NOTHING, "it changed in Brex after it was exported, and the store does not know the change"
    return Gap.NOT_YET, ""


_GAPS: Final[Mapping[State, Gap]] = MappingProxyType(
    {
        State.HELD: Gap.EXCEPTIONS,
        State.REJECTED: Gap.REJECTED,
        State.REPORTED_FAILED: Gap.REJECTED,
        State.SKIPPED: Gap.SKIPPED,
        State.OUT_OF_SCOPE: Gap.SKIPPED,
    }
)


def _was_offered(now: Placed) -> bool:
    # Bills are posted whatever their review status says.
    offered = (ReviewStatus.READY_FOR_EXPORT, ReviewStatus.EXPORTED)
    return now.source_type == SourceType.BILL or now.review_status in offered
