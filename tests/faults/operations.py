"""The operations of the matrix: each makes its calls, and says whether the caller got what is so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from brex_accounting import AccountingRecord, BrexAccounting, ExportFailure
from brex_accounting.enums import IntegrationStatus
from brex_accounting.sandbox import Sandbox

from ..client.support import held, held_states, ready_ids
from .canary import BODY

__all__ = ["OPERATIONS", "Operation", "World"]

PAGE = 4


@attrs.define
class World:
    """A sandbox of three pages, its client, and ``arm``, which starts the fault."""

    sandbox: Sandbox
    brex: BrexAccounting
    arm: Callable[[], Awaitable[None]]


Operation = Callable[[World], Awaitable[bool]]
"""Whether what came back is what the sandbox holds."""


async def _create(world: World) -> bool:
    await world.arm()
    made = await world.brex.integrations.create(vendor="ACME", vendor_account_id=BODY)
    return (made.id, made.status) == ("int_000000000001", IntegrationStatus.ACTIVE)


async def _disconnect(world: World) -> bool:
    ours = world.sandbox.brex.create_integration("ACME", "1")
    await world.arm()
    gone = await world.brex.integrations.disconnect(ours.id)
    return (gone.id, gone.status) == (ours.id, IntegrationStatus.DISABLED)


async def _reactivate(world: World) -> bool:
    ours = world.sandbox.brex.create_integration("ACME", "1")
    world.sandbox.brex.disconnect_integration(ours.id)
    await world.arm()
    back = await world.brex.integrations.reactivate(ours.id)
    return (back.id, back.status) == (ours.id, IntegrationStatus.ACTIVE)


async def _get(world: World) -> bool:
    wanted = held(world.sandbox)[3]
    await world.arm()
    return await world.brex.records.get(wanted.id) == wanted


async def _list_first(world: World) -> bool:
    await world.arm()
    pages = [page.items async for page in world.brex.records.list(page_size=PAGE).pages()]
    return [item for items in pages for item in items] == held(world.sandbox)


async def _list_middle(world: World) -> bool:
    walk = world.brex.records.list(page_size=PAGE).pages()
    seen: list[AccountingRecord] = [*(await anext(walk)).items]
    await world.arm()
    async for page in walk:
        seen += page.items
    return seen == held(world.sandbox)


async def _report(world: World) -> bool:
    one = ready_ids(world.sandbox)[0]
    before = held_states(world.sandbox)[one][1]
    await world.arm()
    try:
        result = ExportFailure(accounting_record_id=one, error_message=BODY)
        return (await world.brex.records.report_export_results([result])).updated == (one,)
    finally:
        assert held_states(world.sandbox)[one][1] - before in (0, 1), "reported twice"


OPERATIONS: dict[str, Operation] = {
    "create": _create,
    "disconnect": _disconnect,
    "reactivate": _reactivate,
    "get": _get,
    "list first": _list_first,
    "list middle": _list_middle,
    "report": _report,
}
"""A list is walked to its end; the fault strikes its first page, or its second of three."""
