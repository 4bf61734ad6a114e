"""Which addresses a secret may travel to."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from .errors import ConfigurationError

__all__ = ["checked_url", "is_loopback"]

_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9])?\.?|[0-9a-f:.]+", re.ASCII)


def checked_url(url: str, name: str = "base_url") -> str:
    """The URL without a trailing slash. https, or anything on loopback; no user, query or fragment."""
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        raise ConfigurationError(f"{name} is a string without blanks or control characters")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError like the split
    except ValueError:
        raise ConfigurationError(f"{name} is not a URL: its host or port is malformed") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(f"{name} must be an absolute http(s) URL such as https://api.example.com")
    if not _HOST.fullmatch(parts.hostname):
        raise ConfigurationError(f"{name} holds a host name that cannot be one")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"{name} must not hold a user or password")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must not hold a query or fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigurationError(f"{name} must be https: a token must not travel in clear text off this machine")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
