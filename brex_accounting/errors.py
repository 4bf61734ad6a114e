"""Everything this package raises.

    BrexError
      ConfigurationError              wrong arguments; nothing was sent
        UnknownCompany                a company that no token is kept for
      APIConnectionError              nothing whole came back
        APITimeoutError               one attempt ran out of time
          DeadlineExceeded            the call with its retries ran out of time
      APIStatusError                  an error status came back
        BadRequest                    400
        AuthenticationError           401, or a 403 whose body says that the token is dead
        PermissionDenied              403
        NotFound                      404
          RecordsNotFound             ids in reported export results
        Conflict                      409
          ActiveIntegrationExists
          VendorAccountIdMismatch
          IntegrationNotActive
        UnprocessableEntity           422
          DuplicateAccountingRecordIds
          RecordsNotReadyForExport
        RateLimitError                429, or a 503 that says when to come back
        ServerError                   5xx
      DecodeError                     an answer that does not say what it should
      ResponseTooLarge                an answer over the limit in bytes
      PaginationError                 a list that cannot be walked
        CursorLoop                    a cursor came back that was used before
        CursorExpired                 a cursor was refused
      CheckpointMismatch              a checkpoint of another query
      ChartConflicts                  a chart of accounts contradicts itself, or Brex's; nothing was changed
      TokenRefreshError               the source of tokens failed
      WebhookVerificationError        a delivery that is not to be believed
      StoreError                      the store of a durable export failed; what it held is as it was
        StoreUnavailable              it cannot be opened, read or written now
          StoreFull                   there is no room to write
        StoreCorrupt                  damaged, or no store at all
        StoreTooNew                   written by a newer version of this package
        StoreMismatch                 of another company or accounting system
        LeaseLost                     somebody else took over what was claimed
        MoveRefused                   an export cannot go from its state to that one

Messages say what happened, where, and what to do. They never hold a token, a body, or words that a
server wrote: those are in attributes (``message``, ``details``) for whoever chooses to show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from .root_error import BrexError, ConfigurationError
from .store_errors import (
    LeaseLost,
    MoveRefused,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreMismatch,
    StoreTooNew,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from .enums import ErrorCode
    from .fields.models import ChartConflict
    from .models import JsonValue

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "ActiveIntegrationExists",
    "AuthenticationError",
    "BadRequest",
    "BrexError",
    "ChartConflicts",
    "CheckpointMismatch",
    "ConfigurationError",
    "Conflict",
    "CursorExpired",
    "CursorLoop",
    "DeadlineExceeded",
    "DecodeError",
    "DuplicateAccountingRecordIds",
    "IntegrationNotActive",
    "LeaseLost",
    "MoveRefused",
    "NotFound",
    "PaginationError",
    "PermissionDenied",
    "RateLimitError",
    "RecordsNotFound",
    "RecordsNotReadyForExport",
    "ResponseTooLarge",
    "ServerError",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreMismatch",
    "StoreTooNew",
    "StoreUnavailable",
    "TokenRefreshError",
    "UnknownCompany",
    "UnprocessableEntity",
    "VendorAccountIdMismatch",
    "WebhookVerificationError",
]


class UnknownCompany(ConfigurationError):
    """No token is kept for this company, so nothing was sent. Another company's would open another's books."""


class APIConnectionError(BrexError):
    """No whole answer came back. ``sent`` is False when the request certainly never left."""

    def __init__(self, text: str, *, sent: bool = True) -> None:
        super().__init__(text)
        self.sent = sent


class APITimeoutError(APIConnectionError):
    """An attempt ran out of its ``timeout`` seconds."""


class DeadlineExceeded(APITimeoutError):
    """The call, retries included, ran out of its ``deadline`` seconds."""


class APIStatusError(BrexError):
    """Brex answered with an error status.

    ``error_code``, ``message`` and ``details`` are the server's own, None or empty when the body held
    none. ``trace_id`` is what Brex's support asks for, ``retry_after`` how many seconds it said to stay away.
    """

    advice: ClassVar[str] = "See .message and .details for the server's own words."

    def __init__(
        self,
        where: str,
        *,
        status: int = 0,
        error_code: ErrorCode | None = None,
        message: str | None = None,
        details: Mapping[str, JsonValue] | None = None,
        trace_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(where)
        self.where = where
        self.status = status
        self.error_code = error_code
        self.message = message
        self.details: Mapping[str, JsonValue] = details or {}
        self.trace_id = trace_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        code = f" {self.error_code}" if self.error_code is not None and self.error_code.is_known else ""
        trace = f" (trace id {self.trace_id})" if self.trace_id else ""
        return f"{self.where} answered {self.status}{code}{trace}. {self.advice}"

    def _text(self, key: str) -> str | None:
        value = self.details.get(key)
        return value if isinstance(value, str) else None

    def _texts(self, key: str) -> tuple[str, ...]:
        value = self.details.get(key)
        return tuple(one for one in value if isinstance(one, str)) if isinstance(value, (list, tuple)) else ()


class BadRequest(APIStatusError):
    """400: the request is malformed or holds invalid data."""


class AuthenticationError(APIStatusError):
    """The token is missing, invalid, revoked or expired."""

    advice = "Make a new token, check the credentials, or renew the customer's consent."


class PermissionDenied(APIStatusError):
    """403: the token is alive but may not do this."""

    advice = "Ask for the scope that this call needs; a new token with the same scopes will not help."


class NotFound(APIStatusError):
    """404: there is no such thing for this company."""

    advice = "Check the id, and that the token is of the company that owns it."


class RecordsNotFound(NotFound):
    """Reported export results name records that do not exist. Nothing was updated."""

    advice = "Report again without .ids."

    @property
    def ids(self) -> tuple[str, ...]:
        """The record ids Brex does not know."""
        return self._texts("not_found_export_entry_source_ids")


class Conflict(APIStatusError):
    """409: the state of things forbids it.

    ``probably_ours``: an earlier attempt of the same call got no answer, and the details show the
    state it asked for.
    """

    probably_ours: bool = False


class ActiveIntegrationExists(Conflict):
    """An integration is active already; a Brex account has at most one."""

    advice = "Disconnect .existing_integration_id first, if the customer agrees."

    @property
    def existing_integration_id(self) -> str | None:
        """The integration that is active."""
        return self._text("existing_integration_id")

    @property
    def existing_vendor(self) -> str | None:
        """The vendor it belongs to."""
        return self._text("existing_vendor")

    @property
    def requested_vendor(self) -> str | None:
        """The vendor that was asked for."""
        return self._text("requested_vendor")


class VendorAccountIdMismatch(Conflict):
    """An integration of the same vendor is active under another vendor account."""

    advice = "Use .existing_vendor_account_id, or disconnect .existing_integration_id first."

    @property
    def existing_integration_id(self) -> str | None:
        """The integration that is active."""
        return self._text("existing_integration_id")

    @property
    def existing_vendor_account_id(self) -> str | None:
        """The vendor account it is tied to."""
        return self._text("existing_vendor_account_id")

    @property
    def requested_vendor_account_id(self) -> str | None:
        """The vendor account that was asked for."""
        return self._text("requested_vendor_account_id")


class IntegrationNotActive(Conflict):
    """The integration is not active, so it cannot be disconnected."""

    advice = "See .current_status; a disconnected integration needs nothing more."

    @property
    def integration_id(self) -> str | None:
        """The integration."""
        return self._text("integration_id")

    @property
    def current_status(self) -> str | None:
        """Its status."""
        return self._text("current_status")


class UnprocessableEntity(APIStatusError):
    """422: the request is well formed but cannot be done."""


class DuplicateAccountingRecordIds(UnprocessableEntity):
    """Reported export results name a record twice. Nothing was updated."""

    advice = "Report each of .ids once."

    @property
    def ids(self) -> tuple[str, ...]:
        """The record ids that came more than once."""
        return self._texts("duplicate_accounting_record_ids")


class RecordsNotReadyForExport(UnprocessableEntity):
    """Reported export results name records that are not READY_FOR_EXPORT. Nothing was updated."""

    advice = "Read .ids again: they may be exported already, or back with the customer."

    @property
    def ids(self) -> tuple[str, ...]:
        """The record ids that are in another state."""
        return self._texts("not_ready_for_export_accounting_record_ids")


class RateLimitError(APIStatusError):
    """429, or 503 with Retry-After, for longer than the call could wait."""

    advice = "Come back after .retry_after seconds; when None, slow down or raise the deadline."


class ServerError(APIStatusError):
    """5xx: the server failed."""

    advice = "Try again later; give the trace id to the provider's support if it goes on."


class DecodeError(BrexError):
    """An answer is not what the API documents. Names JSON paths and expected types, never values.

    ``problems`` are all of them, as "expected X at $.path".
    """

    def __init__(
        self, problems: tuple[str, ...] | str, *, where: str | None = None, trace_id: str | None = None
    ) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        self.where = where
        self.trace_id = trace_id
        super().__init__(self.problems)

    def __str__(self) -> str:
        shown = "; ".join(self.problems[:3])
        more = f" (and {len(self.problems) - 3} more)" if len(self.problems) > 3 else ""
        where = f" in the answer to {self.where}" if self.where else ""
        trace = f" (trace id {self.trace_id})" if self.trace_id else ""
        return f"cannot decode: {shown}{more}{where}{trace}"


class ResponseTooLarge(BrexError):
    """An answer passed ``max_response_bytes`` after decompression and was dropped."""


class WebhookVerificationError(BrexError):
    """A delivery is not from where it says, or not of now. ``mismatch``: no secret fits it; fresh ones may."""

    mismatch: bool = False


class PaginationError(BrexError):
    """The pages of a list contradict each other."""


class CursorLoop(PaginationError):
    """A page points to a cursor that this iteration used before; following it would never end."""


class CursorExpired(PaginationError):
    """The server refused a cursor: start the list again, from a checkpoint's filters without it."""


class CheckpointMismatch(BrexError):
    """A checkpoint belongs to a query with other filters."""


class ChartConflicts(BrexError):
    """A chart of accounts cannot be brought to Brex. Nothing was changed; ``conflicts`` are all the reasons."""

    def __init__(self, conflicts: tuple[ChartConflict, ...]) -> None:
        super().__init__(conflicts)
        self.conflicts = conflicts

    def __str__(self) -> str:
        kinds = dict.fromkeys(conflict.kind.value for conflict in self.conflicts)
        return f"{len(self.conflicts)} conflicts ({'; '.join(kinds)}); see .conflicts. Nothing was changed"


class TokenRefreshError(BrexError):
    """The source of tokens failed, so nothing was sent.

    ``retry_after``: seconds after which the OAuth server said to come back, if it said so.
    """

    retry_after: float | None = None
