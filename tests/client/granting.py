"""Consents at a sandbox, sources of tokens for them, and a clock that does not let anybody wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from brex_accounting import OAuthTokens
from brex_accounting.oauth import OAuthApp, TokenPair
from brex_accounting.sandbox import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Sandbox

__all__ = ["Customer", "Hurried", "app_of"]

SCOPES = ("accounting.record.read", "accounting.record.write", "accounting.integration.write")


class Hurried:
    """Sleeping moves it, and it can be moved; it serves as a client's clock and as a sandbox's."""

    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 11, 20, 12, tzinfo=UTC) + timedelta(seconds=self.time)

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def app_of(sandbox: Sandbox, **options: Any) -> OAuthApp:
    """The application that the sandbox knows."""
    given = {"redirect_uri": REDIRECT_URI, "base_url": sandbox.oauth_url, **options}
    return OAuthApp(CLIENT_ID, CLIENT_SECRET, **given)


class Customer:
    """One who consented: the pairs saved, latest last, and the sources made of them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.saved: list[TokenPair] = []

    async def save(self, pair: TokenPair) -> None:
        """Keeps it."""
        self.saved.append(pair)

    async def consent(self, *scopes: str, **options: Any) -> TokenPair:
        """The first pair."""
        app = app_of(self.sandbox, **options)
        consent = app.begin(scopes or SCOPES)
        await self.save(await app.finish(consent, **self.sandbox.consent(consent.url)))
        return self.saved[-1]

    def source(self, *, fresh: bool = True, **options: Any) -> OAuthTokens:
        """A source for the latest pair; not ``fresh``: with the refresh token alone."""
        pair = self.saved[-1]
        known = {"access_token": pair.access_token, "expires_at": pair.expires_at} if fresh else {}
        given = {"save": self.save, "token_url": f"{self.sandbox.oauth_url}/v1/token", **known, **options}
        return OAuthTokens(CLIENT_ID, CLIENT_SECRET, pair.refresh_token, **given)

    @property
    def refreshes(self) -> int:
        """How many the server was asked for."""
        return self.sandbox.oauth.granted["refresh_token"]
