"""Error bodies: three envelopes, whatever else may come, and which of them mean a dead token."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import errors
from brex_accounting.monite.refusing import read_error, refuse, refuse_with_token
from brex_accounting.session.call import Reply

from ..unit.documents import thorough

WHERE = "POST /accounting_connections"
MISSING = {"loc": ["header", "x-monite-entity-id"], "msg": "field required", "type": "value_error.missing"}


def refusal_of(status: int, content: object, *, paged: bool = False) -> Exception:
    reply = Reply(status=status, body=json.dumps(content).encode(), headers={"X-Request-Id": "r-1"})
    return (refuse_with_token if paged else refuse)(reply, WHERE, "x-request-id").error


def refusal(status: int, content: object) -> errors.APIStatusError:
    error = refusal_of(status, content)
    assert isinstance(error, errors.APIStatusError)
    return error


def is_dead(status: int, message: str) -> bool:
    body = json.dumps({"error": {"message": message}}).encode()
    return refuse(Reply(status=status, body=body), WHERE, "x-request-id").token_dead


@pytest.mark.parametrize(
    ("content", "message", "details"),
    [
        ({"error": {"message": "Not found."}}, "Not found.", {}),
        (
            {"error": {"type": "missing_api_version", "message": "Say which."}},
            "Say which.",
            {"type": "missing_api_version"},
        ),
        ({"detail": [MISSING]}, "header.x-monite-entity-id: field required", {"detail": [MISSING]}),
        ({"detail": [{"loc": ["body", 0], "msg": "no"}, {"msg": "none"}]}, "body.0: no; none", None),
        ({"detail": []}, None, {"detail": []}),
        ({"detail": ["words", {"msg": 5}]}, None, None),
        ({"message": "Request size limit exceeded"}, "Request size limit exceeded", {}),
        ({"error": "plain"}, None, {}),
        ({"error": {"message": 5}, "message": "outer"}, "outer", {}),
        ({"error": None}, None, {}),
        ([], None, {}),
        ("text", None, {}),
        (5, None, {}),
    ],
)
def test_what_is_read_of_a_body(content: object, message: str | None, details: object) -> None:
    """The message and what stands beside it; nothing of a body that is none of the three."""
    body = read_error(json.dumps(content).encode())
    assert body.message == message
    assert details is None or body.details == details


@pytest.mark.parametrize("body", [b"", b"<!doctype html>", b"{", b"\xff", b"[" * 5000, b'{"error":{"message":"\xff"}}'])
def test_bodies_that_are_no_json(body: bytes) -> None:
    """Nothing is read, and nothing is raised."""
    assert read_error(body).message is None


names = st.sampled_from(["error", "detail", "message", "loc", "msg", "type"])
trees = st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(names, inner) | st.lists(inner))


@thorough
@given(st.binary() | trees.map(lambda value: json.dumps(value).encode()))
def test_no_body_can_raise(body: bytes) -> None:
    """Whatever comes, an error is made of it, and can be pickled."""
    error = refuse(Reply(status=422, body=body), WHERE, "x-request-id").error
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_deep_details_are_left_out() -> None:
    """Nobody's, and an error must stay picklable."""
    deep: object = "end"
    for _ in range(30):
        deep = {"detail": [deep]}
    assert read_error(json.dumps(deep).encode()).details == {}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequest),
        (401, errors.AuthenticationError),
        (403, errors.PermissionDenied),
        (404, errors.NotFound),
        (405, errors.APIStatusError),
        (409, errors.Conflict),
        (413, errors.APIStatusError),
        (422, errors.UnprocessableEntity),
        (429, errors.RateLimitError),
        (500, errors.ServerError),
        (503, errors.ServerError),
    ],
)
def test_the_class_goes_by_the_status(status: int, kind: type[errors.APIStatusError]) -> None:
    """The body has no code that could say more."""
    error = refusal(status, {"error": {"message": "Words."}})
    assert type(error) is kind
    assert (error.status, error.message, error.trace_id, error.error_code) == (status, "Words.", "r-1", None)


def test_a_servers_words_stay_out_of_the_text() -> None:
    """They are in ``message`` and ``details`` for whoever chooses to show them."""
    error = refusal(409, {"error": {"message": "canary", "type": "canary"}})
    assert "canary" not in f"{error!r} {error}"
    assert "r-1" in str(error)


@pytest.mark.parametrize(
    ("status", "message", "dead"),
    [
        (400, "The token has been expired.", True),
        (400, "Expired token", True),
        (400, "Token is invalid", True),
        (401, "anything", True),
        (403, "The token was revoked", True),
        (403, "No permission.", False),
        (400, "The pagination token is invalid.", False),
        (400, "Invalid pagination_token", False),
        (400, "The entity is invalid.", False),
        (400, "tokenise what is expired", False),
        (404, "The token has been expired.", False),
        (422, "The token has been expired.", False),
    ],
)
def test_a_dead_token(status: int, message: str, dead: bool) -> None:
    """By a 401, or by words of a 400 or 403 that are about the access token."""
    assert is_dead(status, message) is dead
    assert (type(refusal(status, {"error": {"message": message}})) is errors.AuthenticationError) is dead


@pytest.mark.parametrize(
    "content",
    [
        {"error": {"message": "The pagination token is invalid."}},
        {"detail": [{"loc": ["query", "pagination_token"], "msg": "no", "type": "value_error"}]},
    ],
)
def test_a_refused_pagination_token(content: object) -> None:
    """For a request that carried one; else the same words are a bad request."""
    assert isinstance(refusal_of(400, content, paged=True), errors.CursorExpired)
    assert isinstance(refusal_of(422, content, paged=True), errors.CursorExpired)
    assert isinstance(refusal_of(400, content), errors.BadRequest)
    assert isinstance(refusal_of(400, {"error": {"message": "Other."}}, paged=True), errors.BadRequest)
