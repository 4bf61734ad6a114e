"""Asking an OAuth server for tokens. A request that may have been processed is not sent again.

Source: RFC 6749 (token requests and their errors), RFC 7009 (revocation).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import attrs
import msgspec

from ..errors import BrexError, ConfigurationError, DecodeError, TokenRefreshError
from .call import Call, Refusal, Repeat, Reply
from .clock import Clock
from .discreet import Unchained
from .limiter import RateLimit, SlidingLog
from .manager import Manager
from .services import Options

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = [
    "Endpoint",
    "Failure",
    "Form",
    "Granted",
    "TokenPair",
    "ask",
    "checked_client",
    "checked_seconds",
    "exchange",
    "granted",
    "is_visible",
    "pair_of",
    "revoke",
]

T = TypeVar("T")

LIFETIME: Final = 3600.0
"""Seconds an access token lives when the answer does not say."""
LONGEST: Final = 1e9
"""Seconds that are believed of an answer: a date has an end."""

_ONCE: Final = Repeat(
    after_ambiguous=False,
    because="Codes and rotating refresh tokens work once: a request that was processed has spent what it carried.",
)
_AGAIN: Final = Repeat(
    after_ambiguous=True,
    because="RFC 7009, section 2.2: a token that is not valid (any more) gets the same 200.",
)
_CODES: Final = frozenset(
    {
        *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"),
        *("unsupported_grant_type", "invalid_scope", "unsupported_token_type"),
    }
)
"""What the two RFCs list. Anything else is text from elsewhere and not repeated in messages."""
_MOST_BYTES: Final = 2**20


@attrs.frozen(kw_only=True)
class Endpoint:
    """Where to ask, with how many seconds for one attempt."""

    url: str
    timeout: float
    user_agent: str
    ssl: SSLContext | None = attrs.field(default=None, repr=False)
    trust_env: bool = False


@attrs.frozen
class Form:
    """What is posted. Not in the repr: it holds the client's secret and a token."""

    fields: Mapping[str, str] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Granted:
    """The answer of a token endpoint; ``expires_in`` is in seconds."""

    access_token: str = attrs.field(repr=False)
    refresh_token: str | None = attrs.field(repr=False)
    expires_in: float | None


@attrs.frozen(kw_only=True)
class TokenPair:
    """An access token and the refresh token that gets the next one: store both, and neither is in the repr."""

    access_token: str = attrs.field(repr=False)
    refresh_token: str = attrs.field(repr=False)
    expires_at: datetime


@attrs.frozen
class Failure:
    """What went wrong. Everybody who is told raises an error of their own."""

    text: str
    retry_after: float | None = None

    def error(self, age: float = 0.0) -> TokenRefreshError:
        """The error, ``age`` seconds after the failure."""
        error = TokenRefreshError(self.text)
        error.retry_after = None if self.retry_after is None else max(0.0, self.retry_after - age)
        return error


def is_visible(text: object) -> bool:
    """Whether it is text without blanks, control characters or anything outside of ASCII."""
    return isinstance(text, str) and text != "" and all("!" <= character <= "~" for character in text)


def checked_client(client_id: str, client_secret: str) -> Form:
    """Who asks, as fields of a form."""
    for name, text in (("client_id", client_id), ("client_secret", client_secret)):
        if not is_visible(text):
            raise ConfigurationError(f"{name} is a string without blanks or control characters")
    return Form({"client_id": client_id, "client_secret": client_secret})


def checked_seconds(name: str, seconds: float) -> float:
    """A length of time that ends."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < float("inf"):
        raise ConfigurationError(f"{name} must be a number of seconds above 0")
    return seconds


def pair_of(granted: Granted, refresh_token: str, asked_at: datetime) -> TokenPair:
    """What was granted to a request that began at ``asked_at``."""
    seconds = min(granted.expires_in or LIFETIME, LONGEST)
    return TokenPair(
        access_token=granted.access_token,
        refresh_token=refresh_token,
        # Counted from before the request: better a little early than too late.
        expires_at=asked_at + timedelta(seconds=seconds),
    )


async def ask(at: Endpoint, form: Form, clock: Clock, log: logging.Logger) -> Granted:
    """The tokens that a form is worth. Any failure is a ``TokenRefreshError`` without a chain."""
    return await exchange(at, _call(at, form, _ONCE, clock), clock, log)


async def revoke(at: Endpoint, form: Form, clock: Clock, log: logging.Logger) -> None:
    """Make a token useless. Fails like ``ask``."""
    call = attrs.evolve(_call(at, form, _AGAIN, clock), name="token revocation", decode=_nothing)
    await exchange(at, call, clock, log)


def _call(at: Endpoint, form: Form, repeat: Repeat, clock: Clock) -> Call[Granted]:
    return Call(
        name="token grant",
        method="POST",
        path=urlsplit(at.url).path or "/",
        body=urlencode(form.fields).encode(),
        content_type="application/x-www-form-urlencoded",
        repeat=repeat,
        decode=granted,
        refuse=partial(_refuse, clock),
    )


async def exchange(at: Endpoint, call: Call[T], clock: Clock, log: logging.Logger) -> T:
    """The result of one call without a token, on a connection of its own. Fails like ``ask``."""
    # Here and not at the top: aiohttp is loaded when it is first needed.
    from .transport import AiohttpTransport

    parts = urlsplit(at.url)
    transport = AiohttpTransport(
        f"{parts.scheme}://{parts.netloc}", ssl=at.ssl, trust_env=at.trust_env, max_response_bytes=_MOST_BYTES
    )
    async with transport:
        manager = Manager(
            transport=transport,
            limiter=SlidingLog(RateLimit(), clock),
            clock=clock,
            roll=random.Random().random,  # noqa: S311 - it spreads waits
            user_agent=at.user_agent,
            observers=(),
            log=log,
        )
        with Unchained():
            try:
                return await manager.run(call, "", None, Options(timeout=at.timeout, deadline=2 * at.timeout))
            except BrexError as error:
                raise _failed(error, call) from None


def _failed(error: BrexError, call: Call[object]) -> TokenRefreshError:
    text = str(error) if isinstance(error, TokenRefreshError) else f"the OAuth server failed: {error}"
    if error.may_have_happened and not call.repeat.after_ambiguous:
        text += "; it may have been processed, and then the refresh token or code it carried is spent"
    failed = TokenRefreshError(text)
    failed.attempts, failed.may_have_happened = error.attempts, error.may_have_happened
    failed.retry_after = error.retry_after if isinstance(error, TokenRefreshError) else None
    return failed


def granted(reply: Reply) -> Granted:
    """What an answer grants. Raises ``DecodeError``."""
    try:
        # Floats as text: a lifetime beyond all numbers must not cost the tokens.
        body = msgspec.json.Decoder(float_hook=str).decode(reply.body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise DecodeError("expected JSON at $") from None
    if not isinstance(body, dict):
        raise DecodeError("expected object at $")
    access, refresh = body.get("access_token"), body.get("refresh_token")
    if not isinstance(access, str) or not is_visible(access):
        raise DecodeError("expected visible ASCII at $.access_token")
    if refresh is not None and not isinstance(refresh, str):
        raise DecodeError("expected string at $.refresh_token")
    return Granted(access_token=access, refresh_token=refresh or None, expires_in=_seconds(body.get("expires_in")))


def _seconds(value: object) -> float | None:
    # Whatever it says, it must not cost the tokens that came with it.
    try:
        seconds = float(value) if isinstance(value, (int, float, str)) else 0.0
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < float("inf") else None


def _nothing(_reply: Reply) -> Granted:
    return Granted(access_token="", refresh_token=None, expires_in=None)


def _refuse(clock: Clock, reply: Reply) -> Refusal:
    try:
        body = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        body = None
    code = body.get("error") if isinstance(body, dict) else None
    known = code if isinstance(code, str) and code in _CODES else ""
    answered = f"the OAuth server answered {reply.status}{known and ' ' + known}"
    error = TokenRefreshError(f"{answered}; {_advice(reply.status, known)}")
    error.retry_after = reply.retry_after(clock.now())
    return Refusal(error=error)


def _advice(status: int, code: str) -> str:
    if code == "invalid_grant":
        return "what was sent is spent, expired or revoked: ask the customer for consent again"
    if status == 429 or status >= 500:
        return "try again later"
    return "check the client id, its secret and the URL"
