"""Fields, their values and what is asked of them: frozen values in the wire's own names. No JSON, no I/O.

A field is a list that records are coded with, such as the accounts or the departments; a value is one
entry of it. ``brex_id`` is Brex's own id. ``remote_id`` is the id in the accounting system: a record's
``remote_field_id`` and ``remote_field_value_id`` are these. ``value_id`` is the code that people know.

Source: Brex, Fields API reference (1.0.0-beta).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TypeAlias

import attrs

from ..enums import FieldGroup
from ..models import Instant

__all__ = [
    "ChartConflict",
    "ChartPlan",
    "ChartUpdate",
    "ConflictKind",
    "Field",
    "FieldValue",
    "FieldValueChange",
    "FieldValueEdit",
    "FieldValueKey",
    "NewFieldValue",
    "SettledValues",
]


@attrs.frozen(kw_only=True)
class Field:
    """A list that records are coded with."""

    brex_id: str
    name: str | None = None
    remote_id: str | None = None
    updated_at: Instant
    is_disabled: bool
    group: FieldGroup | None = None


@attrs.frozen(kw_only=True)
class FieldValue:
    """One entry of a field. ``value`` is what people read."""

    brex_id: str
    remote_id: str | None = None
    value_id: str | None = None
    value: str
    field_id: str
    updated_at: Instant
    is_disabled: bool

    @property
    def key(self) -> FieldValueKey:
        """What selects this value, whatever else is changed."""
        return FieldValueKey(brex_id=self.brex_id)


@attrs.frozen(kw_only=True)
class NewFieldValue:
    """A value to be made. Its ``value_id`` and ``remote_id`` cannot be changed afterwards."""

    value: str
    value_id: str | None = None
    remote_id: str | None = None
    is_disabled: bool | None = None


@attrs.frozen(kw_only=True)
class FieldValueKey:
    """Selects a value of a field by exactly one of its ids."""

    brex_id: str | None = None
    value_id: str | None = None
    remote_id: str | None = None


@attrs.frozen(kw_only=True)
class FieldValueChange:
    """Gives a value another name, switches it off or on, or both. None leaves it as it is."""

    key: FieldValueKey
    value: str | None = None
    is_disabled: bool | None = None


FieldValueEdit: TypeAlias = NewFieldValue | FieldValueChange | FieldValueKey
"""What can be written: one to create, to update, or to delete."""


@attrs.frozen(kw_only=True)
class SettledValues:
    """What became of edits that were sent in chunks, when one chunk failed: each is in one list, in the order given.

    ``done``: Brex confirmed them. ``unknown``: the answer was lost, so they may or may not have been
    done. ``left``: certainly not done. ``answered`` are the values as Brex returned them for ``done``.
    """

    done: tuple[FieldValueEdit, ...] = attrs.field(default=(), repr=False)
    unknown: tuple[FieldValueEdit, ...] = attrs.field(default=(), repr=False)
    left: tuple[FieldValueEdit, ...] = attrs.field(default=(), repr=False)
    answered: tuple[FieldValue, ...] = attrs.field(default=(), repr=False)

    def within(self, whole: SettledValues, count: int) -> SettledValues:
        """The same as the next ``count`` edits of a ``whole``, of which some are done and the others left."""
        return SettledValues(
            done=whole.done + self.done,
            unknown=self.unknown,
            left=self.left + whole.left[count:],
            answered=whole.answered + self.answered,
        )


class ConflictKind(Enum):
    """Why a chart cannot be brought to Brex."""

    NO_REMOTE_ID = "no remote_id"
    REMOTE_ID_TWICE = "a remote_id is given twice"
    VALUE_ID_TWICE = "a value_id is given twice"
    REMOTE_ID_TWICE_IN_BREX = "a remote_id is in Brex twice"
    VALUE_ID_TAKEN = "a value_id belongs to another value in Brex"
    VALUE_ID_CHANGED = "a value_id differs from Brex's, where it cannot be changed"


@attrs.frozen(kw_only=True)
class ChartConflict:
    """One reason. ``brex_ids`` are the values in Brex that it is about."""

    kind: ConflictKind
    remote_id: str | None = None
    value_id: str | None = None
    brex_ids: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ChartUpdate:
    """A change of a value that is in Brex already, with the value as it is ``before``."""

    before: FieldValue
    change: FieldValueChange


@attrs.frozen(kw_only=True)
class ChartPlan:
    """What makes Brex's values those of the accounting system.

    ``created``, ``updated`` (a name, or switched on or off again), ``deactivated`` and ``deleted`` are
    carried out in that order. ``unchanged`` are right as they are. ``foreign`` were not sent by the
    accounting system (they have no ``remote_id``) and are left alone. A plan with ``conflicts`` holds nothing
    else, because it cannot be carried out.
    """

    created: tuple[NewFieldValue, ...] = attrs.field(default=(), repr=False)
    updated: tuple[ChartUpdate, ...] = attrs.field(default=(), repr=False)
    deactivated: tuple[ChartUpdate, ...] = attrs.field(default=(), repr=False)
    deleted: tuple[FieldValue, ...] = attrs.field(default=(), repr=False)
    unchanged: tuple[FieldValue, ...] = attrs.field(default=(), repr=False)
    foreign: tuple[FieldValue, ...] = attrs.field(default=(), repr=False)
    conflicts: tuple[ChartConflict, ...] = attrs.field(default=(), repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.created or self.updated or self.deactivated or self.deleted or self.conflicts)

    @property
    def changes(self) -> tuple[FieldValueChange, ...]:
        """The changes of values that are there, in the order in which they are sent."""
        return tuple(update.change for update in (*self.updated, *self.deactivated))

    @property
    def keys(self) -> tuple[FieldValueKey, ...]:
        """What selects the values to delete."""
        return tuple(value.key for value in self.deleted)

    def counts(self) -> Iterator[tuple[str, int]]:
        """How many values each part of the plan holds, by its name."""
        for name in ("created", "updated", "deactivated", "deleted", "unchanged", "foreign", "conflicts"):
            yield name, len(getattr(self, name))

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in self.counts() if count) or "nothing"
