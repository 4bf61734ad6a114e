"""Options that are times and days, and who decides."""

from __future__ import annotations

import getpass
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from .console import UsageError

__all__ = ["day", "duration", "start_of", "who"]

_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def duration(option: str, text: str) -> timedelta:
    """A time like 15m. Raises ``UsageError``."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise UsageError(f"{option} takes a time like 30s, 15m, 1h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def day(option: str, text: str) -> date:
    """A day like 2026-01-31. Raises ``UsageError``."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(f"{option} takes a day like 2026-01-31")


def start_of(option: str, text: str | None) -> datetime | None:
    """The first moment of a day in UTC; None without one. Raises ``UsageError``."""
    return None if text is None else datetime.combine(day(option, text), time(), UTC)


def who(by: str | None) -> str:
    """Whoever is named, else this user's login name. Raises ``UsageError`` when there is none."""
    if by is not None:
        return by
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        raise UsageError("this user has no login name: say who you are with --by") from None
