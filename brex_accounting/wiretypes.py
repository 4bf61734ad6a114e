"""Types of values that any provider's JSON may hold: enums that grow, moments, and what is not modelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias

import msgspec

__all__ = ["Instant", "JsonValue", "OpenEnum", "Unmodelled"]

JsonValue: TypeAlias = "bool | int | Decimal | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"

if TYPE_CHECKING:
    Unmodelled: TypeAlias = JsonValue
else:
    # Untyped, with a float hook that makes Decimals: the codec still sees what was sent.
    Unmodelled = Annotated[Any, "unmodelled"]

Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
"""An aware datetime; a naive one is refused while decoding."""


class OpenEnum(StrEnum):
    """A string enum that takes values it has never seen.

    An unknown value keeps its text, compares equal to the plain string, and says so through ``is_known``.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        # None for a non-string: the decoder then reports the wrong type instead of inventing a member.
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether this version of the package knows the value."""
        return self._value_ in type(self)._value2member_map_

    def __reduce_ex__(self, protocol: object) -> tuple[type[Self], tuple[str]]:
        # By value, never by name: an unknown member exists in no other process.
        return type(self), (self._value_,)
