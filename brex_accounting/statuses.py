"""Which error an HTTP status is, where a body says nothing more exact."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .errors import (
    APIStatusError,
    AuthenticationError,
    BadRequest,
    Conflict,
    NotFound,
    PermissionDenied,
    RateLimitError,
    ServerError,
    UnprocessableEntity,
)
from .session.call import Reply

__all__ = ["error_class"]

_BY_STATUS: Final[Mapping[int, type[APIStatusError]]] = MappingProxyType(
    {
        400: BadRequest,
        401: AuthenticationError,
        403: PermissionDenied,
        404: NotFound,
        409: Conflict,
        422: UnprocessableEntity,
    }
)


def error_class(reply: Reply) -> type[APIStatusError]:
    """The class of the error that a reply is."""
    if reply.status == 429 or (reply.status == 503 and reply.says_when):
        return RateLimitError
    if reply.status >= 500:
        return ServerError
    return _BY_STATUS.get(reply.status, APIStatusError)
