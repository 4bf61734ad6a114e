"""What to do after an attempt: a pure decision.

The rules rest on one question per answer: was the request certainly not processed (send again),
certainly answered (believe it), or unknown (only if the operation may be repeated)?
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias, TypeVar

import attrs

from ..errors import (
    APIConnectionError,
    APITimeoutError,
    BrexError,
    ConfigurationError,
    RateLimitError,
    ResponseTooLarge,
)
from .call import Answer, Call, Outcome, Oversized, Refusal, Reply, Sent, Silence, Tries

__all__ = [
    "Decision",
    "Done",
    "Fail",
    "Renew",
    "RetryPolicy",
    "Wait",
    "classify",
    "decide",
]

T = TypeVar("T")

_CERTAIN = frozenset({501, 505})
"""The 5xx that say that nothing was done. Any other, also a gateway's own, leaves it open."""


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often and how patiently a call is tried again. Waits are in seconds.

    ``attempts`` bounds tries after errors; throttled tries are bounded by the deadline alone.
    ``longest_hint``: a Retry-After beyond it is raised at once instead of waited for.
    """

    attempts: int = 4
    base: float = 0.25
    cap: float = 20.0
    throttle_base: float = 2.0
    longest_hint: float = 60.0

    def __attrs_post_init__(self) -> None:
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int) or self.attempts < 1:
            raise ConfigurationError("a retry policy needs a whole number of attempts, at least 1")
        waits = (self.base, self.cap, self.throttle_base, self.longest_hint)
        if not all(isinstance(wait, (int, float)) and 0 <= wait < float("inf") for wait in waits):
            raise ConfigurationError("the waits of a retry policy are seconds of at least 0")


@attrs.frozen
class Done:
    """The reply is a success: decode it."""

    reply: Reply


@attrs.frozen
class Wait:
    """Wait ``seconds``, then send again."""

    seconds: float
    because: Outcome


@attrs.frozen
class Renew:
    """The token was refused. Get another and send again; if there is none, raise ``error``."""

    error: BrexError


@attrs.frozen
class Fail:
    """Raise ``error``."""

    error: BrexError


Decision: TypeAlias = Done | Wait | Renew | Fail


def decide(
    call: Call[T],
    answer: Answer,
    tries: Tries,
    policy: RetryPolicy,
    *,
    remaining: float,
    now: datetime,
    roll: float,
    streak: int = 0,
    may_retry: bool = True,
) -> tuple[Outcome, Decision]:
    """What ``answer`` was, and what follows.

    ``tries`` are the attempts before this one, ``remaining`` the seconds left of the deadline,
    ``now`` the wall clock (for a Retry-After date without a Date header), ``roll`` uniform in [0, 1).
    ``streak``: throttle pauses in a row of this key; ``may_retry``: whether its retry quota has something left.
    """
    if isinstance(answer, Reply) and _succeeded(answer):
        return Outcome.DONE, Done(answer)
    refusal = call.refuse(answer) if isinstance(answer, Reply) else None
    outcome = classify(answer, refusal)
    error = _error(call, answer, refusal)
    if outcome is Outcome.DEAD_TOKEN:
        return outcome, Fail(error) if tries.count(Outcome.DEAD_TOKEN) else Renew(error)
    if outcome is Outcome.THROTTLED:
        return outcome, _throttled(error, answer, streak, policy, remaining, now, roll)
    if outcome is Outcome.FATAL or (outcome is Outcome.AMBIGUOUS and not call.repeat.after_ambiguous):
        return outcome, Fail(error)
    failed = tries.count(Outcome.AMBIGUOUS) + tries.count(Outcome.NOT_SENT)
    if failed + 1 >= policy.attempts or not may_retry:
        return outcome, Fail(error)
    seconds = roll * _doubled(policy.base, failed, policy)
    return outcome, _wait_or_fail(seconds, outcome, error, remaining)


def classify(answer: Answer, refusal: Refusal | None) -> Outcome:
    """Which kind of outcome an answer is. 409 and 422 are answers, never retried."""
    if isinstance(answer, Silence):
        return Outcome.NOT_SENT if answer.sent is Sent.NO else Outcome.AMBIGUOUS
    if isinstance(answer, Reply) and _succeeded(answer):
        return Outcome.DONE
    if refusal is not None and refusal.token_dead:
        return Outcome.DEAD_TOKEN
    says_when = isinstance(answer, Reply) and answer.says_when
    if answer.status == 429 or (answer.status == 503 and says_when):
        return Outcome.THROTTLED
    unsure = answer.status == 408 or (answer.status >= 500 and answer.status not in _CERTAIN)
    return Outcome.AMBIGUOUS if unsure else Outcome.FATAL


def _throttled(
    error: BrexError,
    answer: Answer,
    streak: int,
    policy: RetryPolicy,
    remaining: float,
    now: datetime,
    roll: float,
) -> Decision:
    hint = answer.hint(now) if isinstance(answer, Reply) else None
    if isinstance(error, RateLimitError):
        error.retry_after = hint
    if hint is None:
        seconds = pause_without_hint(policy, streak) * (0.5 + roll / 2)
        return _wait_or_fail(seconds, Outcome.THROTTLED, error, remaining)
    if hint > policy.longest_hint:
        return Fail(error)
    # Never earlier than told, and not all at the same moment.
    return _wait_or_fail(hint + roll * min(1.0, hint / 10), Outcome.THROTTLED, error, remaining)


def pause_without_hint(policy: RetryPolicy, streak: int) -> float:
    """Seconds that a key rests after a 429 that does not say how long, ``streak`` pauses in a row before it."""
    return _doubled(policy.throttle_base, streak, policy)


def _doubled(base: float, times: int, policy: RetryPolicy) -> float:
    # Bounded: nothing bounds the number of throttled tries, and 2.0**1024 is an OverflowError.
    return min(policy.cap, base * 2.0 ** min(times, 64))


def _wait_or_fail(seconds: float, because: Outcome, error: BrexError, remaining: float) -> Decision:
    return Wait(seconds, because) if seconds < remaining else Fail(error)


def _succeeded(reply: Reply) -> bool:
    return 200 <= reply.status < 300


def _error(call: Call[T], answer: Answer, refusal: Refusal | None) -> BrexError:
    if refusal is not None:
        assert isinstance(refusal.error, BrexError)
        return refusal.error
    if isinstance(answer, Oversized):
        return ResponseTooLarge(
            f"{call.where} answered {answer.status} with more than {answer.limit} bytes; "
            "ask for smaller pages, or raise max_response_bytes"
        )
    if isinstance(answer, Silence):
        kind = APITimeoutError if answer.timed_out else APIConnectionError
        return kind(f"{call.where} got no answer: {answer.cause}", sent=answer.sent is not Sent.NO)
    return BrexError(f"{call.where} answered {answer.status}")
