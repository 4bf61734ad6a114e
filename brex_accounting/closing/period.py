"""A month of the books. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Final

import attrs

from ..errors import ConfigurationError

__all__ = ["Period"]

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)


@attrs.frozen
class Period:
    """A calendar month, in UTC."""

    year: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(9998)])
    month: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(12)])

    @classmethod
    def parse(cls, text: str) -> Period:
        """``2026-06``. Raises ``ConfigurationError`` for anything else."""
        match = _MONTH.fullmatch(text)
        if match is None or not 1 <= int(match[1]) <= 9998:
            raise ConfigurationError("a period is a month like 2026-06")
        return cls(int(match[1]), int(match[2]))

    @property
    def following(self) -> Period:
        """The month after it."""
        return Period(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def begin(self) -> datetime:
        """The moment it begins."""
        return datetime.combine(self.first_day, time(), UTC)

    @property
    def end(self) -> datetime:
        """The moment after it."""
        return self.following.begin

    def holds(self, day: date) -> bool:
        """Whether a day is in it."""
        return (day.year, day.month) == (self.year, self.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"
