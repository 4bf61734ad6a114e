"""What books hold, entry by entry: what a report is held against."""

from __future__ import annotations

from typing import Protocol

from .entries import Entry

__all__ = ["Ledger"]


class Ledger(Protocol):
    """Books that can be read back."""

    async def entries(self) -> tuple[Entry, ...]:
        """Every entry of a record that the books hold, in the order written: added up they are what stands."""
        ...
