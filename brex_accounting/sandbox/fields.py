"""Fields and their values in the local Brex, without HTTP: models in, models or a refusal out.

A request for many values is done as a whole or not at all (guess: Brex does not say). What records are
coded with stays on them, whatever becomes of the value (guess).

Source: Brex, Fields API reference (1.0.0-beta).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import attrs

from ..converters.fields import FieldBody
from ..converters.pages import CursorBody
from ..enums import FieldGroup
from ..fields.models import Field, FieldValue, FieldValueChange, FieldValueKey, NewFieldValue
from ..models import AccountingFieldValue
from .field_reading import MAX_VALUES, FieldsRequest, ValuesRequest, page_of
from .refusal import bad_request, missing
from .value_table import ValueTable

__all__ = ["LocalFields"]

_SEEDED = datetime(2026, 6, 1, tzinfo=UTC)


class LocalFields:
    """One company's fields. ``is_active`` tells whether an integration is connected; ``codings`` are there already."""

    def __init__(
        self,
        codings: Iterable[AccountingFieldValue],
        *,
        now: Callable[[], datetime],
        is_active: Callable[[str], bool | None],
    ) -> None:
        self._now = now
        self._is_active = is_active
        self._fields: dict[str, Field] = {}
        self._values: dict[str, ValueTable] = {}
        self._made = 0
        for coding in codings:
            self._seed(coding)

    def list_fields(self, request: FieldsRequest) -> CursorBody[Field]:
        """One page, in the order they were made."""
        found = [one for one in self._fields.values() if not request.ids or one.brex_id in request.ids]
        return page_of(request, enumerate(found))

    def get_field(self, field_id: str) -> Field:
        """One field."""
        if field_id not in self._fields:
            raise missing("field")
        return self._fields[field_id]

    def create_field(self, body: FieldBody) -> Field:
        """A new field. An ERP field belongs to the active integration."""
        if body.name is None or not body.name.strip() or body.group is None or not body.group.is_known:
            raise bad_request("name and group are required, and group is ACCOUNTING, USER, ERP or TRAVEL.")
        if body.group == FieldGroup.ERP and body.integration_id is None:
            raise bad_request("An ERP field takes the integration_id of the active integration.")
        if body.integration_id is not None:
            active = self._is_active(body.integration_id)
            if active is None:
                raise missing("integration")
            if not active:
                raise bad_request("The integration is not active.")
        if body.remote_id is not None and body.remote_id in {one.remote_id for one in self._fields.values()}:
            raise bad_request("Another field has this remote_id.")  # guess
        made = Field(
            brex_id=f"extended_field_{self._number():012d}",
            name=body.name,
            remote_id=body.remote_id,
            updated_at=self._now(),
            is_disabled=bool(body.is_disabled),
            group=body.group,
        )
        self._fields[made.brex_id], self._values[made.brex_id] = made, ValueTable()
        return made

    def update_field(self, field_id: str, body: FieldBody) -> Field:
        """The field under another name, or switched."""
        field = self.get_field(field_id)
        if body.name is not None and not body.name.strip():
            raise bad_request("name is blank.")
        changes = {"name": body.name, "is_disabled": body.is_disabled}
        given = {name: value for name, value in changes.items() if value is not None}
        self._fields[field_id] = attrs.evolve(field, updated_at=self._now(), **given)  # type: ignore[arg-type]
        return self._fields[field_id]

    def delete_field(self, field_id: str) -> None:
        """Forget a field and its values."""
        self.get_field(field_id)
        del self._fields[field_id], self._values[field_id]

    def list_values(self, field_id: str, request: ValuesRequest) -> CursorBody[FieldValue]:
        """One page, in the order they were made."""
        found = self._table(field_id).after(-1)
        return page_of(request, ((place, value) for place, value in found if request.takes(value)))

    def get_value(self, field_id: str, brex_id: str) -> FieldValue:
        """One value."""
        return self._found(self._table(field_id), FieldValueKey(brex_id=brex_id))

    def values(self, field_id: str) -> tuple[FieldValue, ...]:
        """Every value of a field as it stands."""
        return tuple(value for _, value in self._table(field_id).after(-1))

    def create_values(self, field_id: str, values: Sequence[NewFieldValue]) -> tuple[FieldValue, ...]:
        """New values, in the order given."""
        table = self._table(field_id)
        _check_count(values)
        for name in ("remote_id", "value_id"):
            self._check_free(table, name, [getattr(one, name) for one in values])
        if not all(one.value.strip() for one in values):
            raise bad_request("value is blank.")
        now = self._now()
        made = tuple(
            FieldValue(
                brex_id=f"efo_{self._number():012d}",
                remote_id=one.remote_id,
                value_id=one.value_id,
                value=one.value,
                field_id=field_id,
                updated_at=now,
                is_disabled=bool(one.is_disabled),
            )
            for one in values
        )
        for value in made:
            table.put(value)
        return made

    def update_values(self, field_id: str, changes: Sequence[FieldValueChange]) -> tuple[FieldValue, ...]:
        """Values under other names, or switched; in the order given."""
        table = self._table(field_id)
        before = self._selected(table, [one.key for one in changes])
        if any(one.value is not None and not one.value.strip() for one in changes):
            raise bad_request("value is blank.")
        now = self._now()
        changed = tuple(
            attrs.evolve(
                value,
                value=value.value if change.value is None else change.value,
                is_disabled=value.is_disabled if change.is_disabled is None else change.is_disabled,
                updated_at=now,
            )
            for value, change in zip(before, changes, strict=True)
        )
        for value in changed:
            table.put(value)
        return changed

    def delete_values(self, field_id: str, keys: Sequence[FieldValueKey]) -> None:
        """Forget values."""
        table = self._table(field_id)
        for value in self._selected(table, keys):
            table.remove(value)

    def _selected(self, table: ValueTable, keys: Sequence[FieldValueKey]) -> tuple[FieldValue, ...]:
        _check_count(keys)
        # guess: one that is not found refuses the request, and so does one that is named twice
        found = tuple(self._found(table, key) for key in keys)
        if len({value.brex_id for value in found}) < len(found):
            raise bad_request("A value may be named once per request.")
        return found

    def _found(self, table: ValueTable, key: FieldValueKey) -> FieldValue:
        value = table.find(key)
        if value is None:
            raise missing("field value")
        return value

    def _check_free(self, table: ValueTable, name: str, ids: Sequence[str | None]) -> None:
        # guess: values are selected by these ids, so two of one id would be one too many
        given = [one for one in ids if one is not None]
        if any(count > 1 for count in Counter(given).values()):
            raise bad_request(f"Two of the values have the same {name}.")
        if any(table.find(FieldValueKey(**{name: one})) is not None for one in given):
            raise bad_request(f"Another value has this {name}.")

    def _table(self, field_id: str) -> ValueTable:
        self.get_field(field_id)
        return self._values[field_id]

    def _number(self) -> int:
        self._made += 1
        return self._made

    def _seed(self, coding: AccountingFieldValue) -> None:
        field_id = coding.brex_field_id
        if field_id not in self._fields:
            self._values[field_id] = ValueTable()
            self._fields[field_id] = Field(
                brex_id=field_id,
                name=coding.field_name,
                remote_id=coding.remote_field_id,
                updated_at=_SEEDED,
                is_disabled=False,
                group=FieldGroup.ACCOUNTING,
            )
        if coding.brex_field_value_id is not None and coding.field_value_name is not None:
            value = FieldValue(
                brex_id=coding.brex_field_value_id,
                remote_id=coding.remote_field_value_id,
                value_id=coding.remote_field_value_id,  # guess: an account's code, and what the ERP calls it
                value=coding.field_value_name,
                field_id=field_id,
                updated_at=_SEEDED,
                is_disabled=False,
            )
            self._values[field_id].put(value)


def _check_count(given: Sequence[object]) -> None:
    if not 1 <= len(given) <= MAX_VALUES:
        raise bad_request(f"items holds 1 to {MAX_VALUES} values.")
