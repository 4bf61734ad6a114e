"""The five operations on connections, over a loopback port, and what the client makes of lost answers."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from brex_accounting import (
    APIConnectionError,
    ConfigurationError,
    Conflict,
    DeadlineExceeded,
    DecodeError,
    NotFound,
    ServerError,
)
from brex_accounting.monite import MoniteAccounting, NotConnected, ObjectType
from brex_accounting.sandbox import Fault
from brex_accounting.sandbox.monite import MoniteRules, MoniteSandbox

from .support import Hurried, Seen, Tap, client_of, connected

UNKNOWN = "00000000-0000-4000-8000-000000000000"
OTHER = "11111111-1111-4111-8111-111111111111"


async def test_a_life(monite: MoniteAccounting, tap: Tap) -> None:
    """Created, authorised by a person at its URL, synced and disconnected: each state is read as it is."""
    assert await monite.connections.list() == ()
    made = await monite.connections.create()
    assert (made.status, made.platform, made.last_pull) == ("pending_auth", None, None)
    assert made.connection_url is not None
    async with aiohttp.ClientSession() as browser, browser.get(made.connection_url) as page:
        assert page.status == 200
    found = await monite.connections.get(made.id)
    assert (found.id, found.status, found.platform) == (made.id, "connected", "xero")
    assert found.business_info is not None
    assert (await monite.connections.sync(made.id)).message
    assert (await monite.connections.get(made.id)).last_pull is not None
    ended = await monite.connections.disconnect(made.id)
    assert (ended.id, ended.status, ended.connection_url) == (made.id, "disconnected", None)
    assert await monite.connections.list() == (ended,)
    path = f"/accounting_connections/{made.id}"
    assert [line for line in tap.lines if "_sandbox" not in line] == [
        "GET /accounting_connections",
        "POST /accounting_connections",
        f"GET {path}",
        f"POST {path}/sync",
        f"GET {path}",
        f"POST {path}/disconnect",
        "GET /accounting_connections",
    ]


async def test_what_is_sent(sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap) -> None:
    """Version, entity and token with every request, and no body where none is documented."""
    await monite.connections.create()
    sent = tap.seen[-1]
    assert sent.headers["x-monite-version"] == "2024-05-25"
    assert sent.headers["x-monite-entity-id"] == sandbox.entity_id
    assert sent.headers["authorization"].startswith("Bearer sandbox_access_")
    assert (sent.body, sent.query) == (b"", ())


async def test_entities_are_apart(sandbox: MoniteSandbox, monite: MoniteAccounting) -> None:
    """A view of another entity sees its own connections, with the same tokens; the ids of others are not found."""
    theirs = monite.for_entity(OTHER)
    made = await theirs.connections.create()
    assert await monite.connections.list() == ()
    assert await theirs.connections.list() == (made,)
    with pytest.raises(NotFound) as caught:
        await monite.connections.get(made.id)
    assert caught.value.trace_id is not None
    assert caught.value.trace_id.startswith("sandbox-")
    assert sandbox.monite.granted == 1


async def test_a_view_is_not_entered(monite: MoniteAccounting) -> None:
    """It is open as long as its client."""
    with pytest.raises(ConfigurationError, match="view"):
        await monite.for_entity(OTHER).__aenter__()


async def test_a_create_is_never_sent_twice(sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap) -> None:
    """Its answer is lost: the error says that it may have happened, and the list shows it."""
    sandbox.faults.add(Fault(kind="drop-after", next=1, method="POST", path="/accounting_connections"))
    with pytest.raises(APIConnectionError) as caught:
        await monite.connections.create()
    assert caught.value.may_have_happened
    assert tap.lines == ["POST /accounting_connections"]
    (made,) = await monite.connections.list()
    assert made.status == "pending_auth"


@pytest.mark.parametrize("kind", ["drop-after", "cut"])
async def test_a_lost_disconnect_is_read_back(
    sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap, kind: str
) -> None:
    """It was done: the connection says so, and no second disconnect is sent."""
    id_ = await connected(sandbox, monite)
    tap.seen.clear()
    sandbox.faults.add(Fault(kind=kind, next=1, path="/disconnect"))
    assert (await monite.connections.disconnect(id_)).status == "disconnected"
    path = f"/accounting_connections/{id_}"
    assert tap.lines == [f"POST {path}/disconnect", f"GET {path}"]


async def test_a_disconnect_that_was_not_done_is_sent_again(
    sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap
) -> None:
    """The connection is read before each further attempt."""
    id_ = await connected(sandbox, monite)
    tap.seen.clear()
    sandbox.faults.add(Fault(kind="500", next=2, path="/disconnect"))
    assert (await monite.connections.disconnect(id_)).status == "disconnected"
    path = f"/accounting_connections/{id_}"
    assert tap.lines == [f"POST {path}/disconnect", f"GET {path}"] * 2 + [f"POST {path}/disconnect"]


async def test_a_disconnect_that_is_never_answered_ends(
    sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap
) -> None:
    """As often as the policy has attempts; the error then says that it may have happened."""
    id_ = await connected(sandbox, monite)
    tap.seen.clear()
    sandbox.faults.add(Fault(kind="500", every=1, path="/disconnect"))
    with pytest.raises(ServerError) as caught:
        await monite.connections.disconnect(id_)
    assert caught.value.may_have_happened
    assert [line for line in tap.lines if line.startswith("POST")] == [
        f"POST /accounting_connections/{id_}/disconnect"
    ] * 4


async def test_a_disconnect_that_cannot_be_read_back_is_raised(
    sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap
) -> None:
    """What cannot be judged is not sent again, and the error is that of the disconnect."""
    id_ = await connected(sandbox, monite)
    tap.seen.clear()
    tap.instead = lambda one: web.Response(status=404) if one.method == "GET" else None
    sandbox.faults.add(Fault(kind="drop-after", next=1, path="/disconnect"))
    with pytest.raises(APIConnectionError) as caught:
        await monite.connections.disconnect(id_)
    assert caught.value.may_have_happened
    assert len(tap.lines) == 2


async def test_a_refused_disconnect_is_raised(sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap) -> None:
    """Nothing was lost, so nothing is read: somebody else disconnected."""
    id_ = await connected(sandbox, monite)
    await monite.connections.disconnect(id_)
    tap.seen.clear()
    with pytest.raises(Conflict) as caught:
        await monite.connections.disconnect(id_)
    assert not caught.value.may_have_happened
    assert len(tap.lines) == 1


async def test_a_refusal_after_a_lost_attempt_is_settled_by_reading(
    sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap
) -> None:
    """The first attempt arrives late, after the connection was read: the second is refused, and that is success."""
    id_ = await connected(sandbox, monite)
    tap.seen.clear()

    def late(one: Seen) -> web.Response | None:
        posts = sum(seen.method == "POST" for seen in tap.seen)
        if one.method == "POST" and posts == 1:
            return web.Response(status=502)
        if one.method == "POST":
            sandbox.monite.disconnect(sandbox.entity_id, id_)
        return None

    tap.instead = late
    assert (await monite.connections.disconnect(id_)).status == "disconnected"
    path = f"/accounting_connections/{id_}"
    assert tap.lines == [f"POST {path}/disconnect", f"GET {path}"] * 2


async def test_an_answer_that_cannot_be_read_is_settled_by_reading(
    sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap
) -> None:
    """A good status with a page of HTML has disconnected all the same."""
    id_ = await connected(sandbox, monite)

    def page(one: Seen) -> web.Response | None:
        if one.method != "POST":
            return None
        sandbox.monite.disconnect(sandbox.entity_id, id_)
        return web.Response(text="<!doctype html>", content_type="text/html")

    tap.instead = page
    assert (await monite.connections.disconnect(id_)).status == "disconnected"
    tap.instead = lambda _: web.Response(text="<!doctype html>", content_type="text/html")
    with pytest.raises(DecodeError):
        await monite.connections.get(id_)


async def test_a_sync_is_sent_again(sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap) -> None:
    """It pulls what there is, so a lost answer is asked for once more."""
    id_ = await connected(sandbox, monite)
    sandbox.faults.add(Fault(kind="drop-after", next=1, path="/sync"))
    assert (await monite.connections.sync(id_)).message
    assert [line for line in tap.lines if line.endswith("/sync")] == [f"POST /accounting_connections/{id_}/sync"] * 2


async def test_waiting_for_a_person(sandbox: MoniteSandbox, monite: MoniteAccounting, clock: Hurried) -> None:
    """The connection is read every so often, and given back once it has the status, or one of several."""
    made = await monite.connections.create()
    began = clock.time
    original, clock_sleep = clock.sleep, 0

    async def sleep(seconds: float) -> None:
        nonlocal clock_sleep
        clock_sleep += 1
        if clock_sleep == 3:
            sandbox.monite.authorise(made.id)
        await original(seconds)

    clock.sleep = sleep  # type: ignore[method-assign]
    found = await monite.connections.wait_until(made.id, ["connected", "deauthorized"], timeout=60, every=5)
    assert found.status == "connected"
    assert clock.time - began == 15


async def test_waiting_ends(monite: MoniteAccounting, clock: Hurried) -> None:
    """After the timeout, and not later."""
    made = await monite.connections.create()
    began = clock.time
    with pytest.raises(DeadlineExceeded, match="was not connected within 7 s"):
        await monite.connections.wait_until(made.id, "connected", timeout=7, every=5)
    assert clock.time - began == pytest.approx(7)


async def test_an_outage_is_waited_through(sandbox: MoniteSandbox, monite: MoniteAccounting, clock: Hurried) -> None:
    """A server that fails while somebody waits is asked again; one that fails to the end says how."""
    id_ = await connected(sandbox, monite)
    sandbox.faults.add(Fault(kind="503", next=12, path="/accounting_connections/"))
    assert (await monite.connections.wait_until(id_, "connected", timeout=60)).status == "connected"
    sandbox.faults.add(Fault(kind="503", every=1, path="/accounting_connections/"))
    began = clock.time
    with pytest.raises(ServerError):
        await monite.connections.wait_until(id_, "connected", timeout=60)
    assert clock.time - began == pytest.approx(60, abs=1)


async def test_what_is_no_outage_ends_the_wait(monite: MoniteAccounting) -> None:
    """A connection that does not exist never will."""
    with pytest.raises(NotFound):
        await monite.connections.wait_until(UNKNOWN, "connected", timeout=60)


@pytest.mark.parametrize(
    ("status", "options"),
    [
        ("conected", {"timeout": 1}),
        ([], {"timeout": 1}),
        (5, {"timeout": 1}),
        ("connected", {"timeout": 0}),
        ("connected", {"timeout": float("inf")}),
        ("connected", {"timeout": 1, "every": 0}),
    ],
)
async def test_waiting_for_nonsense_is_refused(
    monite: MoniteAccounting, status: object, options: dict[str, float]
) -> None:
    """Before anything is asked."""
    with pytest.raises(ConfigurationError):
        await monite.connections.wait_until(UNKNOWN, status, **options)  # type: ignore[arg-type]


async def test_a_sync_is_waited_for(sandbox: MoniteSandbox, monite: MoniteAccounting, clock: Hurried) -> None:
    """Until the pull has moved and no record is pending; what went wrong comes back."""
    id_ = await connected(sandbox, monite)
    sandbox.monite.rules = MoniteRules(rate_limit=None, sync_takes=9)
    sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 300)
    (bad,) = sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 1, fails=True)
    began = clock.time
    outcome = await monite.connections.sync_and_wait(id_, object_types=["bill"], timeout=60, every=2)
    assert clock.time - began == 10
    assert outcome.connection.last_pull is not None
    assert [(record.id, record.errors) for record in outcome.failed] == [(bad.id, {"code": "account_missing"})]
    again = await monite.connections.sync_and_wait(id_, timeout=60)
    assert again.connection.last_pull is not None
    assert again.connection.last_pull > outcome.connection.last_pull
    assert again.failed == ()


async def test_a_record_that_stays_pending_is_waited_for(
    sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap
) -> None:
    """The pull is over and a record is not: the wait goes on to its end. Without its type nobody looks."""
    id_ = await connected(sandbox, monite)

    def pending(one: Seen) -> None:
        if one.path.endswith("/accounting_synced_records"):
            sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 1)

    tap.instead = pending
    with pytest.raises(DeadlineExceeded, match="sync did not end"):
        await monite.connections.sync_and_wait(id_, object_types=[ObjectType.BILL], timeout=10)
    await monite.connections.sync_and_wait(id_, timeout=10)


async def test_a_sync_of_what_is_not_connected_is_not_waited_for(
    sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap, clock: Hurried
) -> None:
    """Before it begins, and when the consent is taken back meanwhile."""
    made = await monite.connections.create()
    with pytest.raises(NotConnected, match="pending_auth") as caught:
        await monite.connections.sync_and_wait(made.id)
    assert caught.value.connection.id == made.id
    assert not any(line.endswith("/sync") for line in tap.lines)
    sandbox.monite.authorise(made.id)
    sandbox.monite.rules = MoniteRules(rate_limit=None, sync_takes=60)
    original = clock.sleep

    async def sleep(seconds: float) -> None:
        sandbox.monite.deauthorise(made.id)
        await original(seconds)

    clock.sleep = sleep  # type: ignore[method-assign]
    with pytest.raises(NotConnected, match="deauthorized"):
        await monite.connections.sync_and_wait(made.id)


async def test_waits_are_counted_by_the_machine_too(sandbox: MoniteSandbox) -> None:
    """With the system's clock, as a user runs it."""
    async with client_of(sandbox) as monite:
        made = await monite.connections.create()
        waiting = asyncio.create_task(monite.connections.wait_until(made.id, "connected", timeout=20, every=0.01))
        await asyncio.sleep(0.03)
        sandbox.monite.authorise(made.id)
        assert (await waiting).status == "connected"
