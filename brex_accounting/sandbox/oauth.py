"""Brex's OAuth server, without HTTP: queries and forms in, tokens or a refusal out.

One client is registered. The customer always consents, to everything that is asked.

Source: Brex, partner authentication guide; RFC 6749, RFC 7009 and RFC 7636.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

import attrs
import msgspec

from ..urls import is_loopback
from .rules import ALL_SCOPES, LocalBrex

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI", "LocalOAuth", "OAuthRefused", "discovery"]

CLIENT_ID: Final = "sandbox_client"
CLIENT_SECRET: Final = "sandbox_secret"  # noqa: S105 - opens nothing but the sandbox
REDIRECT_URI: Final = "http://127.0.0.1:8000/callback"

SCOPES: Final = ALL_SCOPES | {"openid", "offline_access", "accounting.integration.read"}
_CODE_LIFE: Final = timedelta(seconds=60)  # guess: RFC 6749 allows ten minutes at most
_REFRESH_LIFE: Final = timedelta(days=90)
_SHORTEST_STATE: Final = 9  # "more than 8 characters"
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@attrs.frozen
class OAuthRefused(Exception):
    """An error answer in the shape of RFC 6749, section 5.2."""

    status: int
    error: str
    description: str

    def body(self) -> bytes:
        """The JSON."""
        return msgspec.json.encode({"error": self.error, "error_description": self.description})


@attrs.frozen(kw_only=True)
class _Code:
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str | None
    expires_at: datetime


@attrs.define(kw_only=True)
class _Grant:
    """What a customer consented to, and the tokens it is worth now."""

    scopes: tuple[str, ...]
    access_token: str = ""
    refresh_token: str = ""
    refresh_until: datetime


class LocalOAuth:
    """The OAuth server of one ``LocalBrex``. ``fresh`` gives a new random text each time."""

    def __init__(self, brex: LocalBrex, *, fresh: Callable[[], str]) -> None:
        self.client_id: str = CLIENT_ID
        self.client_secret: str = CLIENT_SECRET
        self.redirect_uris: set[str] = {REDIRECT_URI}
        self.granted: Counter[str] = Counter()
        """How often each grant type was asked for, refused ones included."""
        self._brex = brex
        self._fresh = fresh
        self._codes: dict[str, _Code] = {}
        self._grants: dict[str, _Grant] = {}

    def register(self, redirect_uri: str) -> None:
        """Allow one more address to be sent back to; only loopback, because customers consent unasked."""
        parts = urlsplit(redirect_uri)
        if parts.scheme != "http" or not is_loopback(parts.hostname or "") or parts.fragment:
            raise ValueError("the sandbox sends customers back to http on loopback only")
        self.redirect_uris.add(redirect_uri)

    # The customer's consent.

    def authorize(self, query: Sequence[tuple[str, str]]) -> str:
        """Where to send the customer's browser: back to the application, with a code or an error."""
        asked = _once(query)
        redirect_uri = asked.get("redirect_uri", "")
        # Never redirect for these two: the address is not to be trusted.
        if asked.get("client_id") != self.client_id:
            raise OAuthRefused(400, "invalid_request", "There is no such client.")
        if redirect_uri not in self.redirect_uris:
            raise OAuthRefused(400, "invalid_request", "The redirect_uri is not registered.")
        state = {"state": asked["state"]} if "state" in asked else {}
        try:
            answer = {"code": self._code(asked), **state}
        except OAuthRefused as refused:
            answer = {"error": refused.error, "error_description": refused.description, **state}
        return f"{redirect_uri}{'&' if urlsplit(redirect_uri).query else '?'}{urlencode(answer)}"

    def _code(self, asked: Mapping[str, str]) -> str:
        scopes = tuple(dict.fromkeys(asked.get("scope", "").split()))
        challenge = asked.get("code_challenge")
        if asked.get("response_type") != "code":
            raise OAuthRefused(400, "unsupported_response_type", "The response_type is code.")
        if "openid" not in scopes or not SCOPES.issuperset(scopes):
            raise OAuthRefused(400, "invalid_scope", "openid is required, and every scope must be known.")
        if len(asked.get("state", "")) < _SHORTEST_STATE:
            raise OAuthRefused(400, "invalid_request", "The state needs more than 8 characters.")
        hashed = asked.get("code_challenge_method") == "S256" and _CHALLENGE.fullmatch(challenge or "")
        if challenge is not None and not hashed:
            raise OAuthRefused(400, "invalid_request", "The code_challenge is hashed by the method S256.")
        code = f"sandbox_code_{self._fresh()}"
        self._codes[code] = _Code(
            redirect_uri=asked["redirect_uri"],
            scopes=scopes,
            challenge=challenge,
            expires_at=self._brex.now() + _CODE_LIFE,
        )
        return code

    # The application's requests.

    def token(self, form: Sequence[tuple[str, str]]) -> dict[str, object]:
        """The tokens for a code or a refresh token. Both work once."""
        asked = _once(form)
        kind = asked.get("grant_type", "")
        grants = {"authorization_code": self._by_code, "refresh_token": self._by_refresh_token}
        self.granted[kind if kind in grants else ""] += 1
        self._check_client(asked)
        if kind not in grants:
            raise OAuthRefused(400, "unsupported_grant_type", "The grant_type is authorization_code or refresh_token.")
        return self._issue(grants[kind](asked))

    def _by_code(self, asked: Mapping[str, str]) -> _Grant:
        code = self._codes.pop(asked.get("code", ""), None)
        if code is None or self._brex.now() >= code.expires_at:
            raise _invalid_grant("The code is unknown, used or expired.")
        if asked.get("redirect_uri") != code.redirect_uri:
            raise _invalid_grant("The redirect_uri is not that of the code.")
        if code.challenge is not None and not _proves(asked.get("code_verifier", ""), code.challenge):
            raise _invalid_grant("The code_verifier does not match.")
        return _Grant(scopes=code.scopes, refresh_until=self._brex.now() + _REFRESH_LIFE)

    def _by_refresh_token(self, asked: Mapping[str, str]) -> _Grant:
        # guess: the old one dies at once; Brex says no more than that it should be rotated
        grant = self._grants.pop(asked.get("refresh_token", ""), None)
        if grant is None or self._brex.now() >= grant.refresh_until:
            raise _invalid_grant("The refresh token is unknown, used, expired or revoked.")
        grant.refresh_until = self._brex.now() + _REFRESH_LIFE
        return grant

    def _issue(self, grant: _Grant) -> dict[str, object]:
        rules = self._brex.rules
        # The access token before it lives on until it expires.
        grant.access_token = f"sandbox_access_{self._fresh()}"
        self._brex.tokens[grant.access_token] = ALL_SCOPES.intersection(grant.scopes)
        life = timedelta(seconds=rules.access_token_lifetime)
        self._brex.expiries[grant.access_token] = self._brex.now() + life
        answer: dict[str, object] = {
            "access_token": grant.access_token,
            "token_type": "Bearer",
            "scope": " ".join(grant.scopes),
        }
        if rules.send_expires_in:
            answer["expires_in"] = rules.access_token_lifetime
        if "offline_access" in grant.scopes:
            grant.refresh_token = f"sandbox_refresh_{self._fresh()}"
            self._grants[grant.refresh_token] = grant
            answer["refresh_token"] = grant.refresh_token
        return answer

    def revoke(self, form: Sequence[tuple[str, str]]) -> None:
        """Make a token useless; an unknown one is useless already."""
        asked = _once(form)
        self._check_client(asked)
        if "token" not in asked:
            raise OAuthRefused(400, "invalid_request", "The token is missing.")
        grant = self._grants.pop(asked["token"], None)
        # guess: a refresh token takes its access token with it, as RFC 7009 recommends
        access = asked["token"] if grant is None else grant.access_token
        if access in self._brex.expiries:
            self._brex.tokens.pop(access, None)

    def _check_client(self, asked: Mapping[str, str]) -> None:
        if (asked.get("client_id"), asked.get("client_secret")) != (self.client_id, self.client_secret):
            raise OAuthRefused(401, "invalid_client", "The client_id or client_secret is wrong.")


def discovery(base_url: str) -> dict[str, object]:
    """The openid-configuration of the server at ``base_url``."""
    return {
        "issuer": base_url,
        "authorization_endpoint": f"{base_url}/v1/authorize",
        "token_endpoint": f"{base_url}/v1/token",
        "revocation_endpoint": f"{base_url}/v1/revoke",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "scopes_supported": sorted(SCOPES),
    }


def _once(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    asked = dict(pairs)
    if len(asked) != len(pairs):
        raise OAuthRefused(400, "invalid_request", "A parameter is given twice.")
    return asked


def _proves(verifier: str, challenge: str) -> bool:
    if not _VERIFIER.fullmatch(verifier):
        return False
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode() == challenge


def _invalid_grant(description: str) -> OAuthRefused:
    return OAuthRefused(400, "invalid_grant", description)
