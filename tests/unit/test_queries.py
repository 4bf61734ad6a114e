"""Filters: as they are sent, and what bad input gets before anything is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from brex_accounting import ALL_TIME, ConfigurationError, UpdatedAt
from brex_accounting.converters.queries import Query, record_filters
from brex_accounting.enums import ReviewStatus, SourceType
from brex_accounting.paging import RecordQuery, Source

NOON = datetime(2026, 6, 11, 12, tzinfo=UTC)
MANY = [f"accr_{number}" for number in range(501)]


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({}, ()),
        ({"updated_at": ALL_TIME}, (("updated_at[gte]", "2000-01-01T00:00:00Z"),)),
        ({"ids": ["accr_1", "accr_2"]}, (("ids", "accr_1"), ("ids", "accr_2"))),
        ({"ids": iter(["accr_1"])}, (("ids", "accr_1"),)),
        ({"review_status": "READY_FOR_EXPORT"}, (("review_status", "READY_FOR_EXPORT"),)),
        ({"review_status": ReviewStatus.REVIEW}, (("review_status", "REVIEW"),)),
        ({"review_status": ReviewStatus("NEWER")}, (("review_status", "NEWER"),)),
        ({"source_type": "BILL"}, (("source_type", "BILL"),)),
        (
            {"source_type": SourceType.CARD, "review_status": "PREPARE"},
            (("review_status", "PREPARE"), ("source_type", "CARD")),
        ),
        ({"single_entry": True}, (("single_entry", "true"),)),
        ({"single_entry": False}, (("single_entry", "false"),)),
        (
            {"ids": ["a"], "source_type": "CARD", "updated_at": UpdatedAt(gt=NOON), "single_entry": True},
            (
                ("ids", "a"),
                ("source_type", "CARD"),
                ("updated_at[gt]", "2026-06-11T12:00:00Z"),
                ("single_entry", "true"),
            ),
        ),
    ],
)
def test_filters_as_sent(arguments: dict[str, Any], query: Query) -> None:
    """Each filter has this form; ids repeat their key, a window has its bound in brackets."""
    sent = record_filters(**arguments)
    assert sent == query
    assert all(type(name) is str for name, _ in sent)
    assert [str(value) for _, value in sent] == [value for _, value in query]


@pytest.mark.parametrize(
    ("bound", "text"),
    [
        (NOON, "2026-06-11T12:00:00Z"),
        (NOON.replace(microsecond=840865), "2026-06-11T12:00:00.840865Z"),
        (NOON.replace(microsecond=840000), "2026-06-11T12:00:00.840000Z"),
        (datetime(2026, 6, 11, 14, tzinfo=timezone(timedelta(hours=2))), "2026-06-11T12:00:00Z"),
        (datetime(2026, 6, 11, 8, tzinfo=ZoneInfo("America/New_York")), "2026-06-11T12:00:00Z"),
        (datetime(2026, 6, 11, 17, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2026-06-11T12:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (date(2026, 6, 11), "2026-06-11"),
    ],
)
@pytest.mark.parametrize("name", ["gt", "gte", "lt", "lte"])
def test_bounds_as_sent(name: str, bound: datetime | date, text: str) -> None:
    """A moment goes out in UTC with Z, a date as a date."""
    assert record_filters(updated_at=UpdatedAt(**{name: bound})) == ((f"updated_at[{name}]", text),)


@pytest.mark.parametrize(
    ("window", "query"),
    [
        (UpdatedAt(gte=NOON, lt=NOON + timedelta(hours=1)), ("updated_at[gte]", "updated_at[lt]")),
        (UpdatedAt(gt=date(2026, 1, 1), lte=date(2026, 2, 1)), ("updated_at[gt]", "updated_at[lte]")),
        (UpdatedAt(gte=date(2026, 6, 11), lte=NOON), ("updated_at[gte]", "updated_at[lte]")),
    ],
)
def test_windows_with_both_ends(window: UpdatedAt, query: tuple[str, str]) -> None:
    """A lower and an upper bound go out together, dates and moments mixed as you like."""
    assert tuple(name for name, _ in record_filters(updated_at=window)) == query


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"ids": "accr_1"}, "not one string"),
    ({"ids": b"accr_1"}, "not one string"),
    ({"ids": 7}, "not int"),
    ({"ids": []}, "ids is empty"),
    ({"ids": iter(())}, "ids is empty"),
    ({"ids": MANY}, "501 ids are too many"),
    ({"ids": ["accr_1", ""]}, "empty or a path"),
    ({"ids": ["accr_1", ".."]}, "empty or a path"),
    ({"ids": ["accr_1/../x"]}, "holds a slash"),
    ({"ids": ["accr 1"]}, "a blank"),
    ({"ids": [5]}, "must be a string, not int"),
    ({"ids": [None]}, "must be a string, not NoneType"),
    ({"review_status": "READY_TO_EXPORT"}, "did you mean READY_FOR_EXPORT"),
    ({"review_status": "exported"}, "did you mean EXPORTED"),
    ({"review_status": "EXPORTD"}, "did you mean EXPORTED"),
    ({"review_status": "zzz"}, "known: PREPARE, REVIEW, READY_FOR_EXPORT, EXPORTED"),
    ({"review_status": ""}, "known: PREPARE"),
    ({"review_status": 5}, "unknown review_status"),
    ({"review_status": ["REVIEW"]}, "unknown review_status"),
    ({"source_type": "CARDS"}, "did you mean CARD"),
    ({"source_type": SourceType.CARD.name.lower()}, "did you mean CARD"),
    ({"source_type": "BILL", "review_status": "READY_FOR_EXPORT"}, "cannot be combined with source_type BILL"),
    ({"source_type": SourceType.BILL, "review_status": ReviewStatus.PREPARE}, "cannot be combined"),
    ({"updated_at": UpdatedAt()}, "no bound"),
    ({"updated_at": UpdatedAt(gt=datetime(2026, 1, 1))}, "gt is a naive datetime"),  # noqa: DTZ001
    ({"updated_at": UpdatedAt(lte=datetime(2026, 1, 1))}, "lte is a naive datetime"),  # noqa: DTZ001
    ({"updated_at": UpdatedAt(gt=NOON, gte=NOON)}, "one lower bound"),
    ({"updated_at": UpdatedAt(lt=NOON, lte=NOON)}, "one upper bound"),
    ({"updated_at": UpdatedAt(gte=NOON, lt=NOON - timedelta(microseconds=1))}, "ends before it begins"),
    ({"updated_at": UpdatedAt(gt=date(2026, 6, 12), lt=NOON)}, "ends before it begins"),
    ({"updated_at": UpdatedAt(gt=NOON, lt=date(2026, 6, 11))}, "ends before it begins"),
    ({"updated_at": UpdatedAt(gte="2026-01-01")}, "takes a datetime or a date, not str"),  # type: ignore[arg-type]
    ({"updated_at": UpdatedAt(gte=0)}, "takes a datetime or a date, not int"),  # type: ignore[arg-type]
    ({"updated_at": UpdatedAt(gte=datetime.min.replace(tzinfo=timezone(timedelta(hours=5))))}, "outside the years"),
    ({"updated_at": "2026-01-01"}, "takes UpdatedAt"),
    ({"updated_at": NOON}, "takes UpdatedAt"),
    ({"updated_at": {"gte": NOON}}, "takes UpdatedAt"),
    ({"single_entry": "false"}, "single_entry is True, False or None"),
    ({"single_entry": 1}, "single_entry is True, False or None"),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED, ids=lambda value: repr(value)[:60])
def test_bad_filters_are_refused(arguments: dict[str, Any], words: str) -> None:
    """Bad input is a ConfigurationError that says what is wrong, at once."""
    with pytest.raises(ConfigurationError, match=words):
        record_filters(**arguments)


def test_500_ids_are_not_too_many() -> None:
    """Brex's own limit is taken at its word."""
    assert len(record_filters(ids=MANY[:500])) == 500


def test_an_id_is_not_echoed() -> None:
    """A refused id, which may be a pasted secret, is not in the message."""
    with pytest.raises(ConfigurationError) as caught:
        record_filters(ids=["can ary"])
    assert "ary" not in str(caught.value)


async def _never(cursor: str | None, page_size: int, peeked: object) -> Any:
    raise AssertionError(f"nothing may be fetched: {cursor} {page_size} {peeked}")


SOURCE: Source[Any] = Source(fetch=_never, identify=lambda item: item, filters=())


@pytest.mark.parametrize("bad", [0, -1, True, False, 1.5, "100", None, float("nan")])
def test_page_size_is_a_whole_number_above_zero(bad: Any) -> None:
    """A page size below 1, or no whole number, is refused."""
    with pytest.raises(ConfigurationError, match="page_size"):
        RecordQuery(SOURCE, page_size=bad)


@pytest.mark.parametrize("bad", [0, -1, True, 1.5, "5"])
async def test_max_items_is_a_whole_number_above_zero(bad: Any) -> None:
    """And so is max_items, on the query and on collect; None means no limit."""
    with pytest.raises(ConfigurationError, match="max_items"):
        RecordQuery(SOURCE, page_size=1, max_items=bad)
    with pytest.raises(ConfigurationError, match="max_items"):
        await RecordQuery(SOURCE, page_size=1, max_items=None).collect(bad)
