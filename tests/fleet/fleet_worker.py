"""A fleet's worker: it works until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta

from brex_accounting import BrexAccounting, RateLimit
from brex_accounting.companies import NoToken
from brex_accounting.sync.fleet import Fleet, Keyring

from .orders import Orders
from .struck import Struck

__all__ = ["main"]


async def main(orders: Orders) -> None:
    """Work as ordered."""
    fleet = Fleet(
        orders.dsn,
        keyring=Keyring([orders.key]),
        rate_limit=RateLimit(limit=10**9),
        client=lambda observers, limiter: BrexAccounting(
            NoToken(), base_url=orders.brex, limiter=limiter, observers=observers
        ),
        every=timedelta(seconds=orders.every),
        stale=timedelta(seconds=orders.stale),
        polls=orders.polls,
        longest=timedelta(seconds=orders.longest),
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, fleet.stop)
    await fleet.run(Struck(orders).make)
