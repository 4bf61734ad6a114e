"""What the tests of scans share: a time that holds everything, uneven data, and a server that counts."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from brex_accounting import AccountingRecord, UpdatedAt
from brex_accounting.sandbox import Sandbox
from brex_accounting.sandbox.table import Wanted
from brex_accounting.scanning import Scan

from .support import held

__all__ = ["BEGIN", "Counting", "changing", "identities", "make_uneven", "read", "whole"]

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


def whole(sandbox: Sandbox) -> UpdatedAt:
    """From before every record until now, by the sandbox's clock."""
    return UpdatedAt(gte=BEGIN, lt=sandbox.brex.now())


def identities(sandbox: Sandbox) -> list[tuple[str, int]]:
    """Every record version, sorted."""
    return sorted((record.id, record.version) for record in held(sandbox))


async def read(scan: Scan[AccountingRecord]) -> list[AccountingRecord]:
    """Everything."""
    return [record async for page in scan for record in page.items]


def make_uneven(sandbox: Sandbox, count: int, seed: int = 1) -> None:
    """So many more records in the years before: 90 % of them in 1 % of that time, some at one moment."""
    chance = random.Random(seed)
    table = sandbox.brex.table
    pattern = held(sandbox)[0]
    span = timedelta(days=1000)
    for number in range(count):
        share = chance.random() if number % 10 == 0 else 0.37 if number % 7 == 0 else 0.37 + 0.01 * chance.random()
        moment = BEGIN + share * span
        table.put(attrs.evolve(pattern, id=f"accr_uneven_{number}", version=1, updated_at=moment))


@attrs.define
class Counting:
    """On a sandbox: the most requests that were being answered at once. Each takes a moment, so that they overlap.

    In idle time the moment lasts until no other request comes.
    """

    most: int = 0
    now: int = 0

    def on(self, app: web.Application) -> web.Application:
        """The application, counted."""

        @web.middleware
        async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                await asyncio.sleep(0.005)
                return await handler(request)
            finally:
                self.now -= 1

        app.middlewares.insert(0, counted)
        return app


def changing(sandbox: Sandbox, chance: random.Random, count: int) -> list[AccountingRecord]:
    """Move so many records, as a customer does; which ones."""
    table = sandbox.brex.table
    rows = chance.sample([row for _, row in table.rows(Wanted())], count)
    moved = [table.record(row) for row in rows]
    for row, record in zip(rows, moved, strict=True):
        table.change(row, record.review_status, sandbox.brex.now())
    return moved
