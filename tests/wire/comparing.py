"""When two JSON documents say the same: nulls dropped, numbers as Decimals, times as instants."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")


def parsed(data: bytes) -> Any:
    """JSON with exact numbers."""
    return json.loads(data, parse_float=Decimal, parse_int=Decimal)


def meaning(value: Any) -> Any:
    """What of a parsed document is compared."""
    if isinstance(value, dict):
        return {key: meaning(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [meaning(inner) for inner in value]
    if isinstance(value, str) and _TIME.fullmatch(value):
        moment = datetime.fromisoformat(value)
        return "instant", moment.timestamp(), moment.microsecond
    return value


def same(one: bytes, other: bytes) -> bool:
    """Whether two documents mean the same."""
    return bool(meaning(parsed(one)) == meaning(parsed(other)))
