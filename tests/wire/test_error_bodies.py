"""Every error body Brex documents or was seen to send becomes its exception, typed and without its words."""

from __future__ import annotations

import pytest

from brex_accounting import errors
from brex_accounting.converters.errors import refuse, refuse_with_cursor
from brex_accounting.errors import APIStatusError, BrexError
from brex_accounting.session.call import Reply

from .sources import document

HTML = b"<html><head><title>502 canary-words</title></head><body>canary-words upstream</body></html>"
TRACE = "trace-4711"
FOR_CREATE = "POST /v3/accounting/integration"


def refused(status: int, body: bytes, **headers: str) -> tuple[BrexError, bool]:
    named = {name.replace("_", "-"): value for name, value in headers.items()} | {"X-Brex-Trace-Id": TRACE}
    refusal = refuse(Reply(status=status, headers=named, body=body), FOR_CREATE)
    assert isinstance(refusal.error, BrexError)
    return refusal.error, refusal.token_dead


@pytest.mark.parametrize(
    ("name", "status", "kind", "attributes"),
    [
        (
            "error_active_integration_exists",
            409,
            errors.ActiveIntegrationExists,
            {"existing_integration_id": "int_held_1", "existing_vendor": "RIVALBOOKS", "requested_vendor": "LEDGERLY"},
        ),
        (
            "error_vendor_account_id_mismatch",
            409,
            errors.VendorAccountIdMismatch,
            {
                "existing_integration_id": "int_held_2",
                "existing_vendor_account_id": "org-1180",
                "requested_vendor_account_id": "org-1999",
            },
        ),
        (
            "error_integration_not_active",
            409,
            errors.IntegrationNotActive,
            {"integration_id": "int_gone_3", "current_status": "DISABLED"},
        ),
        ("error_records_not_found", 404, errors.RecordsNotFound, {"ids": ("accr_n1", "accr_n2")}),
        ("error_duplicate_ids", 422, errors.DuplicateAccountingRecordIds, {"ids": ("accr_d1",)}),
        ("error_not_ready", 422, errors.RecordsNotReadyForExport, {"ids": ("accr_w1", "accr_w2", "accr_w3")}),
        ("error_invalid_request", 400, errors.BadRequest, {"details": {}}),
        ("error_unauthorized", 401, errors.AuthenticationError, {}),
        ("error_forbidden", 403, errors.PermissionDenied, {}),
        ("error_not_found", 404, errors.NotFound, {}),
        ("error_internal", 500, errors.ServerError, {}),
        ("error_gateway_unauthorized", 401, errors.AuthenticationError, {"error_code": "UNAUTHORIZED"}),
        ("error_gateway_revoked_token", 403, errors.AuthenticationError, {"error_code": "FORBIDDEN"}),
        ("error_gateway_expired_token", 403, errors.AuthenticationError, {"error_code": "FORBIDDEN"}),
        ("error_gateway_scope", 403, errors.PermissionDenied, {"error_code": "FORBIDDEN"}),
    ],
)
def test_each_body(name: str, status: int, kind: type[BrexError], attributes: dict[str, object]) -> None:
    """A documented body is exactly this class, with its details typed and its words kept out of the text."""
    error, _ = refused(status, document(name))
    assert type(error) is kind
    assert isinstance(error, APIStatusError)
    assert {name: getattr(error, name) for name in attributes} == attributes
    assert (error.status, error.trace_id) == (status, TRACE)
    assert error.message
    assert error.error_code is not None
    assert error.message not in str(error) + repr(error)
    assert "canary-words" not in str(error) + repr(error)
    assert str(error).startswith(f"{FOR_CREATE} answered {status} ")
    assert TRACE in str(error)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"", errors.AuthenticationError),
        (403, b"", errors.PermissionDenied),
        (400, b"", errors.BadRequest),
        (404, HTML, errors.NotFound),
        (409, b'{"message": "canary-words"}', errors.Conflict),
        (409, b'{"error_code": "A_NEW_ONE", "message": "canary-words"}', errors.Conflict),
        (422, b'["canary-words"]', errors.UnprocessableEntity),
        (429, b"", errors.RateLimitError),
        (429, b'{"error_code": "ACTIVE_INTEGRATION_EXISTS", "message": "canary-words"}', errors.RateLimitError),
        (302, HTML, APIStatusError),
        (418, b'"canary-words"', APIStatusError),
        (500, b'{"error_code": 5, "message": ["canary-words"], "details": "canary-words"}', errors.ServerError),
        (502, HTML, errors.ServerError),
        (503, b"", errors.ServerError),
        (520, HTML, errors.ServerError),
        (500, b"\xff\xfe canary-words", errors.ServerError),
        (400, b'{"message": "canary-words', errors.BadRequest),
        (400, b"[" * 100_000, errors.BadRequest),
        (400, b'{"message": "canary-words", "details": {"n": 1e99999999999999999999}}', errors.BadRequest),
    ],
)
def test_bodies_in_no_documented_shape(status: int, body: bytes, kind: type[BrexError]) -> None:
    """An empty, foreign or broken body leaves the status to speak, and never shows."""
    error, _ = refused(status, body)
    assert type(error) is kind
    assert isinstance(error, APIStatusError)
    assert error.status == status
    assert "canary-words" not in str(error) + repr(error)


def test_503_with_a_time_is_a_rate_limit() -> None:
    """A 503 that says when to come back is a throttle; one with an unreadable hint is not."""
    assert type(refused(503, HTML, Retry_After="7")[0]) is errors.RateLimitError
    assert type(refused(503, HTML, Retry_After="soon")[0]) is errors.ServerError


@pytest.mark.parametrize(
    ("status", "message", "dead"),
    [
        (401, "", True),
        (401, "canary-words", True),
        (403, "Invalid or Revoked Token", True),
        (403, "Expired token", True),
        (403, "PERMISSION_DENIED: Invalid or Revoked Token", True),
        (403, "invalid access token", True),
        (403, "The token has been revoked.", True),
        (403, "This token is expired", True),
        (403, "", False),
        (403, "You do not have permission to perform this action.", False),
        (403, "The token lacks a required scope", False),
        (403, "Invalid scope for this token", False),
        (403, "Token scope is invalid", False),
        (403, "Your trial has expired", False),
        (400, "Invalid token", False),
        (404, "Expired token", False),
    ],
)
def test_which_answers_mean_a_dead_token(status: int, message: str, dead: bool) -> None:
    """A dead token is a 401, or a 403 that says so; a 403 about scopes is not, and must not renew."""
    body = b'{"type": "X", "message": "' + message.encode() + b'"}'
    error, token_dead = refused(status, body)
    assert token_dead is dead
    assert isinstance(error, errors.AuthenticationError) is dead


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (400, "error_invalid_cursor", errors.CursorExpired),
        (400, "error_invalid_request", errors.BadRequest),
        (404, "error_invalid_cursor", errors.NotFound),
    ],
)
def test_a_refused_cursor(status: int, name: str, kind: type[BrexError]) -> None:
    """Only a 400 that speaks of the cursor, to a request that carried one, is CursorExpired."""
    reply = Reply(status=status, headers={"x-brex-trace-id": TRACE}, body=document(name))
    error = refuse_with_cursor(reply, "GET /v3/accounting/records").error
    assert type(error) is kind
    assert TRACE in str(error)
    assert "canary-words" not in str(error)
    assert type(refuse(reply, "GET /v3/accounting/records").error) is not errors.CursorExpired


def test_details_of_the_wrong_kind_are_empty_not_an_error() -> None:
    """Typed details survive a server that sends something else in their place."""
    body = (
        b'{"error_code": "DUPLICATE_ACCOUNTING_RECORD_IDS", "message": "", '
        b'"details": {"duplicate_accounting_record_ids": %s}}'
    )
    for sent, ids in ((b'"accr_1"', ()), (b"null", ()), (b"{}", ()), (b'["accr_1", 5, null]', ("accr_1",))):
        error, _ = refused(422, body % sent)
        assert isinstance(error, errors.DuplicateAccountingRecordIds)
        assert error.ids == ids
