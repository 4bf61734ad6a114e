"""OAuth's values: consents, what is refused before anything is sent, and what is never shown."""

from __future__ import annotations

import base64
import hashlib
import logging
import traceback
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from brex_accounting import ConfigurationError, OAuthTokens
from brex_accounting.auth import token_source
from brex_accounting.oauth import BASE_URL, Consent, OAuthApp, TokenPair
from brex_accounting.session.grants import Form, Granted

from .granting import Bench, locals_of

CANARY = "canary-7731"
BACK = "https://partner.example/callback?from=brex"
SOON = datetime(2030, 1, 1, tzinfo=UTC)


def an_app(**changes: Any) -> OAuthApp:
    given = {"client_id": "client", "client_secret": CANARY, "redirect_uri": BACK, **changes}
    return OAuthApp(given.pop("client_id"), given.pop("client_secret"), **given)


async def save(_pair: TokenPair) -> None:
    """Nowhere."""


def tokens(**changes: Any) -> OAuthTokens:
    given = {"client_id": "client", "client_secret": CANARY, "refresh_token": CANARY, "save": save, **changes}
    return OAuthTokens(given.pop("client_id"), given.pop("client_secret"), given.pop("refresh_token"), **given)


def test_where_the_customer_is_sent() -> None:
    """Brex's address with the scopes, the state and the hashed verifier."""
    consent = an_app().begin(["accounting.record.read", "openid", "accounting.record.write"])
    parts = urlsplit(consent.url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{BASE_URL}/v1/authorize"
    hashed = hashlib.sha256(consent.verifier.encode()).digest()
    assert dict(parse_qsl(parts.query)) == {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": BACK,
        "scope": "openid offline_access accounting.record.read accounting.record.write",
        "state": consent.state,
        "code_challenge": base64.urlsafe_b64encode(hashed).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    assert consent.verifier not in consent.url


def test_each_consent_has_its_own_state_and_verifier() -> None:
    """Neither comes twice; both are as long as the RFCs and Brex want them."""
    consents = [an_app().begin(["accounting.record.read"]) for _ in range(100)]
    assert len({one.state for one in consents} | {one.verifier for one in consents}) == 200
    assert all(len(one.state) > 8 and 43 <= len(one.verifier) <= 128 for one in consents)


def test_one_scope_need_not_be_a_list() -> None:
    """A string is one scope, not its letters."""
    assert "scope=openid+offline_access+accounting.record.read&" in an_app().begin("accounting.record.read").url


@pytest.mark.parametrize("scopes", [[""], ["a b"], [5], ["a\n"], [None]])
def test_scopes_that_are_none(scopes: Any) -> None:
    """Blanks would make two scopes of one."""
    with pytest.raises(ConfigurationError, match="scopes"):
        an_app().begin(scopes)


@pytest.mark.parametrize("state", ["another", "", "STATE", "stat", None, 5, "st\u00e4te", "\ud800"])
async def test_a_forged_redirect_is_refused_before_anything_is_sent(state: Any) -> None:
    """Another state than the consent's is a ConfigurationError, whatever it is."""
    consent = Consent(url="", state="state", verifier="v")
    with pytest.raises(ConfigurationError, match="state"):
        await an_app(base_url="http://127.0.0.1:9").finish(consent, code="code", state=state)


@pytest.mark.parametrize("code", ["", None, 5, "\ud800", "a b"])
async def test_a_redirect_without_a_code(code: Any) -> None:
    """A customer who refuses is sent back without one."""
    consent = Consent(url="", state="state", verifier="v")
    with pytest.raises(ConfigurationError, match="code"):
        await an_app(base_url="http://127.0.0.1:9").finish(consent, code=code, state="state")


URLS = [
    "",
    "id.example",
    "http://id.example",
    "http://10.0.0.1/v1",
    "https://a:b@id.example",
    "https://id.example?a=b",
    5,
]


@pytest.mark.parametrize("url", URLS)
def test_addresses_that_are_unsafe(url: Any) -> None:
    """https, or this machine; the argument is named."""
    with pytest.raises(ConfigurationError, match="token_url"):
        tokens(token_url=url)
    with pytest.raises(ConfigurationError, match="base_url"):
        an_app(base_url=url)


@pytest.mark.parametrize("url", ["http://localhost:1/v1/token", "http://[::1]/x", "https://id.example/v1/token/"])
def test_addresses_that_are_safe(url: str) -> None:
    """Loopback in clear text, and anything over https."""
    assert tokens(token_url=url) is not None
    assert an_app(base_url=url).begin([]).url.startswith(url.rstrip("/"))


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": ""},
        {"client_id": None},
        {"client_secret": ""},
        {"client_secret": f"{CANARY}\n"},
        {"refresh_token": ""},
        {"refresh_token": f"{CANARY}\n"},
        {"refresh_token": None},
        {"access_token": CANARY},
        {"expires_at": SOON},
        {"access_token": "", "expires_at": SOON},
        {"access_token": f"{CANARY} ", "expires_at": SOON},
        {"access_token": CANARY, "expires_at": SOON.replace(tzinfo=None)},
        {"access_token": CANARY, "expires_at": 5},
        {"save": None},
        {"save": CANARY},
        {"observers": [CANARY]},
        {"timeout": 0},
        {"timeout": "5"},
        {"timeout": float("inf")},
        {"timeout": True},
        {"ssl": False},
    ],
)
def test_arguments_that_make_no_sense(changes: dict[str, Any]) -> None:
    """Each is a ConfigurationError when the source is made, without an echo."""
    with pytest.raises(ConfigurationError) as caught:
        tokens(**changes)
    assert CANARY not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": ""},
        {"client_secret": " "},
        {"redirect_uri": ""},
        {"redirect_uri": None},
        {"redirect_uri": "https://a.example/ b"},
        {"timeout": -1},
        {"ssl": True},
    ],
)
def test_arguments_of_an_application_that_make_no_sense(changes: dict[str, Any]) -> None:
    """The same for the application."""
    with pytest.raises(ConfigurationError) as caught:
        an_app(**changes)
    assert CANARY not in str(caught.value) + repr(caught.value)


def test_a_source_is_taken_as_it_is() -> None:
    """Nothing is put around it, so that a client closes it once."""
    source = tokens()
    assert token_source(source) is source


def test_no_repr_shows_a_secret() -> None:
    """Pairs, consents, sources, applications, forms and answers keep theirs."""
    pair = TokenPair(access_token=CANARY, refresh_token=CANARY, expires_at=SOON)
    consent = Consent(url=CANARY, state=CANARY, verifier=CANARY)
    granted = Granted(access_token=CANARY, refresh_token=CANARY, expires_in=5)
    for thing in (pair, consent, granted, Form({"a": CANARY}), tokens(), an_app()):
        assert CANARY not in repr(thing) + str(thing) + f"{thing}"
    assert "2030" in repr(pair)


class Leaky(Exception):
    """What a database driver raises: with what it was given in its text."""


@pytest.mark.parametrize("where", ["ask", "save"])
async def test_no_failure_shows_a_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    """Not in the text, the chain, the log, the events, nor in the local variables that error reporters print."""
    caplog.set_level(logging.DEBUG)
    bench = Bench(monkeypatch)
    failures = bench.failures if where == "ask" else bench.save_failures
    failures.append(Leaky(CANARY))
    source = bench.source(left=1000, access_token=CANARY)
    source._refresh_token = CANARY
    error = await bench.fail(source.renew(CANARY))
    printed = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + locals_of(error)
    assert CANARY not in printed + caplog.text + repr(bench.events)
    assert "Leaky at granting.py:" in str(error)
