"""``demo --crash``: an export is killed half-way and started again; a fake ERP counts what was lost and doubled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from ..errors import BrexError
from ..sandbox import Sandbox
from ..sync import ExportAdmin, SqliteStore, State
from ..testing.erp import Counts, ErpProcess
from .console import LiveLine
from .due import Due
from .local import local_brex, local_client, read_back

__all__ = ["crash", "verdict"]


async def crash(records: int) -> None:
    """Run the export in a process that kills itself, once more to its end, and print what became of it.

    The ERP takes a second document for a record without a word, and can be asked for what it has. Raises
    ``BrexError`` when something was lost or doubled.
    """
    with TemporaryDirectory(prefix="brex-demo-") as name:
        folder = Path(name)
        erp = ErpProcess(folder / "erp.db", dedupe="none", lookup="number")
        async with local_brex(records) as sandbox:
            with erp:
                await _crash(sandbox, erp, folder / "exports.db")


async def _crash(sandbox: Sandbox, erp: ErpProcess, store: Path) -> None:
    due = Due()
    for record in sandbox.brex.records():
        due.add(record)
    half = (len(due.ids) + 1) // 2
    with LiveLine("starting the export") as line:
        worker = _Worker(sandbox=sandbox, erp=erp, store=store, show=line.show)
        if await worker.run(kill_at=half) != -signal.SIGKILL:
            raise BrexError("the export was not killed; please report this")
        held, known = sum((await erp.control.counts()).by_number.values()), await _known(store)
        line.show("killed; starting it again")
        began = time.monotonic()
        if await worker.run(kill_at=0) != 0:
            raise BrexError("the export did not come to its end; please report this")
        recovered = time.monotonic() - began
        async with local_client(sandbox.url, sandbox.token) as brex:
            exported = await read_back(brex, due.ready)
    sys.stdout.write(
        f"killed with SIGKILL at post {half} of {len(due.ids)}: the ERP held {held}, the store knew of {known}.\n"
        f"started again, and recovered after {recovered:.1f} s.\n"
        f"{exported} records that were ready read back as EXPORTED; {len(due.bills)} bills are in the ERP.\n"
        f"{verdict(await erp.control.counts(), due)}\n"
    )


def verdict(counts: Counts, due: Due) -> str:
    """What was lost and doubled, in words. Raises ``BrexError`` unless both are 0."""
    lost, doubled = counts.lost(dict.fromkeys(due.ids, 1)), counts.doubled
    words = f"lost {len(lost)}, doubled {len(doubled)}."
    if lost or doubled or len(counts.by_number) != len(due.ids):
        raise BrexError(f"{words} Please report this")
    return words


async def _known(store: Path) -> int:
    async with ExportAdmin(SqliteStore(store)) as admin:
        by_state = (await admin.status()).by_state
    return sum(number for state, number in by_state.items() if state not in (State.DISCOVERED, State.INTENT))


@attrs.frozen(kw_only=True)
class _Worker:
    """The export as a child process: it ends by itself, or with the one that started it."""

    sandbox: Sandbox
    erp: ErpProcess
    store: Path
    show: Callable[[str], None]

    async def run(self, *, kill_at: int) -> int:
        """Run it; its exit code. With ``kill_at`` it kills itself when so many posts are in the ERP."""
        arguments = ["-m", f"{__package__}.worker", str(self.store), self.erp.url, str(kill_at)]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"BREX_TOKEN": self.sandbox.token, "BREX_BASE_URL": self.sandbox.url},
            start_new_session=True,  # Ctrl-C is for us: we end it
        )
        try:
            assert process.stdout is not None
            async for text in process.stdout:
                self.show(text.decode().strip())
            return await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
