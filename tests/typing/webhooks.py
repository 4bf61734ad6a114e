"""What a user of webhooks writes, checked by mypy --strict and pyright; never run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_type

from aiohttp import web

from brex_accounting import BrexAccounting, WebhookEvent, WebhookVerificationError, webhooks
from brex_accounting.enums import SubscriptionStatus, WebhookEventType
from brex_accounting.paging import RecordQuery
from brex_accounting.sync import Dispatch, ExportSync, Summary, Triggered


def unwrapped(body: bytes, headers: Mapping[str, str], now: datetime) -> tuple[str, ...]:
    try:
        event = webhooks.unwrap(body, headers, secrets=["whsec_..."], tolerance=60)
        webhooks.verify(body, headers, secrets=["..."], now=now)
    except WebhookVerificationError as error:
        assert_type(error.mismatch, bool)
        raise
    assert_type(event, WebhookEvent)
    assert_type(event.event_type, WebhookEventType)
    assert_type(event.company_id, str | None)
    assert_type(event.sent_at, datetime)
    assert_type(event.raw, bytes)
    return event.accounting_record_ids


async def subscribed(brex: BrexAccounting) -> None:
    hooks = brex.webhooks.subscriptions
    assert_type(hooks.list(), RecordQuery[webhooks.WebhookSubscription])
    made = await hooks.create(url="https://books.example/brex", event_types=["ACCOUNTING_RECORD_READY_FOR_EXPORT"])
    await hooks.update(made.id, url=made.url, event_types=made.event_types, status=SubscriptionStatus.INACTIVE)
    await hooks.delete(made.id)
    group = await brex.webhooks.groups.create(name="Clients")
    await brex.webhooks.groups.add_members(group.id, ["cuacc_1"])
    async for member in brex.webhooks.groups.members(group.id):
        assert_type(member, webhooks.GroupMember)
    assert_type(await brex.webhooks.secrets(), tuple[webhooks.WebhookSecret, ...])


async def received(brex: BrexAccounting, sync: ExportSync, app: web.Application) -> None:
    export = Triggered(sync, every=timedelta(hours=1))
    receiver = webhooks.Receiver(secrets=brex.webhooks.secrets, handler=Dispatch({"cuacc_1": export}))
    app.router.add_post("/brex", receiver)
    assert_type(receiver.received.taken, int)
    async with sync, webhooks.Listener(receiver, port=8080) as listener:
        assert_type(listener.url, str)
        assert_type(await sync.run_once(record_ids=["accr_1"]), Summary)
        await export.run()
