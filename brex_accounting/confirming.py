"""What became of reported export results, by what Brex says of the records afterwards. Pure: keys are arguments.

A report whose answer was lost, and one that was refused as a whole, are followed by reading its records.
``TABLE`` says what a record that reads like this means for a result that was sent like that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Final

import attrs

from .enums import ReviewStatus
from .errors import BrexError, NotFound, UnprocessableEntity
from .models import ConfirmedReport, ExportResult, ExportSuccess

__all__ = ["ROUNDS", "TABLE", "Batch", "Fate", "Seen", "chunks_of", "confirmed", "fate", "fates", "wants_reading"]

ROUNDS: Final = 3
"""How often the results of one chunk are sent at most, each time followed by reading what is not clear."""


class Fate(Enum):
    """What became of one result: a field of ``ConfirmedReport``, or nothing yet."""

    UPDATED = "updated"
    ALREADY_EXPORTED = "already_exported"
    PRESUMED_REPORTED = "presumed_reported"
    NOT_READY = "not_ready"
    NOT_FOUND = "not_found"
    SEND_AGAIN = "send again"


class Seen(Enum):
    """How a record reads."""

    EXPORTED = "EXPORTED"
    READY = "READY_FOR_EXPORT"
    ELSE = "anything else"


_SEEN: Final = MappingProxyType({ReviewStatus.EXPORTED: Seen.EXPORTED, ReviewStatus.READY_FOR_EXPORT: Seen.READY})

TABLE: Final[Mapping[tuple[str, Seen], tuple[Fate, Fate]]] = MappingProxyType(
    {
        # sent as, read back: after an ambiguous try of ours, otherwise
        ("success", Seen.EXPORTED): (Fate.UPDATED, Fate.ALREADY_EXPORTED),
        ("success", Seen.READY): (Fate.SEND_AGAIN, Fate.SEND_AGAIN),
        ("success", Seen.ELSE): (Fate.NOT_READY, Fate.NOT_READY),
        ("failure", Seen.READY): (Fate.SEND_AGAIN, Fate.SEND_AGAIN),
        ("failure", Seen.EXPORTED): (Fate.ALREADY_EXPORTED, Fate.ALREADY_EXPORTED),
        # A failure moves the record out of READY_FOR_EXPORT; Brex does not say where to.
        ("failure", Seen.ELSE): (Fate.PRESUMED_REPORTED, Fate.NOT_READY),
    }
)


@attrs.frozen(kw_only=True)
class Batch:
    """What the next request of a chunk holds, and its key.

    ``ambiguous``: an earlier request of the chunk may have been processed. Later requests hold results
    of earlier ones only, so that is true of each of ``results``.
    """

    results: tuple[ExportResult, ...] = attrs.field(repr=False)
    key: str
    ambiguous: bool = False

    def after(self, error: BrexError) -> Batch:
        """The same, knowing what became of a try."""
        return attrs.evolve(self, ambiguous=self.ambiguous or error.may_have_happened)

    def without(self, settled: Mapping[str, Fate], new_key: str) -> Batch:
        """What is left to send. An unchanged body keeps its key, a remainder is another body."""
        left = tuple(one for one in self.results if one.accounting_record_id not in settled)
        return attrs.evolve(self, results=left, key=self.key if left == self.results else new_key)


def chunks_of(results: Sequence[ExportResult], size: int) -> Iterator[tuple[ExportResult, ...]]:
    """The results, ``size`` at a time."""
    return (tuple(results[start : start + size]) for start in range(0, len(results), size))


def wants_reading(error: BrexError) -> bool:
    """Whether the records tell more than this error of a report: nobody knows, or the whole was refused for some."""
    return error.may_have_happened or isinstance(error, (NotFound, UnprocessableEntity))


def fate(result: ExportResult, status: ReviewStatus | None, *, ambiguous: bool) -> Fate:
    """What became of one result whose record reads ``status``; None: it was not returned."""
    if status is None:
        return Fate.NOT_FOUND
    sent_as = "success" if isinstance(result, ExportSuccess) else "failure"
    after_ambiguous, otherwise = TABLE[sent_as, _SEEN.get(status, Seen.ELSE)]
    return after_ambiguous if ambiguous else otherwise


def fates(results: Iterable[ExportResult], found: Mapping[str, ReviewStatus], *, ambiguous: bool) -> dict[str, Fate]:
    """What became of those results that need no further sending, by record id."""
    sorted_out = {
        one.accounting_record_id: fate(one, found.get(one.accounting_record_id), ambiguous=ambiguous) for one in results
    }
    return {record_id: what for record_id, what in sorted_out.items() if what is not Fate.SEND_AGAIN}


def confirmed(results: Iterable[ExportResult], settled: Mapping[str, Fate]) -> ConfirmedReport:
    """The report, each list in the order of ``results``. What is not settled is in none of them."""
    lists: dict[str, list[str]] = {}
    for one in results:
        if one.accounting_record_id in settled:
            lists.setdefault(settled[one.accounting_record_id].value, []).append(one.accounting_record_id)
    return ConfirmedReport(**{name: tuple(ids) for name, ids in lists.items()})
