"""Which deliveries were taken already, as far as a bounded memory reaches."""

from __future__ import annotations

__all__ = ["Seen"]


class Seen:
    """The last ``most`` ids. What is older is forgotten: taken again, it finds its work done."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._ids: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._ids

    def add(self, id_: str) -> None:
        """Remember an id, as the newest."""
        self._ids.pop(id_, None)
        self._ids[id_] = None
        if len(self._ids) > self._most:
            del self._ids[next(iter(self._ids))]

    def forget(self, id_: str) -> None:
        """Let an id come again."""
        self._ids.pop(id_, None)
