"""The client's verbs for integrations."""

from __future__ import annotations

from . import endpoints
from .core import View
from .errors import ActiveIntegrationExists, BrexError, IntegrationNotActive
from .models import Integration
from .session.call import Outcome

__all__ = ["Integrations"]


class Integrations:
    """The link between the Brex account and an accounting system; an account has at most one active.

    Source: Brex, Accounting API reference, "Accounting Integrations".
    """

    def __init__(self, view: View) -> None:
        self._view = view

    async def create(self, *, vendor: str, vendor_account_id: str) -> Integration:
        """Connect ``vendor`` (an id that Brex made for the partner) with your ``vendor_account_id``.

        Returns the active integration if the same two are connected already. **This is not a read**:
        after the customer disconnected, it makes a new integration. Call it when a person consents, and
        keep the id; Brex has no list of integrations.

        Raises ``ActiveIntegrationExists`` or ``VendorAccountIdMismatch`` when another is connected.
        """
        call = endpoints.create_integration(vendor, vendor_account_id)
        del vendor, vendor_account_id  # error reporters print local variables
        return await self._view.run(call)

    async def disconnect(self, integration_id: str) -> Integration:
        """Disconnect. Brex may drop the customer's GL codes, rules and mappings for good.

        Raises ``IntegrationNotActive`` when it is not connected; its ``probably_ours`` is True when an
        earlier attempt of this call got no answer and evidently was the one that disconnected.
        """
        try:
            return await self._view.run(endpoints.disconnect_integration(integration_id))
        except IntegrationNotActive as error:
            done = error.integration_id == integration_id and error.current_status == "DISABLED"
            error.probably_ours = done and _was_ambiguous(error)
            raise

    async def reactivate(self, integration_id: str) -> Integration:
        """Connect a disconnected integration again.

        Raises ``ActiveIntegrationExists`` when one is active; its ``probably_ours`` is True when an
        earlier attempt of this call got no answer and the active one is this integration.
        """
        try:
            return await self._view.run(endpoints.reactivate_integration(integration_id))
        except ActiveIntegrationExists as error:
            error.probably_ours = error.existing_integration_id == integration_id and _was_ambiguous(error)
            raise


def _was_ambiguous(error: BrexError) -> bool:
    return any(attempt.outcome is Outcome.AMBIGUOUS for attempt in error.attempts)
