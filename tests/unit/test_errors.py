"""The error tree: as drawn, picklable, helpful, and silent about what a server or a token said."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest

from brex_accounting import errors
from brex_accounting.enums import ErrorCode
from brex_accounting.fields import ChartConflict, ConflictKind
from brex_accounting.models import Checkpoint
from brex_accounting.session.call import Attempt, Outcome

CLASSES: list[type[errors.BrexError]] = [getattr(errors, name) for name in errors.__all__]
STATUS_CLASSES = [kind for kind in CLASSES if issubclass(kind, errors.APIStatusError)]
CANARY = "canary-93ac"


def drawn_tree() -> dict[str, str | None]:
    """Class -> parent, as the docstring's indentation draws it."""
    tree: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    assert errors.__doc__ is not None
    for indent, name in re.findall(r"^( {4,})([A-Z]\w+)\b", errors.__doc__, re.MULTILINE):
        while above and above[-1][0] >= len(indent):
            above.pop()
        tree[name] = above[-1][1] if above else None
        above.append((len(indent), name))
    return tree


def test_the_tree_is_as_drawn() -> None:
    """The docstring's tree holds every class, each below its real parent."""
    real = {kind.__name__: kind.__bases__[0].__name__ for kind in CLASSES}
    assert drawn_tree() == real | {"BrexError": None}


def test_every_class_is_exported() -> None:
    """No error class of the module, its own or from another room, is missing from its __all__."""
    found = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, Exception)}
    assert found == set(errors.__all__)


def made(kind: type[errors.BrexError]) -> errors.BrexError:
    """An error of a class, with everything set that it can hold."""
    if issubclass(kind, errors.APIStatusError):
        return kind(
            "GET /v3/x",
            status=418,
            error_code=ErrorCode(f"CODE_{CANARY}"),
            message=f"words {CANARY}",
            details={"ids": [CANARY], "existing_vendor": CANARY},
            trace_id="trace-1",
            retry_after=7.5,
        )
    if issubclass(kind, errors.APIConnectionError):
        return kind("GET /v3/x got no answer", sent=False)
    if issubclass(kind, errors.DecodeError):
        return kind(("expected int at $.a", "expected str at $.b"), where="GET /v3/x", trace_id="trace-1")
    if kind is errors.ChartConflicts:
        return errors.ChartConflicts((ChartConflict(kind=ConflictKind.NO_REMOTE_ID, value_id="6100"),))
    return kind("plain words")


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_survive_pickling(kind: type[errors.BrexError]) -> None:
    """Each class comes back with its type, text and every attribute; a worker's error reaches its parent."""
    error = made(kind)
    error.attempts = (Attempt(number=1, outcome=Outcome.AMBIGUOUS, status=502, wait=0.5),)
    error.may_have_happened = True
    error.checkpoint = Checkpoint(page_size=100, cursor="c", after=("accr_1", 2))
    for back in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(back) is kind
        assert str(back) == str(error)
        assert repr(back) == repr(error)
        assert vars(back) == vars(error)
        assert back.args == error.args


@pytest.mark.parametrize("kind", CLASSES)
def test_default_attributes(kind: type[errors.BrexError]) -> None:
    """Every error has attempts, may_have_happened and checkpoint, whoever raised it."""
    error = made(kind)
    assert (error.attempts, error.may_have_happened, error.checkpoint) == ((), False, None)


@pytest.mark.parametrize("kind", STATUS_CLASSES)
def test_a_status_error_without_a_body(kind: type[errors.APIStatusError]) -> None:
    """What the server did not say is None or empty, and the text still says where, what and what to do."""
    error = kind("POST /v3/y", status=400)
    assert (error.error_code, error.message, error.trace_id, error.retry_after) == (None, None, None, None)
    assert error.details == {}
    assert str(error) == f"POST /v3/y answered 400. {kind.advice}"


@pytest.mark.parametrize("kind", STATUS_CLASSES)
def test_each_status_error_advises(kind: type[errors.APIStatusError]) -> None:
    """The advice is a sentence, and each attribute it names exists."""
    assert re.fullmatch(r"[A-Z].{15,}\.", kind.advice)
    error = made(kind)
    for name in re.findall(r"(?:^|\s)\.(\w+)", kind.advice):
        assert hasattr(error, name)
    assert str(error).endswith(kind.advice)


@pytest.mark.parametrize("kind", STATUS_CLASSES)
def test_a_status_error_keeps_the_servers_words_to_itself(kind: type[errors.APIStatusError]) -> None:
    """Message, details and an unknown code are attributes only; the trace id and a known code are text."""
    error = made(kind)
    assert isinstance(error, errors.APIStatusError)
    assert CANARY in f"{error.message}{error.details}{error.error_code}"
    assert CANARY not in str(error) + repr(error) + repr(error.args)
    assert "trace-1" in str(error)
    known = kind("GET /x", status=404, error_code=ErrorCode.NOT_FOUND)
    assert "answered 404 NOT_FOUND" in str(known)


@pytest.mark.parametrize("details", [None, {}, {"existing_vendor": 5}, {"duplicate_accounting_record_ids": CANARY}])
def test_typed_details_of_anything(details: Any) -> None:
    """Typed details read None or () when the server sent nothing, or something else."""
    conflict = errors.ActiveIntegrationExists("x", status=409, details=details)
    assert (conflict.existing_vendor, conflict.existing_integration_id, conflict.requested_vendor) == (None, None, None)
    assert errors.DuplicateAccountingRecordIds("x", status=422, details=details).ids == ()


def test_a_conflict_is_not_ours_by_default() -> None:
    """probably_ours is False until the client has a reason."""
    assert errors.Conflict("x", status=409).probably_ours is False


@pytest.mark.parametrize(
    ("problems", "text"),
    [
        ("expected JSON at $", "cannot decode: expected JSON at $"),
        (("a", "b"), "cannot decode: a; b"),
        (("a", "b", "c"), "cannot decode: a; b; c"),
        (("a", "b", "c", "d", "e"), "cannot decode: a; b; c (and 2 more)"),
    ],
)
def test_a_decode_error_lists_its_problems(problems: Any, text: str) -> None:
    """The text shows three, the attribute holds all."""
    error = errors.DecodeError(problems)
    assert str(error) == text
    assert error.problems == ((problems,) if isinstance(problems, str) else problems)


def test_a_decode_error_says_where() -> None:
    """With a call and a trace id at hand, both are in the text."""
    error = errors.DecodeError("expected JSON at $", where="GET /v3/x", trace_id="t-1")
    assert str(error) == "cannot decode: expected JSON at $ in the answer to GET /v3/x (trace id t-1)"
