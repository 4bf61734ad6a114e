"""What books that only grow hold of a record, and how they take a change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from ..sync.keys import ExportKey
from .entries import Entry, Kind, Standing, reversal_key, turned
from .rule_table import Document

__all__ = ["appended", "standing_of", "standing_under"]

_TAKES_OUT = (Kind.REVERSAL, Kind.VOID)


def standing_under(entries: Sequence[Entry], key: ExportKey, *, is_live: bool) -> Standing | None:
    """What entries hold under the key of a document that a new revision takes the place of; None: nothing.

    ``is_live``: whether the new revision is to be booked. After a void nothing stands, so that another one has
    nothing to take out, and a document that comes back is booked anew.
    """
    entry = next((one for one in entries if one.key == key), None)
    if entry is None or (entry.kind is Kind.VOID and not is_live):
        return None
    gone = {one.amends for one in entries if one.kind in _TAKES_OUT}
    is_reversed = entry.kind is Kind.VOID or key in gone
    return Standing(entry=entry, is_paid=not is_reversed and _is_paid(entry, entries, gone), is_reversed=is_reversed)


def standing_of(entries: Iterable[Entry]) -> list[Entry]:
    """The entries that count: without those that were taken out, and without what took them out."""
    listed = list(entries)
    gone = {one.amends for one in listed if one.kind in _TAKES_OUT}
    return [one for one in listed if one.kind not in _TAKES_OUT and one.key not in gone]


def appended(entries: Sequence[Entry], standing: Standing | None) -> tuple[Entry, ...]:
    """The same for books that change nothing in place: an update is a reversal and a replacement.

    So that the books always add up to what stands.
    """
    if standing is None or not any(one.kind is Kind.UPDATE for one in entries):
        return tuple(entries)
    (update,) = entries
    earlier = standing.entry
    reversal = turned(earlier, key=reversal_key(update.key), kind=Kind.REVERSAL, amends=earlier.key)
    return (reversal, attrs.evolve(update, kind=Kind.REPLACEMENT))


def _is_paid(entry: Entry, entries: Iterable[Entry], gone: Iterable[ExportKey | None]) -> bool:
    if entry.document is not Document.BILL or entry.source_id is None:
        return False
    taken_out = frozenset(gone)
    return any(
        one.document is Document.BILL_PAYMENT
        and one.source_id == entry.source_id
        and one.kind not in _TAKES_OUT
        and one.key not in taken_out
        for one in entries
    )
