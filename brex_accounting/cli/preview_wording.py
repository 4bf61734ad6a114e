"""Dry runs and checks in words and in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs

from ..enums import LineItemType
from ..sync.keys import ExportKey
from .console import one_line
from .wording import MEANINGS, how_it_goes_on, pause_facts

if TYPE_CHECKING:
    from ..posters.entries import Entry, EntryLine
    from ..preview import Check, Preview, Refusal, Total
    from ..preview.outcomes import Reason, Unreadable

__all__ = ["check_facts", "check_lines", "journal_lines", "preview_facts", "preview_lines", "reason_lines"]

_INDENT = "    "


def preview_facts(preview: Preview) -> Iterator[Mapping[str, object]]:
    """For scripts: an object for each entry, refusal, total and reason, and a summary at the end."""
    yield from ({"entry": _plain(entry)} for entry in preview.entries)
    yield from ({"refusal": _plain(one)} for one in preview.refusals)
    yield from ({"unreadable": _plain(one)} for one in preview.unreadable)
    yield from ({"total": _plain(one) | {"balance": one.balance}} for one in preview.totals)
    yield from ({"reason": _plain(one)} for one in preview.reasons)
    yield {
        "summary": {
            "read": preview.read,
            "entries": len(preview.entries),
            "refused": len(preview.refusals),
            "skipped": dict(preview.skipped),
            "left": {state.value: count for state, count in preview.left.items()},
            "unreadable": len(preview.unreadable),
            "paused": pause_facts(preview.paused),
        }
    }


def check_facts(found: Check) -> dict[str, object]:
    """For scripts."""
    return {
        "checked": found.checked,
        "left": found.left,
        "by_code": dict(found.by_code),
        "findings": [_plain(one) for one in found.findings],
        "reasons": [_plain(one) for one in found.reasons],
        "skipped": dict(found.skipped),
        "absent": list(found.absent),
        "unreadable": [_plain(one) for one in found.unreadable],
    }


def preview_lines(preview: Preview) -> Iterator[str]:
    """The entries as a journal, their totals, what would be refused and why, and what is left as it is."""
    yield from journal_lines(preview.entries)
    yield from _section("What the entries come to", _total_lines(preview.totals))
    yield from _section("What would be refused, and why", reason_lines(preview.reasons))
    yield from _section("What cannot be read", _unreadable_lines(preview.unreadable))
    left = [(count, f"{state.value}: {MEANINGS[state]}") for state, count in sorted(preview.left.items())]
    yield from _section("What is left as it is", _counted([*left, *_by_count(preview.skipped)]))
    if preview.paused is not None:
        yield ""
        yield one_line(f"Posting is paused: {preview.paused.reason}. {how_it_goes_on(preview.paused)}")
    yield ""
    yield (
        f"{preview.read} read: {len(preview.entries)} entries to write, {len(preview.refusals)} refused, "
        f"{sum(preview.left.values()) + sum(preview.skipped.values())} left as they are"
    )


def check_lines(found: Check) -> Iterator[str]:
    """Each finding with its reason, then how many there are of each code."""
    for one in found.findings:
        yield from _finding_lines(one)
    yield from _section("What would be refused, by code", _counted(_by_count(found.by_code)))
    yield from _section("What cannot be read", _unreadable_lines(found.unreadable))
    yield from _section("What is not for these books", _counted(_by_count(found.skipped)))
    if found.absent:
        yield ""
        listed = ", ".join(found.absent)
        yield one_line(f"The chart names {listed}, and no line of these records has it: is that the field's id?")
    yield ""
    left = f"; {found.left} are in the books, or were left out by a person" if found.left else ""
    yield f"{found.checked} checked, {len(found.findings)} would be refused{left}"


def journal_lines(entries: Sequence[Entry]) -> Iterator[str]:
    """Entries with their lines, debits to the left."""
    columns = _Columns.of(entries)
    for entry in entries:
        yield from _entry_lines(entry, columns)


def reason_lines(reasons: Sequence[Reason]) -> list[str]:
    """Each reason once, with how many records it is of and one of them."""
    return _counted([(one.count, f"{one.code.value}: {one.message} ({one.example})") for one in reasons])


@attrs.frozen
class _Columns:
    """Widths that the longest account and the longest amount of a journal need: neither is ever cut."""

    account: int
    amount: int

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> _Columns:
        lines = [line for entry in entries for line in entry.lines]
        accounts, amounts = (len(line.account) for line in lines), (len(f"{line.amount:f}") for line in lines)
        return cls(max(accounts, default=0), max(amounts, default=0))

    def line(self, line: EntryLine) -> str:
        credit = " " * (0 if line.side == LineItemType.DEBIT else self.amount + 6)
        more = [f"{one.field}={one.value}" for one in line.dimensions] + ([f"tax {line.tax}"] if line.tax else [])
        noted = f"  {one_line('; '.join(more))}" if more else ""
        return f"{line.account:<{self.account}}  {credit}{f'{line.amount:f}':>{self.amount}} {line.currency}{noted}"


def _entry_lines(entry: Entry, columns: _Columns) -> Iterator[str]:
    kind = "" if entry.kind == "new" else f"{entry.kind.value} of {entry.amends}"
    moved = f"moved from {entry.moved_from}" if entry.moved_from else ""
    said = [entry.vendor_name, entry.invoice_number, kind, moved, entry.memo]
    yield _spaced(entry.date.isoformat(), entry.type.value, entry.key, *said)
    yield from (f"{_INDENT}{columns.line(line)}" for line in entry.lines)
    yield ""


def _spaced(*texts: str | None) -> str:
    return "  ".join(one_line(text) for text in texts if text)


def _total_lines(totals: Sequence[Total]) -> list[str]:
    heads = ("account", "currency", "lines", "debits", "credits", "balance")
    rows = [
        (one.account, one.currency, str(one.lines), f"{one.debits:f}", f"{one.credits:f}", f"{one.balance:f}")
        for one in totals
    ]
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return [_row(cells, widths) for cells in (heads, *rows)]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join([*texts, *numbers])


def _finding_lines(one: Refusal) -> Iterator[str]:
    where = (one.date.isoformat(), one.type.value, one.record_id, one.review_status.value)
    yield _spaced(*where, f"{one.amount:f} {one.currency}", one.vendor)
    yield f"{_INDENT}{one_line(f'{one.code.value}: {one.message}')}"


def _unreadable_lines(found: Iterable[Unreadable]) -> list[str]:
    return [one_line(f"{one.record_id or 'a record without an id'}: {one.problem}") for one in found]


def _by_count(counts: Mapping[str, int]) -> list[tuple[int, str]]:
    return [(count, text) for text, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]


def _counted(rows: Sequence[tuple[int, str]]) -> list[str]:
    width = max((len(str(count)) for count, _ in rows), default=0)
    return [f"{count:>{width}}  {one_line(text)}" for count, text in rows]


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"{_INDENT}{line}" for line in lines)


def _plain(value: Any) -> dict[str, Any]:
    # An Any: the values of attrs classes are of every type.
    return attrs.asdict(value, value_serializer=lambda _, __, found: _said(found))


def _said(value: Any) -> Any:
    if isinstance(value, ExportKey):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value
