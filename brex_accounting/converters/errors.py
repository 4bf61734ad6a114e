"""Error answers -> exceptions. Three shapes of body: accounting, gateway, and none that can be read.

Sources: Brex, Accounting API reference (``error_code``, ``message``, ``details``); general error guide
(``type``, ``message``); an unauthenticated request gets an empty 401, a dead token a 403 in the gateway's
shape, as seen on the wire.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import attrs
import msgspec

from ..enums import ErrorCode
from ..errors import (
    ActiveIntegrationExists,
    APIStatusError,
    AuthenticationError,
    BadRequest,
    CursorExpired,
    DuplicateAccountingRecordIds,
    IntegrationNotActive,
    RateLimitError,
    RecordsNotFound,
    RecordsNotReadyForExport,
    ServerError,
    VendorAccountIdMismatch,
)
from ..models import JsonValue
from ..session.call import Refusal, Reply, trace_id
from ..statuses import error_class

__all__ = ["TRACE_HEADER", "ErrorBody", "refuse", "refuse_with_cursor"]

TRACE_HEADER = "x-brex-trace-id"

_DEPTH = 20
"""Details that are nested deeper are nobody's: errors must stay picklable."""

_BY_CODE: Final[Mapping[ErrorCode, type[APIStatusError]]] = MappingProxyType(
    {
        ErrorCode.ACTIVE_INTEGRATION_EXISTS: ActiveIntegrationExists,
        ErrorCode.VENDOR_ACCOUNT_ID_MISMATCH: VendorAccountIdMismatch,
        ErrorCode.INTEGRATION_NOT_ACTIVE: IntegrationNotActive,
        ErrorCode.DUPLICATE_ACCOUNTING_RECORD_IDS: DuplicateAccountingRecordIds,
        ErrorCode.ACCOUNTING_RECORD_NOT_READY_FOR_EXPORT: RecordsNotReadyForExport,
    }
)
# Never across the word scope: a token that is alive may hold the wrong ones.
_DEAD = re.compile(
    r"(invalid|revoked|expired)\W+((?!scope)\w+\W+){0,3}token|token\W+((?!scope)\w+\W+){0,3}(invalid|revoked|expired)",
    re.IGNORECASE,
)


@attrs.frozen(kw_only=True)
class ErrorBody:
    """What could be read of an error body."""

    error_code: ErrorCode | None = None
    message: str | None = None
    details: Mapping[str, JsonValue] = attrs.field(factory=dict)


def refuse(reply: Reply, where: str) -> Refusal:
    """The exception for an error answer, and whether the token is dead."""
    body = _read(reply.body)
    dead = reply.status == 401 or (reply.status == 403 and bool(_DEAD.search(body.message or "")))
    kind = AuthenticationError if dead else _kind(reply, body)
    error = kind(
        where,
        status=reply.status,
        error_code=body.error_code,
        message=body.message,
        details=body.details,
        trace_id=trace_id(reply.headers, TRACE_HEADER),
    )
    return Refusal(error=error, token_dead=dead)


def refuse_with_cursor(reply: Reply, where: str) -> Refusal:
    """Like ``refuse``, for a request that carried a cursor: a 400 about it is ``CursorExpired``."""
    refusal = refuse(reply, where)
    # The accounting pages do not say what a bad cursor gets; other Brex APIs say "Invalid cursor".
    if isinstance(refusal.error, BadRequest) and "cursor" in (refusal.error.message or "").lower():
        trace = f" (trace id {refusal.error.trace_id})" if refusal.error.trace_id else ""
        return Refusal(error=CursorExpired(f"{where}: the cursor was refused{trace}; start the list again"))
    return refusal


def _kind(reply: Reply, body: ErrorBody) -> type[APIStatusError]:
    by_status = error_class(reply)
    if by_status is RateLimitError or by_status is ServerError:
        return by_status
    if body.error_code is not None and body.error_code in _BY_CODE:
        return _BY_CODE[body.error_code]
    if reply.status == 404 and "not_found_export_entry_source_ids" in body.details:
        return RecordsNotFound
    return by_status


def _read(data: bytes) -> ErrorBody:
    try:
        body = msgspec.json.Decoder(float_hook=Decimal).decode(data)
    except (msgspec.DecodeError, ArithmeticError, ValueError, RecursionError):
        return ErrorBody()
    if not isinstance(body, dict):
        return ErrorBody()
    code = body.get("error_code", body.get("type"))
    message = body.get("message")
    details = body.get("details")
    return ErrorBody(
        error_code=ErrorCode(code) if isinstance(code, str) else None,
        message=message if isinstance(message, str) else None,
        details=details if isinstance(details, dict) and _is_shallow(details, _DEPTH) else {},
    )


def _is_shallow(value: object, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth > 0 and all(_is_shallow(one, depth - 1) for one in inner)
