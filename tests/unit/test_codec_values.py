"""Which JSON values each field takes: strict where a mistake would pass silently, lenient where nothing is lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from brex_accounting import AccountingRecord, Checkpoint, DecodeError, Page, from_json, to_json

from .documents import encoded, line, money, page, record


def problems(document: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(DecodeError) as caught:
        from_json(encoded(document), AccountingRecord)
    return caught.value.problems


def with_version(text: str) -> bytes:
    return encoded(record(version="slot")).replace(b'"slot"', text.encode())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("7.0", 7),
        ("7.000", 7),
        ("7e0", 7),
        ("70e-1", 7),
        ("0.7E1", 7),
        ("-3.0", -3),
        ("9007199254740993.0", 9007199254740993),
    ],
)
def test_whole_numbers(text: str, value: int) -> None:
    """An int field takes any spelling of a whole number, exactly."""
    version = from_json(with_version(text), AccountingRecord).version
    assert version == value
    assert type(version) is int


@pytest.mark.parametrize(
    "text", ["7.5", "true", "false", "null", '"7"', "[7]", "{}", "1e400", "1e99999999999999999999"]
)
def test_what_is_no_whole_number(text: str) -> None:
    """A fraction, a boolean, a string or an absurd size is refused with its path."""
    with pytest.raises(DecodeError) as caught:
        from_json(with_version(text), AccountingRecord)
    assert caught.value.problems == ("expected int at $.version",)


@pytest.mark.parametrize("version", [2, 2.0])
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-06-11T09:09:05Z", datetime(2026, 6, 11, 9, 9, 5, tzinfo=UTC)),
        ("2026-06-11T09:09:05.840Z", datetime(2026, 6, 11, 9, 9, 5, 840000, tzinfo=UTC)),
        ("2026-06-11T09:09:05.840865Z", datetime(2026, 6, 11, 9, 9, 5, 840865, tzinfo=UTC)),
        ("2026-06-11T09:09:05.5Z", datetime(2026, 6, 11, 9, 9, 5, 500000, tzinfo=UTC)),
        ("2026-06-11T09:09:05+00:00", datetime(2026, 6, 11, 9, 9, 5, tzinfo=UTC)),
        ("2026-06-11T14:39:05+05:30", datetime(2026, 6, 11, 9, 9, 5, tzinfo=UTC)),
        ("2026-06-10T23:09:05-10:00", datetime(2026, 6, 11, 9, 9, 5, tzinfo=UTC)),
        ("2026-06-11", datetime(2026, 6, 11, tzinfo=UTC)),
    ],
)
def test_timestamps(text: str, moment: datetime, version: float) -> None:
    """Each form is the same instant in both passes, and stays it through JSON."""
    decoded = from_json(encoded(record(posted_at=text, version=version)), AccountingRecord)
    assert decoded.posted_at == moment
    assert decoded.posted_at.utcoffset() is not None
    assert from_json(to_json(decoded), AccountingRecord).posted_at == moment


def test_z_is_utc_and_an_offset_stays() -> None:
    """Z becomes UTC itself; another offset is kept, and the books use its UTC day."""
    decoded = from_json(
        encoded(record(posted_at="2026-06-11T00:00:00Z", erp_posting_date="2026-07-01T01:00:00+02:00")),
        AccountingRecord,
    )
    assert decoded.posted_at.tzinfo is UTC
    assert decoded.erp_posting_date.utcoffset() == timedelta(hours=2)
    assert decoded.erp_posting_date.replace(tzinfo=None) == datetime(2026, 7, 1, 1)  # noqa: DTZ001
    assert decoded.accounting_date == date(2026, 6, 30)
    assert to_json(decoded).count(b"2026-07-01T01:00:00+02:00") == 1
    assert datetime(2026, 7, 1, 1, tzinfo=timezone(timedelta(hours=2))) == decoded.erp_posting_date


@pytest.mark.parametrize("version", [2, 2.0])
@pytest.mark.parametrize(
    "value",
    [
        "2026-06-11T09:09:05",
        "2026-06-11T09:09:05.840865",
        "2026-06-11 ",
        " 2026-06-11",
        "2026-06-11\n",
        "2026-6-11",
        "20260611",
        "2026-02-30",
        "2026-13-01T00:00:00Z",
        "2026-06-11T24:00:00Z",
        "2026-06-11T09:09Z",
        "\u0662\u0660\u0662\u0666-06-11",
        "yesterday",
        "",
        1781168945,
        1781168945.5,
        None,
        True,
        ["2026-06-11"],
    ],
)
def test_what_is_no_timestamp(value: Any, version: float) -> None:
    """A naive time above all, and anything else without a certain instant, is refused in both passes."""
    assert problems(record(posted_at=value, version=version)) == ("expected a date-time with an offset at $.posted_at",)


@pytest.mark.parametrize("version", [2, 2.0])
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"id": 5}, "expected str at $.id"),
        ({"id": None}, "expected str at $.id"),
        ({"id": ["accr_1"]}, "expected str at $.id"),
        ({"memo": 5}, "expected str | None at $.memo"),
        ({"memo": False}, "expected str | None at $.memo"),
        ({"type": 5}, "expected RecordType at $.type"),
        ({"type": None}, "expected RecordType at $.type"),
        ({"source_type": {"CARD": 1}}, "expected SourceType at $.source_type"),
        ({"line_items": None}, "expected tuple[LineItem, ...] at $.line_items"),
        ({"line_items": {}}, "expected tuple[LineItem, ...] at $.line_items"),
        ({"line_items": ""}, "expected tuple[LineItem, ...] at $.line_items"),
        ({"line_items": [[]]}, "expected LineItem at $.line_items[0]"),
        ({"line_items": ["accrli_1"]}, "expected LineItem at $.line_items[0]"),
        ({"amount": []}, "expected Money at $.amount"),
        ({"amount": "1.00"}, "expected Money at $.amount"),
        ({"amount": money(currency=None)}, "expected str at $.amount.currency"),
        ({"receipts": {}}, "expected tuple[Receipt, ...] | None at $.receipts"),
        ({"user": []}, "expected User | None at $.user"),
        ({"receipts": [{"id": "r", "download_uris": ["a", 5]}]}, "expected str at $.receipts[0].download_uris[1]"),
        ({"line_items": [line(type=True)]}, "expected LineItemType at $.line_items[0].type"),
    ],
)
def test_values_of_the_wrong_kind(change: dict[str, Any], problem: str, version: float) -> None:
    """No value is turned into another kind: each is refused with its path and what belongs there."""
    assert problems(record(version=version) | change) == (problem,)


@pytest.mark.parametrize("value", [0, 1, "false", "true", None, []])
def test_a_boolean_is_true_or_false(value: Any) -> None:
    """has_next_page takes no stand-in for a boolean: a wrong guess would end a list early."""
    with pytest.raises(DecodeError) as caught:
        from_json(page(has_next_page=value), Page[AccountingRecord])
    assert caught.value.problems == ("expected bool at $.has_next_page",)


@pytest.mark.parametrize("items", [{}, "ab", None, 5, {"0": {}}])
def test_items_are_a_list(items: Any) -> None:
    """Neither an object nor a string passes for the list of items."""
    with pytest.raises(DecodeError) as caught:
        from_json(page().replace(b"[]", encoded(items)), Page[AccountingRecord])
    assert caught.value.problems == ("expected tuple[AccountingRecord, ...] at $.items",)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"filters": ["ab"]}, "expected tuple[str, str] at $.filters[0]"),
        ({"filters": [{"a": 1, "b": 2}]}, "expected tuple[str, str] at $.filters[0]"),
        ({"filters": [["a", 5]]}, "expected str at $.filters[0][1]"),
        ({"after": "ab"}, "expected tuple[str, int] | None at $.after"),
        ({"after": {"a": 1, "b": 2}}, "expected tuple[str, int] | None at $.after"),
        ({"page_size": 10.5}, "expected int at $.page_size"),
    ],
)
def test_a_checkpoint_is_read_strictly(change: dict[str, Any], problem: str) -> None:
    """A damaged checkpoint is refused: half of one would resume in the wrong place."""
    whole: dict[str, Any] = {"filters": [["a", "b"]], "page_size": 10, "cursor": None, "after": ["accr_1", 2]}
    assert from_json(encoded(whole), Checkpoint).after == ("accr_1", 2)
    with pytest.raises(DecodeError) as caught:
        from_json(encoded(whole | change), Checkpoint)
    assert caught.value.problems == (problem,)


@pytest.mark.parametrize("change", [{"filters": [["a"]]}, {"filters": [["a", "b", "c"]]}, {"after": ["accr_1"]}])
def test_a_checkpoint_of_the_wrong_length(change: dict[str, Any]) -> None:
    """Pairs have two elements, no more and no fewer."""
    with pytest.raises(DecodeError):
        from_json(encoded({"page_size": 10} | change), Checkpoint)


REQUIRED = [
    "id",
    "type",
    "review_status",
    "erp_posting_date",
    "updated_at",
    "version",
    "amount",
    "source_type",
    "posted_at",
    "line_items",
]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_required_field(name: str) -> None:
    """Each documented required field is missed by its path."""
    document = record()
    del document[name]
    assert problems(document) == (f"required field missing at $.{name}",)


def test_the_literal_list_of_required_fields() -> None:
    """A record of these fields alone decodes, and an empty one misses exactly them."""
    assert from_json(encoded({name: record()[name] for name in REQUIRED}), AccountingRecord).memo is None
    assert problems({}) == tuple(f"required field missing at $.{name}" for name in REQUIRED)


def test_every_problem_is_listed() -> None:
    """All wrong paths are named at once, the first three in the text."""
    document = record(memo=5, version=1.5, amount=money("NaN"), line_items=[line(), line(id=None, amount=money(True))])
    assert sorted(problems(document)) == [
        "expected amount at $.amount.amount",
        "expected amount at $.line_items[1].amount.amount",
        "expected int at $.version",
        "expected str at $.line_items[1].id",
        "expected str | None at $.memo",
    ]
    with pytest.raises(DecodeError, match=r"\(and 2 more\)"):
        from_json(encoded(document), AccountingRecord)
