"""An export in a process of its own, which SIGTERM stops: ``... terminated STORE BREX TOKEN ERP TOKEN``."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta

from brex_accounting import BrexAccounting, RateLimit
from brex_accounting.sync import ExportSync, SqliteStore
from brex_accounting.testing.erp_poster import SameKeyErpPoster

from .world import POST_FROM


async def main(store: str, brex_url: str, token: str, erp_url: str, erp_token: str) -> None:
    """Export for ever, four posts at a time, until told to stop."""
    brex = BrexAccounting(token, base_url=brex_url, rate_limit=RateLimit(limit=10**9))
    poster = SameKeyErpPoster(erp_url, erp_token, accounts={"efo_1": "6100"})
    sync = ExportSync(brex, poster, store=SqliteStore(store), post_from=POST_FROM, parallel=4)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sync.stop)
    async with brex, poster, sync:
        await sync.run_forever(every=timedelta(hours=1))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
