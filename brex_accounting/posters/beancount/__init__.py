"""Books in a Beancount ledger: ``BeancountPoster``."""

from .poster import BeancountPoster, Fetch

__all__ = ["BeancountPoster", "Fetch"]
