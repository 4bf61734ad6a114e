"""One source of tokens on several event loops, one after the other."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from brex_accounting import OAuthTokens, oauth
from brex_accounting.oauth import TokenPair
from brex_accounting.session.grants import Granted

ASKED: list[int] = []


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> OAuthTokens:
    """The first request never ends; the others are answered at once."""
    ASKED.clear()

    async def ask(*_given: object) -> Granted:
        ASKED.append(1)
        if len(ASKED) == 1:
            await asyncio.Event().wait()
        return Granted(access_token=f"access-{len(ASKED)}", refresh_token="r", expires_in=None)

    async def save(_pair: TokenPair) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(oauth, "ask", ask)
    return OAuthTokens("client", "secret", "refresh", save=save)


async def impatient(source: OAuthTokens) -> None:
    """One who asks for a token and leaves while the request is under way."""
    task = asyncio.create_task(source.token())
    while not ASKED:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_after_a_loop_that_ended_in_the_middle(source: OAuthTokens) -> None:
    """asyncio.run cancels the refresh under way; the next run begins its own."""

    asyncio.run(impatient(source))
    assert asyncio.run(source.token()) == "access-2"
    assert asyncio.run(source.token()) == "access-2"
    assert asyncio.run(source.renew("access-2"))
    assert asyncio.run(source.token()) == "access-3"
    asyncio.run(source.aclose())


def test_after_a_loop_that_was_abandoned(source: OAuthTokens) -> None:
    """A loop that was closed without ending its tasks leaves a refresh that nobody waits for."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(impatient(source))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert asyncio.run(asyncio.wait_for(source.token(), 60)) == "access-2"
    asyncio.run(source.aclose())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # asyncio's own words on the task that never ended
        for flight in list(source._flight._held):
            flight._log_destroy_pending = False  # type: ignore[attr-defined]
        source._flight._held.clear()
        gc.collect()
