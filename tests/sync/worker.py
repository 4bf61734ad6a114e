"""Another process at a store: ``python -m tests.sync.worker claim|storm|crowd OWNER KIND ARGUMENTS...``."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType

from brex_accounting import ConfigurationError, MoveRefused
from brex_accounting.sync.exports import Claim
from brex_accounting.sync.poster import Posted
from brex_accounting.sync.postgres import PostgresStore
from brex_accounting.sync.sqlite import SqliteStore
from brex_accounting.sync.states import State
from brex_accounting.sync.store import SyncStore

from .desk import BINDING, START, Desk

KINDS: Mapping[str, Callable[..., SyncStore]] = MappingProxyType({"postgres": PostgresStore, "sqlite": SqliteStore})


def say(text: str) -> None:
    """Out at once: whoever reads may kill us after it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def claim(desk: Desk) -> None:
    """Claim until nothing is left; each key on a line."""
    while claims := await desk.claim(3):
        for one in claims:
            say(one.export.key)


async def storm(desk: Desk) -> None:
    """Export records one after the other, each move on a line once it is committed."""
    number = 0
    while True:
        number += 1
        record_id = f"accr_{desk.owner}_{number}"
        await desk.see_all([{"id": record_id}, {"id": f"{record_id}_more"}])
        say(f"{record_id}_more DISCOVERED")
        for one in await desk.claim(2):
            say(f"{one.export.record_id} INTENT")
            await desk.finish(one, Posted(f"JE-{one.export.key}"))
            say(f"{one.export.record_id} POSTED")
        with contextlib.suppress(MoveRefused, ConfigurationError):  # another worker took some of them, or all
            batch = await desk.open_batch(key=record_id)
            for record, _ in batch.members:
                say(f"{record} REPORTING")
            await desk.settle(batch, State.REPORTED)
            for record, _ in batch.members:
                say(f"{record} REPORTED")


async def crowd(desk: Desk) -> None:
    """Export eight records side by side, again and again, each move on a line once it is committed."""

    async def post(one: Claim) -> None:
        claim = await desk.store.renew(one, now=desk.now, until=desk.now + desk.lease)
        await desk.finish(claim, Posted(f"JE-{claim.export.key}"))
        say(f"{claim.export.record_id} POSTED")

    number = 0
    while True:
        number += 1
        await desk.see_all([{"id": f"accr_{desk.owner}_{number}_{one}"} for one in range(8)])
        async with asyncio.TaskGroup() as posts:
            for claim in await desk.claim(8):
                say(f"{claim.export.record_id} INTENT")
                posts.create_task(post(claim))


async def main(what: str, owner: str, kind: str, *arguments: str) -> None:
    """Open the store and do it."""
    store = KINDS[kind](*arguments)
    await store.open(BINDING, now=START)
    await {"claim": claim, "storm": storm, "crowd": crowd}[what](Desk(store, owner=owner))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
