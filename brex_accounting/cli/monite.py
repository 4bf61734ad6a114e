"""``monite connections list``, ``get``, ``create``, ``disconnect`` and ``sync``."""

from __future__ import annotations

import sys

from ..monite import Connection, MoniteAccounting, to_json
from .console import UsageError, one_line, say

__all__ = ["create", "disconnect", "get", "list_connections", "sync"]


async def list_connections(*, entity: str | None = None) -> None:
    """All connections of the entity, ended ones too, one JSON object a line.

    Parameters
    ----------
    entity
        The entity's id.
    """
    async with MoniteAccounting(entity_id=entity) as monite:
        for connection in await monite.connections.list():
            _show(connection)


async def get(connection_id: str, /, *, entity: str | None = None) -> None:
    """One connection as JSON.

    Parameters
    ----------
    connection_id
        The connection.
    entity
        The entity's id.
    """
    async with MoniteAccounting(entity_id=entity) as monite:
        _show(await monite.connections.get(connection_id))


async def create(*, entity: str | None = None, wait: float | None = None) -> None:
    """A new connection. A person authorises it at the URL that is shown.

    Parameters
    ----------
    entity
        The entity's id.
    wait
        Seconds to wait for that person; without it the command ends at once.
    """
    async with MoniteAccounting(entity_id=entity) as monite:
        made = await monite.connections.create()
        if made.connection_url is not None:
            say(f"authorise it at {one_line(made.connection_url)}")
        try:
            if wait is not None:
                made = await monite.connections.wait_until(made.id, "connected", timeout=wait)
        finally:
            # Also when nobody came: its id is needed to find it again.
            _show(made)


async def disconnect(connection_id: str, /, *, entity: str | None = None, yes: bool = False) -> None:
    """Disconnect. Only a person can connect again.

    Parameters
    ----------
    connection_id
        The connection.
    entity
        The entity's id.
    yes
        Needed: to connect again, a person must authorise anew.
    """
    if not yes:
        raise UsageError("nothing was done. To connect again, a person must authorise anew. To go on, add --yes.")
    async with MoniteAccounting(entity_id=entity) as monite:
        _show(await monite.connections.disconnect(connection_id))


async def sync(connection_id: str, /, *, entity: str | None = None, wait: float | None = None) -> None:
    """Start a sync now.

    Parameters
    ----------
    connection_id
        The connection.
    entity
        The entity's id.
    wait
        Seconds to wait for its end; the connection is then printed as it stands after it.
    """
    async with MoniteAccounting(entity_id=entity) as monite:
        if wait is not None:
            _show((await monite.connections.sync_and_wait(connection_id, timeout=wait)).connection)
            return
        started = await monite.connections.sync(connection_id)
        say(one_line(started.message))


def _show(connection: Connection) -> None:
    sys.stdout.buffer.write(to_json(connection) + b"\n")
