"""The difference between an accounting system's chart and Brex's. Pure.

The two are matched by ``remote_id`` and by nothing else: a name or a code that happens to be the same
proves nothing. What Brex cannot do (change a ``value_id``), and what would leave a doubt about which value
is meant, is a conflict, and a chart with conflicts is not touched at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal, TypeAlias

from .models import (
    ChartConflict,
    ChartPlan,
    ChartUpdate,
    ConflictKind,
    FieldValue,
    FieldValueChange,
    NewFieldValue,
)

__all__ = ["Missing", "conflicts_within", "plan_chart"]

Missing: TypeAlias = Literal["disable", "delete", "keep"]
"""What happens to values that the accounting system sent once and does not list any longer."""


def plan_chart(
    wanted: Sequence[NewFieldValue], held: Sequence[FieldValue], *, missing: Missing = "disable"
) -> ChartPlan:
    """What turns the values ``held`` by Brex into those ``wanted``. Applied once, the second plan is empty."""
    ours: dict[str | None, FieldValue] = {one.remote_id: one for one in held if one.remote_id is not None}
    conflicts = (*conflicts_within(wanted), *_conflicts_with(wanted, held, ours))
    if conflicts:
        return ChartPlan(conflicts=conflicts)
    updates = [(ours[one.remote_id], _change(one, ours[one.remote_id])) for one in wanted if one.remote_id in ours]
    listed = {one.remote_id for one in wanted}
    gone = [value for value in ours.values() if value.remote_id not in listed]
    disabled = [value for value in gone if missing == "disable" and not value.is_disabled]
    deleted = [value for value in gone if missing == "delete"]
    touched = {value.brex_id for value in (*disabled, *deleted)}
    return ChartPlan(
        created=tuple(one for one in wanted if one.remote_id not in ours),
        updated=tuple(ChartUpdate(before=value, change=change) for value, change in updates if change is not None),
        deactivated=tuple(
            ChartUpdate(before=value, change=FieldValueChange(key=value.key, is_disabled=True)) for value in disabled
        ),
        deleted=tuple(deleted),
        unchanged=(
            *(value for value, change in updates if change is None),
            *(value for value in gone if value.brex_id not in touched),
        ),
        foreign=tuple(value for value in held if value.remote_id is None),
    )


def conflicts_within(wanted: Sequence[NewFieldValue]) -> Iterator[ChartConflict]:
    """The conflicts that a chart has with itself, whatever Brex holds."""
    for one in wanted:
        if one.remote_id is None:
            yield ChartConflict(kind=ConflictKind.NO_REMOTE_ID, value_id=one.value_id)
    for remote_id in _twice(one.remote_id for one in wanted):
        yield ChartConflict(kind=ConflictKind.REMOTE_ID_TWICE, remote_id=remote_id)
    for value_id in _twice(one.value_id for one in wanted):
        yield ChartConflict(kind=ConflictKind.VALUE_ID_TWICE, value_id=value_id)


def _conflicts_with(
    wanted: Sequence[NewFieldValue], held: Sequence[FieldValue], ours: Mapping[str | None, FieldValue]
) -> Iterator[ChartConflict]:
    twice = set(_twice(value.remote_id for value in held))
    doubles = sorted((value for value in held if value.remote_id in twice), key=lambda value: value.remote_id or "")
    for remote_id, values in groupby(doubles, key=lambda value: value.remote_id):
        found = tuple(value.brex_id for value in values)
        yield ChartConflict(kind=ConflictKind.REMOTE_ID_TWICE_IN_BREX, remote_id=remote_id, brex_ids=found)
    by_code = {value.value_id: value for value in held if value.value_id is not None}
    for one in wanted:
        if one.value_id is None or one.remote_id in twice:
            continue
        same, holder = ours.get(one.remote_id), by_code.get(one.value_id)
        if same is not None and same.value_id != one.value_id:
            yield _about(ConflictKind.VALUE_ID_CHANGED, one, same)
        elif holder is not None and holder.remote_id != one.remote_id:
            yield _about(ConflictKind.VALUE_ID_TAKEN, one, holder)


def _about(kind: ConflictKind, one: NewFieldValue, value: FieldValue) -> ChartConflict:
    return ChartConflict(kind=kind, remote_id=one.remote_id, value_id=one.value_id, brex_ids=(value.brex_id,))


def _twice(ids: Iterable[str | None]) -> list[str]:
    return [one for one, count in Counter(ids).items() if one is not None and count > 1]


def _change(one: NewFieldValue, value: FieldValue) -> FieldValueChange | None:
    name = one.value if one.value != value.value else None
    is_disabled = bool(one.is_disabled)
    switch = is_disabled if is_disabled != value.is_disabled else None
    return None if name is None and switch is None else FieldValueChange(key=value.key, value=name, is_disabled=switch)
