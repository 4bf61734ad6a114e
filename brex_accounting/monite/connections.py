"""The client's verbs for accounting connections."""

from __future__ import annotations

from collections.abc import Iterable

from ..arguments import checked_id, member
from ..core import View
from ..errors import BrexError, ConfigurationError
from . import endpoints
from .dialect import Wire
from .enums import ConnectionStatus, ObjectType, SyncStatus
from .errors import NotConnected
from .models import Connection, SyncedRecord, SyncOutcome, SyncStarted
from .polling import Patience
from .queries import LARGEST_PAGE
from .synced_records import SyncedRecords

__all__ = ["Connections"]


class Connections:
    """The links between one entity and its accounting systems; an entity has at most one active.

    Source: Monite, accounting integration guide, "Manage connections".
    """

    def __init__(self, view: View, wire: Wire, synced_records: SyncedRecords) -> None:
        self._view = view
        self._wire = wire
        self._synced_records = synced_records

    async def list(self) -> tuple[Connection, ...]:
        """All connections of the entity, ended ones included. There are no pages."""
        return await self._view.run(endpoints.list_connections(self._wire))

    async def create(self) -> Connection:
        """A new connection, not yet authorised: send the person to its ``connection_url``.

        **Never repeated** when an attempt got no answer: the error then has ``may_have_happened``, and ``list``
        shows whether there is a new one.
        """
        return await self._view.run(endpoints.create_connection(self._wire))

    async def get(self, connection_id: str) -> Connection:
        """One connection. Raises ``NotFound`` when the entity has none of this id."""
        return await self._view.run(endpoints.get_connection(self._wire, connection_id))

    async def disconnect(self, connection_id: str) -> Connection:
        """Disconnect. Returns the connection, which then is ``disconnected``.

        When an attempt got no answer, or one that cannot be read, the connection is read: one that is
        disconnected is the answer; one that is not is disconnected again, as often as the retry policy has
        attempts. Each of these calls has the deadline for itself. What disconnecting twice is answered with is
        undocumented: a refusal is raised, except after an attempt of our own that may have done it.
        """
        call = endpoints.disconnect_connection(self._wire, connection_id)
        attempt, in_doubt = 1, False
        while True:
            try:
                return await self._view.run(call)
            except BrexError as error:
                lost = error.may_have_happened
                in_doubt = in_doubt or lost
                if not in_doubt:
                    raise
                error.may_have_happened = True
                found = await self._read_back(connection_id)
                if found is not None and found.status == ConnectionStatus.DISCONNECTED:
                    return found
                # A refusal is the last word, and what cannot be read cannot be judged.
                if found is None or not lost or attempt >= self._view.options.retry.attempts:
                    raise
            await self._pause(attempt)
            attempt += 1

    async def sync(self, connection_id: str) -> SyncStarted:
        """Start a sync now instead of waiting for the next one. Returns before it is done: see ``sync_and_wait``."""
        return await self._view.run(endpoints.sync_connection(self._wire, connection_id))

    async def wait_until(
        self,
        connection_id: str,
        status: ConnectionStatus | str | Iterable[ConnectionStatus | str],
        *,
        timeout: float,
        every: float = 2.0,
    ) -> Connection:
        """The connection once it has ``status``, or one of several; it is read ``every`` so many seconds.

        To wait for a person who authorises: ``wait_until(id, ["connected", "deauthorized"], timeout=600)``.

        Raises ``DeadlineExceeded`` when it has another status after ``timeout`` seconds. A server that fails
        meanwhile is asked again; its error is raised when it still fails then.
        """
        checked_id("connection_id", connection_id)
        wanted = _statuses(status)
        shown = " or ".join(sorted(wanted))
        patience = Patience(timeout=timeout, every=every, what=f"the connection was not {shown}")

        async def ask() -> Connection | None:
            found = await self.get(connection_id)
            return found if found.status in wanted else None

        return await patience.until(ask, self._view.core.clock)

    async def sync_and_wait(
        self,
        connection_id: str,
        *,
        object_types: Iterable[ObjectType | str] = (),
        timeout: float = 300.0,
        every: float = 2.0,
    ) -> SyncOutcome:
        """Start a sync and wait for its end: until the connection's ``last_pull`` has moved, and until no synced
        record of ``object_types`` is pending any more. Without types only the pull is waited for.

        Returns the connection, and the synced records of those types that went wrong. Everything is asked
        ``every`` so many seconds, the records of a type in as many requests as there are pages.

        Raises ``NotConnected`` when the connection is not connected, before or meanwhile, and ``DeadlineExceeded``
        after ``timeout`` seconds; the sync goes on then.
        """
        types = _types(object_types)
        patience = Patience(timeout=timeout, every=every, what="the sync did not end")
        before = _connected(await self.get(connection_id)).last_pull
        await self.sync(connection_id)

        async def ask() -> SyncOutcome | None:
            now = _connected(await self.get(connection_id))
            if now.last_pull is None or (before is not None and now.last_pull <= before):
                return None
            failed = await self._failed(types)
            return None if failed is None else SyncOutcome(connection=now, failed=failed)

        return await patience.until(ask, self._view.core.clock)

    async def _failed(self, types: Iterable[ObjectType]) -> tuple[SyncedRecord, ...] | None:
        """The records of these types that went wrong; None while any is pending."""
        failed: list[SyncedRecord] = []
        for one in types:
            async for record in self._synced_records.list(object_type=one, page_size=LARGEST_PAGE):
                if record.sync_status == SyncStatus.PENDING:
                    return None
                if record.sync_status == SyncStatus.ERROR:
                    failed.append(record)
        return tuple(failed)

    async def _read_back(self, connection_id: str) -> Connection | None:
        try:
            return await self.get(connection_id)
        except BrexError:  # what is raised is the error of the disconnect
            return None

    async def _pause(self, attempt: int) -> None:
        policy, core = self._view.options.retry, self._view.core
        await core.clock.sleep(core.manager.roll() * min(policy.cap, policy.base * 2.0**attempt))


def _statuses(status: ConnectionStatus | str | Iterable[ConnectionStatus | str]) -> frozenset[ConnectionStatus]:
    many = [status] if isinstance(status, str) else _each("status", status)
    wanted = {one for one in (member(ConnectionStatus, "status", one) for one in many) if one is not None}
    if not wanted:
        raise ConfigurationError("status is empty, and nothing would ever be it")
    return frozenset(wanted)


def _types(object_types: Iterable[ObjectType | str]) -> tuple[ObjectType, ...]:
    given = _each("object_types", object_types)
    return tuple(one for one in (member(ObjectType, "object_types", one) for one in given) if one is not None)


def _each(name: str, given: Iterable[str]) -> Iterable[str]:
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{name} takes a list")
    return given


def _connected(connection: Connection) -> Connection:
    # A status that is left out is no reason to give up.
    if connection.status not in (ConnectionStatus.CONNECTED, None):
        raise NotConnected(connection)
    return connection
