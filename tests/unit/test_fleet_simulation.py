"""The simulated fleet: nobody is forgotten, more workers are never later, and the same seed tells the same."""

from __future__ import annotations

import math
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fleet_plan import Costs, Deaths, Plan
from benchmarks.fleet_simulation import fewest_workers, simulate

POLL = Costs(worker=0.01, database=0.005, requests=2)
PLAN = Plan(companies=120, workers=2, every=600.0, empty=POLL, full=attrs.evolve(POLL, worker=0.03, requests=3))
CALM = attrs.evolve(PLAN, failing=0.0, triggers=0.0)
"""Nobody fails, and no webhook asks."""

plans = st.builds(
    lambda companies, workers, polls, busy, latency: attrs.evolve(
        CALM, companies=companies, workers=workers, polls=polls, busy=busy, latency=latency
    ),
    companies=st.integers(1, 150),
    workers=st.integers(1, 4),
    polls=st.integers(1, 8),
    busy=st.floats(0, 1),
    latency=st.floats(0, 0.3),
)
seeds = st.integers(0, 1000)


@settings(max_examples=40)
@given(plans, seeds)
def test_each_company_is_polled_once_in_each_interval(plan: Plan, seed: int) -> None:
    """With room enough every turn's poll begins, once, and within moments; nothing is left over."""
    plan = attrs.evolve(plan, polls=plan.polls + 4)
    found = simulate(plan, seed)
    # A turn in the interval's last second may fall to the next tick, beyond the end.
    assert all(plan.intervals - 1 <= starts <= plan.intervals for starts in found.starts)
    assert sum(starts < plan.intervals for starts in found.starts) <= plan.companies / 100 + 3
    assert sum(found.starts) == len(found.waits)
    assert (found.unstarted, found.punctual) == (0, 1.0)
    assert min(found.waits, default=0.0) >= 0


@settings(max_examples=40)
@given(st.integers(20, 150), st.integers(1, 4), st.floats(0.5, 20), seeds)
def test_more_workers_are_never_later(companies: int, workers: int, latency: float, seed: int) -> None:
    """With polls of one length, one worker more lets no poll wait longer, however many cannot begin at all."""
    plan = attrs.evolve(
        CALM,
        companies=companies,
        workers=workers,
        polls=1,
        latency=latency,
        spread=0.0,
        busy=0.0,
        every=300.0,
        intervals=1,
        empty=Costs(worker=0.0, database=0.0, requests=1),
    )
    fewer, more = simulate(plan, seed), simulate(attrs.evolve(plan, workers=workers + 1), seed)
    never = [math.inf] * (len(more.waits) - len(fewer.waits))
    assert all(late >= early - 1e-6 for late, early in zip([*fewer.waits, *never], more.waits, strict=True))


@settings(max_examples=15)
@given(plans, seeds)
def test_the_same_seed_tells_the_same(plan: Plan, seed: int) -> None:
    """Chance comes from the seed alone, with everything that may happen."""
    plan = attrs.evolve(
        plan, failing=0.1, triggers=1.0, outage=(100.0, 160.0), deaths=Deaths(at=300.0, share=0.5), deployed=400.0
    )
    assert simulate(plan, seed) == simulate(plan, seed)


def test_too_few_workers_are_told() -> None:
    """A worker that has no time for all leaves some unstarted, waits long and is used wholly."""
    slow = attrs.evolve(CALM, companies=2000, workers=1, polls=1, latency=1.0, every=400.0)
    found = simulate(slow)
    assert found.unstarted > 0
    assert found.punctual < 0.99
    assert found.wait(0.99) == math.inf
    assert found.places > 0.95


def test_the_fewest_workers_are_the_fewest() -> None:
    """With one less, polls are late."""
    plan = attrs.evolve(CALM, companies=1500, polls=1, latency=1.0, every=900.0)
    least = fewest_workers(plan)
    assert least is not None
    assert least > 1
    punctual = [simulate(attrs.evolve(plan, workers=workers)).punctual >= 0.99 for workers in (least - 1, least)]
    assert punctual == [False, True]
    assert fewest_workers(plan, most=least - 1) is None


@pytest.mark.parametrize(
    "trouble",
    [
        attrs.evolve(CALM, outage=(200.0, 320.0)),
        attrs.evolve(CALM, deaths=Deaths(at=200.0, share=0.5)),
        attrs.evolve(CALM, deployed=200.0),
        attrs.evolve(CALM, deaths=Deaths(at=200.0, share=1.0, back=60.0)),
    ],
    ids=["outage", "half die", "deployment", "all die, others come"],
)
def test_nobody_is_forgotten_in_trouble(trouble: Plan) -> None:
    """After an outage, deaths and a deployment all turns have come, in both intervals."""
    found = simulate(attrs.evolve(trouble, companies=300))
    assert found.unstarted == 0
    assert sum(starts >= trouble.intervals - 1 for starts in found.starts) == 300
    assert sum(found.starts) >= 300 * trouble.intervals - 3
    quiet = simulate(attrs.evolve(CALM, companies=300))
    assert max(found.waits) >= max(quiet.waits)


def test_an_outage_is_made_up_for() -> None:
    """Who became due in an outage waits for its end, and a longer one makes more wait for longer."""
    found = [
        simulate(attrs.evolve(CALM, companies=600, outage=(100.0, 100.0 + lasts))) for lasts in (1.0, 120.0, 300.0)
    ]
    assert all(fewer.last_late <= more.last_late for fewer, more in pairwise(found))
    assert all(max(fewer.waits) <= max(more.waits) for fewer, more in pairwise(found))
    assert found[1].last_late >= 220.0
    assert max(found[1].waits) <= 120.0 + 35.0


def test_failing_companies_are_put_off_and_hold_up_nobody() -> None:
    """They come again sooner than their turn, each time later, and the others' waits stay short."""
    found = simulate(attrs.evolve(CALM, failing=0.1, intervals=1))
    often = [starts for starts in found.starts if starts > 1]
    # 30, 60, 120, 240 s and then the interval: no more than six fit in.
    assert 0 < len(often) <= 12
    assert max(often) <= 7
    assert found.wait(0.99) < 5


def test_webhooks_go_first() -> None:
    """With more work than places, a poll that a webhook asked for begins before those that are merely due."""
    plan = attrs.evolve(PLAN, companies=600, workers=1, polls=1, latency=0.5, spread=0.0, busy=0.0, triggers=0.2)
    found = simulate(plan)
    assert found.triggered
    assert found.triggered[len(found.triggered) // 2] < found.wait(0.5)
