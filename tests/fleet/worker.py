"""A worker in a process of its own: ``python -m tests.fleet.worker ORDERS``, as JSON."""

from __future__ import annotations

import asyncio
import os
import sys

import msgspec

from . import fleet_worker, loop_worker
from .orders import Orders


def main() -> None:
    """Work as ordered; what there is to say goes to stdout, all of it."""
    orders = msgspec.json.decode(sys.argv[1], type=Orders)
    os.dup2(1, 2)
    asyncio.run((fleet_worker if orders.engine == "fleet" else loop_worker).main(orders))


if __name__ == "__main__":
    main()
