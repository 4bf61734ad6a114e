"""What stands in books that are only ever appended to, and how a change comes into them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final

import attrs

from ..sync.keys import ExportKey
from .entries import Entry, Kind, Standing, reversal_key, turned
from .rule_table import Role

__all__ = ["EntryIndex", "append_only"]

_OPEN_ITEMS: Final = frozenset({Role.ACCOUNTS_PAYABLE, Role.REIMBURSEMENTS_PAYABLE})
"""What is owed on one document, and paid by another one of the same source."""

_TAKES_OUT: Final = frozenset({Kind.REVERSAL, Kind.VOID})


def append_only(entries: Sequence[Entry], standing: Standing | None) -> tuple[Entry, ...]:
    """The entries without any that changes what is written.

    A document that would be updated in place is reversed and booked anew, as a journal entry is: the reader sees
    what it was, that it was taken out, and what it is now.
    """
    return tuple(one for entry in entries for one in _appended(entry, standing))


def _appended(entry: Entry, standing: Standing | None) -> tuple[Entry, ...]:
    if entry.kind is not Kind.UPDATE or entry.amends is None or standing is None:
        return (entry,)
    back = turned(standing.entry, key=reversal_key(entry.key), kind=Kind.REVERSAL, amends=entry.amends)
    return back, attrs.evolve(entry, kind=Kind.REPLACEMENT)


class EntryIndex:
    """Entries, found by what they are about."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._of_record: defaultdict[str, list[Entry]] = defaultdict(list)
        self._of_source: defaultdict[str, list[Entry]] = defaultdict(list)
        self._taken_out: set[str] = set()

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All of them by their keys, in the order in which they were added."""
        return MappingProxyType(self._entries)

    def add(self, entry: Entry) -> bool:
        """One more. False when there is one with its key, which stays."""
        if entry.key in self._entries:
            return False
        self._entries[entry.key] = entry
        self._of_record[entry.record_id].append(entry)
        if entry.source_id is not None:
            self._of_source[entry.source_id].append(entry)
        if entry.kind in _TAKES_OUT and entry.amends is not None:
            self._taken_out.add(entry.amends)
        return True

    def of_record(self, record_id: str) -> tuple[Entry, ...]:
        """The entries of a record."""
        return tuple(self._of_record.get(record_id, ()))

    def is_taken_out(self, key: str) -> bool:
        """Whether a reversal or a void took the entry out."""
        return key in self._taken_out

    def standing(self, key: ExportKey, *, is_live: bool) -> Standing | None:
        """What stands under the key of an earlier revision. ``is_live``: whether the record now belongs in books.

        None also where there is nothing left to take out, and nothing to come in its place.
        """
        entry = self._entries.get(key)
        if entry is None:
            return None
        # A bill that was voided and is live again is booked anew; the void itself is never turned.
        is_out = self.is_taken_out(key) or entry.kind is Kind.VOID
        if is_out and not is_live:
            return None
        return Standing(entry=entry, is_paid=not is_out and self._is_paid(entry), is_reversed=is_out)

    def _is_paid(self, entry: Entry) -> bool:
        owed = {(line.account, line.currency) for line in entry.lines if line.role in _OPEN_ITEMS}
        if not owed or entry.source_id is None:
            return False
        # Movements alone: another bill of the same source is owed as well. What came back pays nothing.
        settled: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
        for other in self._of_source[entry.source_id]:
            if other.record_id != entry.record_id and all(line.role for line in other.lines):
                for line in other.lines:
                    settled[line.account, line.currency] += Fraction(line.signed)
        return any(settled[one] for one in owed)
