"""How the local Brex says no."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import msgspec

from ..enums import ErrorCode
from ..models import JsonValue

__all__ = [
    "Refused",
    "Shape",
    "bad_request",
    "dead_token",
    "forbidden",
    "invalid",
    "missing",
    "no_credential",
    "not_found",
]

Shape = str
"""The body's shape: "accounting", "gateway" or "empty"."""


@attrs.frozen
class Refused(Exception):
    """An error answer: a status, and a body in one of Brex's three shapes."""

    status: int
    error_code: str = ""
    message: str = ""
    details: Mapping[str, JsonValue] | None = None
    shape: Shape = "accounting"

    def body(self) -> bytes:
        """The JSON, or nothing."""
        if self.shape == "empty":
            return b""
        if self.shape == "gateway":
            return msgspec.json.encode({"type": self.error_code, "message": self.message})
        content: dict[str, object] = {"error_code": self.error_code, "message": self.message}
        if self.details is not None:
            content["details"] = self.details
        return msgspec.json.encode(content)


def invalid(message: str) -> Refused:
    """400: the request is malformed."""
    return Refused(400, ErrorCode.INVALID_REQUEST.value, message)


def not_found(what: str) -> Refused:
    """404: there is no such thing."""
    return Refused(404, ErrorCode.NOT_FOUND.value, f"No such {what}.")


def bad_request(message: str) -> Refused:
    """400 outside the accounting API, in the shape of Brex's general guide (guess: the pages show no body)."""
    return Refused(400, ErrorCode.INVALID_REQUEST.value, message, shape="gateway")


def missing(what: str) -> Refused:
    """404 outside the accounting API, in the same shape."""
    return Refused(404, ErrorCode.NOT_FOUND.value, f"No such {what}.", shape="gateway")


def no_credential() -> Refused:
    """401 without a body, as the gateway answers a request without a bearer token."""
    return Refused(401, shape="empty")


def dead_token(message: str = "Invalid or Revoked Token") -> Refused:
    """403 in the gateway's shape, as it answers a token it does not accept (any more)."""
    return Refused(403, ErrorCode.FORBIDDEN.value, message, shape="gateway")


def forbidden(scope: str) -> Refused:
    """403: the token is alive and lacks a scope."""
    return Refused(403, ErrorCode.FORBIDDEN.value, f"The token lacks the scope {scope}.")
