"""Where the token and the host come from, and what is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brex_accounting import (
    APIConnectionError,
    AuthenticationError,
    BrexAccounting,
    ConfigurationError,
    FixedToken,
    RetryPolicy,
    TokenRefreshError,
)
from brex_accounting.sandbox import ALL_SCOPES, TOKEN, Sandbox

from .support import client_of, ready_ids


async def test_everything_from_the_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """BREX_TOKEN and BREX_BASE_URL are enough."""
    monkeypatch.setenv("BREX_TOKEN", sandbox.token)
    monkeypatch.setenv("BREX_BASE_URL", sandbox.url)
    async with BrexAccounting() as brex:
        assert len(await brex.records.list().collect()) == 60


async def test_arguments_come_before_the_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is passed wins over what is set."""
    monkeypatch.setenv("BREX_TOKEN", "bxt_gone")
    monkeypatch.setenv("BREX_BASE_URL", "https://nowhere.invalid")
    async with client_of(sandbox) as brex:
        assert len(await brex.records.list().collect()) == 60


def test_production_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a host, and with an empty variable, it is Brex's."""
    assert "'https://api.brex.com'" in repr(BrexAccounting("bxt_x"))
    monkeypatch.setenv("BREX_BASE_URL", "")
    assert "'https://api.brex.com'" in repr(BrexAccounting("bxt_x"))


def test_no_token_is_an_error() -> None:
    """Neither argument nor variable: the message names both."""
    with pytest.raises(ConfigurationError, match="BREX_TOKEN"):
        BrexAccounting()


@pytest.mark.parametrize(
    "token",
    ["", " ", "bxt_canary\n", "bxt_canary\r\nX-Evil: 1", "bxt_canary\0", "bxt canary", "bxt_cänary", 5, b"bxt_canary"],
)
def test_tokens_that_cannot_be_sent_are_refused_without_an_echo(token: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an argument, for a company and from the environment; the message does not hold the token."""
    good = BrexAccounting("bxt_x")
    tries: list[Callable[[], object]] = [lambda: BrexAccounting(token), lambda: good.for_company("c", token=token)]
    if isinstance(token, str) and "\0" not in token:
        monkeypatch.setenv("BREX_TOKEN", token)
        tries.append(BrexAccounting)
    for attempt in tries:
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        assert "nary" not in repr(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "api.brex.com",
        "ftp://api.brex.com",
        "http://api.brex.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "https://user:canary@api.brex.com",
        "https://canary@api.brex.com",
        "http://127.0.0.1@evil.example",
        "https://api.brex.com?a=1",
        "https://api.brex.com#a",
        "https://",
        "https:///v3",
        "https://[::1",
        "https://api.brex.com:99999",
        "https://api.brex.com:x",
        "https://api.brex.com\n.evil.example",
        "https://api brex.com",
        5,
    ],
)
def test_hosts_that_are_unsafe_or_malformed_are_refused(url: Any) -> None:
    """Clear text off this machine, user info, queries and nonsense: refused, without an echo of secrets."""
    with pytest.raises(ConfigurationError) as caught:
        BrexAccounting("bxt_x", base_url=url)
    assert "canary" not in repr(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.9.9.9", "http://[::1]:8080/path/", "https://x.y/z/"])
def test_hosts_that_are_fine(url: str) -> None:
    """Loopback in clear text, and anything over https."""
    assert repr(url.rstrip("/")) in repr(BrexAccounting("bxt_x", base_url=url))


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": "5"},
        {"deadline": float("inf")},
        {"ssl": False},
        {"max_response_bytes": 0},
        {"user_agent": "a\r\nX-Evil: 1"},
        {"user_agent": 5},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """Each is a ConfigurationError when the client is made."""
    with pytest.raises(ConfigurationError):
        BrexAccounting("bxt_x", **options)


@pytest.mark.parametrize(
    "options",
    [{"retry": 5}, {"rate_limit": 5}, {"observers": [5]}, {"max_response_bytes": "x"}, {"max_response_bytes": True}],
)
def test_options_of_another_kind_are_refused(options: dict[str, Any]) -> None:
    """A value of the wrong type is named when the client is made, not when it is first used."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        BrexAccounting("t", **options)


@pytest.mark.parametrize("numbers", [{"attempts": 0}, {"attempts": 1.5}, {"base": -1}, {"cap": float("inf")}])
def test_a_retry_policy_that_makes_no_sense_is_refused(numbers: dict[str, Any]) -> None:
    """No attempts, negative and endless waits are refused."""
    with pytest.raises(ConfigurationError, match="retry policy"):
        RetryPolicy(**numbers)


async def test_a_fixed_token_source(sandbox: Sandbox) -> None:
    """FixedToken is a string in a coat that does not show it."""
    source = FixedToken(sandbox.token)
    async with client_of(sandbox, token=source) as brex:
        await brex.records.list()
    assert sandbox.token not in repr(source)


async def test_a_callable_is_asked_again_after_a_revoke(sandbox: Sandbox) -> None:
    """A dead token is renewed in the middle of a walk: nothing is lost, one attempt is refused."""
    asked: list[int] = []
    for name in ("bxt_first", "bxt_second"):
        sandbox.brex.tokens[name] = ALL_SCOPES

    async def current() -> str:
        asked.append(1)
        return "bxt_first" if len(asked) <= 3 else "bxt_second"

    seen = []
    async with client_of(sandbox, token=current) as brex:
        async for record in brex.records.list(page_size=10):
            seen.append(record.id)
            if len(seen) == 15:
                del sandbox.brex.tokens["bxt_first"]
    assert len(set(seen)) == len(seen) == 60
    assert (sandbox.statistics.requests, len(asked)) == (7, 8)


async def test_a_callable_that_gives_the_same_dead_token(sandbox: Sandbox) -> None:
    """There is no other token: AuthenticationError after one attempt."""
    asked = []

    async def current() -> str:
        asked.append(1)
        return "bxt_gone"

    async with client_of(sandbox, token=current) as brex:
        with pytest.raises(AuthenticationError) as caught:
            await brex.records.list()
    assert (len(caught.value.attempts), len(asked)) == (1, 2)


async def test_a_callable_that_fails(sandbox: Sandbox) -> None:
    """Its error is a TokenRefreshError with the place it came from, and none of its text."""

    async def broken() -> str:
        raise LookupError("canary")

    async with client_of(sandbox, token=broken) as brex:
        with pytest.raises(TokenRefreshError) as caught:
            await brex.records.list()
    assert "canary" not in repr(caught.value)
    assert Path(__file__).name in str(caught.value)
    assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)
    assert sandbox.statistics.requests == 0


@pytest.mark.parametrize("wrong", ["", "bxt_canary\n", None, 5])
async def test_a_callable_that_gives_no_token(sandbox: Sandbox, wrong: Any) -> None:
    """What cannot be a token is refused before it is sent, without an echo."""

    async def current() -> str:
        return wrong  # type: ignore[no-any-return]

    async with client_of(sandbox, token=current) as brex:
        with pytest.raises(ConfigurationError) as caught:
            await brex.records.list()
    assert "canary" not in repr(caught.value)
    assert sandbox.statistics.requests == 0


async def test_a_source_of_ones_own_needs_no_base_class(sandbox: Sandbox) -> None:
    """Anything with the methods of a source is one."""

    class Vault:
        def __init__(self) -> None:
            self.refused: list[str] = []

        async def token(self) -> str:
            return TOKEN if self.refused else "bxt_gone"

        async def renew(self, refused: str) -> bool:
            self.refused.append(refused)
            return True

        async def aclose(self) -> None:
            return None

    vault = Vault()
    async with client_of(sandbox, token=vault) as brex:
        await brex.records.list()
    assert vault.refused == ["bxt_gone"]


async def test_a_netrc_entry_is_an_error_of_ours(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With trust_env, aiohttp refuses a netrc entry beside our token; that stays inside the error tree."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login a password canary\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with client_of(sandbox, trust_env=True, retry=RetryPolicy(attempts=1)) as brex:
        with pytest.raises(APIConnectionError, match="netrc") as caught:
            await brex.records.list()
    assert "canary" not in str(caught.value)
    async with client_of(sandbox) as brex:
        assert len(ready_ids(sandbox)) == len(await brex.records.list(review_status="READY_FOR_EXPORT").collect())
