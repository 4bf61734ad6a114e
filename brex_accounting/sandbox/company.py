"""The company of the local Brex."""

from __future__ import annotations

from ..companies.models import Address, Company
from ..enums import AccountType
from .seeds.people import ENTITIES

__all__ = ["local_company"]


def local_company(company_id: str) -> Company:
    """The company that the records of a seed belong to: the one in whose account their users are."""
    return Company(
        id=company_id,
        legal_name=ENTITIES[0],
        mailing_address=Address(line1="1 Larkmoor Way", city="Larkmoor", state="CA", country="US", postal_code="94000"),
        account_type=AccountType.BREX_EMPOWER,
    )
