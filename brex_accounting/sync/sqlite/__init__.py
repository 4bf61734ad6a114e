"""The store in one SQLite file, for any number of processes on one host."""

from .store import SqliteStore

__all__ = ["SqliteStore"]
