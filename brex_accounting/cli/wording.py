"""Exports in words and in JSON: what ``export`` and ``sync`` print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

import attrs

from ..sync import ExceptionItem, Export, Move, Pause, State, Status, Summary, Verification
from ..sync.pausing import PauseCode
from .console import one_line

__all__ = [
    "MEANINGS",
    "exception_facts",
    "exception_lines",
    "export_facts",
    "export_line",
    "how_it_goes_on",
    "moment",
    "move_facts",
    "move_line",
    "pause_facts",
    "run_line",
    "state_lines",
    "status_facts",
    "status_lines",
    "summary_facts",
    "summary_lines",
    "verification_facts",
    "verification_lines",
]

MEANINGS: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.DISCOVERED: "to be posted",
        State.INTENT: "being posted, or its outcome is not known yet",
        State.POSTED: "in the books; its report is next (bills are not reported)",
        State.REJECTED: "refused by the books; the report is next",
        State.REPORTING: "being reported, or the outcome is not known yet",
        State.REPORTED: "in the books, and Brex knows",
        State.REPORTED_FAILED: "refused by the books, and the customer knows",
        State.UNCONFIRMED: "perhaps in the books: a person finds out",
        State.HELD: "changed after it was exported: a person decides",
        State.SKIPPED: "not for these books",
        State.OUT_OF_SCOPE: "dated before the books begin",
        State.WITHDRAWN: "taken back before it was posted",
        State.SUPERSEDED: "never posted; a newer revision took its place",
    }
)
"""What a state means, in a few words."""

_COUNTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "read": "copies of records that Brex returned",
        "unreadable": "records that cannot be read; they are asked for again",
        "discovered": "of them to be posted",
        "amended": "of these because they changed",
        "held": "changed after they were exported",
        "out_of_scope": "dated before the books begin",
        "withdrawn": "taken back before they were posted",
        "posted": "in the books",
        "rejected": "refused by the books",
        "skipped": "not for these books",
        "not_now": "put off by the books",
        "unconfirmed": "parked for a person",
        "reported": "successes that Brex took",
        "reported_failed": "failures that Brex took",
        "unreported": "results that Brex did not take",
        "attached": "documents that got their receipts",
        "open": "posts and reports without a known outcome",
    }
)
_ALWAYS: Final = ("read", "posted", "reported", "open")
_TIMES: Final = ("reading", "posting", "reporting", "attaching")

_NEXT_RUN: Final = "The first run after that goes on by itself."
_TRIED_AGAIN: Final = "The next runs try whether the books work again."
_GOES_ON: Final[Mapping[str, str]] = MappingProxyType(
    {
        PauseCode.DEAD_TOKEN: _NEXT_RUN,
        PauseCode.SCOPE: "It goes on when Brex takes a report again, or with 'sync resume'.",
        PauseCode.INTEGRATION_NOT_ACTIVE: "It goes on when Brex takes a report again, or with 'sync resume'.",
        PauseCode.ERP_LOGIN: _TRIED_AGAIN,
        PauseCode.NOT_NOW: _TRIED_AGAIN,
        PauseCode.NO_ANSWERS: _TRIED_AGAIN,
    }
)


def moment(at: datetime) -> str:
    """A moment in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def how_it_goes_on(pause: Pause) -> str:
    """What ends a pause."""
    return _GOES_ON.get(pause.code, "It goes on with 'sync resume'.")


def summary_facts(summary: Summary) -> dict[str, object]:
    """For scripts."""
    return {**attrs.asdict(summary, recurse=False), "paused": pause_facts(summary.paused)}


def summary_lines(summary: Summary) -> list[str]:
    """A table: what is zero and never matters then is left out."""
    shown = {name: getattr(summary, name) for name in _COUNTS}
    rows = [(name, number) for name, number in shown.items() if number or name in _ALWAYS]
    width = max(len(str(number)) for _, number in rows)
    lines = [f"{name:<16}{number:>{width}}  {_COUNTS[name]}" for name, number in rows]
    times = ", ".join(f"{name} {getattr(summary, name):.1f} s" for name in _TIMES if getattr(summary, name) >= 0.05)
    return [*lines, *([times] if times else [])]


def run_line(summary: Summary, at: datetime) -> str:
    """One run among many."""
    numbers = [f"{name} {getattr(summary, name)}" for name in _COUNTS if getattr(summary, name) or name in _ALWAYS]
    paused = f"; paused: {summary.paused.reason}" if summary.paused else ""
    return one_line(f"{moment(at)}  {', '.join(numbers)}{paused}")


def pause_facts(pause: Pause | None) -> dict[str, object] | None:
    """For scripts."""
    return attrs.asdict(pause) if pause else None


def status_facts(status: Status) -> dict[str, object]:
    """For scripts."""
    return {
        "binding": attrs.asdict(status.binding),
        "by_state": {state.value: status.by_state.get(state, 0) for state in State},
        "open": status.open,
        "watermarks": dict(status.watermarks),
        "paused": pause_facts(status.paused),
    }


def status_lines(status: Status) -> list[str]:
    """Whose store it is, how far it is, and how many exports are where."""
    told = [(name, text) for name, text in attrs.asdict(status.binding).items() if text]
    told += [(f"{name} read until", moment(at)) for name, at in status.watermarks.items()]
    pause = status.paused
    told += [("paused", f"{pause.code} by {pause.by} since {moment(pause.since)}: {pause.reason}" if pause else "no")]
    lines = [f"{name:<18}{one_line(text)}" for name, text in told]
    return [*lines, *state_lines(status.by_state)] if status.by_state else [*lines, "nothing was read yet"]


def state_lines(by_state: Mapping[State, int]) -> list[str]:
    """How many exports are where, and what that means; without the states that none is in."""
    width = max((len(str(number)) for number in by_state.values()), default=1)
    return [f"{state.value:<18}{by_state[state]:>{width}}  {MEANINGS[state]}" for state in State if by_state.get(state)]


def export_facts(export: Export) -> dict[str, object]:
    """For scripts: an export without the record's own content."""
    names = ("record_id", "revision", "key", "attempt", "source_type", "source_id", "accounting_date", "reference_id")
    more = ("deep_link_url", "code", "message", "rejections", "not_before", "supersedes", "changed_at")
    found = {name: getattr(export, name) for name in (*names, *more)}
    return {**found, "key": str(export.key), "short_key": export.key.short, "state": export.state.value}


def export_line(export: Export) -> str:
    """Where one export stands."""
    reference = f" as {export.reference_id}" if export.reference_id else ""
    return one_line(f"{export.record_id} revision {export.revision} is {export.state.value}{reference}")


def exception_facts(item: ExceptionItem) -> dict[str, object]:
    """For scripts."""
    return {**export_facts(item.export), "why": item.why, "what_to_do": item.what_to_do}


def exception_lines(item: ExceptionItem) -> list[str]:
    """A heading, why it waits, and what to do."""
    export = item.export
    said = f" ({export.code}: {export.message})" if export.message else ""
    return [export_line(export), f"  why: {one_line(item.why + said)}", f"  do:  {one_line(item.what_to_do)}"]


def move_facts(move: Move) -> dict[str, object]:
    """For scripts."""
    return attrs.asdict(move)


def move_line(move: Move) -> str:
    """One line of the history."""
    before = f"{move.before.value} -> " if move.before else ""
    where = f"{move.record_id} revision {move.revision}"
    return one_line(f"{moment(move.at)}  {where}  {before}{move.after.value}  by {move.by}: {move.why}")


def verification_facts(found: Verification) -> dict[str, object]:
    """For scripts."""
    return {"checked": found.checked, "differences": [attrs.asdict(one) for one in found.differences]}


def verification_lines(found: Verification) -> Iterable[str]:
    """Each record that differs, and how many were looked at."""
    for one in found.differences:
        yield one_line(f"{one.record_id} revision {one.revision} is {one.state.value}: {one.what}")
    yield f"{found.checked} checked, {len(found.differences)} differ"
