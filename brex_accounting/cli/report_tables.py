"""A closing report in tables and in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from ..closing import ClosingReport, Finding, Many, Place, Queue, RollForward, Row, at_exponent
from .console import one_line
from .tables import Column, Table
from .wording import moment

__all__ = ["PARTS", "Part", "report_facts", "report_tables", "report_title"]

Part: TypeAlias = Literal["rows", "accounts", "roll-forward", "queue", "differences"]

PARTS: Final[Mapping[Part, str]] = MappingProxyType(
    {
        "rows": "Brex and the books (from posted on: debits less credits)",
        "accounts": "By account (posted and difference: debits less credits)",
        "roll-forward": "What waits to be posted (period: the month itself; since: from its end to now)",
        "queue": "What is READY_FOR_EXPORT in Brex, and where it stands here",
        "differences": "Differences",
    }
)
"""The parts of a report, and what they are called."""

_PLACE: Final = ("entity", "type", "currency", "account")
_AMOUNTS: Final = (
    *("debits", "credits", "posted", "moved", "skipped", "rejected", "exceptions", "not_yet", "difference"),
)
_FLOWS: Final = ("opening", "new", "posted", "withdrawn", "rejected", "skipped", "closing")
_QUEUED: Final = ("in_brex", "waiting", "posted", "rejected", "left_out", "unread", "elsewhere")
_KEPT: Final = frozenset({"count", "debits", "credits", "posted", "difference", "opening", "closing", "in_brex"})


def report_title(report: ClosingReport) -> str:
    """What it is, of when, and how much it covers."""
    return f"{report.period}: {report.records} records of Brex are dated in it; as of {moment(report.made_at)}"


def report_tables(report: ClosingReport) -> dict[Part, Table]:
    """Its parts; one that is empty is there too."""
    return {
        "rows": _table("rows", (*_PLACE, "count", *_AMOUNTS), map(_row, report.rows), heads=3),
        "accounts": _table(
            "accounts",
            ("account", "currency", "debits", "credits", "posted", "difference"),
            (
                [
                    _named(one.account, "(no account)"),
                    one.currency,
                    *_shown(one.currency, one.debits, one.credits, one.posted, one.difference),
                ]
                for one in report.accounts
            ),
        ),
        "roll-forward": _table(
            "roll-forward",
            ("span", "type", "currency", *_doubled(_FLOWS)),
            ([one.span, one.type, one.currency, *_many(one, _FLOWS)] for one in report.roll_forward),
            heads=3,
        ),
        "queue": _table(
            "queue",
            ("type", "currency", *_doubled(_QUEUED)),
            ([one.type, one.currency, *_many(one, _QUEUED)] for one in report.queues),
            heads=2,
        ),
        "differences": _table(
            "differences", ("record", *_PLACE, "difference", "why"), map(_finding, report.findings), heads=1
        ),
    }


def report_facts(report: ClosingReport) -> dict[str, object]:
    """For scripts: amounts are texts with all their digits."""
    return {
        "period": str(report.period),
        "made_at": report.made_at,
        "records": report.records,
        "is_clean": not report.problems,
        "problems": report.problems,
        "rows": [
            {**_place(one.place), "count": one.count, **_amounts(one), "differing": one.differing}
            for one in report.rows
        ],
        "accounts": [
            {"account": one.account, "currency": one.currency}
            | _text(one.currency, debits=one.debits, credits=one.credits, posted=one.posted, difference=one.difference)
            for one in report.accounts
        ],
        "roll_forward": [{"span": one.span, **_facts(one, _FLOWS), "holds": one.holds} for one in report.roll_forward],
        "queue": [_facts(one, _QUEUED) for one in report.queues],
        "differences": [
            {"record_id": one.record_id, **_place(one.place), "why": one.why}
            | _text(one.place.currency, difference=one.difference)
            for one in report.findings
        ],
        "unreadable": report.unreadable,
        "disagreeing": report.disagreeing,
    }


def _table(part: Part, names: Sequence[str], rows: Iterable[Sequence[str]], *, heads: int = 0) -> Table:
    texts = {*_PLACE, "span", "record", "why"}
    columns = [
        Column(name, is_number=name not in texts, may_go=name not in _KEPT and name not in texts) for name in names
    ]
    return Table(title=PARTS[part], columns=columns, rows=[[*row] for row in rows], heads=heads)


def _row(row: Row) -> list[str]:
    amounts = _shown(row.place.currency, *(getattr(row, name) for name in _AMOUNTS))
    return [*_cells(row.place), str(row.count), *amounts]


def _finding(one: Finding) -> list[str]:
    record = one_line(one.record_id)
    return [record, *_cells(one.place), *_shown(one.place.currency, one.difference), one_line(one.why)]


def _cells(place: Place) -> list[str]:
    nowhere = f"(no account, {place.side.lower()})" if place.side else "(no account)"
    return [
        *(_named(place.entity, "(none)"), one_line(place.type), one_line(place.currency)),
        _named(place.account, nowhere),
    ]


def _named(text: str | None, otherwise: str) -> str:
    return one_line(text) if text else otherwise


def _shown(currency: str, *amounts: Decimal) -> list[str]:
    return [f"{at_exponent(amount, currency):f}" for amount in amounts]


def _text(currency: str, **amounts: Decimal) -> dict[str, object]:
    return dict(zip(amounts, _shown(currency, *amounts.values()), strict=True))


def _doubled(names: Iterable[str]) -> list[str]:
    return [column for name in names for column in (f"{name}_count", name)]


def _many(one: RollForward | Queue, names: Iterable[str]) -> list[str]:
    found: list[Many] = [getattr(one, name) for name in names]
    return [cell for many in found for cell in (str(many.count), *_shown(one.currency, many.amount))]


def _place(place: Place) -> dict[str, object]:
    return {
        **{name: getattr(place, name) for name in _PLACE},
        "side": place.side.value if place.side else None,
    }


def _amounts(row: Row) -> dict[str, object]:
    return _text(row.place.currency, **{name: getattr(row, name) for name in _AMOUNTS})


def _facts(one: RollForward | Queue, names: Iterable[str]) -> dict[str, object]:
    found: dict[str, Many] = {name: getattr(one, name) for name in names}
    return {
        "type": one.type,
        "currency": one.currency,
        **{name: {"count": many.count, **_text(one.currency, amount=many.amount)} for name, many in found.items()},
    }
