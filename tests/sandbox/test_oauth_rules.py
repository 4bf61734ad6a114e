"""The rules of the sandbox's OAuth server, without HTTP, on a clock that moves when told."""

from __future__ import annotations

import base64
import hashlib
import itertools
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest

from brex_accounting.sandbox import ALL_SCOPES, LocalBrex, Refused, Rules, make_seed
from brex_accounting.sandbox.oauth import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, LocalOAuth, OAuthRefused

from .drivers import Clock

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
QUERY = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECT_URI,
    "scope": "openid offline_access accounting.record.read",
    "state": "state-123456",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
CLIENT = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
READ = ["accounting.record.read"]


class House:
    """The rules of both servers over one clock."""

    def __init__(self, rules: Rules | None = None) -> None:
        numbers = itertools.count(1)
        self.clock = Clock()
        self.brex = LocalBrex(make_seed("lifelike", records=1), now=self.clock, rules=rules)
        self.oauth = LocalOAuth(self.brex, fresh=lambda: str(next(numbers)))

    def returned(self, **changes: str) -> dict[str, str]:
        """What the redirect carries. A change to "" leaves a key out."""
        query = {key: value for key, value in {**QUERY, **changes}.items() if value}
        return dict(parse_qsl(urlsplit(self.oauth.authorize(list(query.items()))).query))

    def ask(self, **form: str) -> dict[str, Any]:
        """The answer of the token endpoint."""
        return self.oauth.token([(key, value) for key, value in {**CLIENT, **form}.items() if value])

    def exchange(self, code: str, **changes: str) -> dict[str, Any]:
        """The first tokens."""
        form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        return self.ask(**{**form, "code": code, **changes})

    def refresh(self, token: str, **changes: str) -> dict[str, Any]:
        """The next tokens."""
        return self.ask(**{"grant_type": "refresh_token", "refresh_token": token, **changes})

    def consented(self, **changes: str) -> dict[str, Any]:
        """Tokens of a new consent."""
        return self.exchange(self.returned(**changes)["code"])

    def opens(self, token: str) -> str:
        """Whether the API takes a token: "yes", or the message of the refusal."""
        try:
            self.brex.authorize(f"Bearer {token}", READ)
        except Refused as refused:
            return refused.message
        return "yes"


@pytest.fixture
def house() -> House:
    """Brex's rules as documented."""
    return House()


def refused(call: Any, *given: Any, **named: Any) -> tuple[int, str]:
    with pytest.raises(OAuthRefused) as caught:
        call(*given, **named)
    return caught.value.status, caught.value.error


def test_a_consent_is_worth_tokens(house: House) -> None:
    """The redirect brings code and state; the code brings a pair of tokens that opens the API."""
    returned = house.returned()
    assert returned == {"code": "sandbox_code_1", "state": "state-123456"}
    assert house.exchange(returned["code"]) == {
        "access_token": "sandbox_access_2",
        "refresh_token": "sandbox_refresh_3",
        "token_type": "Bearer",
        "scope": "openid offline_access accounting.record.read",
        "expires_in": 3600.0,
    }
    assert house.opens("sandbox_access_2") == "yes"


def test_tokens_carry_the_scopes_that_were_granted(house: House) -> None:
    """Scopes of Brex's API alone count there, and no more than were asked for."""
    wanted = "openid offline_access accounting.integration.write accounting.integration.read"
    token = house.consented(scope=wanted)["access_token"]
    assert house.brex.tokens[token] == {"accounting.integration.write"}
    assert house.opens(token) == "The token lacks the scope accounting.record.read."
    everything = house.consented(scope=" ".join(["openid", "offline_access", *ALL_SCOPES]))["access_token"]
    assert house.brex.tokens[everything] == ALL_SCOPES


def test_without_offline_access_there_is_no_refresh_token(house: House) -> None:
    """openid alone gives an access token only."""
    assert "refresh_token" not in house.consented(scope="openid accounting.record.read")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"scope": "accounting.record.read"}, "invalid_scope"),
        ({"scope": "openid everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
    ],
)
def test_a_wrong_request_goes_back_as_an_error(house: House, changes: dict[str, str], error: str) -> None:
    """The redirect carries the error and the state, and no code."""
    returned = house.returned(**changes)
    assert (returned["error"], returned["state"], "code" in returned) == (error, "state-123456", False)


@pytest.mark.parametrize("state", ["", "12345678"])
def test_a_short_state_is_refused(house: House, state: str) -> None:
    """Brex wants more than 8 characters."""
    assert house.returned(state=state)["error"] == "invalid_request"
    assert "code" in house.returned(state="123456789")


@pytest.mark.parametrize(
    "changes",
    [{"client_id": "another"}, {"client_id": ""}, {"redirect_uri": REDIRECT_URI + "/"}, {"redirect_uri": ""}],
)
def test_a_stranger_is_not_redirected(house: House, changes: dict[str, str]) -> None:
    """An unknown client or an address that is not registered to the character gets an error, not a redirect."""
    assert refused(house.returned, **changes) == (400, "invalid_request")


@pytest.mark.parametrize("uri", ["http://localhost:99/x", "http://127.0.0.1/", "http://[::1]:8/a?b=c"])
def test_loopback_addresses_can_be_registered(house: House, uri: str) -> None:
    """A registered address gets the code, beside the query that it has already."""
    house.oauth.register(uri)
    place = house.oauth.authorize(list({**QUERY, "redirect_uri": uri}.items()))
    assert place.startswith(uri)
    carried = dict(parse_qsl(urlsplit(place).query))
    assert carried.keys() - {"b"} == {"code", "state"}


@pytest.mark.parametrize(
    "uri",
    ["https://127.0.0.1/", "http://example.com/", "http://127.0.0.1.example.com/", "app:/x", "", "http://[::1]/#a"],
)
def test_other_addresses_cannot_be_registered(house: House, uri: str) -> None:
    """Customers of the sandbox consent unasked, so codes stay on this machine."""
    with pytest.raises(ValueError, match="loopback"):
        house.oauth.register(uri)


def test_a_code_works_once(house: House) -> None:
    """The second use is refused, and so is any after a failed one."""
    code = house.returned()["code"]
    house.exchange(code)
    assert refused(house.exchange, code) == (400, "invalid_grant")
    code = house.returned()["code"]
    assert refused(house.exchange, code, code_verifier="w" * 43) == (400, "invalid_grant")
    assert refused(house.exchange, code) == (400, "invalid_grant")


def test_a_code_lives_a_minute(house: House) -> None:
    """It works until 60 s have passed."""
    first, second = house.returned()["code"], house.returned()["code"]
    house.clock.tick(59.9)
    house.exchange(first)
    house.clock.tick(0.1)
    assert refused(house.exchange, second) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "sandbox_code_9"},
        {"code": ""},
        {"redirect_uri": "http://127.0.0.1:1/"},
        {"redirect_uri": ""},
        {"code_verifier": ""},
        {"code_verifier": "v" * 42},
        {"code_verifier": "v" * 44},
        {"code_verifier": "é" * 43},
        {"code_verifier": CHALLENGE},
    ],
)
def test_a_code_is_bound_to_its_consent(house: House, changes: dict[str, str]) -> None:
    """Address and PKCE verifier have to be those of the consent."""
    code = house.returned()["code"]
    assert refused(house.exchange, **{"code": code, **changes}) == (400, "invalid_grant")


def test_pkce_is_optional(house: House) -> None:
    """A consent without a challenge needs no verifier, as Brex has it."""
    code = house.returned(code_challenge="", code_challenge_method="")["code"]
    assert "access_token" in house.exchange(code, code_verifier="")


def test_refresh_tokens_rotate(house: House) -> None:
    """Each use gives a new pair of the same scopes; the old refresh token is refused, the new one works."""
    tokens = [house.consented()]
    for _ in range(3):
        tokens.append(house.refresh(tokens[-1]["refresh_token"]))
        for used in tokens[:-1]:
            assert refused(house.refresh, used["refresh_token"]) == (400, "invalid_grant")
    assert len({one["refresh_token"] for one in tokens} | {one["access_token"] for one in tokens}) == 8
    assert {one["scope"] for one in tokens} == {QUERY["scope"]}
    assert [house.opens(one["access_token"]) for one in tokens] == ["yes"] * 4
    assert house.oauth.granted == {"authorization_code": 1, "refresh_token": 9}


def test_refresh_tokens_live_ninety_days(house: House) -> None:
    """From their last use."""
    token = house.consented()["refresh_token"]
    day = 24 * 3600
    for _ in range(3):
        house.clock.tick(89 * day)
        token = house.refresh(token)["refresh_token"]
    house.clock.tick(90 * day)
    assert refused(house.refresh, token) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "wrong", [{"client_secret": "x"}, {"client_secret": ""}, {"client_id": "x"}, {"client_id": ""}]
)
def test_the_client_is_checked_first(house: House, wrong: dict[str, str]) -> None:
    """A wrong id or secret is refused and spends nothing."""
    code, token = house.returned()["code"], house.consented()["refresh_token"]
    assert refused(house.exchange, code, **wrong) == (401, "invalid_client")
    assert refused(house.refresh, token, **wrong) == (401, "invalid_client")
    assert refused(house.oauth.revoke, list({**CLIENT, **wrong, "token": token}.items())) == (401, "invalid_client")
    assert "access_token" in house.exchange(code)
    assert "access_token" in house.refresh(token)


@pytest.mark.parametrize("kind", ["", "password", "client_credentials"])
def test_other_grant_types_are_refused(house: House, kind: str) -> None:
    """Brex has client credentials for another API only."""
    assert refused(house.ask, grant_type=kind) == (400, "unsupported_grant_type")


def test_a_parameter_given_twice_is_refused(house: House) -> None:
    """In the query and in both forms."""
    twice = [("client_id", CLIENT_ID), ("client_id", CLIENT_ID)]
    for call in (house.oauth.authorize, house.oauth.token, house.oauth.revoke):
        assert refused(call, twice) == (400, "invalid_request")


def test_access_tokens_expire(house: House) -> None:
    """After their lifetime they are a gateway's 403, as documented."""
    token = house.consented()["access_token"]
    house.clock.tick(3599.9)
    assert house.opens(token) == "yes"
    house.clock.tick(0.1)
    with pytest.raises(Refused) as caught:
        house.brex.authorize(f"Bearer {token}", READ)
    assert (caught.value.status, caught.value.message, caught.value.shape) == (403, "Expired token", "gateway")


def test_the_switches() -> None:
    """A lifetime of choice, which the answer tells or not."""
    house = House(Rules(access_token_lifetime=5))
    tokens = house.consented()
    assert tokens["expires_in"] == 5
    house.brex.rules = attrs.evolve(house.brex.rules, send_expires_in=False)
    silent = house.refresh(tokens["refresh_token"])
    assert "expires_in" not in silent
    house.clock.tick(5)
    assert house.opens(silent["access_token"]) == "Expired token"


@pytest.mark.parametrize(
    "wrong", [{"access_token_lifetime": 0}, {"access_token_lifetime": "5"}, {"send_expires_in": 1}]
)
def test_switches_of_another_kind_are_refused(wrong: dict[str, Any]) -> None:
    """They are named."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Rules(**wrong)


def test_revoking(house: House) -> None:
    """A refresh token goes with its access token, an access token goes alone, and the unknown is no error."""
    first, second = house.consented(), house.consented()
    house.brex.tokens["bxt_user"] = ALL_SCOPES
    for token in (first["refresh_token"], first["refresh_token"], second["access_token"], "unknown", "bxt_user"):
        house.oauth.revoke(list({**CLIENT, "token": token}.items()))
    assert house.opens(first["access_token"]) == house.opens(second["access_token"]) == "Invalid or Revoked Token"
    assert refused(house.refresh, first["refresh_token"]) == (400, "invalid_grant")
    assert "access_token" in house.refresh(second["refresh_token"])
    assert house.opens("bxt_user") == "yes"
    assert refused(house.oauth.revoke, list(CLIENT.items())) == (400, "invalid_request")


def test_a_new_token_does_not_lift_the_limit() -> None:
    """Brex limits the client and its company, so tokens of one client count together."""
    house = House(Rules(rate_limit=2, rate_window=10))
    tokens = house.consented()
    later = house.refresh(tokens["refresh_token"])
    waits = [house.brex.admit(token) for token in (tokens["access_token"], later["access_token"])]
    assert waits == [None, None]
    assert house.brex.admit(later["access_token"]) == 10
    assert house.brex.admit("bxt_user") is None


def test_a_refusal_is_json() -> None:
    """In RFC 6749's two names."""
    assert OAuthRefused(400, "invalid_grant", "No.").body() == b'{"error":"invalid_grant","error_description":"No."}'
