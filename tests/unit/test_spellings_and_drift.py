"""Names: a renamed wire field is one line, and names that differ from the models are seen."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from brex_accounting import AccountingRecord, DecodeError, Integration, from_json
from brex_accounting.codec import Codec
from brex_accounting.converters.drift import drift_of
from brex_accounting.converters.money import exact_amount, settle_money
from brex_accounting.converters.pages import PageBody
from brex_accounting.converters.wire import ABSENT, SPELLINGS, codec
from brex_accounting.exact import exact_numbers, exact_value
from brex_accounting.models import Amount, LineItem, Money
from brex_accounting.wiretypes import Unmodelled

from .documents import encoded, line, money, page, record


def codec_with(**renamed: str) -> Codec:
    """The codec of the package, with these wire names for attributes of a record."""
    return Codec(
        spellings={**SPELLINGS, AccountingRecord: renamed},
        absent=ABSENT,
        leaves={Amount: exact_amount, Unmodelled: exact_value},
        settlers={Money: settle_money},
        float_hook=exact_numbers(),
    )


RENAMED = codec_with(edition="version")


def renamed_record(**changes: Any) -> bytes:
    document = record(edition=7, **changes)
    del document["version"]
    return encoded(document)


def test_a_renamed_field_is_read_under_its_new_name() -> None:
    """With one more spelling the new name is read, and the old one is no longer known."""
    assert RENAMED.decode(renamed_record(), AccountingRecord).version == 7
    with pytest.raises(DecodeError) as caught:
        RENAMED.decode(encoded(record()), AccountingRecord)
    assert caught.value.problems == ("required field missing at $.version",)


def test_a_renamed_field_is_written_under_its_new_name() -> None:
    """What is written carries the new name alone, and reads back the same."""
    one = RENAMED.decode(renamed_record(), AccountingRecord)
    written = RENAMED.dumps(one)
    assert b'"edition":7' in written
    assert b'"version"' not in written
    assert RENAMED.decode(written, AccountingRecord) == one


def test_a_renamed_class_keeps_every_rule() -> None:
    """Amounts, times, types and problems are judged the same without the direct decoder."""
    one = RENAMED.decode(renamed_record(), AccountingRecord)
    assert from_json(encoded(record(version=7)), AccountingRecord) == one
    assert repr(from_json(encoded(record(version=7)), AccountingRecord)) == repr(one)
    with pytest.raises(DecodeError) as caught:
        RENAMED.decode(renamed_record(amount=money("NaN"), memo=5), AccountingRecord)
    assert sorted(caught.value.problems) == ["expected amount at $.amount.amount", "expected str | None at $.memo"]


def test_a_listed_class_skips_the_direct_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """msgspec knows no other names, so it must not be asked for a listed class or what holds one."""
    compiled: list[object] = []
    original: Any = msgspec.json.Decoder

    def spy(kind: Any, **options: Any) -> Any:
        compiled.append(kind)
        return original(kind, **options)

    monkeypatch.setattr(msgspec.json, "Decoder", spy)
    fresh = codec_with(edition="version")
    for kind in (AccountingRecord, PageBody[AccountingRecord], Integration):
        fresh.get_loads_hook(kind)
    assert compiled == []
    fresh.get_loads_hook(LineItem)
    assert compiled == [LineItem]


@pytest.mark.parametrize(
    ("sent", "id_"),
    [
        ({"integration_id": "int_1"}, "int_1"),
        ({"id": "int_1"}, "int_1"),
        ({"integration_id": "int_1", "id": "int_2"}, "int_1"),
        ({"id": "int_2", "integration_id": "int_1"}, "int_1"),
        ({"integration_id": None, "id": "int_2"}, "int_2"),
    ],
)
def test_two_names_for_one_attribute(sent: dict[str, Any], id_: str) -> None:
    """Either name will do, the first listed wins, and a null does not hide the other."""
    rest = {"vendor": "V", "vendor_account_id": "a", "status": "ACTIVE", "created_at": "2026-01-01T00:00:00Z"}
    assert from_json(encoded(sent | rest), Integration).id == id_


def test_an_integration_without_either_name() -> None:
    """With neither name, or null under both, it is refused."""
    rest = {"vendor": "V", "vendor_account_id": "a", "status": "ACTIVE", "created_at": "2026-01-01T00:00:00Z"}
    for sent in ({}, {"id": None}, {"integration_id": None, "id": None}, {"id": 5}):
        with pytest.raises(DecodeError, match=r"at \$\.id"):
            from_json(encoded(sent | rest), Integration)


def test_drift_names_unknown_and_missing_paths() -> None:
    """Names that are new and names that never came are told as paths, without a value or an index."""
    one = record(
        surprise="canary", line_items=[line(hint="canary"), line(hint="canary", amount=money() | {"scale": 2})]
    )
    body = page(one, record(surprise="canary"), mood="canary")
    drift = drift_of(codec(), body, PageBody[AccountingRecord], "list records")
    assert drift is not None
    assert drift.call == "list records"
    assert drift.unknown == (
        "items[].line_items[].amount.scale",
        "items[].line_items[].hint",
        "items[].surprise",
        "mood",
    )
    assert "total_count" in drift.missing
    assert "items[].memo" in drift.missing
    assert "items[].line_items[].accounting_field_values[].field_name" in drift.missing
    assert "items[].id" not in drift.missing
    assert not any("user." in path for path in drift.missing), "no user was sent, so none of its names is missing"
    assert "canary" not in repr(drift)


def test_a_name_that_one_record_has_is_not_missing() -> None:
    """Missing means missing from every record of the page."""
    drift = drift_of(codec(), page(record(), record(memo=None)), PageBody[AccountingRecord], "x")
    assert drift is not None
    assert "items[].memo" not in drift.missing


def test_no_drift() -> None:
    """A document with exactly the names of its model has none to tell."""
    assert drift_of(codec(), encoded(money()), Money, "x") is None


def test_drift_leaves_out_names_that_cannot_be_logged() -> None:
    """A name with a line break cannot forge a log line."""
    drift = drift_of(codec(), encoded(money() | {"a\nb": 1, "plain": 1}), Money, "x")
    assert drift is not None
    assert drift.unknown == ("plain",)


def test_drift_of_a_class_with_two_names() -> None:
    """Either spelling counts as sent, both as known."""
    rest = {"vendor": "V", "vendor_account_id": "a", "status": "ACTIVE", "created_at": "2026-01-01T00:00:00Z"}
    body = encoded({"id": "a"} | rest)
    assert drift_of(codec(), body, Integration, "x") is None
    drift = drift_of(codec(), body.replace(b'"id"', b'"Id"'), Integration, "x")
    assert drift is not None
    assert (drift.unknown, drift.missing) == (("Id",), ("integration_id",))


def test_a_large_page_is_compared_by_its_first_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each class is looked up once and 20 records are walked, however many there are: it runs on the event loop."""
    asked: list[object] = []
    spelled = Codec.spelled

    def counting(self: Codec, cls: type) -> Any:
        asked.append(cls)
        return spelled(self, cls)

    monkeypatch.setattr(Codec, "spelled", counting)
    late = [record() for _ in range(20)] + [record(brand_new=1)]
    assert drift_of(codec(), page(*late), PageBody[AccountingRecord], "list") == drift_of(
        codec(), page(record()), PageBody[AccountingRecord], "list"
    )
    assert len(asked) == 2 * len(set(map(str, asked)))
    early = drift_of(codec(), page(record(brand_new=1), *late), PageBody[AccountingRecord], "list")
    assert early is not None
    assert early.unknown == ("items[].brand_new",)
