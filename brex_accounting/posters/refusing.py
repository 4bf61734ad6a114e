"""How a rule says no in the middle of its work, and in which words. Pure.

The customer reads the words in Brex: they name the record's field and say what to do.
"""

from __future__ import annotations

from typing import Final, NoReturn

from ..sync.poster import Rejected, RejectionCode, Skipped

__all__ = ["Refused", "quoted", "refuse"]

_LONGEST: Final = 60
"""Characters of a name that are shown: what Brex is told has room for 250."""


class Refused(Exception):
    """Carries an outcome out of the rules that found it. ``entries_for`` catches it."""

    def __init__(self, outcome: Rejected | Skipped) -> None:
        super().__init__()
        self.outcome = outcome


def refuse(code: RejectionCode, words: str) -> NoReturn:
    """Reject the record."""
    raise Refused(Rejected(code, words))


def quoted(text: str) -> str:
    """A name from the record, short enough to be shown."""
    flat = " ".join(text.split())
    return f'"{flat}"' if len(flat) <= _LONGEST else f'"{flat[:_LONGEST]}..."'
