"""What a chart may hold, and every mistake in one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, cast, get_args

import attrs

from ..enums import RecordType
from .currencies import codes
from .rule_table import SWITCHES, Basis, Coded, Moves, Role, Switch, Switched, roles_in, used_rules
from .toml_lines import Path

__all__ = ["UNFILLED", "Mistake", "OnAmortization", "OnClosed", "mistakes"]

UNFILLED: Final = "?"
"""What a starter chart has where a person has to fill something in."""

OnClosed: TypeAlias = Literal["reject", "next_open"]
OnAmortization: TypeAlias = Literal["reject", "note"]


@attrs.frozen
class Mistake:
    """One thing wrong with a chart, and what it is about. A path that is not there means the nearest one above."""

    path: Path
    text: str


_Check: TypeAlias = Callable[[Path, object], Iterator[Mistake]]


def mistakes(values: Mapping[str, object]) -> list[Mistake]:
    """Every mistake in the fields of a chart, by name; what is not there is missing."""
    found = list(_unknown(values))
    for name, check in _FIELDS.items():
        if values.get(name) == UNFILLED:
            found.append(Mistake((name,), f'{name} is still "{UNFILLED}": {_REQUIRED.get(name, "fill it in")}'))
        elif values.get(name) is not None:
            found += check((name,), values[name])
        elif name in _REQUIRED:
            found.append(Mistake((name,), f"{name} is missing: {_REQUIRED[name]}"))
    wrong = {mistake.path[0] for mistake in found}
    sound = {name: value for name, value in values.items() if value is not None and name not in wrong}
    return [*found, *_contradictions(sound, wrong)]


# One field by itself.


def _unknown(values: Mapping[str, object]) -> Iterator[Mistake]:
    for name in values:
        if name not in _FIELDS:
            yield Mistake((name,), f"{name} is no key of a chart{_nearest(name, _FIELDS)}")


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name.casefold().replace("-", "_"), known, n=1)
    return f": did you mean {near[0]}?" if near else f": there are {', '.join(known)}"


def _shown(path: Path) -> str:
    return ".".join(str(part) for part in path if isinstance(part, str))


def _day(path: Path, value: object) -> Iterator[Mistake]:
    if isinstance(value, datetime) or not isinstance(value, date):
        yield Mistake(path, f"{_shown(path)} must be a day, without quotes and without a time: 2026-06-01")


def _text(path: Path, value: object) -> Iterator[Mistake]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield Mistake(path, f'{_shown(path)} must be a text: put quotes around it, "{value}"')
    elif isinstance(value, Mapping):
        # 6100.10 = "..." without quotes is a table 6100 with a key 10.
        yield Mistake(path, f"{_shown(path)} must be a text: put quotes around a key that has a dot in it")
    elif not isinstance(value, str):
        yield Mistake(path, f"{_shown(path)} must be a text in quotes")
    elif value == UNFILLED:
        yield Mistake(path, f'{_shown(path)} is still "{UNFILLED}": give an account of the books')
    elif not value or value != value.strip() or not value.isprintable():
        yield Mistake(path, f"{_shown(path)} must not be empty, nor have blanks around it or line breaks in it")


def _texts(path: Path, value: object) -> Iterator[Mistake]:
    if isinstance(value, str) or not isinstance(value, (Sequence, frozenset, set)):
        yield Mistake(path, f'{_shown(path)} must be a list of texts: ["...", "..."]')
        return
    seen: set[object] = set()
    for number, one in enumerate(cast(Collection[object], value)):
        problems = list(_text((*path, number), one))
        yield from problems
        if not problems and one in seen:
            yield Mistake((*path, number), f"{_shown(path)} names {one} twice")
        if not problems:
            seen.add(one)


def _currencies(path: Path, value: object) -> Iterator[Mistake]:
    problems = list(_texts(path, value))
    yield from problems
    known = codes()
    for number, one in enumerate(() if problems else cast(Collection[str], value)):
        if one not in known:
            near = f": did you mean {one.upper()}?" if one.upper() in known else ""
            yield Mistake((*path, number), f"{_shown(path)} names {one}, which is no currency of ISO 4217{near}")


def _number(path: Path, value: object) -> Iterator[Mistake]:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        yield Mistake(path, f"{_shown(path)} must be a whole number from 1 on")


def _one_of(*words: str) -> _Check:
    def check(path: Path, value: object) -> Iterator[Mistake]:
        if value not in words:
            choice = " or ".join(f'"{word}"' for word in words)
            yield Mistake(path, f"{_shown(path)} must be {choice}")

    return check


def _table(path: Path, value: object, each: _Check) -> Iterator[Mistake]:
    if not isinstance(value, Mapping):
        yield Mistake(path, f"{_shown(path)} must be a table: [{_shown(path)}]")
        return
    for key, one in cast(Mapping[object, object], value).items():
        below = (*path, str(key))
        yield from _text(below, key)
        yield from each(below, one)


def _role(path: Path, value: object) -> Iterator[Mistake]:
    if path[-1] in frozenset(Role):
        yield from _text(path, value)
    else:
        known = tuple(role.value for role in Role)
        yield Mistake(path, f"{_shown(path)} is no control account{_nearest(str(path[-1]), known)}")


def _roles(path: Path, value: object) -> Iterator[Mistake]:
    return _table(path, value, _role)


def _entities(path: Path, value: object) -> Iterator[Mistake]:
    return _table(path, value, _roles)


def _accounts(path: Path, value: object) -> Iterator[Mistake]:
    yield from _table(path, value, _text)
    if value == {}:
        yield Mistake(path, "accounts is empty: give an account for each value of the account_field")


_FIELDS: Final[Mapping[str, _Check]] = MappingProxyType(
    {
        "post_from": _day,
        "closed_through": _day,
        "on_closed": _one_of(*get_args(OnClosed)),
        "reimbursements": _one_of(*get_args(Basis)),
        **{switch: _one_of(*get_args(Switch)) for switch in SWITCHES},
        "account_field": _text,
        "entity_field": _text,
        "tax_field": _text,
        "required_fields": _texts,
        "amortization": _one_of(*get_args(OnAmortization)),
        "currencies": _currencies,
        "vendors": _texts,
        "inactive": _texts,
        "longest_memo": _number,
        "longest_invoice_number": _number,
        "most_lines": _number,
        "control": _roles,
        "entities": _entities,
        "accounts": _accounts,
    }
)

_FEEDS: Final = '"post", or "skip" where the bank feed of the books brings them'

_REQUIRED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "post_from": "the first day whose records are posted",
        "reimbursements": '"accrual" books them when approved, "cash" when paid',
        **dict.fromkeys(SWITCHES, _FEEDS),
        "account_field": "the field whose value is the GL account, by its remote or Brex id",
        "accounts": "a table with an account for each value of the account_field",
    }
)


# Several fields together.


def _contradictions(values: Mapping[str, object], wrong: Collection[object]) -> Iterator[Mistake]:
    """What is wrong although each field is sound. ``values`` holds the sound ones, ``wrong`` names the others."""
    seen: dict[object, str] = {}
    for name in ("account_field", "entity_field", "tax_field"):
        if name in values and (before := seen.setdefault(values[name], name)) != name:
            yield Mistake((name,), f"{name} and {before} are the same field")
    if "entity_field" in values and not values.get("entities") and "entities" not in wrong:
        yield Mistake(("entity_field",), "entity_field needs the control accounts of each entity: [entities.NAME]")
    if "entities" in values and not {"entity_field"} & {*values, *wrong}:
        yield Mistake(("entities",), "entities needs entity_field: the field that names a record's entity")
    if not {"control", "entities"} & set(wrong):
        for path, accounts in _books(values):
            yield from _complete(path, accounts, list(_used(values)))
        if "accounts" in values and "inactive" in values:
            yield from _inactive(values)


def _books(values: Mapping[str, object]) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """The control accounts of each entity, the common ones among them, and where they stand."""
    common = cast(Mapping[str, str], values.get("control") or {})
    entities = cast(Mapping[str, Mapping[str, str]], values.get("entities") or {})
    if not entities:
        yield ("control",), common
    for name, own in entities.items():
        yield ("entities", name), {**common, **own}


def _used(values: Mapping[str, object]) -> Iterator[tuple[RecordType, Coded | Moves]]:
    # What is not known is taken to need the fewest accounts: it is a mistake already.
    basis = cast(Basis, values.get("reimbursements", "accrual"))
    switches: dict[Switched, Switch] = {name: cast(Switch, values.get(name, "skip")) for name in SWITCHES}
    return used_rules(basis=basis, switches=switches)


def _complete(
    path: Path, accounts: Mapping[str, str], rules: Collection[tuple[RecordType, Coded | Moves]]
) -> Iterator[Mistake]:
    """An account for every role that is used, and no rule that debits and credits the same one."""
    needed = dict.fromkeys(role for _, rule in rules for role in roles_in(rule))
    absent = [role.value for role in needed if role not in accounts]
    if absent:
        either = f"[{_shown(path)}]" if path == ("control",) else f"[{_shown(path)}], or for all in [control]"
        yield Mistake(path, f"{_shown(path)} has no {', '.join(absent)}: give an account in {either}")
    for kind, rule in rules:
        if isinstance(rule, Moves) and accounts.get(rule.debit, 1) == accounts.get(rule.credit, 2):
            both = f"{rule.debit.value} and {rule.credit.value} are both {accounts[rule.debit]}"
            yield Mistake((*path, rule.credit.value), f"{_shown(path)}: {both}, so that {kind.value} books nothing")


def _inactive(values: Mapping[str, object]) -> Iterator[Mistake]:
    """Inactive accounts are accounts, and no control accounts."""
    inactive = cast(Collection[str], values["inactive"])
    entities = cast(Mapping[str, Mapping[str, str]], values.get("entities") or {})
    control: dict[Path, Mapping[str, str]] = {("control",): cast(Mapping[str, str], values.get("control") or {})}
    control |= {("entities", name): own for name, own in entities.items()}
    known = set(cast(Mapping[str, str], values["accounts"]).values())
    for path, accounts in control.items():
        known |= set(accounts.values())
        for role, account in accounts.items():
            if account in inactive:
                below = (*path, str(role))
                yield Mistake(below, f"{_shown(below)} is {account}, which is inactive")
    for number, account in enumerate(inactive):
        if account not in known:
            yield Mistake(("inactive", number), f"inactive names {account}, which is no account of this chart")
