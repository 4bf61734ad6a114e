"""What a user of Monite's side writes, checked by mypy --strict and pyright; never run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_type

from brex_accounting import BrexAccounting
from brex_accounting.connections import BrexLink, Link, LinkState, MoniteLink, Standing
from brex_accounting.monite import (
    Between,
    Connection,
    ConnectionStatus,
    Dialect,
    MoniteAccounting,
    MoniteEvent,
    MoniteTokens,
    Platform,
    SyncedRecord,
    SyncOutcome,
    SyncStarted,
    unwrap,
)
from brex_accounting.pages import Page
from brex_accounting.paging import RecordQuery
from brex_accounting.sandbox.monite import MoniteSandbox


async def clients(sandbox: MoniteSandbox) -> None:
    tokens = MoniteTokens("id", "secret", entity_user_id="user", base_url=sandbox.url)
    assert_type(await tokens.token(), str)
    async with MoniteAccounting("id", "secret", "entity", base_url=sandbox.url) as monite:
        assert_type(monite.for_entity("other"), MoniteAccounting)
        assert_type(monite.for_entity("other", token=tokens), MoniteAccounting)
        assert_type(monite.with_options(timeout=5.0), MoniteAccounting)
        await monite.revoke_token()
    MoniteAccounting(entity_id="entity", token=tokens, dialect=Dialect(connections="/accounting-connections"))


async def connections(monite: MoniteAccounting) -> None:
    assert_type(await monite.connections.list(), tuple[Connection, ...])
    made = await monite.connections.create()
    assert_type(made, Connection)
    assert_type(made.status, ConnectionStatus | None)
    assert_type(made.platform, Platform | None)
    assert_type(made.problems, tuple[str, ...])
    assert_type(await monite.connections.get(made.id), Connection)
    assert_type(await monite.connections.wait_until(made.id, "connected", timeout=60), Connection)
    assert_type(await monite.connections.wait_until(made.id, [ConnectionStatus.CONNECTED], timeout=60), Connection)
    assert_type(await monite.connections.sync(made.id), SyncStarted)
    assert_type(await monite.connections.sync_and_wait(made.id, object_types=["bill"]), SyncOutcome)
    assert_type(await monite.connections.disconnect(made.id), Connection)


async def records(monite: MoniteAccounting) -> None:
    query = monite.synced_records.list(object_type="bill", updated_at=Between(gte=datetime.now(UTC)))
    assert_type(query, RecordQuery[SyncedRecord])
    assert_type(await query, Page[SyncedRecord])
    async for record in query:
        assert_type(record, SyncedRecord)
    assert_type(await monite.synced_records.get("id"), SyncedRecord)
    assert_type(await monite.synced_records.push("id"), SyncedRecord)


def delivery(body: bytes, headers: dict[str, str]) -> None:
    event = unwrap(body, headers, secrets=["whsec_..."], now=datetime.now(UTC))
    assert_type(event, MoniteEvent)
    assert_type(event.status, ConnectionStatus | None)


async def screen(brex: BrexAccounting, monite: MoniteAccounting) -> None:
    links: list[Link] = [
        BrexLink(brex.integrations, vendor="V", vendor_account_id="1"),
        MoniteLink(monite.connections),
    ]
    for link in links:
        assert_type(await link.connect(), Standing)
        assert_type((await link.status()).state, LinkState)
