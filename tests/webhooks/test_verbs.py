"""Every verb of ``brex.webhooks`` against a running sandbox, on good days and bad ones."""

from __future__ import annotations

import pytest

from brex_accounting import APIConnectionError, BrexAccounting, ConfigurationError, CursorExpired, NotFound, ServerError
from brex_accounting.enums import SubscriptionStatus
from brex_accounting.sandbox import Fault, Sandbox
from brex_accounting.sandbox.webhook_reading import ListItems
from brex_accounting.webhooks import GroupMember

READY = "ACCOUNTING_RECORD_READY_FOR_EXPORT"
URL = "http://127.0.0.1:9/brex"
ALL = ListItems(limit=1000)


async def test_a_subscription_lives(brex: BrexAccounting) -> None:
    """Made, read, listed, changed and taken back; after that it is NotFound."""
    hooks = brex.webhooks.subscriptions
    made = await hooks.create(url=URL, event_types=[READY])
    assert (made.url, made.event_types, made.status, made.group_id) == (URL, (READY,), "ACTIVE", None)
    assert await hooks.get(made.id) == made
    assert await hooks.list().collect() == [made]
    changed = await hooks.update(made.id, url=URL + "/2", event_types=["USER_UPDATED", READY], status="INACTIVE")
    assert (changed.id, changed.url, changed.status) == (made.id, URL + "/2", SubscriptionStatus.INACTIVE)
    assert await hooks.get(made.id) == changed
    await hooks.delete(made.id)
    for verb in (hooks.get, hooks.delete):
        with pytest.raises(NotFound):
            await verb(made.id)


async def test_lists_are_walked_page_by_page(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Seven subscriptions on pages of three come once each, in order; a page can be resumed from."""
    hooks = brex.webhooks.subscriptions
    made = [await hooks.create(url=f"{URL}/{number}", event_types=[READY]) for number in range(7)]
    before = sandbox.statistics.requests
    query = hooks.list(page_size=3)
    assert [one async for one in query] == made
    assert sandbox.statistics.requests - before == 3
    first = await query
    assert (first.items, first.has_next_page) == (tuple(made[:3]), True)
    rest = [page.items async for page in query.pages(resume_from=first.checkpoint)]
    assert [one for items in rest for one in items] == made[3:]
    assert await hooks.list(page_size=3, max_items=4).collect() == made[:4]
    with pytest.raises(ConfigurationError):
        hooks.list(page_size=0)


async def test_a_cursor_that_is_gone(brex: BrexAccounting) -> None:
    """When what a cursor stood for is deleted meanwhile, the list says so, with a checkpoint."""
    hooks = brex.webhooks.subscriptions
    made = [await hooks.create(url=f"{URL}/{number}", event_types=[READY]) for number in range(3)]
    pages = hooks.list(page_size=1).pages()
    await anext(pages)
    await hooks.delete(made[0].id)
    with pytest.raises(CursorExpired) as caught:
        await anext(pages)
    assert caught.value.checkpoint is not None


async def test_groups_and_their_members(brex: BrexAccounting) -> None:
    """Made, filled, listed, emptied and unmade; a subscription may be of one."""
    groups = brex.webhooks.groups
    group = await groups.create(name="Clients of the north")
    assert await groups.get(group.id) == group
    assert await groups.list().collect() == [group]
    await groups.add_members(group.id, ["cuacc_1", "cuacc_2", "cuacc_3"])
    await groups.remove_members(group.id, ["cuacc_2"])
    members = [GroupMember(member_type="ACCOUNT", member_id=one) for one in ("cuacc_1", "cuacc_3")]
    assert await groups.members(group.id, page_size=1).collect() == members
    of_group = await brex.webhooks.subscriptions.create(url=URL, event_types=[READY], group_id=group.id)
    assert of_group.group_id == group.id
    await groups.delete(group.id)
    with pytest.raises(NotFound):
        await groups.delete(group.id)
    with pytest.raises(NotFound):
        await groups.members(group.id).collect()
    with pytest.raises(ConfigurationError):
        groups.members("a/b")


async def test_secrets_while_one_is_replaced(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """One; two after a rotation, the newest first; one again when the old one is gone."""
    [old] = await brex.webhooks.secrets()
    new = sandbox.brex.webhooks.rotate()
    both = await brex.webhooks.secrets()
    assert [(one.secret, one.status) for one in both] == [(new.secret, "ACTIVE"), (old.secret, "PENDING_REVOKE")]
    sandbox.brex.webhooks.revoke()
    assert await brex.webhooks.secrets() == (new,)


@pytest.mark.parametrize("kind", ["503", "500", "drop", "drop-after", "cut", "429"])
async def test_what_is_made_is_made_once(brex: BrexAccounting, sandbox: Sandbox, kind: str) -> None:
    """Whatever becomes of the first two tries, the same key goes with each: there is one, and it is returned."""
    sandbox.faults.add(Fault(kind=kind, next=2, method="POST"))
    made = await brex.webhooks.subscriptions.create(url=URL, event_types=[READY])
    assert sandbox.brex.webhooks.list_subscriptions(ALL).items == (made,)
    sandbox.faults.clear()
    sandbox.faults.add(Fault(kind=kind, next=2, method="POST"))
    group = await brex.webhooks.groups.create(name="Clients")
    assert sandbox.brex.webhooks.list_groups(ALL).items == (group,)


@pytest.mark.parametrize("kind", ["503", "drop", "drop-after", "cut"])
async def test_changes_and_ends_are_repeated(brex: BrexAccounting, sandbox: Sandbox, kind: str) -> None:
    """A PUT comes to the same; a DELETE is sent until it is answered, and says so when that may have been twice."""
    hooks = brex.webhooks.subscriptions
    made = await hooks.create(url=URL, event_types=[READY])
    for method in ("PUT", "DELETE", "GET"):
        sandbox.faults.add(Fault(kind=kind, next=2, method=method))
    changed = await hooks.update(made.id, url=URL, event_types=[READY], status="INACTIVE")
    assert changed.status == "INACTIVE"
    if kind == "drop-after":
        with pytest.raises(NotFound) as caught:
            await hooks.delete(made.id)
        assert caught.value.may_have_happened
    else:
        await hooks.delete(made.id)
    assert sandbox.brex.webhooks.list_subscriptions(ALL).items == ()
    assert len(await brex.webhooks.secrets()) == 1


async def test_a_given_key_is_kept_across_calls(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Whoever keeps the key may call again after a crash; another content under it is refused."""
    hooks = brex.webhooks.subscriptions
    one = await hooks.create(url=URL, event_types=[READY], idempotency_key="setup-1")
    assert await hooks.create(url=URL, event_types=[READY], idempotency_key="setup-1") == one
    other = await hooks.create(url=URL, event_types=[READY])
    assert sandbox.brex.webhooks.list_subscriptions(ALL).items == (one, other)


async def test_errors_say_that_it_may_have_happened(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """When every try fails after it was processed, the error says so; after those that were refused, it does not."""
    sandbox.faults.add(Fault(kind="drop-after", next=9, method="POST"))
    with pytest.raises(APIConnectionError) as lost:
        await brex.webhooks.subscriptions.create(url=URL, event_types=[READY])
    assert lost.value.may_have_happened
    sandbox.faults.clear()
    sandbox.faults.add(Fault(kind="503", next=9))
    with pytest.raises(ServerError):
        await brex.webhooks.secrets()


async def test_views_have_them_too(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """``for_company`` and ``with_options`` give the same verbs."""
    other = brex.for_company("cuacc_2", token=sandbox.token)
    made = await other.webhooks.subscriptions.create(url=URL, event_types=[READY])
    assert await brex.with_options(timeout=5).webhooks.subscriptions.list().collect() == [made]
