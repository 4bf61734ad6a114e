"""Charts of accounts: made up, held by a local Brex, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from brex_accounting.converters.fields import FieldBody
from brex_accounting.enums import FieldGroup
from brex_accounting.fields import ChartPlan, FieldValue, Missing, NewFieldValue
from brex_accounting.sandbox.fields import LocalFields

__all__ = ["Held", "Line", "account", "accounts", "expected", "lines"]

Line = tuple[str | None, str | None, str, bool]
"""Remote id, code, name, whether it is disabled: all that a chart says of a value."""


def account(number: int, **changes: object) -> NewFieldValue:
    """An account that an accounting system lists."""
    given = {"remote_id": f"gl/{number:05}", "value_id": f"{number:05}", "value": f"{number:05} Account"}
    return NewFieldValue(**{**given, **changes})  # type: ignore[arg-type]


def accounts(count: int) -> list[NewFieldValue]:
    """So many of them."""
    return [account(number) for number in range(count)]


class Held:
    """A field in a local Brex, without a server."""

    def __init__(self, values: Sequence[NewFieldValue]) -> None:
        now = datetime(2026, 11, 20, tzinfo=UTC)
        self.local = LocalFields((), now=lambda: now, is_active=lambda _: True)
        self.field_id = self.local.create_field(
            FieldBody(name="Accounts", group=FieldGroup.ERP, integration_id="i")
        ).brex_id
        if values:
            self.local.create_values(self.field_id, values)

    @property
    def values(self) -> tuple[FieldValue, ...]:
        """What is held."""
        return self.local.values(self.field_id)

    def apply(self, plan: ChartPlan) -> None:
        """Carry a plan out. The rules refuse what Brex would."""
        if plan.created:
            self.local.create_values(self.field_id, plan.created)
        if plan.changes:
            self.local.update_values(self.field_id, plan.changes)
        if plan.keys:
            self.local.delete_values(self.field_id, plan.keys)


def lines(values: Iterable[FieldValue]) -> set[Line]:
    """Values as a chart says them."""
    return {(one.remote_id, one.value_id, one.value, one.is_disabled) for one in values}


def expected(wanted: Iterable[NewFieldValue], held: Iterable[FieldValue], missing: Missing) -> set[Line]:
    """What a chart comes to: as it is listed, and what it does not list as ``missing`` says."""
    codes: dict[str | None, str | None] = {one.remote_id: one.value_id for one in held if one.remote_id is not None}
    listed = {one.remote_id for one in wanted}
    result = {
        (one.remote_id, codes.get(one.remote_id, one.value_id), one.value, bool(one.is_disabled)) for one in wanted
    }
    for one in held:
        if one.remote_id is None or (one.remote_id not in listed and missing != "delete"):
            is_disabled = one.is_disabled or (one.remote_id is not None and missing == "disable")
            result.add((one.remote_id, one.value_id, one.value, is_disabled))
    return result
