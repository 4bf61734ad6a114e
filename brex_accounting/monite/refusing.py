"""Error answers -> exceptions. Three envelopes, and bodies that are none of them.

Sources: Monite's OpenAPI document (``error``, ``detail``), its SDK for React (``message`` from the gateway);
an expired token is documented as a 400.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import attrs
import msgspec

from ..errors import AuthenticationError, BadRequest, CursorExpired, UnprocessableEntity
from ..session.call import Refusal, Reply, trace_id
from ..statuses import error_class
from ..wiretypes import JsonValue

__all__ = ["ErrorBody", "read_error", "refuse", "refuse_with_token"]

_DEPTH: Final = 20
"""Details that are nested deeper are nobody's: errors must stay picklable."""
_PAGINATION: Final = re.compile(r"pagination.?token", re.IGNORECASE)
# At most three words between the two: what else is said of tokens is not that one is dead.
_DEAD: Final = re.compile(
    r"\btoken\b\W+(\w+\W+){0,3}(invalid|revoked|expired)|\b(invalid|revoked|expired)\W+(\w+\W+){0,3}token\b",
    re.IGNORECASE,
)


@attrs.frozen(kw_only=True)
class ErrorBody:
    """What could be read of an error body."""

    message: str | None = None
    details: Mapping[str, JsonValue] = attrs.field(factory=dict)


def refuse(reply: Reply, where: str, request_id_header: str) -> Refusal:
    """The exception for an error answer, and whether the token is dead."""
    body = read_error(reply.body)
    dead = reply.status == 401 or (reply.status in (400, 403) and _is_about_the_token(body.message or ""))
    kind = AuthenticationError if dead else error_class(reply)
    error = kind(
        where,
        status=reply.status,
        message=body.message,
        details=body.details,
        trace_id=trace_id(reply.headers, request_id_header),
    )
    return Refusal(error=error, token_dead=dead)


def refuse_with_token(reply: Reply, where: str, request_id_header: str) -> Refusal:
    """Like ``refuse``, for a request with a pagination token: a refusal of that is ``CursorExpired``."""
    refusal = refuse(reply, where, request_id_header)
    error = refusal.error
    if isinstance(error, (BadRequest, UnprocessableEntity)) and _PAGINATION.search(error.message or ""):
        trace = f" (trace id {error.trace_id})" if error.trace_id else ""
        return Refusal(error=CursorExpired(f"{where}: the pagination token was refused{trace}; start the list again"))
    return refusal


def read_error(data: bytes) -> ErrorBody:
    """An error body in any of the three envelopes; empty when it is none of them."""
    try:
        body = msgspec.json.Decoder(float_hook=Decimal).decode(data)
    except (msgspec.DecodeError, ArithmeticError, ValueError, RecursionError):
        return ErrorBody()
    if not isinstance(body, dict) or not _is_shallow(body, _DEPTH):
        return ErrorBody()
    match body:
        case {"error": {"message": str(message)} as inner}:
            more = {str(name): value for name, value in inner.items() if name != "message"}
            return ErrorBody(message=message, details=more)
        case {"detail": [*problems]}:
            return ErrorBody(message=_in_words(problems), details={"detail": problems})
        case {"message": str(message)}:
            return ErrorBody(message=message)
    return ErrorBody()


def _in_words(problems: Sequence[object]) -> str | None:
    lines = []
    for problem in problems:
        if isinstance(problem, dict) and isinstance(problem.get("msg"), str):
            loc = problem.get("loc")
            place = ".".join(map(str, loc)) if isinstance(loc, list) else ""
            lines.append(f"{place}: {problem['msg']}" if place else problem["msg"])
    return "; ".join(lines) or None


def _is_about_the_token(message: str) -> bool:
    return _DEAD.search(message) is not None and _PAGINATION.search(message) is None


def _is_shallow(value: object, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth > 0 and all(_is_shallow(one, depth - 1) for one in inner)
