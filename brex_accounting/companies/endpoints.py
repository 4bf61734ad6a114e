"""The one operation about companies.

Source: Brex, Team API reference, "Get company".
"""

from __future__ import annotations

from typing import Final

from ..operations import call_of, reads
from ..session.call import Call, Repeat
from .models import Company

__all__ = ["get_company"]

READ: Final = Repeat(after_ambiguous=True, because="A GET changes nothing.")


def get_company() -> Call[Company]:
    """GET /v2/company: the company that the token belongs to."""
    return call_of("get company", "GET", "/v2/company", READ, reads(Company))
