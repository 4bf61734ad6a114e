"""The ways of an ERP, as switches. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

import attrs
import msgspec

__all__ = ["Options", "changed", "parse_setting"]

Seconds = Annotated[float, msgspec.Meta(gt=0, lt=1e9)]
Count = Annotated[int, msgspec.Meta(ge=1)]


@attrs.frozen(kw_only=True)
class Options:
    """How an ERP behaves.

    ``dedupe``: with "key", a second create with the same key returns the first document, and is refused when
    its content differs; with "none" it makes a second one, whatever its key says.
    ``lookup``: what documents can be looked up by, besides their id.
    ``accounts``, ``vendors``, ``currencies``: those that exist; None for all that are asked for.
    ``inactive``: accounts that exist and take no entries.
    ``closed_through``: no entry up to and including this date; None when every period is open.
    ``longest_memo``: characters. ``login_refused``: no login and no session counts. ``login_lifetime``:
    seconds, None for ever. ``rate_limit``: requests in any ``rate_window`` seconds, None for no limit.
    """

    dedupe: Literal["none", "key"] = "key"
    lookup: Literal["none", "key", "number"] = "key"
    accounts: tuple[str, ...] | None = None
    inactive: tuple[str, ...] = ()
    vendors: tuple[str, ...] | None = None
    currencies: tuple[str, ...] | None = None
    closed_through: date | None = None
    longest_memo: Count = 4000
    login_refused: bool = False
    login_lifetime: Seconds | None = None
    rate_limit: Count | None = None
    rate_window: Seconds = 60.0


def changed(options: Options, changes: Mapping[str, object]) -> Options:
    """``options`` with ``changes`` (JSON values by name). Raises ``ValueError`` that says what is wrong."""
    names = {field.name for field in attrs.fields(Options)}
    unknown = sorted(changes.keys() - names)
    if unknown:
        raise ValueError(f"there is no option {unknown[0]}; there are {', '.join(sorted(names))}")
    # ValidationError is a ValueError, and names the option.
    return msgspec.convert({**msgspec.to_builtins(options), **changes}, Options)


def parse_setting(text: str) -> tuple[str, object]:
    """``NAME=VALUE``; the value is JSON, or else a plain text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError("a setting is written NAME=VALUE, for example closed_through=2026-05-31")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value
