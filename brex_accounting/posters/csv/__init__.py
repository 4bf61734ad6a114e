"""Books in a CSV journal: ``CsvPoster``."""

from .poster import CsvPoster

__all__ = ["CsvPoster"]
