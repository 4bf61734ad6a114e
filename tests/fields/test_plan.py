"""The difference between two charts, applied by the rules of the local Brex, which refuse what Brex would."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brex_accounting import ChartConflicts
from brex_accounting.fields import ChartConflict, ChartPlan, ConflictKind, Missing, NewFieldValue, plan_chart

from .charts import Held, account, accounts, expected, lines

IDS = st.sampled_from(["a", "b", "c", "d", "e"])
NAMES = st.sampled_from(["Airfare", "Lodging", "Rent"])
SWITCHES = st.sampled_from([None, False, True])
MISSING = st.sampled_from(["disable", "delete", "keep"])


def values(remote_ids: st.SearchStrategy[str | None]) -> st.SearchStrategy[NewFieldValue]:
    return st.builds(NewFieldValue, value=NAMES, value_id=st.none() | IDS, remote_id=remote_ids, is_disabled=SWITCHES)


def is_consistent(chart: Sequence[NewFieldValue]) -> bool:
    """Whether Brex would hold it: no id twice."""
    ids = [("r", one.remote_id) for one in chart if one.remote_id is not None]
    ids += [("v", one.value_id) for one in chart if one.value_id is not None]
    return len(set(ids)) == len(ids)


HELD = st.lists(values(st.none() | IDS), max_size=6).filter(is_consistent)
ANY_CHART = st.lists(values(IDS), max_size=5)


@settings(max_examples=250)
@given(held=HELD, wanted=ANY_CHART, missing=MISSING)
def test_a_plan_comes_to_what_is_wanted_or_says_why_not(
    held: list[NewFieldValue], wanted: list[NewFieldValue], missing: Missing
) -> None:
    """Applied it gives the chart, and then there is nothing left to do; with a conflict it holds nothing else."""
    brex = Held(held)
    before = brex.values
    plan = plan_chart(wanted, before, missing=missing)
    if plan.conflicts:
        assert plan == ChartPlan(conflicts=plan.conflicts)
        assert not plan.is_empty
        return
    brex.apply(plan)
    assert lines(brex.values) == expected(wanted, before, missing)
    second = plan_chart(wanted, brex.values, missing=missing)
    assert second.is_empty
    assert len(second.unchanged) + len(second.foreign) == len(brex.values)


@settings(max_examples=120)
@given(chart=st.lists(values(IDS), max_size=5).filter(is_consistent), missing=MISSING, data=st.data())
def test_a_chart_that_was_cut_off_is_finished_by_the_next_plan(
    chart: list[NewFieldValue], missing: Missing, data: st.DataObject
) -> None:
    """Whichever part of a plan was applied before the process died, the next plan comes to the same."""
    brex = Held([attrs.evolve(account(number), value_id=None) for number in range(3)])
    before = brex.values
    plan = plan_chart(chart, before, missing=missing)
    parts = {name: getattr(plan, name) for name in ("created", "updated", "deactivated", "deleted")}
    brex.apply(ChartPlan(**{name: part[: data.draw(st.integers(0, len(part)))] for name, part in parts.items()}))
    brex.apply(plan_chart(chart, brex.values, missing=missing))
    assert lines(brex.values) == expected(chart, before, missing)


@settings(max_examples=60)
@given(held=HELD, missing=MISSING)
def test_values_that_brex_alone_knows_are_left_alone(held: list[NewFieldValue], missing: Missing) -> None:
    """No plan names a value without a remote id, whatever happens to the others."""
    brex = Held(held)
    foreign = {value.brex_id for value in brex.values if value.remote_id is None}
    plan = plan_chart([account(1)], brex.values, missing=missing)
    touched = {update.before.brex_id for update in (*plan.updated, *plan.deactivated)}
    assert not foreign & (touched | {value.brex_id for value in plan.deleted})
    assert {value.brex_id for value in plan.foreign} == foreign


@pytest.mark.parametrize(
    ("held", "wanted", "conflicts"),
    [
        ([], [account(1, remote_id=None)], [(ConflictKind.NO_REMOTE_ID, None, "00001")]),
        ([], [account(1), account(2, remote_id="gl/00001")], [(ConflictKind.REMOTE_ID_TWICE, "gl/00001", None)]),
        ([], [account(1), account(2, value_id="00001")], [(ConflictKind.VALUE_ID_TWICE, None, "00001")]),
        ([account(1)], [account(1, value_id="9")], [(ConflictKind.VALUE_ID_CHANGED, "gl/00001", "9")]),
        ([account(1, value_id=None)], [account(1)], [(ConflictKind.VALUE_ID_CHANGED, "gl/00001", "00001")]),
        ([account(1, remote_id=None)], [account(1)], [(ConflictKind.VALUE_ID_TAKEN, "gl/00001", "00001")]),
        ([account(1)], [account(2, value_id="00001")], [(ConflictKind.VALUE_ID_TAKEN, "gl/00002", "00001")]),
        ([account(1)], [account(1, value_id=None)], []),
        ([account(1)], [account(1), account(2)], []),
    ],
)
def test_each_conflict_is_told_with_its_ids(
    held: list[NewFieldValue],
    wanted: list[NewFieldValue],
    conflicts: list[tuple[ConflictKind, str | None, str | None]],
) -> None:
    """What Brex cannot do, and what leaves a doubt, is a conflict; a code that is not given is none."""
    plan = plan_chart(wanted, Held(held).values)
    assert [(one.kind, one.remote_id, one.value_id) for one in plan.conflicts] == conflicts


def test_a_remote_id_that_is_in_brex_twice_is_a_conflict() -> None:
    """It names both values, because only a person can tell which is the right one."""
    one, two = Held([account(1), account(2)]).values
    double = attrs.evolve(two, remote_id=one.remote_id)
    (conflict,) = plan_chart([account(1)], [one, double]).conflicts
    assert conflict == ChartConflict(
        kind=ConflictKind.REMOTE_ID_TWICE_IN_BREX, remote_id=one.remote_id, brex_ids=(one.brex_id, two.brex_id)
    )


def test_every_kind_of_conflict_is_reached_above() -> None:
    """No kind is without a test, and the error names each kind once."""
    every = tuple(ChartConflict(kind=kind) for kind in ConflictKind)
    text = str(ChartConflicts(every * 2))
    assert text.startswith("12 conflicts (")
    assert all(text.count(kind.value) == 1 for kind in ConflictKind)


def test_ten_thousand_accounts_are_compared_in_one_go() -> None:
    """Each is in exactly one part of the plan, and the plan says how many are where."""
    held = Held([account(number, value="old name") for number in range(1000)])
    for start in range(1000, 10_000, 1000):
        held.local.create_values(held.field_id, [account(number) for number in range(start, start + 1000)])
    wanted = accounts(9000) + [account(number) for number in range(20_000, 21_000)]
    plan = plan_chart(wanted, held.values)
    assert str(plan) == "1000 created, 1000 updated, 1000 deactivated, 8000 unchanged"
    assert str(ChartPlan()) == "nothing"
