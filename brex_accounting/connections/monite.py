"""A link at Monite: an accounting connection."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import BrexError, Conflict
from ..monite import Connection, Connections, ConnectionStatus
from .link import LinkState, Standing

__all__ = ["MoniteLink"]

_STATES = {
    ConnectionStatus.PENDING_AUTH: LinkState.WAITING,
    ConnectionStatus.CONNECTED: LinkState.CONNECTED,
    ConnectionStatus.DISCONNECTED: LinkState.ENDED,
    ConnectionStatus.DEAUTHORIZED: LinkState.ENDED,
}
_ACTIVE = (LinkState.WAITING, LinkState.CONNECTED)


class MoniteLink:
    """The connection of one entity: ``MoniteLink(monite.connections)``.

    ``connection_id``: the one that was made earlier; without it the newest of the entity's counts.
    """

    def __init__(self, connections: Connections, *, connection_id: str | None = None) -> None:
        self._connections = connections
        self._id = connection_id

    async def connect(self) -> Standing:
        """A new connection, unless one is connected or waits for its person already.

        When the answer to creating is lost, the list is read: a connection that was not there before is ours.
        """
        before = await self._connections.list()
        active = _newest(one for one in before if _standing(one).state in _ACTIVE)
        if active is None:
            active = await self._created({one.id for one in before})
        self._id = active.id
        return _standing(active)

    async def status(self) -> Standing:
        """How it stands now."""
        if self._id is not None:
            return _standing(await self._connections.get(self._id))
        newest = _newest(await self._connections.list())
        return Standing(state=LinkState.ABSENT) if newest is None else _standing(newest)

    async def disconnect(self) -> Standing:
        """Disconnect. To connect again, a person must authorise anew."""
        standing = await self.status()
        if standing.id is None or standing.state in (LinkState.ENDED, LinkState.ABSENT):
            return standing
        self._id = standing.id
        try:
            return _standing(await self._connections.disconnect(standing.id))
        except Conflict:
            # Somebody else may have been faster.
            standing = await self.status()
            if standing.state is not LinkState.ENDED:
                raise
            return standing

    async def _created(self, known: set[str]) -> Connection:
        try:
            return await self._connections.create()
        except BrexError as error:
            if not error.may_have_happened:
                raise
            ours = _newest(one for one in await self._connections.list() if one.id not in known)
            if ours is None:
                raise
            return ours


def _newest(connections: Iterable[Connection]) -> Connection | None:
    return max(connections, key=lambda one: one.created_at, default=None)


def _standing(connection: Connection) -> Standing:
    state = LinkState.UNKNOWN if connection.status is None else _STATES.get(connection.status, LinkState.UNKNOWN)
    waiting = state is LinkState.WAITING
    return Standing(state=state, id=connection.id, authorise_at=connection.connection_url if waiting else None)
