"""The chart: which accounts the books have, and how records come to them. Pure.

    chart = parse_chart(Path("chart.toml").read_text(), "chart.toml")        # of chart_file

A chart without mistakes is the only kind there is: it refuses to be made otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from types import MappingProxyType

import attrs

from ..errors import ConfigurationError
from .chart_schema import OnAmortization, OnClosed, mistakes
from .rule_table import SWITCHES, Basis, Role, Rule, Switch, Switched, is_used

__all__ = ["Chart"]


def _table(value: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(value)) if isinstance(value, Mapping) else value


def _tables(value: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    tables = {name: _table(one) for name, one in value.items()} if isinstance(value, Mapping) else value
    return MappingProxyType(tables) if isinstance(tables, dict) else tables


def _ordered(value: Iterable[str]) -> Collection[str]:
    return tuple(value) if isinstance(value, (list, tuple)) else value  # type: ignore[return-value]


@attrs.frozen(kw_only=True)
class Chart:
    """How records are booked. Raises ``ConfigurationError`` with a line for each mistake.

    ``post_from``: the first day that the books keep. ``closed_through``: the last day of the last closed
    period, if one is closed; ``on_closed``: what becomes of a record dated in it, refused or booked on the
    first open day. ``reimbursements``: on which basis. ``card_payments``, ``payins``, ``bill_payments``:
    "skip" where the bank feed of the books brings them too.

    Fields are named by their remote or Brex id, and so are their values. ``account_field`` carries the
    account: ``accounts`` gives it for each value. ``entity_field`` names the legal entity, ``tax_field``
    the tax code, which is passed on. Every expense line needs the ``required_fields``.
    ``amortization``: whether a line with a schedule is refused, or booked whole with the schedule as a note.

    ``control``: control accounts by role, for every entity that does not have its own in ``entities``.
    ``inactive``: accounts that exist and take nothing more. ``currencies`` and ``vendors``: all that the
    books know; None means any. Vendors are looked at on bills only: nobody keeps a supplier for every shop.
    ``longest_memo`` and ``longest_invoice_number`` are in characters.
    """

    post_from: date
    closed_through: date | None = None
    on_closed: OnClosed = "reject"
    reimbursements: Basis
    card_payments: Switch
    payins: Switch
    bill_payments: Switch
    account_field: str
    entity_field: str | None = None
    tax_field: str | None = None
    required_fields: Collection[str] = attrs.field(default=(), converter=_ordered)
    amortization: OnAmortization = "reject"
    currencies: Collection[str] | None = attrs.field(default=None, converter=attrs.converters.optional(_ordered))
    vendors: Collection[str] | None = attrs.field(default=None, converter=attrs.converters.optional(_ordered))
    inactive: Collection[str] = attrs.field(default=(), converter=_ordered)
    longest_memo: int | None = None
    longest_invoice_number: int | None = None
    most_lines: int | None = None
    control: Mapping[str, str] = attrs.field(factory=dict, converter=_table)
    entities: Mapping[str, Mapping[str, str]] | None = attrs.field(
        default=None, converter=attrs.converters.optional(_tables)
    )
    accounts: Mapping[str, str] = attrs.field(converter=_table)

    def __attrs_post_init__(self) -> None:
        found = mistakes(attrs.asdict(self, recurse=False))
        if found:
            raise ConfigurationError("\n".join(mistake.text for mistake in found))

    def control_account(self, role: Role, entity: str | None) -> str | None:
        """The control account for a role, an entity's own before the common one."""
        own = (self.entities or {}).get(entity or "", {})
        return own.get(role) or self.control.get(role)

    def is_closed(self, day: date) -> bool:
        """Whether the period of a day is closed."""
        return self.closed_through is not None and day <= self.closed_through

    def first_open(self, day: date) -> date:
        """The day itself, or the first open one after it."""
        if self.closed_through is None or day > self.closed_through:
            return day
        return self.closed_through + timedelta(days=1)

    def uses(self, rule: Rule) -> bool:
        """Whether anything is posted by a rule."""
        switches: dict[Switched, Switch] = {name: getattr(self, name) for name in SWITCHES}
        return is_used(rule, basis=self.reimbursements, switches=switches)
