"""What every store checks before it writes, whatever it writes to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from ..errors import ConfigurationError, MoveRefused
from ..models import ExportResult, ExportSuccess
from .exports import Binding, Export, Settlement
from .poster import Posted, Rejected
from .states import BY_HAND, State

__all__ = [
    "BINDING_PARTS",
    "check_decision",
    "check_is_as_read",
    "check_results",
    "check_settlement",
    "check_until",
    "check_words",
    "found_out",
    "listed",
    "merged",
    "mismatched",
]

BINDING_PARTS: Final = ("company", "vendor", "vendor_account_id")
_OF_SUCCESS: Final = (State.REPORTED, State.POSTED)
_OF_FAILURE: Final = (State.REPORTED_FAILED, State.REJECTED)


def listed(values: Iterable[str]) -> str:
    """Constants of ours as an SQL list."""
    return ", ".join(f"'{value}'" for value in sorted(values))


def mismatched(bound: Binding, asked: Binding) -> str | None:
    """Which part of what was asked for belongs to somebody else; None: it fits. What is empty fits any."""
    for part in BINDING_PARTS:
        there, told = getattr(bound, part), getattr(asked, part)
        if there and told and there != told:
            return f"a store for {part} {there}, and {told} was asked for"
    return None


def merged(bound: Binding, asked: Binding) -> Binding:
    """What is known of a store, with what was told now."""
    return Binding(**{part: getattr(bound, part) or getattr(asked, part) for part in BINDING_PARTS})


def check_until(now: datetime, until: datetime) -> None:
    """Raises ``ConfigurationError`` for a lease that ended before it began."""
    if until < now:
        raise ConfigurationError("a lease ends before it begins: until must not be before now")


def check_words(**words: str) -> None:
    """Raises ``ConfigurationError`` for a person's words that say nothing."""
    for name, text in words.items():
        if not isinstance(text, str) or not text.strip():
            raise ConfigurationError(f"{name} is required, and is kept in the history")


def check_decision(before: State, after: State) -> None:
    """Raises ``MoveRefused`` for what no person may ask for."""
    if (before, after) not in BY_HAND:
        raise MoveRefused(f"nobody can take an export from {before.value} to {after.value} by hand")


def found_out(after: State, outcome: Posted | Rejected | None) -> dict[str, str | None]:
    """The columns that a person's finding sets. Raises ``ConfigurationError`` where it does not fit the move."""
    if after is State.POSTED and isinstance(outcome, Posted):
        return {"reference_id": outcome.reference_id, "deep_link_url": outcome.deep_link_url}
    if after is State.REJECTED and isinstance(outcome, Rejected):
        return {"code": outcome.code.value, "message": outcome.message}
    if after in (State.POSTED, State.REJECTED) or outcome is not None:
        raise ConfigurationError("to POSTED comes with a Posted, to REJECTED with a Rejected, the rest with neither")
    return {}


def check_results(exports: Sequence[Export], results: Sequence[ExportResult]) -> None:
    """Raises ``ConfigurationError`` unless ``results`` are those of ``exports``, in their order."""
    if not exports or len({export.record_id for export in exports}) != len(results):
        raise ConfigurationError("a batch is one result for each export, and at least one")
    for export, result in zip(exports, results, strict=True):
        if result.accounting_record_id != export.record_id:
            raise ConfigurationError("the results of a batch are in the order of its exports")
        if isinstance(result, ExportSuccess) is not (export.state is State.POSTED):
            raise ConfigurationError("a posted export is reported as a success, a rejected one as a failure")


def check_is_as_read(export: Export, revisions: Sequence[Export]) -> Export:
    """The newest of a record's revisions. Raises ``MoveRefused`` unless it still is ``export``, unmoved."""
    newest = revisions[-1] if revisions else None
    if newest is None or (newest.order, newest.state, newest.changed_at) != (
        *(export.order, export.state, export.changed_at),
    ):
        raise MoveRefused(f"{export.record_id}, revision {export.revision}: it has moved. Ask what is reportable")
    return newest


def check_settlement(export: Export, settlement: Settlement) -> None:
    """Raises ``MoveRefused`` for a success that is settled as a failure, or the other way round."""
    if settlement.after not in (_OF_FAILURE if export.reference_id is None else _OF_SUCCESS):
        raise MoveRefused(f"{export.record_id} was not reported like that")
