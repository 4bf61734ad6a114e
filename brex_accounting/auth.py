"""Where bearer tokens come from: a fixed one, an async callable, or a source of the user's own."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import PurePath
from typing import TypeAlias, TypeVar

from .errors import BrexError, ConfigurationError, TokenRefreshError
from .session.discreet import Hidden, Unchained, discreet
from .session.services import TokenSource

__all__ = [
    "CallableToken",
    "FixedToken",
    "GuardedSource",
    "OwnSource",
    "TokenFunction",
    "TokenSource",
    "token_source",
]

R = TypeVar("R")

TokenFunction: TypeAlias = Callable[[], Awaitable[str]]


class OwnSource:
    """A source of this package: it gives checked tokens, and raises nothing outside the error tree."""


class FixedToken(OwnSource):
    """One token, which no refusal can renew."""

    @discreet
    def __init__(self, token: str) -> None:
        self._token = checked(token)

    async def token(self) -> str:
        """The token."""
        return self._token

    async def renew(self, refused: str) -> bool:  # noqa: ARG002 - the protocol's
        """Never: there is no other token."""
        return False

    def __repr__(self) -> str:
        return "FixedToken(...)"


class CallableToken(OwnSource):
    """A token from an async callable, awaited before each attempt; cache in it as you see fit."""

    def __init__(self, function: TokenFunction) -> None:
        self._function = Hidden(function)  # the repr of a partial shows its arguments

    async def token(self) -> str:
        """What the callable returns now. Its failure is a ``TokenRefreshError``."""
        return checked(await _guarded(self._function))

    async def renew(self, refused: str) -> bool:
        """Whether the callable now returns something else."""
        given = Hidden(refused)
        del refused  # error reporters print local variables
        return await self.token() != given.value

    def __repr__(self) -> str:
        return "CallableToken(...)"


class GuardedSource(OwnSource):
    """A source of the user's own: what it returns is checked, and what it raises stays in the error tree."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    async def token(self) -> str:
        """The source's token."""
        return checked(await _guarded(Hidden(self._source.token)))

    async def renew(self, refused: str) -> bool:
        """The source's word on whether another token is there."""
        asked = Hidden(partial(self._source.renew, refused))
        del refused  # error reporters print local variables
        return bool(await _guarded(asked))

    async def aclose(self) -> None:
        """Close the source, if it can be closed."""
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await _guarded(Hidden(close))

    def __repr__(self) -> str:
        return f"GuardedSource({type(self._source).__name__})"


async def _guarded(function: Hidden[Callable[[], Awaitable[R]]]) -> R:
    with Unchained():
        try:
            return await function.value()
        except BrexError:
            raise
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            # Neither the text nor the chain: exceptions of HTTP clients print credentials.
            hint = "it must be async" if _is_plain(function.value, error) else "log its cause there"
            text = f"the token source raised {type(error).__name__}{origin(error)}; {hint}"
            raise TokenRefreshError(text) from None


def _is_plain(function: object, error: Exception) -> bool:
    return isinstance(error, TypeError) and not inspect.iscoroutinefunction(function)


@discreet
def token_source(token: str | TokenFunction | TokenSource) -> TokenSource:
    """Any of the three ways to give a token, as a source."""
    if isinstance(token, str):
        return FixedToken(token)
    if isinstance(token, TokenSource) and not isinstance(token, type):
        return token if isinstance(token, OwnSource) else GuardedSource(token)
    if callable(token):
        return CallableToken(token)
    raise ConfigurationError("token must be a string, an async callable returning one, or a token source")


@discreet
def checked(token: str) -> str:
    """The token, if it can stand in a header; else a ``ConfigurationError`` that does not echo it."""
    if not isinstance(token, str):
        raise ConfigurationError(f"a token must be a string, not {type(token).__name__}")
    if not token:
        raise ConfigurationError("the token is empty")
    if not all("!" <= character <= "~" for character in token):
        raise ConfigurationError(
            "the token holds a blank, a line break or another character that no token has; "
            "a file's trailing newline is the usual cause"
        )
    return token


def origin(error: BaseException) -> str:
    """File and line that raised, for messages that must not hold the exception's text."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
