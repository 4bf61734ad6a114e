"""What both demonstrations share: a local Brex with its failures, and an export that goes on until all is settled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final

from ..client import BrexAccounting
from ..enums import ReviewStatus
from ..errors import BrexError
from ..sandbox import Fault, Rules, Sandbox
from ..session.limiter import RateLimit
from ..sync import ExportSync, SqliteStore, Summary
from ..sync.poster import Poster
from ..sync.summary import Watcher
from ..urls import is_loopback

__all__ = ["export_all", "local_brex", "local_client", "only_loopback", "read_back"]

_FAULTS: Final = (
    Fault(kind="503", every=9, method="GET"),
    Fault(kind="drop", every=13, method="GET"),
    Fault(kind="drop-after", every=2, method="POST"),
)

_LEASE: Final = timedelta(seconds=2)
"""Short, so that nobody waits long for what was left open."""

_FIRST_DAY: Final = date(2000, 1, 1)


def local_brex(records: int) -> Sandbox:
    """A sandbox that fails now and then: on reads, and after it has processed a report."""
    # No limit on either side: this shows the job, not the waiting.
    return Sandbox(records=records, faults=_FAULTS, rules=Rules(rate_limit=None), receipts=True)


def local_client(url: str, token: str, *observers: Callable[[object], None]) -> BrexAccounting:
    """A client that talks to this machine only. Raises ``BrexError`` for another one."""
    only_loopback(url)
    return BrexAccounting(token, base_url=url, rate_limit=RateLimit(limit=10**9), observers=observers)


def only_loopback(url: str) -> None:
    """Refuse to talk to another machine."""
    if not is_loopback(url.split("//")[1].rsplit(":", 1)[0]):
        raise BrexError("the demo talks to this machine only")


async def export_all(
    brex: BrexAccounting, poster: Poster, store: SqliteStore, *, watch: Watcher | None = None
) -> Summary:
    """Run the export until nothing is open; the last run's summary. Raises ``BrexError`` when it is paused."""
    async with ExportSync(brex, poster, store=store, post_from=_FIRST_DAY, lease=_LEASE, watch=watch) as sync:
        while True:
            summary = await sync.run_once()
            if summary.paused is not None:
                raise BrexError(f"the export is paused: {summary.paused.reason}; please report this")
            if not summary.open:
                return summary
            await asyncio.sleep(0.2)


async def read_back(brex: BrexAccounting, ready: Sequence[str]) -> int:
    """How many of these records are EXPORTED: all of them. Raises ``BrexError`` when some are not."""
    exported = 0
    async for record in brex.records.get_many(ready):
        exported += record.review_status == ReviewStatus.EXPORTED
    if exported != len(ready):
        raise BrexError(f"{len(ready) - exported} reported records do not read back as EXPORTED")
    return exported
