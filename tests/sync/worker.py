"""Another process at a store: ``python -m tests.sync.worker claim|storm OWNER KIND ARGUMENTS...``."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType

from brex_accounting import ConfigurationError, MoveRefused
from brex_accounting.sync.poster import Posted
from brex_accounting.sync.sqlite import SqliteStore
from brex_accounting.sync.states import State
from brex_accounting.sync.store import SyncStore

from .desk import BINDING, START, Desk

KINDS: Mapping[str, Callable[..., SyncStore]] = MappingProxyType({"sqlite": SqliteStore})


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


async def main(what: str, owner: str, kind: str, *arguments: str) -> None:
    """Open the store and do it."""
    store = KINDS[kind](*arguments)
    await store.open(BINDING, now=START)
    await {"claim": claim, "storm": storm}[what](Desk(store, owner=owner))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
