"""The arithmetic of a limit that many processes share: a bucket, a pause, and what is allowed after a 429. Pure.

Moments are seconds of one clock, the database's.
"""

from __future__ import annotations

from typing import Final

import attrs

from ...session.limiter import RateLimit

__all__ = ["Bucket", "booked", "full", "refused", "rested"]

_TRAVEL: Final = 1 / 60
"""The margin for travel times, as a share of ``per``."""
_BURST: Final = 50
"""One in so many of what is allowed may start at once."""


@attrs.frozen(kw_only=True)
class Bucket:
    """What one key did lately.

    ``next_at``: when the bucket is full again, were nothing more taken. ``allowed``: so many in any ``per``;
    ``before``: what that was before the last 429; ``clean_since``: the end of its pause. ``counted`` starts
    since ``counted_from``, and ``counted_before`` in the ``per`` before that.
    """

    next_at: float
    paused_until: float
    allowed: int
    before: int
    clean_since: float
    counted_from: float
    counted: int = 0
    counted_before: int = 0


def full(now: float, rate: RateLimit) -> Bucket:
    """The bucket of a key that did nothing yet."""
    return Bucket(
        next_at=now,
        paused_until=now,
        allowed=rate.limit,
        before=rate.limit,
        clean_since=now,
        counted_from=now,
    )


def booked(bucket: Bucket, now: float, rate: RateLimit) -> tuple[Bucket, float]:
    """The bucket with the next turn taken, and the moment of that turn; not before ``now``.

    Whatever turns are booked, and whenever: any ``per`` with its margin holds at most ``rate.limit`` of them.
    """
    bucket = _given_back(bucket, now, rate)
    # As long as less than the limit is allowed, the true one is close, and starts are spread evenly.
    burst = max(1, rate.limit // _BURST) if bucket.allowed >= rate.limit else 1
    apart = rate.per * (1 + _TRAVEL) / (bucket.allowed - burst + 1)
    at = max(now, bucket.next_at - (burst - 1) * apart, bucket.paused_until)
    bucket = _counted(bucket, at, rate.per)
    return attrs.evolve(bucket, next_at=max(bucket.next_at, at) + apart, counted=bucket.counted + 1), at


def rested(bucket: Bucket, now: float, seconds: float) -> Bucket:
    """Nobody starts for so long from now; what is allowed after that stays as it is."""
    return attrs.evolve(bucket, paused_until=max(bucket.paused_until, now + seconds))


def refused(bucket: Bucket, now: float, wait: float, rate: RateLimit) -> Bucket:
    """The server said 429: a pause, and after it no more than it took in the last ``per``."""
    bucket = _given_back(bucket, now, rate)
    floor = max(1, rate.limit // 10)
    was_clean = bucket.allowed == rate.limit or now >= bucket.clean_since + rate.per
    if now >= bucket.paused_until:
        allowed = min(bucket.allowed, _accepted(bucket, now, rate.per))
    else:
        # The pause of the same burst still runs: this one was not accepted either.
        allowed = bucket.allowed - 1
    paused_until = max(bucket.paused_until, now + wait)
    return attrs.evolve(
        bucket,
        paused_until=paused_until,
        allowed=max(floor, allowed),
        before=bucket.allowed if was_clean else bucket.before,
        clean_since=max(now, paused_until),
    )


def _given_back(bucket: Bucket, now: float, rate: RateLimit) -> Bucket:
    # Each clean ``per`` half of what the 429 took, and at least a twentieth of the limit.
    step = -(-rate.limit // 20)
    allowed, clean_since = min(bucket.allowed, rate.limit), bucket.clean_since
    while allowed < rate.limit and clean_since + rate.per <= now:
        clean_since += rate.per
        allowed = min(rate.limit, allowed + max(step, (bucket.before - allowed) // 2))
    return attrs.evolve(bucket, allowed=allowed, clean_since=clean_since)


def _counted(bucket: Bucket, at: float, per: float) -> Bucket:
    age = at - bucket.counted_from
    if age < per:
        return bucket
    kept = bucket.counted if age < 2 * per else 0
    return attrs.evolve(bucket, counted_from=at - age % per, counted=0, counted_before=kept)


def _accepted(bucket: Bucket, now: float, per: float) -> int:
    bucket = _counted(bucket, now, per)
    share = 1 - max(0.0, now - bucket.counted_from) / per
    # All but the one that was refused.
    return int(bucket.counted + bucket.counted_before * share) - 1
