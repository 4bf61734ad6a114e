"""Synced records: pages that ask for their size again, filters, and one record read and pushed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from aiohttp import web

from brex_accounting import APIConnectionError, ConfigurationError, CursorExpired, CursorLoop, NotFound
from brex_accounting.monite import Between, MoniteAccounting, ObjectType, SyncedRecord
from brex_accounting.pages import Checkpoint
from brex_accounting.sandbox import Fault
from brex_accounting.sandbox.monite import MoniteSandbox

from .support import Hurried, Seen, Tap

AT = datetime(2026, 1, 1, tzinfo=UTC)


def ids(records: Any) -> set[str]:
    return {record.id for record in records}


async def test_a_list_is_walked_to_its_end(sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap) -> None:
    """``limit`` and the type go with every page, the token with all but the first; nothing is lost or doubled."""
    made = sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 7)
    sandbox.monite.add_records(sandbox.entity_id, ObjectType.VENDOR, 2)
    found = await monite.synced_records.list(object_type="bill", page_size=3).collect()
    assert len(found) == 7
    assert ids(found) == ids(made)
    queries = [dict(one.query) for one in tap.seen if one.method == "GET"]
    assert [query["limit"] for query in queries] == ["3", "3", "3"]
    assert [query["object_type"] for query in queries] == ["bill", "bill", "bill"]
    assert ["pagination_token" in query for query in queries] == [False, True, True]


async def test_a_server_forgets_the_size_of_a_page(sandbox: MoniteSandbox, monite: MoniteAccounting) -> None:
    """Why it is sent again: a page asked for by its token alone has the default size."""
    sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 7)
    first = await monite.synced_records.list(object_type="bill", page_size=3)
    query = [("object_type", "bill"), ("pagination_token", str(first.next_cursor))]
    assert len(sandbox.monite.synced_records(sandbox.entity_id, query).data) == 4
    assert len(sandbox.monite.synced_records(sandbox.entity_id, [*query, ("limit", "3")]).data) == 3


async def test_a_walk_is_resumed(sandbox: MoniteSandbox, monite: MoniteAccounting) -> None:
    """From a checkpoint in the middle of a page, with the size that it began with."""
    sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 7)
    query = monite.synced_records.list(object_type="bill", page_size=3)
    whole = await query.collect()
    records = query.records()
    begun = [await anext(records) for _ in range(4)]
    checkpoint = records.checkpoint
    assert isinstance(checkpoint, Checkpoint)
    rest = [record async for record in query.records(checkpoint)]
    assert [*begun, *rest] == whole


async def test_a_page_ahead(sandbox: MoniteSandbox, monite: MoniteAccounting) -> None:
    """Prefetching gives the same records."""
    sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 7)
    plain = await monite.synced_records.list(object_type="bill", page_size=2).collect()
    assert await monite.synced_records.list(object_type="bill", page_size=2, prefetch=1).collect() == plain


async def test_a_token_that_is_refused(sandbox: MoniteSandbox, monite: MoniteAccounting) -> None:
    """It is neither a bad request nor a dead access token: the list starts again."""
    sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 4)
    query = monite.synced_records.list(object_type="bill", page_size=2)
    stale = Checkpoint(filters=(("object_type", "bill"),), page_size=2, cursor="gone")
    with pytest.raises(CursorExpired, match="start the list again") as caught:
        async for _ in query.records(stale):
            pass
    assert caught.value.checkpoint == stale
    assert sandbox.monite.granted == 1


async def test_tokens_that_repeat_end_the_walk(monite: MoniteAccounting, tap: Tap) -> None:
    """A server that gives the same token for ever is not followed for ever."""
    tap.instead = lambda one: (
        web.json_response({"data": [], "next_pagination_token": "t"}) if one.method == "GET" else None
    )
    with pytest.raises(CursorLoop):
        await monite.synced_records.list(object_type="bill").collect()


@pytest.mark.parametrize("end", [{}, {"next_pagination_token": None}, {"next_pagination_token": ""}])
async def test_the_end_of_a_list(monite: MoniteAccounting, tap: Tap, end: dict[str, object]) -> None:
    """A token that is absent, null or empty is none; an empty page with one goes on."""

    def pages(one: Seen) -> web.Response | None:
        if one.method != "GET":
            return None
        following = {"next_pagination_token": "t"} if "pagination_token" not in dict(one.query) else end
        return web.json_response({"data": [], **following})

    tap.instead = pages
    assert await monite.synced_records.list(object_type="bill").collect() == []
    assert len(tap.lines) == 2


async def test_filters(sandbox: MoniteSandbox, monite: MoniteAccounting, clock: Hurried) -> None:
    """Each leaves what it says, and they are sent in the server's words."""
    old = sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 2)
    await clock.sleep(60)
    new = sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 2)
    middle = clock.now() - timedelta(seconds=30)

    async def found(**filters: Any) -> list[SyncedRecord]:
        return await monite.synced_records.list(object_type=ObjectType.BILL, **filters).collect()

    assert ids(await found(created_at=Between(gte=middle))) == ids(new)
    assert ids(await found(updated_at=Between(lt=middle.astimezone(timezone(timedelta(hours=5)))))) == ids(old)
    assert ids(await found(object_ids=[str(old[0].object_id), str(new[1].object_id)])) == {old[0].id, new[1].id}
    descending = await found(sort="created_at", order="desc")
    assert ids(descending[:2]) == ids(new)


@pytest.mark.parametrize(
    "arguments",
    [
        {"object_type": "invoice"},
        {"object_type": None},
        {"object_type": "bill", "page_size": 251},
        {"object_type": "bill", "page_size": 0},
        {"object_type": "bill", "sort": "id"},
        {"object_type": "bill", "order": "up"},
        {"object_type": "bill", "object_ids": []},
        {"object_type": "bill", "object_ids": "one"},
        {"object_type": "bill", "object_ids": ["../x"]},
        {"object_type": "bill", "created_at": AT},
        {"object_type": "bill", "created_at": Between(gt=datetime(2026, 1, 1))},  # noqa: DTZ001
        {"object_type": "bill", "created_at": Between(gt="2026-01-01")},  # type: ignore[arg-type]
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    monite: MoniteAccounting, tap: Tap, arguments: dict[str, Any]
) -> None:
    """When the list is called, not when it is read."""
    with pytest.raises(ConfigurationError):
        monite.synced_records.list(**arguments)
    assert tap.seen == []


async def test_one_record(sandbox: MoniteSandbox, monite: MoniteAccounting) -> None:
    """Read, pushed, and not found."""
    (made,) = sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 1)
    assert await monite.synced_records.get(made.id) == made
    pushed = await monite.synced_records.push(made.id)
    assert (pushed.id, pushed.sync_status) == (made.id, "done")
    with pytest.raises(NotFound):
        await monite.synced_records.get("00000000-0000-4000-8000-000000000000")


async def test_a_push_is_never_sent_twice(sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap) -> None:
    """It may have made something in the accounting system; the record shows what became of it."""
    (made,) = sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 1)
    sandbox.faults.add(Fault(kind="drop-after", next=1, path="/push"))
    with pytest.raises(APIConnectionError) as caught:
        await monite.synced_records.push(made.id)
    assert caught.value.may_have_happened
    assert len(tap.lines) == 1
    assert (await monite.synced_records.get(made.id)).sync_status == "done"
