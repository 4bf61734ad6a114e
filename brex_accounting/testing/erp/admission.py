"""Who may ask, and how often. Time and fresh names are arguments; no I/O."""

from __future__ import annotations

from collections import deque

from .options import Options
from .refusal import Refused

__all__ = ["Admission"]


class Admission:
    """Sessions of one ERP, and its rate limit. They live in memory: whoever was logged in before a crash is not after.

    ``token`` is what a login must bring. ``now`` is always seconds of a clock that only goes forward.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self._sessions: dict[str, float | None] = {}
        self._asked: deque[float] = deque()

    def login(self, token: str, fresh: str, options: Options, now: float) -> str:
        """A session, ``fresh``, for whoever knows the token."""
        if options.login_refused or token != self._token:
            raise _not_logged_in("The login is refused.")
        lifetime = options.login_lifetime
        self._sessions[fresh] = None if lifetime is None else now + lifetime
        return fresh

    def authorize(self, authorization: str | None, options: Options, now: float) -> None:
        """Let a request with a living session pass."""
        kind, _, session = (authorization or "").partition(" ")
        if options.login_refused or kind.lower() != "bearer" or session not in self._sessions:
            raise _not_logged_in("Log in first.")
        until = self._sessions[session]
        if until is not None and now >= until:
            del self._sessions[session]
            raise _not_logged_in("The session has expired.")

    def forget(self) -> None:
        """End every session."""
        self._sessions.clear()

    def admit(self, options: Options, now: float) -> None:
        """Let a request in, or refuse it with the seconds after which its turn would come."""
        if options.rate_limit is None:
            return
        while self._asked and self._asked[0] <= now - options.rate_window:
            self._asked.popleft()
        if len(self._asked) >= options.rate_limit:
            wait = self._asked[-options.rate_limit] + options.rate_window - now
            raise Refused(429, "too_many_requests", "Come back later.", retry_after=wait)
        self._asked.append(now)


def _not_logged_in(message: str) -> Refused:
    return Refused(401, "not_logged_in", message)
