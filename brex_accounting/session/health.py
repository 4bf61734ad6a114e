"""How one key has fared lately: its retry quota, and its throttle pauses in a row."""

from __future__ import annotations

import math

import attrs

__all__ = ["Health"]

_QUOTA = 500
_RETRY = 14
_FIRST_TRY = 1


@attrs.define
class Health:
    """Shared by all calls of one key (client id and company). ``now`` is always the monotonic clock.

    The quota keeps a struggling server from a flood of retries: it is full at 500, a retry after an
    error costs 14, and without 14 left a call fails at once. Waits after a 429 cost nothing.
    Source: botocore's standard retry mode.
    """

    quota: int = _QUOTA
    _pauses: int = 0
    _paused_until: float = -math.inf

    def may_retry(self) -> bool:
        """Whether the quota pays for one more retry."""
        return self.quota >= _RETRY

    def spend(self) -> None:
        """A retry after an error begins."""
        self.quota = max(0, self.quota - _RETRY)

    def succeeded(self, now: float, *, retried: bool) -> None:
        """A call succeeded; ``retried``: with a retry that was paid for. Give that back, or 1."""
        self.quota = min(_QUOTA, self.quota + (_RETRY if retried else _FIRST_TRY))
        # An answer during a pause belongs to a request from before it: it says nothing new.
        if now >= self._paused_until:
            self._pauses = 0

    def is_like_new(self, now: float) -> bool:
        """Whether forgetting it would change nothing."""
        return self.quota == _QUOTA and self._pauses == 0 and now >= self._paused_until

    def streak(self, now: float) -> int:
        """Pauses in a row before the one that runs, or that a 429 would begin now."""
        return self._pauses - (now < self._paused_until)

    def throttled(self, now: float, wait: float) -> None:
        """A 429 came, and all wait ``wait`` seconds from now. During a pause it only prolongs it."""
        if now >= self._paused_until:
            self._pauses += 1
        self._paused_until = max(self._paused_until, now + wait)
