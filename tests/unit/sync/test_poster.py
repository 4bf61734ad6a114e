"""What a poster answers, and what it must be able to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from brex_accounting import AccountingRecord, ConfigurationError
from brex_accounting.sync.keys import ExportKey
from brex_accounting.sync.poster import (
    NotNow,
    Outcome,
    Posted,
    Rejected,
    RejectionCode,
    Skipped,
    checked_recovery,
)

CANARY = "canary-51cc"


class Plain:
    recovery: Any = "same_key"

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        raise NotImplementedError


class Finder(Plain):
    recovery = "find"

    async def find(self, key: ExportKey) -> Posted | None:
        raise NotImplementedError


def test_codes_are_an_open_set() -> None:
    """A listed code is known; one of your own keeps its text and equals the plain string."""
    assert Rejected("CLOSED_PERIOD", "m").code is RejectionCode.CLOSED_PERIOD
    own = Rejected("PROJECT_CLOSED", "m").code
    assert own == "PROJECT_CLOSED"
    assert not own.is_known
    assert {code.value for code in RejectionCode} == {
        *("CLOSED_PERIOD", "ACCOUNT_UNKNOWN", "ACCOUNT_INACTIVE", "FIELD_MISSING", "VENDOR_UNKNOWN", "CURRENCY"),
        *("INTERCOMPANY", "UNBALANCED", "TOO_LONG", "OTHER"),
    }


SILENT: list[Any] = ["", " \n", None, 5, b"x"]


@pytest.mark.parametrize("text", SILENT)
def test_an_answer_says_something(text: Any) -> None:
    """A reference, a code, a message or a reason that is blank or no text is refused where it is made."""
    for make in (Posted, Skipped, NotNow):
        with pytest.raises(ConfigurationError):
            make(text)
    for code, message in [(text, "m"), ("OTHER", text)]:
        with pytest.raises(ConfigurationError):
            Rejected(code, message)


@pytest.mark.parametrize("url", ["", 5])
def test_a_deep_link_is_a_text_or_none(url: Any) -> None:
    """An empty one would be sent to Brex, which refuses it."""
    with pytest.raises(ConfigurationError, match="deep_link_url"):
        Posted("JE-1", url)
    assert Posted("JE-1", None).deep_link_url is None


def test_a_wait_is_a_stretch_of_time() -> None:
    """Not a number, whose unit nobody could tell, and not a moment, whose clock nobody could."""
    wrong: Any = 60
    assert NotNow("down", timedelta(minutes=1)).after == timedelta(minutes=1)
    with pytest.raises(TypeError):
        NotNow("down", wrong)


def test_words_for_the_customer_are_in_no_repr() -> None:
    """A message may name what the record holds."""
    assert CANARY not in repr(Rejected("OTHER", CANARY)) + repr(Posted("JE-1", f"https://x/{CANARY}"))


@pytest.mark.parametrize("recovery", ["same_key", "park"])
def test_a_recovery_that_needs_no_find(recovery: str) -> None:
    """Posting again or parking can be done by any poster."""
    poster = Plain()
    poster.recovery = recovery
    assert checked_recovery(poster) == recovery


@pytest.mark.parametrize("recovery", ["", "retry", None, 5, "find"])
def test_a_recovery_is_one_that_the_poster_can_do(recovery: Any) -> None:
    """Anything else is refused before the first post, and so is find without a find()."""
    poster = Plain()
    poster.recovery = recovery
    with pytest.raises(ConfigurationError, match="Plain"):
        checked_recovery(poster)
    assert checked_recovery(Finder()) == "find"
    without: Any = object()
    with pytest.raises(ConfigurationError, match="recovery"):
        checked_recovery(without)
