"""Every way in which getting a token fails, searched for the secrets that it was given."""

from __future__ import annotations

import pytest

from brex_accounting import BrexError

from .canary import Canary
from .token_failures import TOKEN_FAILURES, failure_of

pytestmark = pytest.mark.usefixtures("idle_time")

FOREIGN = {"tokens, no clock": AttributeError, "a caller's own timeout": TimeoutError}
"""Two that are not of the package's tree: a wrong type that nothing checks, and what the caller raises."""


@pytest.mark.parametrize("name", TOKEN_FAILURES)
async def test_a_failure_shows_no_secret(name: str) -> None:
    """Not in words, chains (suppressed ones too), logs, nor in a local variable of any frame but the tests' own."""
    with Canary() as canary:
        error = await failure_of(name)
    canary.error(error)
    assert isinstance(error, FOREIGN.get(name, BrexError))
    assert canary.hits() == []
