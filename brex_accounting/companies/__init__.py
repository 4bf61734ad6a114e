"""Companies: whom a token belongs to, and the tokens of many in one process."""

from .models import Address, Company
from .registry import Companies

__all__ = ["Address", "Companies", "Company"]
