"""The benchmark of decoding measures what it says: its bodies, its rows and its lines."""

from __future__ import annotations

import attrs
import pytest

from benchmarks import decode
from benchmarks.decode import TARGETS, body_of, exactness, missed, odd, rows, zeros
from brex_accounting.codec import Codec


def test_the_bodies_are_odd_where_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """The right number of records takes the second pass, and none of those with zeros."""
    structured = 0
    original = Codec.structure

    def structure(self: Codec, obj: object, cl: type[object]) -> object:
        nonlocal structured
        structured += 1
        return original(self, obj, cl)

    monkeypatch.setattr(Codec, "structure", structure)
    body = body_of(12)
    for data, expected in ((body, 0), (odd(body, 11), 1), (odd(body, 0), 12), (zeros(body), 0)):
        structured = 0
        read, _ = rows(data, 12)[decode.CHUNKS]
        assert len(read(data).items) == 12
        assert structured == expected
    assert zeros(body).count(b'"amount":0') > body.count(b'"amount":0')


def test_every_target_has_its_rows_and_ours_are_exact() -> None:
    """Nothing is aimed at that is not measured, and every row of ours keeps each digit."""
    decoding = rows(body_of(5), 5)
    assert {name for one in TARGETS for name in (one.row, one.against)} <= decoding.keys()
    exact = exactness(decoding, 5)
    assert {name for name, kept in exact.items() if not kept} <= {decode.PYDANTIC, decode.CATTRS}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_crossed_line_is_missed(target: decode.Target) -> None:
    """A figure on the hard line holds, one beyond it does not, on the side that the target has."""
    worse = target.fail * (1.01 if target.at_most else 0.99)
    assert missed({target.name: target.fail}) == []
    assert missed({target.name: worse}) == [target.name]
    assert target.meets(target.aim, target.fail), "the aim is on the right side of the hard line"
    assert attrs.evolve(target, at_most=not target.at_most).meets(worse, target.fail)
