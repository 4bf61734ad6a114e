"""The second provider stands on what is shared, and on nothing of the first."""

from __future__ import annotations

import asyncio
import sys

from brex_accounting.sandbox.monite import MoniteSandbox

from .support import Tap

# A program that talks to Monite alone, and then says what it has loaded.
PROGRAM = """
import asyncio, sys
from brex_accounting.monite import MoniteAccounting, NotConnected

async def main(url, client_id, client_secret, entity_id):
    async with MoniteAccounting(client_id, client_secret, entity_id, base_url=url) as monite:
        made = await monite.connections.create()
        try:
            await monite.connections.sync_and_wait(made.id)
        except NotConnected:
            pass
        await monite.connections.disconnect(made.id)
        await monite.synced_records.list(object_type="bill").collect()

asyncio.run(main(*sys.argv[1:]))
names = (name.removeprefix("brex_accounting.") for name in sys.modules if name.startswith("brex_accounting."))
print(*sorted({name.partition(".")[0] for name in names}))
"""
SHARED = {
    *("_version", "arguments", "auth", "codec", "core", "errors", "exact", "monite", "opening", "pages", "paging"),
    *("prefetching", "root_error", "session", "shapes", "statuses", "store_errors", "urls", "wiretypes"),
}


async def test_a_program_for_monite_loads_nothing_of_brexs(sandbox: MoniteSandbox, tap: Tap) -> None:
    """Not its models, converters, endpoints or client: what is loaded is what both are built on."""
    given = (sandbox.url, sandbox.client_id, sandbox.client_secret, sandbox.entity_id)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", PROGRAM, *given, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0
    assert set(out.decode().split()) == SHARED
    assert len(tap.lines) == 4
