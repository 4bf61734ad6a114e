"""``integration create``, ``disconnect`` and ``reactivate``."""

from __future__ import annotations

import sys

from ..client import BrexAccounting
from ..converters import to_json
from ..models import Integration
from .console import UsageError

__all__ = ["create", "disconnect", "reactivate"]

_WARNING = (
    "Disconnecting ends the link between this Brex account and the accounting system. Brex may delete the "
    "customer's GL codes, rules, field mappings and vendor links for good."
)


async def create(*, vendor: str, vendor_account_id: str) -> None:
    """Connect, when a person has consented. After a disconnect this makes a new integration.

    Parameters
    ----------
    vendor
        The vendor id that Brex made for you.
    vendor_account_id
        Your own id of the customer's account.
    """
    async with BrexAccounting() as brex:
        _show(await brex.integrations.create(vendor=vendor, vendor_account_id=vendor_account_id))


async def disconnect(integration_id: str, /, *, yes: bool = False, id_again: str | None = None) -> None:
    """Disconnect. Brex may delete the customer's codes and mappings for good.

    Parameters
    ----------
    integration_id
        The integration.
    yes
        Needed: you know what it destroys.
    id_again
        Needed: the same id once more.
    """
    if not yes or id_again != integration_id:
        raise UsageError(f"nothing was done. {_WARNING} To go on, add --yes and --id-again with the same id.")
    async with BrexAccounting() as brex:
        _show(await brex.integrations.disconnect(integration_id))


async def reactivate(integration_id: str, /) -> None:
    """Connect a disconnected integration again.

    Parameters
    ----------
    integration_id
        The integration.
    """
    async with BrexAccounting() as brex:
        _show(await brex.integrations.reactivate(integration_id))


def _show(integration: Integration) -> None:
    sys.stdout.buffer.write(to_json(integration) + b"\n")
