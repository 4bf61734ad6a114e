"""A fleet's status in words, and as facts for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from .console import one_line
from .tables import Column, Table, lines
from .wording import moment

if TYPE_CHECKING:
    from ..sync.fleet import CompanyStatus, FleetStatus

__all__ = ["status_facts", "status_lines"]


def status_facts(status: FleetStatus) -> dict[str, object]:
    """One JSON object: the sums, then who is paused, fails, is late, or has something to report."""
    return {
        "at": status.at.isoformat(),
        "companies": len(status.active),
        "retired": len(status.companies) - len(status.active),
        "due": status.due,
        "running": status.running,
        "late": status.late,
        "paused": len(status.paused),
        "failing": len(status.failing),
        "posted_not_reported": status.unreported,
        "unconfirmed": status.unconfirmed,
        "throttled_share": round(status.throttled_share, 4),
        "oldest_watermark": _iso(status.oldest_watermark),
        "attention": [_company_facts(one, status.at) for one in _attention(status)],
    }


def status_lines(status: FleetStatus) -> Iterator[str]:
    """The sums, and a table of the companies that something is to be said of."""
    yield f"companies             {len(status.active)}"
    yield f"due                   {status.due}"
    yield f"running               {status.running}"
    yield f"late                  {status.late}"
    yield f"paused                {len(status.paused)}"
    yield f"failing               {len(status.failing)}"
    yield f"posted, not reported  {status.unreported}"
    yield f"unconfirmed           {status.unconfirmed}"
    yield f"answered with 429     {status.throttled_share:.1%}"
    oldest = status.oldest_watermark
    yield f"oldest watermark      {moment(oldest) if oldest is not None else 'none'}"
    rows = [_row(one, status.at) for one in _attention(status)]
    if rows:
        yield ""
        columns = [Column("company"), Column("state"), Column("since"), Column("unreported", is_number=True)]
        columns += [Column("unconfirmed", is_number=True), Column("why")]
        yield from lines(Table(title="", columns=columns, rows=rows), None)


def _attention(status: FleetStatus) -> list[CompanyStatus]:
    return [
        one
        for one in status.active
        if one.paused_code or one.last_error or one.is_late(status.at) or one.unreported or one.unconfirmed
    ]


def _state(one: CompanyStatus, now: datetime) -> str:
    if one.paused_code is not None:
        return "PAUSED"
    if one.last_error is not None:
        return "FAILING"
    return "LATE" if one.is_late(now) else "RUNNING" if one.running else "OK"


def _row(one: CompanyStatus, now: datetime) -> tuple[str, ...]:
    since = one.waiting_since or one.ended_at
    why = one_line(one.paused_reason or one.last_error or "")
    numbers = str(one.unreported), str(one.unconfirmed)
    return (one.company_id, _state(one, now), moment(since) if since else "", *numbers, why)


def _company_facts(one: CompanyStatus, now: datetime) -> dict[str, object]:
    return {
        "company": one.company_id,
        "state": _state(one, now),
        "paused": one.paused_code,
        "reason": one.paused_reason or one.last_error,
        "attempts": one.attempts,
        "waiting_since": _iso(one.waiting_since),
        "posted_not_reported": one.unreported,
        "unconfirmed": one.unconfirmed,
        "watermark": _iso(one.watermark),
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
