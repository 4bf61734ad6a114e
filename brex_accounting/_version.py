"""The one place of the version; it equals the top of CHANGELOG."""

__version__ = "0.1.0"
