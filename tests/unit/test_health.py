"""The retry quota and the throttle pauses in a row: plain arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.session.health import Health

from .documents import thorough


def test_the_quota_runs_out() -> None:
    """500 pay for 35 retries of 14; what is left of it pays for none."""
    health = Health()
    for _ in range(35):
        assert health.may_retry()
        health.spend()
    assert health.quota == 10
    assert not health.may_retry()


@pytest.mark.parametrize(("retried", "quota"), [(True, 10 + 14), (False, 10 + 1)])
def test_success_gives_back(retried: bool, quota: int) -> None:
    """A retry that succeeds gives its cost back, a first try 1."""
    health = Health(quota=10)
    health.succeeded(0.0, retried=retried)
    assert health.quota == quota


def test_four_first_tries_pay_for_a_retry() -> None:
    """From 10, four successes make 14 again."""
    health = Health(quota=10)
    for expected in (False, False, False, True):
        health.succeeded(0.0, retried=False)
        assert health.may_retry() is expected


def test_the_quota_has_a_cap() -> None:
    """Years of success save up nothing."""
    health = Health(quota=499)
    health.succeeded(0.0, retried=True)
    health.succeeded(0.0, retried=False)
    assert health.quota == 500


def test_throttles_cost_no_quota() -> None:
    """However many 429s come, the quota stays."""
    health = Health()
    for number in range(1000):
        health.throttled(number, 0.5)
    assert health.quota == 500


def test_a_burst_counts_once() -> None:
    """429s while the pause runs find the same streak as the first, and prolong the pause."""
    health = Health()
    assert health.streak(0.0) == 0
    for moment in (0.0, 0.1, 1.9):
        assert health.streak(moment) == 0
        health.throttled(moment, 2.0)
    assert health.streak(3.8) == 0
    health.throttled(3.8, 0.1)
    assert health.streak(3.9) == 1


def test_the_longest_pause_of_a_burst_counts() -> None:
    """A shorter wait does not end it."""
    health = Health()
    health.throttled(0.0, 10.0)
    health.throttled(1.0, 0.5)
    assert health.streak(9.0) == 0
    assert health.streak(10.0) == 1


def test_pauses_in_a_row() -> None:
    """Each 429 after a pause finds one more."""
    health, now = Health(), 0.0
    for expected in range(8):
        assert health.streak(now) == expected
        health.throttled(now, 2.0**expected)
        now += 2.0**expected


def test_a_success_ends_the_streak() -> None:
    """After it, the next pause is the first again."""
    health = Health()
    health.throttled(0.0, 2.0)
    health.throttled(2.0, 4.0)
    assert health.streak(6.0) == 2
    health.succeeded(6.0, retried=False)
    assert health.streak(6.0) == 0


def test_an_answer_from_before_the_pause_does_not_end_the_streak() -> None:
    """What was under way when the 429 came says nothing about the server after it."""
    health = Health()
    health.throttled(0.0, 2.0)
    health.succeeded(0.3, retried=False)
    assert health.streak(2.0) == 1


events = st.lists(
    st.tuples(st.floats(0, 30), st.sampled_from(["spend", "retried", "first", "throttled"]), st.floats(0, 20)),
    max_size=80,
)


@thorough
@given(events=events)
def test_what_always_holds(events: list[tuple[float, str, float]]) -> None:
    """The quota stays within 0 and its cap, the streak is never negative and grows by one at most."""
    health, now = Health(), 0.0
    for delay, event, wait in events:
        now += delay
        before = health.streak(now)
        if event == "spend":
            health.spend()
        elif event == "throttled":
            health.throttled(now, wait)
        else:
            health.succeeded(now, retried=event == "retried")
        assert 0 <= health.quota <= 500
        assert 0 <= health.streak(now) <= before + 1
        assert health.streak(now + 100) <= health.streak(now) + 1
