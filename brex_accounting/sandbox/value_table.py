"""The values of one field in the local Brex: in the order they were made, and found by each of their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from ..fields.models import FieldValue, FieldValueKey

__all__ = ["ValueTable"]

_IDS: Final = ("brex_id", "value_id", "remote_id")


class ValueTable:
    """Values by their place, which a later value never takes again, so that a cursor can name one that is gone."""

    def __init__(self) -> None:
        self._values: dict[int, FieldValue] = {}
        self._places: Mapping[str, dict[str, int]] = MappingProxyType({name: {} for name in _IDS})
        self._next = 0

    def __len__(self) -> int:
        return len(self._values)

    def after(self, place: int) -> Iterator[tuple[int, FieldValue]]:
        """The values behind a place, with theirs."""
        return ((at, value) for at, value in self._values.items() if at > place)

    def find(self, key: FieldValueKey) -> FieldValue | None:
        """The value that a key selects."""
        for name, places in self._places.items():
            one = getattr(key, name)
            if one is not None and one in places:
                return self._values[places[one]]
        return None

    def put(self, value: FieldValue) -> None:
        """Add a value, or replace the one with its ``brex_id``."""
        place = self._places["brex_id"].get(value.brex_id)
        if place is None:
            place, self._next = self._next, self._next + 1
        self._values[place] = value
        for name, places in self._places.items():
            one = getattr(value, name)
            if one is not None:
                places[one] = place

    def remove(self, value: FieldValue) -> None:
        """Forget a value."""
        del self._values[self._places["brex_id"][value.brex_id]]
        for name, places in self._places.items():
            one = getattr(value, name)
            if one is not None:
                del places[one]
