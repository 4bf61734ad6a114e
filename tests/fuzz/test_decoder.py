"""Wire documents with errors of all kinds through everything that decodes: only our errors come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from brex_accounting import AccountingRecord, DecodeError, ExportFailure, ExportSuccess, Integration, from_json, to_json
from brex_accounting.converters.drift import drift_of
from brex_accounting.converters.exports import ReportBody, ReportReply, results_of
from brex_accounting.converters.pages import PageBody
from brex_accounting.converters.wire import codec
from brex_accounting.endpoints import list_records
from brex_accounting.errors import BrexError
from brex_accounting.models import Page
from brex_accounting.session.call import Reply

from ..wire.sources import SOURCES, document
from .mutations import mutants

NAMES = sorted(name for name in SOURCES if not name.startswith("error_"))


def listed(data: bytes, on_bad: Any) -> object:
    """The decoding of a list's answer."""
    call = list_records((), page_size=100, cursor=None, on_bad_record=on_bad)
    return call.decode(Reply(status=200, body=data))


def drift(data: bytes) -> object:
    """What watching for drift does; its caller expects these as well."""
    try:
        return drift_of(codec(), data, PageBody[AccountingRecord], "list records")
    except (ValueError, RecursionError):
        return None


DECODERS: dict[str, Callable[[bytes], object]] = {
    "record": lambda data: from_json(data, AccountingRecord),
    "integration": lambda data: from_json(data, Integration),
    "page": lambda data: from_json(data, Page[AccountingRecord]),
    "success": lambda data: from_json(data, ExportSuccess),
    "failure": lambda data: from_json(data, ExportFailure),
    "report": lambda data: results_of(codec().decode(data, ReportBody)),
    "report's answer": lambda data: codec().decode(data, ReportReply),
    "list, raising": lambda data: listed(data, "raise"),
    "list, skipping": lambda data: listed(data, "skip"),
    "list, handling": lambda data: listed(data, lambda bad: repr(bad)),
    "drift": drift,
}


def wrapped(name: str, data: bytes) -> bytes:
    """A record as the only item of a page, so that lists see what is wrong with it."""
    return (
        data if name.startswith(("page", "export", "integration")) else b'{"items":[%b],"has_next_page":false}' % data
    )


def shows_nothing(error: DecodeError) -> None:
    """Fail if the error shows a value."""
    assert "canary" not in str(error) + repr(error)


def fuzz(name: str, count: int, seed: int) -> int:
    """Decode each mutant with everything; how many decodings that were."""
    done = 0
    for data in mutants(document(name), count, seed):
        for kind, decode in DECODERS.items():
            given = wrapped(name, data) if kind.startswith(("list", "page", "drift")) else data
            try:
                result = decode(given)
            except DecodeError as error:
                shows_nothing(error)
            except BrexError as error:
                raise AssertionError(f"{kind} raised {type(error).__name__} for {given!r}") from error
            except Exception as error:
                raise AssertionError(f"{kind} let {type(error).__name__} out for {given[:3000]!r}") from error
            else:
                if kind in ("record", "integration"):
                    assert from_json(to_json(result), type(result)) == result, given
            done += 1
    return done


@pytest.mark.parametrize("name", NAMES)
def test_only_our_errors_come_out(name: str) -> None:
    """Flipped bytes, missing and doubled parts, wrong types, huge numbers, deep nesting: a DecodeError or a value."""
    assert fuzz(name, 100, seed=1) == 100 * len(DECODERS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NAMES)
def test_only_our_errors_come_out_of_many_more(name: str, seed: int) -> None:
    """The same at length: 800 documents for each document and seed."""
    assert fuzz(name, 800, seed=100 + seed) == 800 * len(DECODERS)
