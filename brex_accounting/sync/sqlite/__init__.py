"""The store in one SQLite file, for any number of processes on one host."""

from .snapshot import read_snapshot
from .store import SqliteStore

__all__ = ["SqliteStore", "read_snapshot"]
