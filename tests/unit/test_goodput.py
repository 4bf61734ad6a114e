"""Two simulated minutes of the goodput benchmark: the real manager against models of a limited server."""

from __future__ import annotations

import pytest

from benchmarks.goodput import BREX, Case, simulate
from benchmarks.servers import FixedWindow, Server, SlidingWindow, TokenBucket

ENDS = 180.0
"""Two minutes, and a ramp of half a minute on average at both ends."""

KINDS: list[type[FixedWindow] | type[SlidingWindow] | type[TokenBucket]] = [FixedWindow, SlidingWindow, TokenBucket]


def always(_: float) -> float:
    return BREX.limit


def half_from_minute_one(moment: float) -> float:
    return BREX.limit if moment < 60 else BREX.limit / 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_is_refused(kind: type[Server], seed: int) -> None:
    """Forty hungry tasks use what the server allows, without a single 429."""
    case = Case(name="", server=kind, budget=always)
    tally = simulate(case, ENDS, seed)
    assert tally.goodput(ENDS, BREX, always) >= 97
    assert (tally.refused, tally.given_up) == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_that_is_halved(kind: type[Server]) -> None:
    """The session finds the new limit from 429s alone, and all calls get their answer."""
    case = Case(name="", server=kind, budget=half_from_minute_one)
    ends = ENDS + 60
    tally = simulate(case, ends)
    # The way from bursts to an even pace takes most of a window, once.
    assert tally.goodput(ends, BREX, half_from_minute_one) >= 70
    assert tally.refused_share < 3
    assert tally.given_up == 0


def test_the_simulation_is_repeatable() -> None:
    """The same seed gives the same figures, and another seed others."""
    case = Case(name="", server=SlidingWindow, budget=half_from_minute_one)
    first, second, third = (simulate(case, ENDS, seed) for seed in (5, 5, 6))
    assert first == second
    assert first != third


def test_the_models_refuse() -> None:
    """Each model lets 1,000 at once pass, no more, and again a minute later."""
    for kind in KINDS:
        server = kind(always)
        assert [server.accepts(20.0) for _ in range(1001)] == [True] * 1000 + [False]
        assert [server.accepts(80.0) for _ in range(1001)] == [True] * 1000 + [False]
