"""How the local Monite says no: three envelopes."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import msgspec

__all__ = ["MoniteRefused", "not_found", "refused", "throttled", "unprocessable"]


@attrs.frozen
class MoniteRefused(Exception):
    """An error answer: a status and a body."""

    status: int
    content: object

    def body(self) -> bytes:
        """The JSON."""
        return msgspec.json.encode(self.content)


def refused(status: int, message: str, kind: str | None = None) -> MoniteRefused:
    """An error of the service; ``kind`` is only known of one."""
    error = {"message": message} if kind is None else {"type": kind, "message": message}
    return MoniteRefused(status, {"error": error})


def unprocessable(place: Sequence[str | int], message: str, kind: str = "value_error") -> MoniteRefused:
    """422: a part of the request is missing or wrong."""
    return MoniteRefused(422, {"detail": [{"loc": list(place), "msg": message, "type": kind}]})


def not_found(what: str) -> MoniteRefused:
    """404."""
    # guess: the document names no 404 for these operations, the rest of the API has many
    return refused(404, f"There is no such {what}.")


def throttled() -> MoniteRefused:
    """429 in the gateway's envelope."""
    # guess: the headers are Kong's, and so may the body be
    return MoniteRefused(429, {"message": "API rate limit exceeded"})
