"""A chart from TOML, or all its mistakes with their lines. Pure.

    post_from = 2026-06-01
    closed_through = 2026-05-31
    reimbursements = "accrual"
    card_payments = "post"
    payins = "skip"
    bill_payments = "skip"
    account_field = "GL_ACCOUNT"
    entity_field = "ENTITY"
    required_fields = ["DEPARTMENT"]

    [control]
    cards_payable = "2100"
    reimbursements_payable = "2200"
    accounts_payable = "2000"
    bank_clearing = "1050"
    rewards = "4900"
    employee_receivable = "1300"

    [entities.UK]
    cards_payable = "2110"

    [accounts]
    "6100" = "6100 Airfare"

The keys are the fields of ``Chart``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from ..errors import ConfigurationError
from .chart import Chart
from .chart_schema import Mistake, mistakes
from .toml_lines import Path, lines_of, repeated

__all__ = ["parse_chart"]

_WHERE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def parse_chart(text: str, name: str = "chart.toml") -> Chart:
    """The chart that a TOML text holds.

    Raises ``ConfigurationError``: one line for each mistake, as ``chart.toml:12: what is wrong``.
    """
    text = text.removeprefix("\ufeff")
    values = _parsed(text, name)
    found = mistakes(values)
    if not found:
        return Chart(**values)
    lines = lines_of(text)
    shown = sorted((_line(lines, mistake), mistake.text) for mistake in found)
    raise ConfigurationError("\n".join(f"{name}:{line}: {words}" for line, words in shown))


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem = _no_toml(text, str(error))
    except (ValueError, RecursionError):
        problem = "1: a number or a nesting in it is too large"
    raise ConfigurationError(f"{name}:{problem}")


def _no_toml(text: str, words: str) -> str:
    twice = repeated(text)
    if twice is not None:
        first, second = twice
        key = ".".join(map(str, second.path))
        return f"{second.line}: {key} is given twice, first on line {first.line}"
    where = _WHERE.search(words)
    line = int(where[1]) if where and where[1] else text.rstrip().count("\n") + 1
    return f"{line}: this is no TOML: {_WHERE.sub('', words)}"


def _line(lines: Mapping[Path, int], mistake: Mistake) -> int:
    path = mistake.path
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
