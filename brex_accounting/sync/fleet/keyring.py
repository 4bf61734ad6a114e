"""What tokens are encrypted with where they are kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ...errors import ConfigurationError
from ...session.discreet import discreet

__all__ = ["VARIABLE", "Keyring"]

VARIABLE: Final = "BREX_FLEET_KEYS"
"""The environment variable that holds the keys."""


class Keyring:
    """Fernet keys, newest first: the first encrypts, each decrypts.

    To change the key: put a new one first and restart the workers, let ``Fleet.init`` encrypt all anew, and take
    the old one away. Raises ``ConfigurationError``, which never shows a key.
    """

    @discreet
    def __init__(self, keys: Sequence[str]) -> None:
        if isinstance(keys, str) or not keys:
            raise ConfigurationError("give a list of Fernet keys, newest first")
        try:
            self._keys = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise ConfigurationError("a key is 32 bytes in URL-safe base64, as Keyring.new_key() makes") from None

    @classmethod
    def from_environment(cls) -> Keyring:
        """The keys in BREX_FLEET_KEYS, separated by commas."""
        keys = [key.strip() for key in os.environ.get(VARIABLE, "").split(",") if key.strip()]
        if not keys:
            raise ConfigurationError(f"no key: set {VARIABLE} to one that fleet new-key prints")
        return cls(keys)

    @staticmethod
    def new_key() -> str:
        """A new key. Keep it as you keep the tokens: without it they are lost."""
        return Fernet.generate_key().decode()

    @discreet
    def seal(self, secret: bytes) -> bytes:
        """The secret, encrypted under the newest key."""
        return self._keys.encrypt(secret)

    @discreet
    def unseal(self, sealed: bytes) -> bytes:
        """What was sealed under any of the keys."""
        try:
            return self._keys.decrypt(sealed)
        except InvalidToken:
            raise ConfigurationError(
                f"none of the keys in {VARIABLE} opens what is kept: the right one is missing"
            ) from None

    @discreet
    def sealed_anew(self, sealed: bytes) -> bytes:
        """The same secret under the newest key."""
        return self.seal(self.unseal(sealed))

    def __repr__(self) -> str:
        return "Keyring(...)"
