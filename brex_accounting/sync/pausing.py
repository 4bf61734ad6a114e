"""Why a company is paused without a person's word, and what shows that it may go on. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ..errors import AuthenticationError, BrexError, IntegrationNotActive, PermissionDenied
from .exports import ENGINE, Pause

__all__ = ["BY_BOOKS", "BY_BREX", "PATIENCE", "PauseCode", "may_end", "pause_code", "words_of"]

PATIENCE: Final = 5
"""So many posts in a row that came to nothing pause the company: the books are down, not the records wrong."""


class PauseCode(StrEnum):
    """The kinds of pauses. A person's own is ``PERSON``."""

    DEAD_TOKEN = "DEAD_TOKEN"  # noqa: S105 - the name of a problem
    SCOPE = "SCOPE"
    INTEGRATION_NOT_ACTIVE = "INTEGRATION_NOT_ACTIVE"
    ERP_LOGIN = "ERP_LOGIN"
    NOT_NOW = "NOT_NOW"
    NO_ANSWERS = "NO_ANSWERS"
    PERSON = "PERSON"


BY_BREX: Final = frozenset({PauseCode.SCOPE, PauseCode.INTEGRATION_NOT_ACTIVE})
"""Over when Brex takes a report again."""

BY_BOOKS: Final = frozenset({PauseCode.ERP_LOGIN, PauseCode.NOT_NOW, PauseCode.NO_ANSWERS})
"""Over when the books answer again."""

_WORDS: Final = {
    PauseCode.DEAD_TOKEN: "Brex takes the token no longer: make a new one, or renew the customer's consent",
    PauseCode.SCOPE: "the token may not do what is needed: ask for the scope, then resume",
    PauseCode.INTEGRATION_NOT_ACTIVE: "the customer's integration is not active: reactivate it, then resume",
    PauseCode.ERP_LOGIN: "the books refuse the login, or do not answer: see the poster's check()",
    PauseCode.NOT_NOW: f"the books put off {PATIENCE} posts in a row: see why, and resume",
    PauseCode.NO_ANSWERS: f"{PATIENCE} posts in a row ended without an answer: are the books up? Then resume",
}


def pause_code(error: BrexError) -> PauseCode | None:
    """The pause that an error of Brex means; None: none, it may pass."""
    if isinstance(error, AuthenticationError):
        return PauseCode.DEAD_TOKEN
    if isinstance(error, IntegrationNotActive):
        return PauseCode.INTEGRATION_NOT_ACTIVE
    return PauseCode.SCOPE if isinstance(error, PermissionDenied) else None


def words_of(code: PauseCode) -> str:
    """What a person reads of it."""
    return _WORDS[code]


def may_end(pause: Pause | None, codes: frozenset[PauseCode]) -> bool:
    """Whether it is one of these pauses, and no person's."""
    return pause is not None and pause.by == ENGINE and pause.code in codes
