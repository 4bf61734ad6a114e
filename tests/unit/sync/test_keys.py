"""Export keys: known values for ever, and no two alike."""

from __future__ import annotations

import copy
import pickle
import re
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import ConfigurationError
from brex_accounting.sync.keys import MAX_KEY, NAMESPACE, ExportKey, export_key

# record id, revision, key, uuid, short: accounting systems hold these, so they never change
FOR_EVER: list[tuple[str, int, str, str, str]] = [
    (
        "accr_1",
        1,
        "accr_1.1",
        "bf22206a-3e40-5e32-a340-128674c6b752",
        "xksagb2hotrpk2ilbsky",
    ),
    (
        "accr_1",
        2,
        "accr_1.2",
        "a6ca1bd3-cb32-57f2-8fb7-a4347517c688",
        "julklhlwuzfgtjh4zzk6",
    ),
    (
        "accr_cmbaz8q0f00a10j1x2y3z4w5v",
        1,
        "accr_cmbaz8q0f00a10j1x2y3z4w5v.1",
        "3a2053f6-7ef5-53d5-8c38-2dd5c83f2675",
        "ajhbfpovc235ou6zq4gh",
    ),
    (
        "accr_000000000000000000000000000000000000000000000000",
        3,
        "bx-waka2d5xl6b23xg62h3q6k5ahsmehophf77fc4n2.3",
        "705cc610-a9f6-521e-a62b-291ff25723a8",
        "vqaipdyaa2wc6ei32koy",
    ),
    (
        "accr_caf\xe9",
        1,
        "bx-zbtcbncj3getiqsem2ejnsa4cahilrvtw5lkaehx.1",
        "d2cce26b-f231-5a72-8664-3ce3c2d83cb8",
        "6kh2u4a6wjihmseqnbbn",
    ),
    (
        "bx-1",
        1,
        "bx-soquyihavgfzrsvnjtmm63jab2fohcxukod5viug.1",
        "fbb98910-af19-5f63-a3dd-dcbb19462c72",
        "6nkw5juduqye2jx3ncym",
    ),
]

IDS = st.text("abc.:-_019", min_size=1, max_size=60) | st.text(max_size=60).filter(lambda text: _encodable(text))
REVISIONS = st.integers(1, 999_999)


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


@pytest.mark.parametrize(("record_id", "revision", "key", "as_uuid", "short"), FOR_EVER)
def test_known_keys(record_id: str, revision: int, key: str, as_uuid: str, short: str) -> None:
    """Keys made today are the keys made by any other version."""
    made = export_key(record_id, revision)
    assert (made, made.uuid, made.short) == (key, as_uuid, short)


@given(record_id=IDS, revision=REVISIONS)
def test_the_shape_of_a_key(record_id: str, revision: int) -> None:
    """At most 50 characters that any system takes; the revision stands at its end."""
    key = export_key(record_id, revision)
    assert re.fullmatch(r"[A-Za-z0-9_.:-]{1,50}", key)
    assert key.endswith(f".{revision}")
    assert re.fullmatch(r"[a-z2-7]{20}", key.short)
    assert key.uuid == str(uuid.uuid5(uuid.UUID(NAMESPACE), key))


@given(one=st.tuples(IDS, REVISIONS), other=st.tuples(IDS, REVISIONS))
def test_keys_are_of_one_revision_of_one_record(one: tuple[str, int], other: tuple[str, int]) -> None:
    """The same key comes from the same record and revision only; so do its two other spellings."""
    first, second = export_key(*one), export_key(*other)
    assert (first == second) is (one == other)
    assert (first.uuid == second.uuid) is (first.short == second.short) is (one == other)


def test_an_id_that_looks_digested_is_digested() -> None:
    """A record whose id is another one's digest does not get that one's key."""
    digested = export_key("x" * 60, 1)
    assert digested.startswith("bx-")
    assert export_key(digested.removesuffix(".1"), 1) != digested


@pytest.mark.parametrize("length", [47, 48, 49, 60])
def test_ids_are_digested_when_the_key_gets_too_long(length: int) -> None:
    """48 characters and a revision fit; one more does not."""
    key = export_key("x" * length, 7)
    assert len(key) <= MAX_KEY
    assert key.startswith("x" * length) is (length <= 48)


@pytest.mark.parametrize("revision", [0, -1, 1_000_000, True, 1.0, "1", None])
def test_a_revision_is_a_whole_number(revision: Any) -> None:
    """Anything else is refused, before it becomes part of a key."""
    with pytest.raises(ConfigurationError, match="revision"):
        export_key("accr_1", revision)


@pytest.mark.parametrize("text", ["", "a b", "\u00e4", "x" * 51, "a\n", b"a", None])
def test_only_keys_are_keys(text: Any) -> None:
    """A key that systems may refuse or change cannot be made."""
    with pytest.raises(ConfigurationError, match="export key"):
        ExportKey(text)


def test_a_key_travels() -> None:
    """Copied or pickled it is the same key, and a plain string to whoever compares it."""
    key = export_key("accr_1", 2)
    assert key == "accr_1.2"
    for back in (copy.copy(key), copy.deepcopy(key), pickle.loads(pickle.dumps(key))):
        assert type(back) is ExportKey
        assert back == key
