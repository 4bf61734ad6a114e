"""to_json and from_json: what is written is read back equal, in the wire's own form."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import (
    AccountingRecord,
    Checkpoint,
    ConfigurationError,
    DecodeError,
    ExportFailure,
    ExportSuccess,
    Integration,
    Money,
    Page,
    UpdatedAt,
    from_json,
    to_json,
)
from brex_accounting.converters.wire import codec
from brex_accounting.enums import IntegrationStatus
from brex_accounting.models import ExportReport, LineItem, SchemaDrift

from .documents import encoded, page, record, records, thorough

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
checkpoints = st.builds(
    Checkpoint,
    filters=st.lists(st.tuples(words, words), max_size=4).map(tuple),
    page_size=st.integers(1, 1000),
    cursor=st.none() | words,
    after=st.none() | st.tuples(words, st.integers(0, 2**40)),
)


@thorough
@given(checkpoint=checkpoints)
def test_a_checkpoint_survives(checkpoint: Checkpoint) -> None:
    """Any checkpoint comes back equal, with tuples for its pairs."""
    back = from_json(to_json(checkpoint), Checkpoint)
    assert back == checkpoint
    assert hash(back) == hash(checkpoint)


@pytest.mark.parametrize(
    "model",
    [
        ExportSuccess(accounting_record_id="accr_1", reference_id="JE-1", deep_link_url="https://erp.invalid/1"),
        ExportSuccess(accounting_record_id="accr_1", reference_id="JE-1"),
        ExportSuccess(accounting_record_id="accr_1"),
        ExportFailure(accounting_record_id="accr_1", error_message="no such account"),
        ExportReport(updated=("accr_1",), not_named=("accr_2",)),
        SchemaDrift(call="list records", unknown=("items[].a",), missing=()),
        Money(amount=Decimal("10.50"), currency="USD"),
        Integration(
            id="int_1",
            vendor="V",
            vendor_account_id="org",
            status=IntegrationStatus.DISABLED,
            created_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        ),
        Integration(
            id="int_1",
            vendor="V",
            vendor_account_id="org",
            status=IntegrationStatus("PAUSED"),
            created_at=datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=-8))),
        ),
    ],
    ids=repr,
)
def test_models_survive(model: Any) -> None:
    """Each model comes back equal from its JSON."""
    assert from_json(to_json(model), type(model)) == model


def test_an_export_result_is_written_as_brex_takes_it() -> None:
    """Results nest under success or failure; what is None is left out, not null."""
    assert json.loads(to_json(ExportSuccess(accounting_record_id="accr_1"))) == {
        "accounting_record_id": "accr_1",
        "success": {},
    }
    assert json.loads(to_json(ExportFailure(accounting_record_id="accr_1", error_message="no"))) == {
        "accounting_record_id": "accr_1",
        "failure": {"error_message": "no"},
    }


def test_one_result_is_not_the_other() -> None:
    """A success does not read as a failure, nor the other way round."""
    success, failure = (
        to_json(ExportSuccess(accounting_record_id="accr_1")),
        to_json(ExportFailure(accounting_record_id="accr_1", error_message="canary")),
    )
    with pytest.raises(DecodeError, match="expected ExportFailure"):
        from_json(success, ExportFailure)
    with pytest.raises(DecodeError, match="expected ExportSuccess") as caught:
        from_json(failure, ExportSuccess)
    assert "canary" not in repr(caught.value)


@thorough
@given(
    items=st.lists(records, max_size=3), more=st.booleans(), cursor=st.none() | words, total=st.none() | st.integers(0)
)
def test_a_page_survives(items: list[dict[str, Any]], more: bool, cursor: str | None, total: int | None) -> None:
    """A page comes back with equal records; Page alone means a page of accounting records."""
    body = encoded({"items": items, "has_next_page": more, "next_cursor": cursor, "total_count": total})
    read = from_json(body, Page[AccountingRecord])
    assert len(read.items) == len(items)
    assert (read.has_next_page, read.next_cursor, read.total_count) == (more, cursor, total)
    assert (read.raw, read.checkpoint, read.served_at, read.trace_id) == (body, None, None, None)
    assert from_json(body, Page) == read
    again = from_json(to_json(read), Page[AccountingRecord])
    assert again.items == read.items
    assert set(json.loads(to_json(read))) == {"items", "next_cursor", "has_next_page", "total_count"}


def test_a_page_of_something_else() -> None:
    """The class in the brackets is what the items are read as."""
    read = from_json(page({"amount": "1.50", "currency": "USD"}), Page[Money])
    assert read.items == (Money(amount=Decimal("1.50"), currency="USD"),)
    with pytest.raises(DecodeError, match=r"\$\.items\[0\]\.amount"):
        from_json(page({"amount": "NaN", "currency": "USD"}), Page[Money])


def test_bodies_and_records_stay_out_of_the_repr() -> None:
    """A page in a log line shows neither its records nor its bytes."""
    read = from_json(page(record(id="accr_canary")), Page[AccountingRecord])
    assert "canary" not in repr(read)


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("10.50", b"10.50"),
        ("1E+5", b"1E+5"),
        ("-0", b"-0"),
        ("0.00", b"0.00"),
        ("12345678901234567890.01", b"12345678901234567890.01"),
    ],
)
def test_amounts_are_written_as_numbers(amount: str, written: bytes) -> None:
    """An amount is a JSON number with its own digits."""
    assert to_json(Money(amount=Decimal(amount), currency="X")) == b'{"amount":' + written + b',"currency":"X"}'


def test_names_seen_in_captures_only_are_left_out_when_none() -> None:
    """Undocumented fields appear when they hold something, documented ones also as null."""
    written = json.loads(to_json(from_json(encoded(record(line_items=[])), AccountingRecord)))
    assert "status" not in written
    assert "billing_amount" not in written
    assert written["memo"] is None
    assert written["vendor"] is None


def test_no_list_and_an_empty_list_stay_apart() -> None:
    """An absent list of field values is written as absent, an empty one as empty."""
    bare = {"id": "a", "type": "DEBIT", "amount": {"amount": 1, "currency": "USD"}}
    assert "accounting_field_values" not in json.loads(to_json(from_json(encoded(bare), LineItem)))
    empty = from_json(encoded(bare | {"accounting_field_values": []}), LineItem)
    assert json.loads(to_json(empty))["accounting_field_values"] == []


@pytest.mark.parametrize(
    "window",
    [
        UpdatedAt(gte=date(2026, 6, 1), lt=datetime(2026, 7, 1, tzinfo=UTC)),
        UpdatedAt(gt=datetime(2026, 6, 1, 12, 30, 0, 5, tzinfo=UTC)),
        UpdatedAt(),
    ],
)
def test_a_window_keeps_dates_and_times_apart(window: UpdatedAt) -> None:
    """A date is read back as a date, a date-time as a date-time."""
    assert from_json(to_json(window), UpdatedAt) == window


def test_a_window_that_is_none_is_refused() -> None:
    """A bound that is neither is named."""
    with pytest.raises(DecodeError, match=r"at \$\.gte"):
        from_json(b'{"gte":"soon"}', UpdatedAt)


def test_cattrs_own_way_in_is_as_exact() -> None:
    """``loads`` of the converter goes through the same two passes: trailing zeros survive."""
    assert str(codec().loads(b'{"amount":1.10,"currency":"USD"}', Money).amount) == "1.10"


def test_from_json_takes_bytes() -> None:
    """Text is the usual slip, and told."""
    with pytest.raises(ConfigurationError, match="bytes, not str"):
        from_json("{}", Checkpoint)  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), 1.1])
def test_what_json_cannot_hold_is_not_written(amount: Any) -> None:
    """No NaN, no infinity and no float goes out as an amount."""
    with pytest.raises(ConfigurationError, match="cannot write Money"):
        to_json(Money(amount=amount, currency="USD"))


def test_what_is_no_model_is_not_written() -> None:
    """An object of another kind is named."""
    with pytest.raises(ConfigurationError, match="cannot write object"):
        to_json(object())
