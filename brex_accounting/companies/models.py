"""The Brex company that a token belongs to. A frozen value; no JSON, no I/O.

Source: Brex, Team API reference, "Get company".
"""

from __future__ import annotations

import attrs

from ..enums import AccountType

__all__ = ["Address", "Company"]


@attrs.frozen(kw_only=True)
class Address:
    """Where a company receives its mail. ``country`` has two letters."""

    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    postal_code: str | None = None
    phone_number: str | None = None


@attrs.frozen(kw_only=True)
class Company:
    """A Brex customer. Webhooks name it by this ``id``, as their ``company_id``."""

    id: str
    legal_name: str
    mailing_address: Address | None = attrs.field(default=None, repr=False)
    account_type: AccountType | None = None
