"""What the field values of a record's lines say: account, entity, tax and the other dimensions. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..models import AccountingFieldValue, LineItem
from ..sync.poster import RejectionCode
from .chart import Chart
from .entries import Dimension
from .refusing import quoted, refuse

__all__ = ["account_of", "check_required", "control_line", "dimensions_of", "entity_of", "tax_of", "value_of", "where"]


def value_of(line: LineItem, field: str, name: str) -> AccountingFieldValue | None:
    """The value that a line gives for a field. Two of them are refused; a field without a value is none."""
    found = [one for one in line.coding if field in _names(one) and _ids(one)]
    if len({_ids(one) for one in found}) > 1:
        refuse(RejectionCode.OTHER, f"{name} has two values for {field}: choose one")
    return found[0] if found else None


def where(at: int) -> str:
    """What a line is called: lines are counted from 1."""
    return f"Line {at + 1}"


def account_of(chart: Chart, line: LineItem, name: str) -> str:
    """The account of a coded line."""
    value = value_of(line, chart.account_field, name)
    if value is None:
        refuse(RejectionCode.FIELD_MISSING, f"{name} has no value for {chart.account_field}: choose one")
    known = {chart.accounts[one] for one in _ids(value) if one in chart.accounts}
    shown = quoted(value.field_value_name or _ids(value)[0])
    if len(known) != 1:
        why = "stands for two accounts" if known else "stands for no account"
        words = f"{chart.account_field} {shown} of {name.lower()} {why} of the books"
        refuse(RejectionCode.ACCOUNT_UNKNOWN, f"{words}: choose another value, or have it added")
    account = known.pop()
    if account in chart.inactive:
        words = f"{chart.account_field} {shown} of {name.lower()} is an inactive account of the books"
        refuse(RejectionCode.ACCOUNT_INACTIVE, f"{words}: choose another value, or have it activated")
    return account


def control_line(chart: Chart, lines: Sequence[LineItem]) -> int:
    """Which line has no account, because the rule table gives it. It must be exactly one."""
    field = chart.account_field
    bare = [at for at, line in enumerate(lines) if value_of(line, field, where(at)) is None]
    # One that carries other values was coded, and its account was forgotten.
    forgotten = [at for at in bare if any(_ids(one) and not _is_entity(chart, one) for one in lines[at].coding)]
    if forgotten:
        refuse(RejectionCode.FIELD_MISSING, f"{where(forgotten[0])} has no value for {field}: choose one")
    if len(bare) == len(lines):
        refuse(RejectionCode.FIELD_MISSING, f"No line has a value for {field}: choose one")
    if len(bare) > 1:
        listed = ", ".join(str(at + 1) for at in bare[:5])
        words = f"Of the lines {listed} only the one that balances the others may be without {field}: choose one"
        refuse(RejectionCode.FIELD_MISSING, words)
    if not bare:
        refuse(RejectionCode.OTHER, f"Every line has a value for {field}: one must balance the others without it")
    return bare[0]


def entity_of(chart: Chart, lines: Sequence[LineItem], needing: Collection[int]) -> str | None:
    """The entity of a record, None when the chart knows none. The lines ``needing`` one must name it."""
    field = chart.entity_field
    if field is None:
        return None
    found = [value_of(line, field, where(at)) for at, line in enumerate(lines)]
    for at in needing:
        if found[at] is None:
            refuse(RejectionCode.FIELD_MISSING, f"{where(at)} has no value for {field}: choose one")
    named = {_entity(chart, value) for value in found if value is not None}
    if not named:
        refuse(RejectionCode.FIELD_MISSING, f"No line has a value for {field}: choose one")
    if len(named) > 1:
        words = f"The lines name more than one {field}: choose one for all of them, or split the record"
        refuse(RejectionCode.INTERCOMPANY, words)
    entity = named.pop()
    if entity not in (chart.entities or {}):
        words = f"The books have no control accounts for {field} {quoted(entity)}: choose another, or have them added"
        refuse(RejectionCode.ACCOUNT_UNKNOWN, words)
    return entity


def check_required(chart: Chart, line: LineItem, name: str) -> None:
    """Refuse a line without one of the chart's ``required_fields``."""
    for field in chart.required_fields:
        if value_of(line, field, name) is None:
            refuse(RejectionCode.FIELD_MISSING, f"{name} has no value for {field}: choose one")


def tax_of(chart: Chart, line: LineItem, name: str) -> str | None:
    """The tax code of a line."""
    value = value_of(line, chart.tax_field, name) if chart.tax_field else None
    return _ids(value)[0] if value else None


def dimensions_of(chart: Chart, line: LineItem) -> tuple[Dimension, ...]:
    """Every value of a line but those that the entry shows elsewhere: account, entity and tax. In the line's order."""
    elsewhere = {chart.account_field, chart.entity_field, chart.tax_field}
    return tuple(
        Dimension(field=_names(one)[0], value=_ids(one)[0])
        for one in line.coding
        if _ids(one) and elsewhere.isdisjoint(_names(one))
    )


def _entity(chart: Chart, value: AccountingFieldValue) -> str:
    ids = _ids(value)
    return next((one for one in ids if one in (chart.entities or {})), ids[0])


def _is_entity(chart: Chart, value: AccountingFieldValue) -> bool:
    return chart.entity_field in _names(value)


def _names(value: AccountingFieldValue) -> tuple[str, ...]:
    return tuple(filter(None, (value.remote_field_id, value.brex_field_id)))


def _ids(value: AccountingFieldValue) -> tuple[str, ...]:
    return tuple(filter(None, (value.remote_field_value_id, value.brex_field_value_id)))
