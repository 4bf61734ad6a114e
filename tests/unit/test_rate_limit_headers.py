"""RateLimit headers: when they say that nothing is left, everybody of the key stops, and nothing is lost by it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import RateLimit
from brex_accounting.session.call import Reply
from brex_accounting.session.limiter import PausableLimiter, SlidingLog

from .documents import thorough
from .ticking import TickingClock

NOW = datetime(2026, 6, 11, 12, 0, 0, tzinfo=UTC)


def headers(**given: str) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, None),
        ({"RateLimit_Reset": "1"}, None),
        ({"RateLimit_Remaining": "3", "RateLimit_Reset": "1"}, None),
        ({"RateLimit_Remaining": "0"}, None),
        ({"RateLimit_Remaining": "0", "RateLimit_Reset": "1"}, 1.0),
        ({"RateLimit_Remaining": " 0 ", "RateLimit_Reset": " 0.5 "}, 0.5),
        ({"RateLimit_Remaining": "0", "RateLimit_Reset": "-1"}, None),
        ({"RateLimit_Remaining": "0", "RateLimit_Reset": "soon"}, None),
        ({"RateLimit_Remaining": "0", "RateLimit_Reset": "1_0"}, None),
        ({"RateLimit_Remaining": "0", "RateLimit_Reset": "nan"}, None),
        ({"RateLimit_Remaining": "0", "RateLimit_Reset": "1781179203"}, 3.0),
        ({"RateLimit_Remaining": "0", "RateLimit_Reset": "1781179100"}, 0.0),
        (
            {
                "RateLimit_Remaining": "0",
                "RateLimit_Reset": "1781179203",
                "Date": "Thu, 11 Jun 2026 12:00:01 GMT",
            },
            2.0,
        ),
    ],
)
def test_what_the_headers_say(given: dict[str, str], seconds: float | None) -> None:
    """Seconds, or a time since 1970 by the server's own clock; nothing as long as something is left."""
    assert Reply(status=200, headers=headers(**given)).rest(NOW) == seconds


def test_retry_after_goes_before_them() -> None:
    """A 429 with both says when in Retry-After; without it the RateLimit headers do."""
    both = headers(Retry_After="7", RateLimit_Remaining="0", RateLimit_Reset="1")
    assert Reply(status=429, headers=both).hint(NOW) == 7
    del both["Retry-After"]
    assert Reply(status=429, headers=both).hint(NOW) == 1


@thorough
@given(st.text(), st.text())
def test_no_header_can_raise(remaining: str, reset: str) -> None:
    """Whatever stands there is a length of time or nothing."""
    found = Reply(status=200, headers={"ratelimit-remaining": remaining, "ratelimit-reset": reset}).rest(NOW)
    assert found is None or 0 <= found < float("inf")


async def test_a_pause_stops_everybody_of_the_key_and_allows_no_less() -> None:
    """Until it ends nobody starts; after it a whole burst may."""
    clock = TickingClock()
    log = SlidingLog(RateLimit(limit=10, per=1.0), clock)
    assert isinstance(log, PausableLimiter)
    await log.pause("k", 5.0)
    turns = [asyncio.create_task(log.turn("k")) for _ in range(10)]
    other = asyncio.create_task(log.turn("another"))
    await clock.advance(4.9)
    assert other.done()
    assert not any(turn.done() for turn in turns)
    await clock.advance(0.2)
    assert all(turn.done() for turn in turns)


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    """The latest moment that was told counts."""
    clock = TickingClock()
    log = SlidingLog(RateLimit(limit=10, per=1.0), clock)
    await log.pause("k", 5.0)
    await log.pause("k", 1.0)
    turn = asyncio.create_task(log.turn("k"))
    await clock.advance(4.0)
    assert not turn.done()
    await clock.advance(1.5)
    assert turn.done()
