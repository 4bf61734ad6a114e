"""A chart to begin with, written from what records really use. Pure.

What nobody but the accountant can know is "?", and ``parse_chart`` names each that is left, with its line. What is
guessed is a comment beside the numbers that the guess was made from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from ..posters.chart_schema import UNFILLED
from ..posters.rule_table import RULES, SWITCHES, Basis, ByHand, Coded, Moves, Role, Rule
from .usage import FieldUse, Usage, ValueUse

__all__ = ["starter_chart"]

_ACCOUNT: Final = frozenset({"gl", "account", "accounts", "ledger"})
_ENTITY: Final = frozenset({"entity", "subsidiary", "company"})
_TAX: Final = frozenset({"tax", "vat", "gst"})

_MOST_VENDORS: Final = 200
_LONGEST: Final = 60
"""Characters of a name that are shown."""

_USUAL: Final = 0.9
"""A field on so many of the coded lines is perhaps meant to be on all."""

_ROLES: Final = {
    Role.CARDS_PAYABLE: "owed to Brex for its cards",
    Role.REIMBURSEMENTS_PAYABLE: "owed to staff",
    Role.ACCOUNTS_PAYABLE: "owed to suppliers",
    Role.BANK_CLEARING: "money on its way between the bank and Brex: the bank feed clears it",
    Role.REWARDS: "income from rewards",
    Role.EMPLOYEE_RECEIVABLE: "owed by staff: what they repay, until the bank shows it",
}


def starter_chart(usage: Usage) -> str:
    """The text of a chart.toml: complete but for each ``"?"``."""
    account = _guess(usage, _ACCOUNT, but=())
    entity = _guess(usage, _ENTITY, but=[account])
    tax = _guess(usage, _TAX, but=[account, entity])
    lines = [
        *_heading(usage),
        *_dates(),
        *_switches(usage),
        *_fields(usage, account, entity, tax),
        *_limits(usage),
        *_control(usage),
        *_entities(entity),
        *_accounts(account),
    ]
    return "\n".join(lines) + "\n"


def _guess(usage: Usage, words: frozenset[str], but: Collection[FieldUse | None]) -> FieldUse | None:
    """The field whose id or name has one of the words, the most used if there are several."""
    fits = [
        one
        for one in usage.fields.values()
        if one not in but and _is_plain(one.id) and words & set(re.findall("[a-z]+", f"{one.id} {one.name}".casefold()))
    ]
    return max(fits, key=lambda one: (one.coded_lines, one.lines), default=None)


def _heading(usage: Usage) -> Iterator[str]:
    dated = f", dated {usage.first} to {usage.last}" if usage.records else ""
    yield f"# A chart for brex-accounting, from the {_many(usage.records, 'record')} that Brex returned{dated}."
    if usage.unreadable:
        yield f"# {_many(usage.unreadable, 'record')} could not be read, and is in none of the numbers below."
    yield f"# Fill in each \"{UNFILLED}\": 'sync check' names those that are left, with their lines."
    yield "# What begins with # is a guess, or what holds when it is left out: remove the # to say it yourself."
    by_hand = {kind: count for kind, count in usage.types.items() if isinstance(RULES.get(kind, ByHand("")), ByHand)}
    for kind, count in sorted(by_hand.items()):
        yield f"# There is no posting rule for {_shown(kind)}: {_many(count, 'record')} to be booked by hand."


def _dates() -> Iterator[str]:
    yield ""
    yield "# The first day that the books keep, without quotes, like 2026-06-01: what is dated before is left out."
    yield f'post_from = "{UNFILLED}"'
    yield "# The last day of the last closed period, and what becomes of a record that is dated in it: refused, or"
    yield '# booked on the first open day ("next_open").'
    yield "# closed_through = 2026-05-31"
    yield '# on_closed = "reject"'


def _switches(usage: Usage) -> Iterator[str]:
    yield ""
    yield '# "accrual" books reimbursements when they are approved, and again when they are paid; "cash" when they are'
    yield f"# paid. There are {_counts(usage, _of_basis())}."
    yield f'reimbursements = "{UNFILLED}"'
    yield '# "post", or "skip" where the bank feed of the books brings them.'
    for switch in SWITCHES:
        seen = _counts(
            usage, [kind for kind, rule in RULES.items() if isinstance(rule, Moves) and rule.switch == switch]
        )
        yield f'{switch} = "{UNFILLED}"  # {seen}'


def _of_basis() -> list[str]:
    bases: tuple[Basis, ...] = ("accrual", "cash")
    return [kind for kind, rule in RULES.items() if not isinstance(rule, ByHand) and rule.basis in bases]


def _counts(usage: Usage, kinds: Iterable[str]) -> str:
    seen = [f"{count:,} {kind}" for kind, count in sorted(usage.types.items()) if kind in set(kinds)]
    return ", ".join(seen) or "none of them yet"


def _fields(usage: Usage, account: FieldUse | None, entity: FieldUse | None, tax: FieldUse | None) -> Iterator[str]:
    yield ""
    yield "# The field whose value is the GL account of a line."
    if account is None:
        yield f'account_field = "{UNFILLED}"'
    else:
        without = usage.coded_lines - account.coded_lines
        missing = f"; {_many(without, 'coded line')} without" if without else ""
        yield f"account_field = {_text(account.id)}  # {_used(account)}{missing}"
    yield "# The field that names the legal entity: then each has control accounts of its own, below."
    yield f"# entity_field = {_text(entity.id)}  # perhaps: {_used(entity)}" if entity else '# entity_field = "..."'
    yield "# The field that carries the tax code, which is passed on."
    yield f"# tax_field = {_text(tax.id)}  # perhaps: {_used(tax)}" if tax else '# tax_field = "..."'
    others = [one for one in usage.fields.values() if one not in (account, entity, tax) and _is_plain(one.id)]
    usual = [one for one in others if one.coded_lines >= _USUAL * max(usage.coded_lines, 1)]
    yield f"# Fields that every expense line must have; there are {_many(usage.coded_lines, 'coded line')}."
    yield f"# required_fields = [{', '.join(_text(one.id) for one in usual)}]"
    for one in sorted(others, key=lambda one: -one.lines):
        yield f"#     {_text(one.id)}: {_used(one)}"


def _used(field: FieldUse) -> str:
    example = field.example
    name = f"{_shown(field.name)}, " if field.name else ""
    return f"{name}on {_many(field.lines, 'line')}, such as {_named(example)} of {_shown(example.example)}"


def _limits(usage: Usage) -> Iterator[str]:
    yield ""
    yield "# All currencies that the books know; without it any."
    common = [(code, count) for code, count in usage.currencies.most_common() if re.fullmatch("[A-Z]{3}", code)]
    seen = f"  # {', '.join(f'{count:,} {code}' for code, count in common)}" if common else ""
    yield f"# currencies = [{', '.join(_text(code) for code, _ in common)}]{seen}"
    if usage.amortized:
        yield f"# {_many(usage.amortized, 'line')} with a schedule: refused, or booked whole with a note of it."
        yield '# amortization = "note"'
    if usage.vendors:
        yield "# All suppliers that the books know, looked at on bills; without it any."
        yield "# vendors = ["
        listed = sorted(usage.vendors.values(), key=lambda one: (-one.count, one.id))
        for one in listed[:_MOST_VENDORS]:
            seen = f"{_many(one.count, 'record')}, such as {_shown(one.example)}"
            yield f"#     {_text(one.id)},  # {_shown(one.name)}: {seen}"
        if len(listed) > _MOST_VENDORS:
            yield f"#     and {len(listed) - _MOST_VENDORS:,} more"
        yield "# ]"


def _control(usage: Usage) -> Iterator[str]:
    yield ""
    yield "# The accounts that face the coded lines."
    yield "[control]"
    for role, meaning in _ROLES.items():
        yield f'{role} = "{UNFILLED}"  # {meaning}: {_many(_needing(usage, role), "record")}'
    yield f'# {Role.BANK} = "..."  # the bank account itself: needed only with payins = "post"'


def _needing(usage: Usage, role: Role) -> int:
    return sum(count for kind, count in usage.types.items() if role in _roles(RULES.get(kind)))


def _roles(rule: Rule | None) -> tuple[Role, ...]:
    if isinstance(rule, Coded):
        return (rule.against,)
    return (rule.debit, rule.credit) if isinstance(rule, Moves) else ()


def _entities(entity: FieldUse | None) -> Iterator[str]:
    values = sorted(entity.values.values(), key=lambda one: one.id) if entity else []
    if values:
        yield ""
        yield "# With an entity_field: a table for each entity, with the control accounts that are its own."
        yield from (f"# [entities.{_text(one.id)}]  # {_use(one)}" for one in values)


def _accounts(account: FieldUse | None) -> Iterator[str]:
    yield ""
    yield f"# The account of the books for each value of {_text(account.id) if account else 'the account_field'}."
    yield "[accounts]"
    taken: set[str] = set()
    for one in sorted(account.values.values(), key=lambda one: one.id) if account else ():
        # What a chart cannot name is told all the same.
        mark = "" if _is_plain(one.id) and one.id not in taken else "# "
        taken.add(one.id)
        yield f'{mark}{_text(one.id)} = "{UNFILLED}"  # {_use(one)}'


def _use(value: ValueUse) -> str:
    name = f"{_shown(value.name)}: " if value.name else ""
    return f"{name}on {_many(value.count, 'line')}, such as one of {_shown(value.example)}"


def _named(value: ValueUse) -> str:
    return f"{_shown(value.id)} ({_shown(value.name)})" if value.name else _shown(value.id)


def _is_plain(text: str) -> bool:
    return bool(text) and text == text.strip() and text.isprintable() and text != UNFILLED


def _text(text: str) -> str:
    """A text as TOML; on one line even when it is only shown in a comment."""
    return json.dumps(text if text.isprintable() else _shown(text), ensure_ascii=False)


def _shown(text: str | None) -> str:
    line = " ".join("".join(character if character.isprintable() else " " for character in text or "").split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
