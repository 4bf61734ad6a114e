"""The store in PostgreSQL, for any number of companies, processes and hosts, and the limiter that they share."""

from .inheriting import inherit_store
from .limiter import PostgresLimiter
from .pool import Pool
from .store import PostgresStore
from .tables import make_tables

__all__ = ["Pool", "PostgresLimiter", "PostgresStore", "inherit_store", "make_tables"]
