"""What reads a file of appended entries, and how it says that it cannot. Pure."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Changed", "Contents"]


class Changed(Exception):
    """Something was not written here. It carries no words: those who raise it hold what somebody wrote."""


class Contents(Protocol):
    """What a file holds, as far as it was read. Raises ``Changed`` for what nobody here wrote."""

    def take(self, line: bytes) -> bool:
        """The next line, without its end. True when it closes an entry, which is in the file from then on."""
        ...

    def drop(self, rest: bytes) -> None:
        """What was taken since the last entry is to be removed, with ``rest``, a line that has no end, after it."""
        ...
