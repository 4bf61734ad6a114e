"""The benchmark of decoding measures what it says: its bodies, its rows and its samples."""

from __future__ import annotations

import pytest

from benchmarks import decode
from benchmarks.decode import PEERS, body_of, exactness, odd, rows, zeros
from benchmarks.peers import CATTRS
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
        assert len(decode.MAKERS[decode.CHUNKS]()(data)) == 12
        assert structured == expected
    assert zeros(body).count(b'"amount":0') > body.count(b'"amount":0')


def test_every_row_is_told_and_ours_are_exact() -> None:
    """Each row is measured, and every row of ours keeps each digit."""
    exact = exactness(rows(5), 5)
    assert exact.keys() >= decode.MAKERS.keys() - PEERS
    assert {name for name, kept in exact.items() if not kept} <= PEERS


def test_a_sample_has_a_figure_for_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that sit a round out say so, and the first round has all; garbage is collected before each figure."""
    settled: list[int] = []
    # Here the garbage is that of all tests before: collecting it takes longer than everything that is measured.
    monkeypatch.setattr(decode, "settle", lambda: settled.append(1))
    taken = decode.sample(3, 4)["taken"]
    assert {len(seconds) for seconds in taken.values()} == {4}
    assert all(seconds[0] > 0 for seconds in taken.values())
    assert taken[CATTRS][1] is None
    assert None not in taken[decode.LIMIT]
    assert len(settled) == sum(one is not None for seconds in taken.values() for one in seconds)
