"""A page read whole, in chunks or record by record: the same values, and the same problems at the same paths."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import AccountingRecord, DecodeError
from brex_accounting.codec import Codec
from brex_accounting.converters import pages
from brex_accounting.converters.pages import PageBody, page_steps, read_page
from brex_accounting.converters.wire import codec
from brex_accounting.endpoints import list_records
from brex_accounting.models import BadRecord
from brex_accounting.session.call import Reply
from brex_accounting.session.services import Options

from ..fuzz.mutations import mutants
from ..session.stand_ins import Bench, reply
from .documents import encoded, line, money, page, record, records, second_pass, thorough

Outcome = tuple[str, object]


def outcome(read: Callable[[], object]) -> Outcome:
    """What came of it, digit for digit, or all problems."""
    try:
        return "read", repr(read())
    except DecodeError as error:
        return "refused", error.problems


def whole(data: bytes) -> Outcome:
    """Both passes over the whole page: what everything else is held against."""
    return outcome(lambda: codec().decode(data, PageBody[AccountingRecord]))


def split(data: bytes) -> Outcome:
    return outcome(lambda: read_page(codec(), data, AccountingRecord, "raise"))


@pytest.fixture
def chunked(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], Outcome]:
    """Reads any page by three records at a time."""

    def read(data: bytes) -> Outcome:
        with monkeypatch.context() as patch:
            patch.setattr(pages, "_LARGE", 0)
            patch.setattr(pages, "_CHUNK", 3)
            return split(data)

    return read


def test_any_mixture_is_read_the_same(chunked: Callable[[bytes], Outcome]) -> None:
    """Pages of right, lenient and wrong records: whole, in chunks and split come to the same."""

    @thorough
    @given(
        documents=st.lists(
            records | records.map(second_pass) | st.sampled_from([record(memo=5), record(amount=money("NaN")), {}, 7]),
            max_size=8,
        ),
        total=st.sampled_from([None, 8, 8.0, "8"]),
    )
    def same(documents: list[Any], total: Any) -> None:
        data = encoded({"items": documents, "has_next_page": False, "total_count": total})
        assert whole(data) == split(data) == chunked(data)

    same()


@pytest.mark.parametrize("seed", range(3))
def test_a_page_with_errors_of_all_kinds_is_read_the_same(seed: int, chunked: Callable[[bytes], Outcome]) -> None:
    """300 mutants of a page of eight records come to the same, some read and many refused."""
    lines = [line(amortization={"months": [1, 2.50]}), line(type="CREDIT", amount=money(0))]
    document = page(*(record(id=f"accr_{index}", memo="Grüße", line_items=lines) for index in range(8)))
    kinds = []
    for data in mutants(document, 300, seed):
        expected = whole(data)
        assert split(data) == expected, data
        assert chunked(data) == expected, data
        kinds.append(expected[0])
    assert min(kinds.count("read"), kinds.count("refused")) > 10


def test_bad_bytes_behind_a_bad_record(chunked: Callable[[bytes], Outcome]) -> None:
    """What is no JSON is refused as such, also when a record before it is wrong in another way."""
    for bad in (b'"\xff"', b'"\\ud800"', b'"a\x01b"'):
        data = page(record(memo=5), *[record()] * 5, record(memo="slot")).replace(b'"slot"', bad)
        assert whole(data) == split(data) == chunked(data) == ("refused", ("expected JSON at $",))


@pytest.mark.parametrize(("count", "turns"), [(0, 0), (1, 1), (3, 1), (4, 2), (7, 3)])
def test_a_large_page_pauses_between_chunks(monkeypatch: pytest.MonkeyPatch, count: int, turns: int) -> None:
    """There is a pause before each chunk, and none in a page of usual size."""
    data = page(*(record(id=f"accr_{index}") for index in range(count)))
    assert list(page_steps(codec(), data, AccountingRecord, "raise")) == []
    monkeypatch.setattr(pages, "_LARGE", 0)
    monkeypatch.setattr(pages, "_CHUNK", 3)
    assert list(page_steps(codec(), data, AccountingRecord, "raise")) == [None] * turns
    read = read_page(codec(), data, AccountingRecord, "raise")
    assert [item.id for item in read.items] == [f"accr_{index}" for index in range(count)]


@pytest.mark.parametrize("bad", [False, True])
async def test_the_loop_turns_while_a_large_page_is_read(bad: bool) -> None:
    """A ticker sees a turn for each chunk of a page of 650 records, and the call's result is what one step gives."""
    documents = [record(id=f"accr_{index}", amount=money(index)) for index in range(650)]
    if bad:
        documents[7] |= {"memo": 5}
        documents[333] |= {"amount": money("NaN")}
    body = encoded_page(documents)
    assert len(body) > 512 * 1024
    call = list_records((), page_size=650, cursor=None, on_bad_record="raise")
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    bench = Bench([reply(200, body)])
    ticker = asyncio.create_task(tick())
    try:
        found = repr((await bench.manager.run(call, "", bench.tokens, Options())).items)
    except DecodeError as error:
        found = repr(error.problems)
    finally:
        ticker.cancel()
    assert turns >= 7
    try:
        expected = repr(call.decode(Reply(status=200, body=body)).items)
    except DecodeError as error:
        expected = repr(error.problems)
    assert found == expected
    assert ("$.items[333].amount.amount" in found) is bad


def test_a_chunk_tells_the_same_bad_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad records of a page in chunks are told with their place on the page, and the others kept."""
    items = [record(id=f"accr_{index}") if index % 4 else {"id": f"accr_{index}"} for index in range(11)]
    data = page(*items).replace(b'"accr_5"', b'"\xff"')

    def told() -> tuple[list[BadRecord], int]:
        bad: list[BadRecord] = []
        return bad, len(read_page(codec(), data, AccountingRecord, bad.append).items)

    expected = told()
    assert [one.index for one in expected[0]] == [0, 4, 5, 8]
    monkeypatch.setattr(pages, "_LARGE", 0)
    monkeypatch.setattr(pages, "_CHUNK", 3)
    assert told() == expected


@pytest.fixture
def structured(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the second pass was asked for."""
    asked: list[Any] = []
    original = Codec.structure

    def structure(self: Codec, obj: Any, cl: Any) -> Any:
        asked.append((obj["id"], cl))
        return original(self, obj, cl)

    monkeypatch.setattr(Codec, "structure", structure)
    return asked


def test_only_odd_records_take_the_second_pass(structured: list[Any]) -> None:
    """One odd record of a hundred costs the slow pass over itself alone."""
    documents = [record(id=f"accr_{index}") for index in range(100)]
    documents[41] = second_pass(documents[41])
    assert len(read_page(codec(), encoded_page(documents), AccountingRecord, "raise").items) == 100
    assert structured == [("accr_41", AccountingRecord)]


def test_a_zero_is_no_reason_for_the_second_pass(structured: list[Any]) -> None:
    """An integer zero is read by the first pass; only where a negative one may stand does the second look."""
    documents = [record(id=f"accr_{index}", amount=money(0)) for index in range(9)]
    data = encoded_page(documents)
    read = read_page(codec(), data, AccountingRecord, "raise")
    assert {str(item.amount.amount) for item in read.items} == {"0"}
    assert structured == []
    negative = data.replace(b'"amount":0', b'"amount":-0', 1)
    read = read_page(codec(), negative, AccountingRecord, "raise")
    assert [str(item.amount.amount) for item in read.items] == ["-0", *["0"] * 8]
    assert structured == [("accr_0", AccountingRecord)]


@pytest.mark.parametrize("after", [b",", b"}", b" }", b"\n}", b"\r\n,", b"\t,"])
def test_a_negative_zero_keeps_its_sign(after: bytes) -> None:
    """Whatever follows it."""
    end = b'"currency":"USD"}' if after.endswith(b",") else b""
    start = b"{" if end else b'{"currency":"USD",'
    data = encoded(record(amount="slot")).replace(b'"slot"', start + b'"amount":-0' + after + end)
    assert str(codec().decode(data, AccountingRecord).amount.amount) == "-0"


def test_text_that_looks_like_a_negative_zero(structured: list[Any]) -> None:
    """It costs the slow pass where there is a zero as well, and changes nothing."""
    data = encoded(record(memo="from -0, to -0}", amount=money(0)))
    one = codec().decode(data, AccountingRecord)
    assert (one.memo, str(one.amount.amount)) == ("from -0, to -0}", "0")
    assert structured


def encoded_page(documents: list[dict[str, Any]]) -> bytes:
    return encoded({"items": documents, "has_next_page": False})


def test_zeros_beyond_the_range_are_refused() -> None:
    """A zero has an exponent too: one that no amount may have is refused in either pass."""
    for text, allowed in (("0e-28", True), ("0e28", True), ("0e-29", False), ("0e29", False), ("0." + "0" * 29, False)):
        for version in (2, 2.0):
            data = json.dumps(record(version=version, amount=money("slot"))).replace('"slot"', text).encode()
            found = outcome(partial(codec().decode, data, AccountingRecord))
            assert found[0] == ("read" if allowed else "refused"), text
