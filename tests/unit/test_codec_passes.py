"""Two passes, one answer: whichever reads a document, the result is the same, and so is the refusal."""

from __future__ import annotations

import json
import pickle
import traceback
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import AccountingRecord, Checkpoint, DecodeError, Integration, Page, from_json, to_json
from brex_accounting.codec import Codec

from .documents import encoded, line, money, page, record, records, second_pass, thorough

CANARY = "canary-7d41"
CANARY_NUMBER = Decimal("73519.46820")


@pytest.fixture
def structured(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the second pass was asked for."""
    asked: list[Any] = []
    original = Codec.structure

    def structure(self: Codec, obj: Any, cl: Any) -> Any:
        asked.append(cl)
        return original(self, obj, cl)

    monkeypatch.setattr(Codec, "structure", structure)
    return asked


def test_which_documents_take_the_second_pass(structured: list[Any]) -> None:
    """A plain record with any amounts takes one pass; a decimal version takes two. The tests below rest on it."""
    for amount in (1, 171.75, -3, "9.50", 10**20):
        from_json(encoded(record(amount=money(amount))), AccountingRecord)
    assert structured == []
    from_json(encoded(second_pass(record())), AccountingRecord)
    assert structured == [AccountingRecord]


@thorough
@given(document=records)
def test_both_passes_read_the_same(document: dict[str, Any]) -> None:
    """A right record comes out equal from either pass, digit for digit, and goes back to the same JSON."""
    first = from_json(encoded(document), AccountingRecord)
    second = from_json(encoded(second_pass(document)), AccountingRecord)
    assert first == second
    assert repr(first) == repr(second)
    assert to_json(first) == to_json(second)
    assert from_json(to_json(first), AccountingRecord) == first


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, containers included."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    if isinstance(value, dict):
        return {key: replaced(inner, path[1:], new) if key == path[0] else inner for key, inner in value.items()}
    return [replaced(inner, path[1:], new) if index == path[0] else inner for index, inner in enumerate(value)]


plants = st.sampled_from(
    [CANARY, CANARY_NUMBER, [CANARY], {CANARY: CANARY}, {"amount": CANARY, "id": [CANARY_NUMBER]}, [[[CANARY_NUMBER]]]]
)


def everything_shown(error: BaseException) -> str:
    shown = "".join(traceback.format_exception(error))
    return shown + str(error) + repr(error) + repr(vars(error)) + repr(pickle.dumps(error))


@thorough
@given(document=records, data=st.data(), plant=plants, paged=st.booleans())
def test_an_error_never_shows_a_value(document: dict[str, Any], data: st.DataObject, plant: Any, paged: bool) -> None:
    """Wherever a canary replaces a value, the error (text, repr, traceback, pickle) does not hold it."""
    whole: Any = {"items": [document], "has_next_page": False} if paged else document
    place = data.draw(st.sampled_from(list(places(whole))))
    body = encoded(replaced(whole, place, plant))
    shown = ""
    try:
        from_json(body, Page[AccountingRecord] if paged else AccountingRecord)
    except DecodeError as error:
        shown = everything_shown(error)
    assert CANARY not in shown
    assert str(CANARY_NUMBER) not in shown


def test_the_canary_does_reach_errors() -> None:
    """Each required value of a record is refused when a canary list stands there, so the property bites."""
    for name in record():
        with pytest.raises(DecodeError, match=rf"at \$\.{name}"):
            from_json(encoded(record(**{name: [CANARY]})), AccountingRecord)


@pytest.mark.parametrize("version", [b"2", b"2.0"])
def test_a_body_cut_anywhere_is_not_json(version: bytes) -> None:
    """A page cut after any of its bytes is a DecodeError that says so, in both passes."""
    whole = page(record(memo="Gr\u00fc\u00dfe \u20ac", line_items=[line()])).replace(
        b'"version": 2', b'"version": ' + version
    )
    assert from_json(whole, Page[AccountingRecord]).items
    for length in range(len(whole)):
        with pytest.raises(DecodeError) as caught:
            from_json(whole[:length], Page[AccountingRecord])
        assert caught.value.problems == ("expected JSON at $",)


@pytest.mark.parametrize("version", ["2", "2.0", '"2"'])
@pytest.mark.parametrize(
    "memo",
    [
        b'"\xff"',
        b'"\xc3"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'"\\udc00 \\ud800"',
        b'"\\x41"',
        b'"a\x01b"',
        b"'a'",
        b"nul",
    ],
)
def test_bytes_that_are_no_json(memo: bytes, version: str) -> None:
    """Bad UTF-8, lone surrogates, raw control characters and wrong literals are no JSON in either pass."""
    head, tail = json.dumps(record(memo="slot", version="v")).replace('"v"', version).encode().split(b'"slot"')
    with pytest.raises(DecodeError) as caught:
        from_json(head + memo + tail, AccountingRecord)
    assert caught.value.problems == ("expected JSON at $",)


@pytest.mark.parametrize(
    "body", [b"", b" ", b"<html>", b"\xef\xbb\xbf{}", b"{} {}", b"{'a': 1}", b'{"a": 1,}', b"// {}"]
)
def test_bodies_that_are_no_json(body: bytes) -> None:
    """What a proxy or a broken server sends instead of JSON is a DecodeError."""
    with pytest.raises(DecodeError) as caught:
        from_json(body, Page[AccountingRecord])
    assert caught.value.problems == ("expected JSON at $",)


@pytest.mark.parametrize("body", [b"[]", b"7", b"7.5", b"null", b"true", b'"text"'])
@pytest.mark.parametrize("kind", [AccountingRecord, Page[AccountingRecord], Integration, Checkpoint])
def test_json_of_another_kind(body: bytes, kind: Any) -> None:
    """JSON that is no object is a DecodeError at the root, which names the kind and nothing else."""
    with pytest.raises(DecodeError) as caught:
        from_json(body, kind)
    (problem,) = caught.value.problems
    assert problem.startswith("expected ")
    assert problem.endswith(" at $")
    assert "brex" not in problem


@pytest.mark.parametrize("place", ["something_new", "memo", "amortization"])
def test_nesting_without_end(place: str) -> None:
    """A body nested deeper than any document is a DecodeError, wherever the nest is."""
    nest = b"[" * 100_000 + b"]" * 100_000
    document = record(line_items=[line(amortization="slot")]) if place == "amortization" else record(**{place: "slot"})
    with pytest.raises(DecodeError):
        from_json(page(document).replace(b'"slot"', nest), Page[AccountingRecord])


def test_nesting_in_moderation() -> None:
    """A hundred levels of something unknown harm nothing."""
    body = page(record(something_new="slot")).replace(b'"slot"', b"[" * 100 + b"]" * 100)
    assert len(from_json(body, Page[AccountingRecord]).items) == 1
