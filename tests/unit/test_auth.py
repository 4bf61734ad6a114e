"""Tokens: where they come from, which are refused, and that none of them is ever shown."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from brex_accounting import ConfigurationError, FixedToken, TokenRefreshError
from brex_accounting.auth import CallableToken, token_source

CANARY = "bxt_canary_5510"


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + str(error) + repr(error) + repr(vars(error))


async def test_a_fixed_token() -> None:
    """It gives its token, never another, and keeps it out of its repr."""
    source = FixedToken(CANARY)
    assert await source.token() == CANARY
    assert await source.renew(CANARY) is False
    assert await source.renew("another") is False
    assert CANARY not in repr(source) + str(source)


async def test_a_callable_token_is_asked_each_time() -> None:
    """Each attempt gets what the callable returns now; renewing means that it returns something else."""
    answers = iter(["one", "two", "two", "three"])

    async def function() -> str:
        return next(answers)

    source = CallableToken(function)
    assert await source.token() == "one"
    assert await source.renew("one") is True
    assert await source.renew("two") is False
    assert await source.token() == "three"
    assert repr(source) == "CallableToken(...)"


BAD: list[Any] = [
    "",
    " ",
    f" {CANARY}",
    f"{CANARY} ",
    f"{CANARY}\n",
    f"{CANARY}\r\nX-Evil: 1",
    f"{CANARY}\x00",
    f"{CANARY}\t",
    f"{CANARY}\x7f",
    f"{CANARY}\u00e9",
    f"{CANARY}\u2028",
    f"Bearer {CANARY}",
    CANARY.encode(),
    None,
    5,
    [CANARY],
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: ascii(bad)[-24:])
def test_bad_tokens_are_refused_unseen(bad: Any) -> None:
    """Empty, unsendable and non-text tokens are a ConfigurationError that does not echo them."""
    with pytest.raises(ConfigurationError) as caught:
        FixedToken(bad)
    assert CANARY not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: ascii(bad)[-24:])
async def test_bad_tokens_of_a_callable_are_refused_unseen(bad: Any) -> None:
    """The same tokens are refused when a callable returns them."""

    async def function() -> Any:
        return bad

    with pytest.raises(ConfigurationError) as caught:
        await CallableToken(function).token()
    assert CANARY not in str(caught.value) + repr(caught.value)


class Scary(Exception):
    """What an HTTP client raises: with the credentials in its text."""


@pytest.mark.parametrize("kind", [Scary, ValueError, OSError, TimeoutError, KeyError, LookupError])
async def test_what_a_callable_raises_is_scrubbed(kind: type[Exception]) -> None:
    """Its failure is a TokenRefreshError with the type and the place, without its text or its chain."""

    async def function() -> str:
        raise kind(f"Authorization: {CANARY}") from RuntimeError(f"Authorization: {CANARY}")

    with pytest.raises(TokenRefreshError) as caught:
        await CallableToken(function).token()
    printed = str(caught.value)
    assert kind.__name__ in printed
    assert "test_auth.py:" in printed
    assert CANARY not in printed + repr(caught.value) + repr(vars(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert CANARY not in shown(caught.value).replace('f"Authorization: {CANARY}"', "")


async def test_an_error_of_our_own_passes() -> None:
    """A callable may raise the package's errors itself."""
    own = TokenRefreshError("the vault is closed")

    async def function() -> str:
        raise own

    with pytest.raises(TokenRefreshError) as caught:
        await CallableToken(function).token()
    assert caught.value is own


async def test_a_plain_function_is_no_async_one() -> None:
    """A callable that forgot ``async`` fails as a source of tokens, without its token in the text."""

    def function() -> Any:
        return CANARY

    with pytest.raises(TokenRefreshError) as caught:
        await CallableToken(function).token()
    assert CANARY not in shown(caught.value)


async def test_token_source_takes_all_three() -> None:
    """A string, an async callable and a source are each made a source."""

    class Own:
        async def token(self) -> str:
            return "own"

        async def renew(self, refused: str) -> bool:
            return refused != "own"

    async def function() -> str:
        return "called"

    own = token_source(Own())
    assert await own.token() == "own"
    assert await own.renew("own") is False
    assert token_source(own) is own
    fixed = FixedToken("fixed")
    assert token_source(fixed) is fixed
    assert await token_source("text").token() == "text"
    assert await token_source(function).token() == "called"


@pytest.mark.parametrize("bad", [None, 5, b"bxt", [], {"token": "x"}])
def test_token_source_refuses_the_rest(bad: Any) -> None:
    """What is none of the three is refused with a list of them."""
    with pytest.raises(ConfigurationError, match="token must be a string, an async callable"):
        token_source(bad)


@pytest.mark.parametrize("make", [FixedToken, token_source])
def test_the_ends_of_what_a_token_may_hold(make: Callable[[str], Any]) -> None:
    """Every visible ASCII character may stand in a token."""
    assert make("".join(map(chr, range(0x21, 0x7F)))) is not None


class Failing:
    """A source of a user's own in which everything goes wrong."""

    def __init__(self, token: Any) -> None:
        self._token = token

    async def token(self) -> Any:
        if isinstance(self._token, Exception):
            raise self._token
        return self._token

    async def renew(self, refused: str) -> bool:
        raise KeyError(refused)


@pytest.mark.parametrize("token", [None, "", "bxt_canary\n", b"bxt_canary", 5])
async def test_a_source_of_ones_own_cannot_send_nonsense(token: Any) -> None:
    """What a user's source returns is checked like any token, and not echoed."""
    with pytest.raises(ConfigurationError) as caught:
        await token_source(Failing(token)).token()
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("failure", [ValueError("bxt_canary"), TimeoutError("bxt_canary"), KeyError("bxt_canary")])
async def test_a_source_of_ones_own_stays_in_the_error_tree(failure: Exception) -> None:
    """What a user's source raises becomes a TokenRefreshError that names the kind and the place, not the text."""
    source = token_source(Failing(failure))
    for attempt in (source.token(), source.renew("bxt_canary")):
        with pytest.raises(TokenRefreshError) as caught:
            await attempt
        assert "test_auth.py" in str(caught.value)
        assert "canary" not in "".join(traceback.format_exception(caught.value))


async def test_a_plain_function_is_told_to_be_async() -> None:
    """A synchronous token function is the usual slip, and the message says so."""
    with pytest.raises(TokenRefreshError, match="must be async"):
        await token_source(lambda: "bxt_x").token()  # type: ignore[arg-type, return-value]
