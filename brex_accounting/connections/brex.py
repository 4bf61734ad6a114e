"""A link at Brex: an integration."""

from __future__ import annotations

from ..enums import IntegrationStatus
from ..errors import IntegrationNotActive
from ..integrations import Integrations
from ..models import Integration
from .link import LinkState, Standing

__all__ = ["BrexLink"]

_STATES = {IntegrationStatus.ACTIVE: LinkState.CONNECTED, IntegrationStatus.DISABLED: LinkState.ENDED}


class BrexLink:
    """The integration of one Brex account: ``BrexLink(brex.integrations, vendor=..., vendor_account_id=...)``.

    ``integration_id``: the one that was made earlier, if there is one.

    **Brex cannot be asked how an integration stands**: it has no such operation, and creating is not reading.
    ``status`` is what its last answer to this object said, with ``asked`` False; before the first answer it is
    UNKNOWN when there is an id, and ABSENT when there is none. That a customer disconnected in Brex shows when
    the next report or ``disconnect`` is refused.
    """

    def __init__(
        self, integrations: Integrations, *, vendor: str, vendor_account_id: str, integration_id: str | None = None
    ) -> None:
        self._integrations = integrations
        self._vendor = vendor
        self._vendor_account_id = vendor_account_id
        state = LinkState.ABSENT if integration_id is None else LinkState.UNKNOWN
        self._heard = Standing(state=state, id=integration_id, asked=False)

    async def connect(self) -> Standing:
        """Connect. An active integration of the same vendor and vendor account is given back by Brex itself.

        Raises ``ActiveIntegrationExists`` or ``VendorAccountIdMismatch`` when another is connected.
        """
        made = await self._integrations.create(vendor=self._vendor, vendor_account_id=self._vendor_account_id)
        return self._told(made)

    async def status(self) -> Standing:
        """What Brex said last. Nothing is sent."""
        return self._heard

    async def disconnect(self) -> Standing:
        """Disconnect. Brex may drop the customer's GL codes, rules and mappings for good."""
        id_ = self._heard.id
        if id_ is None:
            return self._heard
        try:
            return self._told(await self._integrations.disconnect(id_))
        except IntegrationNotActive as error:
            if error.integration_id != id_ or error.current_status != IntegrationStatus.DISABLED:
                raise
            return self._remember(Standing(state=LinkState.ENDED, id=id_))

    def _told(self, integration: Integration) -> Standing:
        state = _STATES.get(integration.status, LinkState.UNKNOWN)
        return self._remember(Standing(state=state, id=integration.id))

    def _remember(self, standing: Standing) -> Standing:
        self._heard = Standing(state=standing.state, id=standing.id, asked=False)
        return standing
