"""One bad record on a page: it is raised, or left out and told; never dropped unseen, and the good ones stay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import AccountingRecord, DecodeError
from brex_accounting.converters.pages import read_page
from brex_accounting.converters.wire import codec
from brex_accounting.endpoints import list_records
from brex_accounting.models import BadRecord
from brex_accounting.session.call import Reply

from .documents import line, money, page, record, thorough

BAD = [
    record(id="bad", amount=money("NaN")),
    record(id="bad", version=1.5),
    record(id="bad", line_items=[line(), line(type=None)]),
    {"id": "bad"},
    {"id": 5},
    {},
    [],
    "accr_1",
    7,
    None,
]


@pytest.mark.parametrize("bad", BAD)
def test_raise_names_the_record(bad: Any) -> None:
    """By default a bad record fails its page, with the path of the item."""
    with pytest.raises(DecodeError, match=r"at \$\.items\[1\]"):
        read_page(codec(), page(record(), bad, record()), AccountingRecord, "raise")


@pytest.mark.parametrize("bad", BAD)
def test_a_function_is_told(bad: Any) -> None:
    """A function gets the place, the id when readable, the problem and the JSON; the good ones are kept."""
    told: list[BadRecord] = []
    body = page(record(id="accr_a"), bad, record(id="accr_b"), total_count=3, next_cursor="c", has_next_page=True)
    read = read_page(codec(), body, AccountingRecord, told.append)
    (one,) = told
    assert [item.id for item in read.items] == ["accr_a", "accr_b"]
    assert (read.total_count, read.next_cursor, read.has_next_page) == (3, "c", True)
    assert one.index == 1
    assert one.record_id == ("bad" if isinstance(bad, dict) and bad.get("id") == "bad" else None)
    assert "at $.items[1]" in one.problem
    assert json.loads(one.raw) == json.loads(json.dumps(bad))
    assert "raw" not in repr(one)


@given(
    marks=st.lists(st.booleans(), max_size=8),
    bads=st.lists(st.sampled_from(BAD), min_size=8, max_size=8),
    total=st.sampled_from([None, 8, 8.0]),
)
@thorough
def test_nothing_is_dropped_in_silence(marks: list[bool], bads: list[Any], total: float | None) -> None:
    """Of any mixture each record is either read or told, once, in its order."""
    items = [record(id=f"accr_{index}") if good else bads[index] for index, good in enumerate(marks)]
    told: list[int] = []
    body = page(*items, total_count=total)
    read = read_page(codec(), body, AccountingRecord, lambda bad: told.append(bad.index))
    assert [item.id for item in read.items] == [f"accr_{index}" for index, good in enumerate(marks) if good]
    assert told == [index for index, good in enumerate(marks) if not good]
    assert len(read_page(codec(), body, AccountingRecord, "skip").items) == sum(marks)


def test_what_the_function_raises_comes_out() -> None:
    """A function may stop the page with an exception of its own."""

    class StopHere(Exception):
        pass

    def stop(_: BadRecord) -> None:
        raise StopHere

    with pytest.raises(StopHere):
        read_page(codec(), page({}), AccountingRecord, stop)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        page(record())[:-1],
        b'{"items": [{}], "has_next_page": "no"}',
        b'{"items": {}, "has_next_page": false}',
        b'{"items": [{}], "has_next_page": false, "next_cursor": 5}',
        page("slot").replace(b'"slot"', b"[" * 100_000 + b"]" * 100_000),
    ],
)
def test_a_bad_page_is_not_a_bad_record(body: bytes) -> None:
    """When the page itself is wrong, leaving out records does not hide it."""
    told: list[BadRecord] = []
    with pytest.raises(DecodeError):
        read_page(codec(), body, AccountingRecord, told.append)
    assert told == []


def test_an_unreadable_id_is_none() -> None:
    """An id that could break a log line or flood it is not passed on."""
    told: list[BadRecord] = []
    read_page(codec(), page({"id": "a\nb"}, {"id": "x" * 1000}, {"id": "accr_2"}), AccountingRecord, told.append)
    assert [bad.record_id for bad in told] == [None, None, "accr_2"]


def test_the_call_of_a_page_applies_the_choice() -> None:
    """The list operation reads its answer with the caller's choice, and keeps the raw body."""
    told: list[BadRecord] = []
    call = list_records((), page_size=100, cursor=None, on_bad_record=told.append)
    body = page(record(), {})
    headers = {"Date": "Thu, 11 Jun 2026 09:09:05 GMT", "X-Brex-Trace-Id": "t-1"}
    read = call.decode(Reply(status=200, headers=headers, body=body))
    assert (len(read.items), len(told), read.raw, read.trace_id) == (1, 1, body, "t-1")
    assert read.served_at is not None
    assert read.served_at.isoformat() == "2026-06-11T09:09:05+00:00"
