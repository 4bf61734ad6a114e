"""Open enums: a value of tomorrow keeps its text and behaves like one."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from brex_accounting import AccountingRecord, from_json, to_json
from brex_accounting.enums import OpenEnum, RecordType, ReviewStatus, UserRole

from .documents import encoded, record

ENUMS = [enum for enum in OpenEnum.__subclasses__() if enum.__module__ == "brex_accounting.enums"]


@pytest.mark.parametrize("enum", ENUMS)
def test_known_values(enum: type[OpenEnum]) -> None:
    """Each member is its own text, known, and found by it."""
    for member in enum:
        assert member.is_known
        assert member == member.value == str(member) == f"{member}" == member.name
        assert enum(member.value) is member


@pytest.mark.parametrize("enum", ENUMS)
@pytest.mark.parametrize("text", ["A_VALUE_OF_TOMORROW", "", "active", "with blank", "name", "\u20ac"])
def test_unknown_values(enum: type[OpenEnum], text: str) -> None:
    """An unknown value equals and hashes like the plain string, prints as it, and says that it is unknown."""
    value = enum(text)
    assert not value.is_known
    assert value == text
    assert str(value) == f"{value}" == value.value == text
    assert {text: 1}[value] == 1
    assert value == enum(text)
    assert hash(value) == hash(text)
    assert isinstance(value, enum)
    assert text not in [member.value for member in enum]


@pytest.mark.parametrize("value", [RecordType.INVOICE, RecordType("TOMORROW"), UserRole("")])
def test_values_travel(value: OpenEnum) -> None:
    """Known and unknown values survive pickling, copying and JSON."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(value, protocol))
        assert (back, type(back), back.is_known) == (value, type(value), value.is_known)
    assert copy.deepcopy(value) == value
    assert json.loads(json.dumps(value)) == value.value


@pytest.mark.parametrize("value", [5, None, True, 1.5, b"CARD", ["CARD"]])
def test_only_text_is_a_value(value: Any) -> None:
    """What is no text does not become a member."""
    with pytest.raises(ValueError, match="is not a valid ReviewStatus"):
        ReviewStatus(value)


@pytest.mark.parametrize("version", [2, 2.0])
def test_unknown_values_survive_a_record(version: float) -> None:
    """A record with values of tomorrow decodes in both passes, and goes back with them."""
    body = encoded(record(type="CRYPTO_POST", review_status="MAYBE", source_type="CARD ", version=version))
    one = from_json(body, AccountingRecord)
    assert (one.type, one.review_status, one.source_type) == ("CRYPTO_POST", "MAYBE", "CARD ")
    assert [type(value) for value in (one.type, one.review_status)] == [RecordType, ReviewStatus]
    assert not any(value.is_known for value in (one.type, one.review_status, one.source_type))
    assert from_json(to_json(one), AccountingRecord) == one
    assert pickle.loads(pickle.dumps(one)) == one


class Lower(OpenEnum):
    """Values that are not spelled as the members' names."""

    DONE = "done"


def test_what_is_known_goes_by_value() -> None:
    """A member's name is this package's own: only its value came from a server."""
    assert Lower("done").is_known
    assert not Lower("DONE").is_known
    assert not Lower("new").is_known
    assert not Lower("new").is_known, "asking does not make it known"
