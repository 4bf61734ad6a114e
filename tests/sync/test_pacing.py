"""The arithmetic of a limit that processes share."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.session.limiter import RateLimit
from brex_accounting.sync.postgres.pacing import booked, full, refused, rested

RATES = st.builds(RateLimit, limit=st.integers(1, 200), per=st.floats(0.5, 120))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("book"), st.integers(1, 60)),
        st.tuples(st.just("wait"), st.floats(0, 200)),
        st.tuples(st.just("refuse"), st.floats(0, 90)),
        st.tuples(st.just("rest"), st.floats(0, 90)),
    ),
    max_size=30,
)


def most(starts: list[float], per: float) -> int:
    """The most of them in any ``per``."""
    return max((bisect_left(starts, start + per) - index for index, start in enumerate(starts)), default=0)


@given(rate=RATES, steps=STEPS)
def test_no_window_holds_more(rate: RateLimit, steps: list[tuple[str, float]]) -> None:
    """Whatever is asked, refused and waited for, in any order; and nobody starts in a pause or before now."""
    now = 1_700_000_000.0
    bucket = full(now, rate)
    starts: list[float] = []
    for kind, amount in steps:
        if kind == "wait":
            now += amount
        elif kind == "refuse":
            bucket = refused(bucket, now, amount, rate)
        elif kind == "rest":
            bucket = rested(bucket, now, amount)
        else:
            for _ in range(int(amount)):
                pause = bucket.paused_until
                bucket, at = booked(bucket, now, rate)
                assert at >= max(now, pause)
                starts.append(at)
        assert rate.limit // 10 <= bucket.allowed <= rate.limit
        assert bucket.allowed >= 1
    assert starts == sorted(starts)
    assert most(starts, rate.per * (1 + 1 / 120)) <= rate.limit


def test_the_limit_is_used() -> None:
    """In the long run 96 % of it, the margin for travel times and the burst taken off."""
    rate = RateLimit()
    starts = 0
    bucket, at = full(0.0, rate), 0.0
    while at < 600:
        bucket, at = booked(bucket, at, rate)
        starts += 1
    assert 9_600 < starts <= 10_000


def test_a_refusal_lowers_what_is_allowed() -> None:
    """To what was taken in the last ``per``; each clean one after the pause gives some back."""
    rate = RateLimit(limit=100, per=60)
    bucket, now = full(0.0, rate), 0.0
    for _ in range(41):
        bucket, now = booked(bucket, now, rate)
    bucket = refused(bucket, now, 10, rate)
    assert (bucket.allowed, bucket.paused_until) == (40, now + 10)
    # The rest of the same burst.
    bucket = refused(bucket, now + 1, 5, rate)
    assert (bucket.allowed, bucket.paused_until) == (39, now + 10)
    bucket, at = booked(bucket, now + 2, rate)
    assert at == now + 10
    allowed = []
    for number in range(1, 8):
        bucket, _ = booked(bucket, now + 10 + 60 * number, rate)
        allowed.append(bucket.allowed)
    assert allowed == [69, 84, 92, 97, 100, 100, 100]


def test_what_is_left_starts_evenly() -> None:
    """With less than the limit allowed nothing starts at once with another one."""
    rate = RateLimit(limit=100, per=60)
    bucket = refused(full(0.0, rate), 0.0, 1, rate)
    starts = []
    for _ in range(5):
        bucket, at = booked(bucket, 0.0, rate)
        starts.append(at)
    gaps = {round(after - before, 6) for before, after in pairwise(starts)}
    assert gaps == {round(60 * 61 / 60 / bucket.allowed, 6)}
