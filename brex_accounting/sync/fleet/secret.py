"""A company's token as it is kept: one that never changes, or a pair that is refreshed. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import attrs
import msgspec

from ...errors import ConfigurationError
from ...session.grants import TokenPair

__all__ = ["OVER", "Secret", "read_secret", "refreshed_first", "written"]

OVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When an access token ended that nobody may use."""


@attrs.frozen(kw_only=True)
class Secret:
    """``refresh_token`` and ``expires_at`` are None for a token that cannot be refreshed."""

    access_token: str = attrs.field(repr=False)
    refresh_token: str | None = attrs.field(default=None, repr=False)
    expires_at: datetime | None = None

    @classmethod
    def of(cls, token: str | TokenPair) -> Secret:
        """What is kept of a token or a pair."""
        if isinstance(token, str):
            return cls(access_token=token)
        return cls(access_token=token.access_token, refresh_token=token.refresh_token, expires_at=token.expires_at)

    @property
    def pair(self) -> TokenPair | None:
        """The pair; None for a token that cannot be refreshed."""
        if self.refresh_token is None or self.expires_at is None:
            return None
        return TokenPair(access_token=self.access_token, refresh_token=self.refresh_token, expires_at=self.expires_at)

    def seconds_left(self, now: datetime) -> float:
        """How long the access token lives; endless for one that cannot be refreshed."""
        return float("inf") if self.expires_at is None else (self.expires_at - now).total_seconds()


def written(secret: Secret) -> bytes:
    """The bytes to encrypt."""
    moment = None if secret.expires_at is None else secret.expires_at.astimezone(UTC).isoformat()
    return msgspec.json.encode([secret.access_token, secret.refresh_token, moment])


def read_secret(data: bytes) -> Secret:
    """What ``written`` wrote. Raises ``ConfigurationError`` for anything else, and shows none of it."""
    try:
        access, refresh, moment = msgspec.json.decode(data, type=tuple[str, str | None, str | None])
        expires_at = None if moment is None else datetime.fromisoformat(moment)
    except ValueError:
        raise ConfigurationError("what is kept as a token is none: add the company again") from None
    return Secret(access_token=access, refresh_token=refresh, expires_at=expires_at)


def refreshed_first(refresh_token: str) -> TokenPair:
    """The pair of a refresh token alone: it is refreshed before its first use."""
    over = "none"
    return TokenPair(access_token=over, refresh_token=refresh_token, expires_at=OVER)
