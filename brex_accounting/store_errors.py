"""The branch of the error tree for the stores of a durable export; ``errors`` draws the whole."""

from __future__ import annotations

from .root_error import BrexError

__all__ = [
    "LeaseLost",
    "MoveRefused",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreMismatch",
    "StoreTooNew",
    "StoreUnavailable",
]


class StoreError(BrexError):
    """The store of a durable export failed. Nothing of what was asked was kept, and what it held is as it was."""


class StoreUnavailable(StoreError):
    """The store cannot be opened, read or written now: a folder, a right, a disk, or a lock that another holds."""


class StoreFull(StoreUnavailable):
    """There is no room to write. What was committed is safe: make room and go on."""


class StoreCorrupt(StoreError):
    """The file is damaged, or is no export store. It was left as it is: restore a copy, or name another file."""


class StoreTooNew(StoreError):
    """The store was written by a newer version of this package. It was left as it is: upgrade the package."""


class StoreMismatch(StoreError):
    """The store belongs to another company, vendor or vendor account. Posting from it would mix two sets of books."""


class LeaseLost(StoreError):
    """Somebody else took over what was claimed: stop working on it. What they do counts."""


class MoveRefused(StoreError):
    """An export cannot go from the state it is in to the one asked for."""
