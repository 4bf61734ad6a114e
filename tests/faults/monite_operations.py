"""Monite's operations in the matrix: each makes its calls, and says whether the caller got what is so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from brex_accounting.monite import MoniteAccounting, ObjectType, SyncedRecord
from brex_accounting.sandbox.monite import MoniteSandbox

__all__ = ["OPERATIONS", "Operation", "World"]

PAGE = 4


@attrs.define
class World:
    """A sandbox of three pages of records, its client, and ``arm``, which starts the fault."""

    sandbox: MoniteSandbox
    monite: MoniteAccounting
    records: tuple[SyncedRecord, ...]
    arm: Callable[[], Awaitable[None]]

    def connected(self) -> str:
        """A connection that a person has authorised."""
        local = self.sandbox.monite
        return local.authorise(local.create(self.sandbox.entity_id).id).id


Operation = Callable[[World], Awaitable[bool]]
"""Whether what came back is what the sandbox holds."""


async def _create(world: World) -> bool:
    await world.arm()
    try:
        made = await world.monite.connections.create()
        return (made,) == world.sandbox.monite.connections(world.sandbox.entity_id)
    finally:
        assert len(world.sandbox.monite.connections(world.sandbox.entity_id)) <= 1, "created twice"


async def _disconnect(world: World) -> bool:
    ours = world.connected()
    await world.arm()
    gone = await world.monite.connections.disconnect(ours)
    return gone == world.sandbox.monite.connection(world.sandbox.entity_id, ours) and gone.status == "disconnected"


async def _sync(world: World) -> bool:
    ours = world.connected()
    await world.arm()
    started = await world.monite.connections.sync(ours)
    pulled = world.sandbox.monite.connection(world.sandbox.entity_id, ours).last_pull
    return bool(started.message) and pulled is not None


async def _push(world: World) -> bool:
    one = world.records[0].id
    await world.arm()
    pushed = await world.monite.synced_records.push(one)
    return pushed == world.sandbox.monite.synced_record(world.sandbox.entity_id, one) and pushed.sync_status == "done"


async def _list(world: World) -> bool:
    ours = world.connected()
    await world.arm()
    return [one.id for one in await world.monite.connections.list()] == [ours]


async def _get(world: World) -> bool:
    ours = world.connected()
    await world.arm()
    found = await world.monite.connections.get(ours)
    return found == world.sandbox.monite.connection(world.sandbox.entity_id, ours)


async def _record(world: World) -> bool:
    await world.arm()
    return await world.monite.synced_records.get(world.records[3].id) == world.records[3]


async def _records_first(world: World) -> bool:
    await world.arm()
    query = world.monite.synced_records.list(object_type="bill", page_size=PAGE)
    return _same([record async for record in query], world.records)


async def _records_middle(world: World) -> bool:
    walk = world.monite.synced_records.list(object_type="bill", page_size=PAGE).pages()
    seen = [*(await anext(walk)).items]
    await world.arm()
    async for page in walk:
        seen += page.items
    return _same(seen, world.records)


def _same(seen: list[SyncedRecord], held: tuple[SyncedRecord, ...]) -> bool:
    return len(seen) == len(held) and {record.id for record in seen} == {record.id for record in held}


OPERATIONS: dict[str, Operation] = {
    "create": _create,
    "disconnect": _disconnect,
    "sync": _sync,
    "push": _push,
    "list": _list,
    "get": _get,
    "record": _record,
    "records first": _records_first,
    "records middle": _records_middle,
}
"""Synced records are walked to their end; the fault strikes their first page, or their second of three."""

TYPE = ObjectType.BILL
"""What the records of a world are."""
