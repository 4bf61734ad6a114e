"""Companies: whom a token belongs to, and the tokens of many in one process."""

from .models import Address, Company
from .no_token import NoToken
from .registry import Companies

__all__ = ["Address", "Companies", "Company", "NoToken"]
