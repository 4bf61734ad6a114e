"""The sorting of reported results by how their records read, as a literal table and as rules for any of them."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import (
    APIConnectionError,
    AuthenticationError,
    BadRequest,
    BrexError,
    ConfigurationError,
    Conflict,
    DecodeError,
    DuplicateAccountingRecordIds,
    ExportFailure,
    ExportSuccess,
    NotFound,
    PermissionDenied,
    RateLimitError,
    RecordsNotFound,
    RecordsNotReadyForExport,
    ServerError,
    UnprocessableEntity,
)
from brex_accounting.confirming import TABLE, Batch, Fate, chunks_of, confirmed, fate, fates, wants_reading
from brex_accounting.enums import ReviewStatus
from brex_accounting.models import ConfirmedReport, ExportResult

AGAIN = "send again"
# sent as, read back, after an ambiguous try of ours, otherwise
LITERAL = [
    ("success", "EXPORTED", "updated", "already_exported"),
    ("success", "READY_FOR_EXPORT", AGAIN, AGAIN),
    ("success", "PREPARE", "not_ready", "not_ready"),
    ("success", "REVIEW", "not_ready", "not_ready"),
    ("success", "A_NEW_ONE", "not_ready", "not_ready"),
    ("failure", "READY_FOR_EXPORT", AGAIN, AGAIN),
    ("failure", "EXPORTED", "already_exported", "already_exported"),
    ("failure", "PREPARE", "presumed_reported", "not_ready"),
    ("failure", "REVIEW", "presumed_reported", "not_ready"),
    ("failure", "A_NEW_ONE", "presumed_reported", "not_ready"),
    ("success", None, "not_found", "not_found"),
    ("failure", None, "not_found", "not_found"),
]


def result(number: int, *, success: bool = True) -> ExportResult:
    one = f"accr_{number}"
    return (
        ExportSuccess(accounting_record_id=one)
        if success
        else ExportFailure(accounting_record_id=one, error_message="no")
    )


@pytest.mark.parametrize(("sent_as", "status", "after_ambiguous", "otherwise"), LITERAL)
def test_each_cell(sent_as: str, status: str | None, after_ambiguous: str, otherwise: str) -> None:
    """What was sent, how the record reads, and whether an answer was lost decide what became of it."""
    one = result(1, success=sent_as == "success")
    reads = None if status is None else ReviewStatus(status)
    assert fate(one, reads, ambiguous=True).value == after_ambiguous
    assert fate(one, reads, ambiguous=False).value == otherwise


def test_the_table_is_whole() -> None:
    """Six rows; only one that reads READY_FOR_EXPORT is ever sent again."""
    assert len(TABLE) == 6
    again = {row for row, cells in TABLE.items() if Fate.SEND_AGAIN in cells}
    assert {(sent_as, seen.value) for sent_as, seen in again} == {
        ("success", "READY_FOR_EXPORT"),
        ("failure", "READY_FOR_EXPORT"),
    }


def test_fates_are_the_lists_of_a_report() -> None:
    """Each fate but one names a list of the report, and the other way round."""
    assert {one.value for one in Fate} - {AGAIN} == {field.name for field in attrs.fields(ConfirmedReport)}


# error, whether it may have happened, whether the records are read
READING: list[tuple[BrexError, bool, bool]] = [
    (APIConnectionError("x"), True, True),
    (APIConnectionError("x", sent=False), False, False),
    (ServerError("x", status=500), True, True),
    (ServerError("x", status=501), False, False),
    (DecodeError("x"), True, True),
    (NotFound("x", status=404), False, True),
    (RecordsNotFound("x", status=404), False, True),
    (UnprocessableEntity("x", status=422), False, True),
    (RecordsNotReadyForExport("x", status=422), False, True),
    (DuplicateAccountingRecordIds("x", status=422), False, True),
    (BadRequest("x", status=400), False, False),
    (AuthenticationError("x", status=401), False, False),
    (PermissionDenied("x", status=403), False, False),
    (Conflict("x", status=409), False, False),
    (RateLimitError("x", status=429), False, False),
    (ConfigurationError("x"), False, False),
]


@pytest.mark.parametrize(("error", "happened", "expected"), READING)
def test_which_errors_are_followed_by_reading(error: BrexError, happened: bool, expected: bool) -> None:
    """Lost answers, 404 and 422 are; what certainly changed nothing and says nothing of records is not."""
    error.may_have_happened = happened
    assert wants_reading(error) is expected


STATUSES = st.sampled_from([ReviewStatus(row[1]) for row in LITERAL if row[1] is not None])
RESULTS = st.lists(st.booleans(), min_size=1, max_size=30).map(
    lambda kinds: tuple(result(number, success=success) for number, success in enumerate(kinds))
)


@given(results=RESULTS, data=st.data(), ambiguous=st.booleans())
def test_every_result_is_settled_or_left(
    results: tuple[ExportResult, ...], data: st.DataObject, ambiguous: bool
) -> None:
    """Each is in exactly one list or goes out again; lists and the remainder keep the order given."""
    ids = [one.accounting_record_id for one in results]
    found = data.draw(st.dictionaries(st.sampled_from([*ids, "accr_foreign"]), STATUSES))
    settled = fates(results, found, ambiguous=ambiguous)
    batch = Batch(results=results, key="old", ambiguous=ambiguous).without(settled, "new")
    left = [one.accounting_record_id for one in batch.results]
    lists = [list(ids) for ids in attrs.astuple(confirmed(results, settled))]
    assert sorted([one for some in lists for one in some] + left) == sorted(ids)
    assert all(some == [one for one in ids if one in some] for some in (*lists, left))
    assert all(found[one] == "READY_FOR_EXPORT" for one in left)
    assert batch.ambiguous is ambiguous
    assert (batch.key == "old") is (left == ids)


@given(results=RESULTS, size=st.integers(1, 40))
def test_chunks_lose_and_double_nothing(results: tuple[ExportResult, ...], size: int) -> None:
    """Chunks are full but for the last, and joined they are what was given."""
    chunks = list(chunks_of(results, size))
    assert tuple(one for some in chunks for one in some) == results
    assert all(len(some) == size for some in chunks[:-1])
    assert 1 <= len(chunks[-1]) <= size


def test_a_lost_answer_is_never_forgotten() -> None:
    """Once a try was ambiguous, later tries of the chunk are sorted by that, whatever they came to."""
    lost, refused = APIConnectionError("x"), RecordsNotReadyForExport("x", status=422)
    lost.may_have_happened = True
    batch = Batch(results=(result(1), result(2)), key="k")
    assert not batch.after(refused).ambiguous
    assert batch.after(lost).after(refused).without({"accr_1": Fate.UPDATED}, "l").ambiguous
