"""Brex's Accounting API: typed, exact records streamed out of a paged list, and results reported back."""

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .auth import FixedToken
    from .client import BrexAccounting, warm_up
    from .converters import from_json, to_json
    from .errors import (
        ActiveIntegrationExists,
        APIConnectionError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequest,
        BrexError,
        CheckpointMismatch,
        ConfigurationError,
        Conflict,
        CursorExpired,
        CursorLoop,
        DeadlineExceeded,
        DecodeError,
        DuplicateAccountingRecordIds,
        IntegrationNotActive,
        LeaseLost,
        MoveRefused,
        NotFound,
        PaginationError,
        PermissionDenied,
        RateLimitError,
        RecordsNotFound,
        RecordsNotReadyForExport,
        ResponseTooLarge,
        ServerError,
        StoreCorrupt,
        StoreError,
        StoreFull,
        StoreMismatch,
        StoreTooNew,
        StoreUnavailable,
        TokenRefreshError,
        UnprocessableEntity,
        VendorAccountIdMismatch,
        WebhookVerificationError,
    )
    from .models import (
        ALL_TIME,
        AccountingRecord,
        Checkpoint,
        ExportFailure,
        ExportSuccess,
        Integration,
        LineItem,
        Money,
        Page,
        UpdatedAt,
    )
    from .oauth import OAuthTokens
    from .session.limiter import RateLimit
    from .session.retry import RetryPolicy
    from .windows import ScanCheckpoint

__all__ = [
    "ALL_TIME",
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AccountingRecord",
    "ActiveIntegrationExists",
    "AuthenticationError",
    "BadRequest",
    "BrexAccounting",
    "BrexError",
    "Checkpoint",
    "CheckpointMismatch",
    "ConfigurationError",
    "Conflict",
    "CursorExpired",
    "CursorLoop",
    "DeadlineExceeded",
    "DecodeError",
    "DuplicateAccountingRecordIds",
    "ExportFailure",
    "ExportSuccess",
    "FixedToken",
    "Integration",
    "IntegrationNotActive",
    "LeaseLost",
    "LineItem",
    "Money",
    "MoveRefused",
    "NotFound",
    "OAuthTokens",
    "Page",
    "PaginationError",
    "PermissionDenied",
    "RateLimit",
    "RateLimitError",
    "RecordsNotFound",
    "RecordsNotReadyForExport",
    "ResponseTooLarge",
    "RetryPolicy",
    "ScanCheckpoint",
    "ServerError",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreMismatch",
    "StoreTooNew",
    "StoreUnavailable",
    "TokenRefreshError",
    "UnprocessableEntity",
    "UpdatedAt",
    "VendorAccountIdMismatch",
    "WebhookVerificationError",
    "__version__",
    "from_json",
    "to_json",
    "warm_up",
]

# A name is loaded when it is first used: who only catches an error never pays for a client.
_HOMES = {
    **dict.fromkeys(("from_json", "to_json"), "converters"),
    **dict.fromkeys(("ALL_TIME", "AccountingRecord", "Checkpoint", "ExportFailure", "ExportSuccess"), "models"),
    **dict.fromkeys(("Integration", "LineItem", "Money", "Page", "UpdatedAt"), "models"),
    "BrexAccounting": "client",
    "FixedToken": "auth",
    "OAuthTokens": "oauth",
    "RateLimit": "session.limiter",
    "RetryPolicy": "session.retry",
    "ScanCheckpoint": "windows",
    "warm_up": "client",
}
"""Where the names of ``__all__`` live; those that are not here are errors."""
_ROOMS = frozenset({"auth", "enums", "errors", "models", "oauth", "paging", "sandbox", "scanning"})


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f".{_HOMES.get(name, 'errors')}", __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
