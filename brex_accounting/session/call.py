"""The values a call is made of. A test can hold each of them without a socket."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import cached_property
from typing import Generic, TypeAlias, TypeVar

import attrs

__all__ = [
    "Answer",
    "Attempt",
    "Call",
    "Outcome",
    "Oversized",
    "Refusal",
    "Repeat",
    "Reply",
    "Request",
    "Sent",
    "Silence",
    "Tries",
    "http_date",
    "trace_id",
]

T_co = TypeVar("T_co", covariant=True)

_TRACE = re.compile(r"[\w.:=/+-]{1,128}", re.ASCII)
_EPOCH = 1e9
"""A RateLimit-Reset from here on is a date: in seconds it would be 30 years."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(rf"[A-Z][a-z]{{2}}, (\d\d) ({'|'.join(_MONTHS)}) (\d{{4}}) (\d\d):(\d\d):([0-5]\d) GMT", re.ASCII)


@attrs.frozen(kw_only=True)
class Repeat:
    """Whether a call may be sent again when nobody knows if the first one was processed.

    ``because`` is the sentence of documentation that the choice rests on.
    """

    after_ambiguous: bool
    because: str


class Sent(Enum):
    """Whether a request left this machine."""

    NO = "no"
    UNSURE = "unsure"


def _lower(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@attrs.frozen(kw_only=True)
class Reply:
    """A whole answer. Header names are lower case; the body stays out of the repr."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=_lower, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)

    @cached_property
    def served_at(self) -> datetime | None:
        """The server's clock from the Date header, in UTC."""
        return http_date(self.headers.get("date"))

    def retry_after(self, now: datetime) -> float | None:
        """Seconds that Retry-After asks for; None when absent or neither seconds nor a date.

        ``now`` serves a date when the reply has no Date header of its own.
        """
        text = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
            return max(0.0, float(text))
        until = http_date(text)
        if until is None:
            return None
        # The server's own Date, so that a wrong local clock does not matter.
        return max(0.0, (until - (self.served_at or now)).total_seconds())

    def rest(self, now: datetime) -> float | None:
        """Seconds for which the RateLimit headers say that nothing is left; None when they say no such thing.

        RateLimit-Reset is in seconds, as in the drafts of the IETF; a number beyond all waits is taken for a
        time since 1970, as some servers send it.
        """
        if self.headers.get("ratelimit-remaining", "").strip() != "0":
            return None
        text = self.headers.get("ratelimit-reset", "").strip()
        if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text) is None:
            return None
        seconds = float(text)
        return seconds if seconds < _EPOCH else max(0.0, seconds - (self.served_at or now).timestamp())

    def hint(self, now: datetime) -> float | None:
        """Seconds after which the server said to come back, in whichever header."""
        asked = self.retry_after(now)
        return self.rest(now) if asked is None else asked

    @property
    def says_when(self) -> bool:
        """Whether Retry-After is present and readable."""
        return self.retry_after(datetime.max.replace(tzinfo=UTC)) is not None


@attrs.frozen(kw_only=True)
class Silence:
    """No whole answer came. ``cause`` names what happened, without any value."""

    sent: Sent
    cause: str
    timed_out: bool = False


@attrs.frozen(kw_only=True)
class Oversized:
    """An answer whose decoded body passed ``limit`` bytes and was dropped unread."""

    status: int
    limit: int
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=_lower, repr=False)


Answer: TypeAlias = Reply | Silence | Oversized


@attrs.frozen(kw_only=True)
class Refusal:
    """What a provider's error answer means. ``token_dead``: a fresh token may help."""

    error: Exception
    token_dead: bool = False


@attrs.frozen(kw_only=True)
class Call(Generic[T_co]):
    """One operation, described: what to send, whether it may be repeated, how to read the answer.

    ``path`` is already percent-quoted. ``trace_header`` names the header that carries the
    provider's trace id. ``decode_in_steps`` is for answers that may be large: it does what ``decode``
    does, and pauses where other work may run.
    """

    name: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    body: bytes | None = attrs.field(default=None, repr=False)
    content_type: str = attrs.field(default="application/json", repr=False)
    repeat: Repeat = attrs.field(repr=False)
    decode: Callable[[Reply], T_co] = attrs.field(repr=False)
    decode_in_steps: Callable[[Reply], Generator[None, None, T_co]] | None = attrs.field(default=None, repr=False)
    refuse: Callable[[Reply], Refusal] = attrs.field(repr=False)
    trace_header: str = attrs.field(default="", repr=False)

    @property
    def where(self) -> str:
        """Method and path, for messages."""
        return f"{self.method} {self.path}"

    def trace_id(self, answer: Answer) -> str | None:
        """The provider's trace id on an answer, if there is one."""
        return None if isinstance(answer, Silence) else trace_id(answer.headers, self.trace_header)


@attrs.frozen(kw_only=True)
class Request:
    """One attempt's bytes. The headers hold the token, so they stay out of the repr."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    body: bytes | None = attrs.field(repr=False)


class Outcome(Enum):
    """What an attempt came to, as far as repeating is concerned."""

    DONE = "done"
    NOT_SENT = "not sent"
    AMBIGUOUS = "ambiguous"
    THROTTLED = "throttled"
    DEAD_TOKEN = "dead token"  # noqa: S105
    FATAL = "fatal"


@attrs.frozen(kw_only=True)
class Attempt:
    """One attempt of a call: its status, or the cause of its silence, and the wait after it in seconds."""

    number: int
    outcome: Outcome
    status: int | None = None
    cause: str | None = None
    wait: float | None = None


@attrs.frozen
class Tries:
    """The attempts so far, oldest first."""

    attempts: tuple[Attempt, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """How many attempts came to ``outcome``."""
        return sum(attempt.outcome is outcome for attempt in self.attempts)


def trace_id(headers: Mapping[str, str], name: str) -> str | None:
    """A trace id from the headers, if it looks like one: it goes into messages and logs."""
    found = headers.get(name, "")
    return found if _TRACE.fullmatch(found) else None


def http_date(text: str | None) -> datetime | None:
    """An HTTP date as aware UTC; None when absent or malformed."""
    if not text:
        return None
    try:
        # The form that servers send; every answer has one, and the standard library is slow at it.
        if usual := _DATE.fullmatch(text):
            day, month, *rest = usual.groups()
            year, hour, minute, second = map(int, rest)
            return datetime(year, _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=UTC)
        moment = parsedate_to_datetime(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):  # years and offsets of any size
        return None
