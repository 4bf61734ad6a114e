"""What a chart's accounts are called in a Beancount ledger. Pure.

An account that is a Beancount account already, such as ``Assets:Prepaid:Rent``, stays as it is: that is how a chart
gives an account any root and place it wants. ``7500 Other G&A`` becomes ``Expenses:7500-Other-G-A``, a control
account goes below the root of its role, and ``Travel:Air fare`` keeps its colon. The ledger writes the account's own
words beside the name where it opens it, so that the way back is exact.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from ...errors import ConfigurationError
from ..chart import Chart
from ..refusing import quoted
from ..rule_table import Role

__all__ = ["ROOTS", "account_names", "is_account"]

ROOTS: Final[Mapping[Role | None, str]] = MappingProxyType(
    {
        None: "Expenses",
        Role.CARDS_PAYABLE: "Liabilities",
        Role.REIMBURSEMENTS_PAYABLE: "Liabilities",
        Role.ACCOUNTS_PAYABLE: "Liabilities",
        Role.BANK_CLEARING: "Assets",
        Role.REWARDS: "Income",
        Role.EMPLOYEE_RECEIVABLE: "Assets",
        Role.BANK: "Assets",
    }
)
"""The root of each role's account, and of those that records are coded to (None)."""

_ALL_ROOTS: Final = frozenset({"Assets", "Liabilities", "Equity", "Income", "Expenses"})
_BEGINS: Final = frozenset({"Lu", "Nd"})


def account_names(chart: Chart) -> Mapping[str, str]:
    """The Beancount name of every account of a chart.

    Raises ``ConfigurationError`` where two accounts would get one name, or one account two roots.
    """
    named: dict[str, str] = {}
    for account, roles in _accounts(chart).items():
        # A control account that records are coded to as well is what its role says.
        names = {_name(account, ROOTS[role]) for role in roles if role} or {_name(account, ROOTS[None])}
        if len(names) > 1:
            listed = " and ".join(sorted(names))
            raise ConfigurationError(
                f"the account {quoted(account)} has roles that make it {listed}: "
                "write it in the chart as the one that it is to be"
            )
        named[account] = names.pop()
    _check_one_each(named)
    return MappingProxyType(named)


def is_account(text: str) -> bool:
    """Whether a text is an account as Beancount writes it."""
    root, *rest = text.split(":")
    return root in _ALL_ROOTS and bool(rest) and all(map(_is_component, rest))


def _accounts(chart: Chart) -> Mapping[str, set[Role | None]]:
    found: defaultdict[str, set[Role | None]] = defaultdict(set)
    for roles in (chart.control, *(chart.entities or {}).values()):
        for role, account in roles.items():
            found[account].add(Role(role))
    for account in chart.accounts.values():
        found[account].add(None)
    return found


def _check_one_each(named: Mapping[str, str]) -> None:
    before: dict[str, str] = {}
    for account, name in named.items():
        other = before.setdefault(name, account)
        if other != account:
            raise ConfigurationError(
                f"the accounts {quoted(other)} and {quoted(account)} would both be {name} in the ledger: "
                "rename one in the chart, or write it as a Beancount account"
            )


def _name(account: str, root: str) -> str:
    parts = unicodedata.normalize("NFC", account).split(":")
    if len(parts) > 1 and parts[0] in _ALL_ROOTS:
        root, *parts = parts
    return ":".join([root, *map(_component, parts)])


def _component(text: str) -> str:
    if _is_component(text):
        return text
    kept = "-".join(_words(text))
    begin = kept[:1].upper()
    return f"{begin}{kept[1:]}" if _is_component(begin) else f"X{kept}"


def _words(text: str) -> Iterator[str]:
    """The runs of characters that a component may have."""
    yield from "".join(one if _may_stand(one) and one != "-" else " " for one in text).split()


def _is_component(text: str) -> bool:
    return bool(text) and unicodedata.category(text[0]) in _BEGINS and all(map(_may_stand, text))


def _may_stand(one: str) -> bool:
    category = unicodedata.category(one)
    return one == "-" or category.startswith("L") or category == "Nd"
