"""The local Monite itself: steered over HTTP, misbehaving on order, and its rules without HTTP."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from brex_accounting.monite import ObjectType
from brex_accounting.sandbox import KINDS, Fault
from brex_accounting.sandbox.monite import ENTITY_ID, LocalMonite, MoniteRefused, MoniteRules, MoniteSandbox

from .support import Hurried

HEADERS = {"x-monite-version": "2024-05-25", "x-monite-entity-id": ENTITY_ID, "Authorization": "Bearer t"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def http(sandbox: MoniteSandbox) -> AsyncIterator[aiohttp.ClientSession]:
    """A client without any of ours, with a token that lives."""
    sandbox.monite.accept("t")
    async with aiohttp.ClientSession(headers=HEADERS, timeout=aiohttp.ClientTimeout(10)) as session:
        yield session


def local(clock: Hurried, **rules: object) -> LocalMonite:
    numbers = iter(range(1000))
    return LocalMonite(
        now=clock.now,
        fresh=lambda: f"{next(numbers):08d}-0000-4000-8000-000000000000",
        rules=MoniteRules(**rules),  # type: ignore[arg-type]
    )


async def test_steering(sandbox: MoniteSandbox, http: aiohttp.ClientSession) -> None:
    """Other processes authorise, take the consent back, order faults and read the counts."""
    origin = sandbox.url.removesuffix("/v1")
    made = sandbox.monite.create(ENTITY_ID)
    assert made.connection_url is not None
    assert made.connection_url.startswith(origin)
    async with http.get(made.connection_url) as answer:
        assert "xero" in await answer.text()
    async with http.get(made.connection_url) as answer:
        assert answer.status == 409
    async with http.post(f"{origin}/_sandbox/connections/{made.id}/deauthorize") as answer:
        assert (await answer.json())["status"] == "deauthorized"
    async with http.post(f"{origin}/_sandbox/connections/{UNKNOWN}/deauthorize") as answer:
        assert answer.status == 404
    for order, status in (({"kind": "500", "next": 1}, 204), ({"kind": "plague", "next": 1}, 422), ({"x": 1}, 422)):
        async with http.post(f"{origin}/_sandbox/faults", json=order) as answer:
            assert answer.status == status
    async with http.get(f"{sandbox.url}/accounting_connections") as answer:
        assert answer.status == 500
    async with http.delete(f"{origin}/_sandbox/faults") as answer:
        assert answer.status == 204
    async with http.get(f"{origin}/_sandbox/state") as answer:
        state = await answer.json()
    assert (state["faults"], state["throttled"], state["tokens"]) == (1, 0, 0)
    assert state["requests"] >= 1


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"slow"}))
async def test_misbehaviour(sandbox: MoniteSandbox, http: aiohttp.ClientSession, kind: str) -> None:
    """Each kind does what it says, once, and to whom it is ordered for."""
    sandbox.faults.add(Fault(kind=kind, next=1, method="POST", path="/accounting_connections"))
    url = f"{sandbox.url}/accounting_connections"
    async with http.get(url) as answer:
        assert answer.status == 200
    try:
        async with http.post(url) as answer:
            text = await answer.text()
            seen = "html" if "<!doctype" in text else str(answer.status)
            if seen == "429":
                assert answer.headers["Retry-After"] == "1"
    except aiohttp.ClientPayloadError:
        seen = "cut"
    except aiohttp.ServerDisconnectedError:
        seen = "drop-after" if sandbox.monite.connections(ENTITY_ID) else "drop"
    assert seen == kind
    assert bool(sandbox.monite.connections(ENTITY_ID)) is (kind in ("drop-after", "cut"))
    assert sandbox.statistics.faults == 1


async def test_every_answer_is_signed(sandbox: MoniteSandbox, http: aiohttp.ClientSession) -> None:
    """Its request id, version and entity; also where no operation was reached."""
    for path in ("/accounting_connections", "/nowhere"):
        async with http.get(f"{sandbox.url}{path}") as answer:
            assert answer.headers["x-request-id"].startswith("sandbox-")
            assert answer.headers["x-monite-version"] == "2024-05-25"
            assert answer.headers["x-monite-entity-id"] == ENTITY_ID


async def test_a_body_that_is_too_large() -> None:
    """The gateway's envelope."""
    async with (
        MoniteSandbox() as sandbox,
        aiohttp.ClientSession(headers=HEADERS) as session,
        session.post(f"{sandbox.url}/auth/token", data=io.BytesIO(b" " * 2**21)) as answer,
    ):
        assert (answer.status, await answer.json()) == (413, {"message": "Request size limit exceeded"})


def test_a_window_of_the_limit() -> None:
    """So many in each, counted down, with the seconds until the next; never 0, which would be now."""
    clock = Hurried()
    monite = local(clock, rate_limit=3, rate_window=1.0)
    found = [monite.admit() for _ in range(4)]
    assert [one and (one.remaining, one.admitted) for one in found] == [(2, True), (1, True), (0, True), (0, False)]
    assert {one and one.reset for one in found} == {1}
    clock.time += 1
    again = monite.admit()
    assert again is not None
    assert (again.remaining, again.admitted) == (2, True)
    assert local(clock, rate_limit=None).admit() is None


def test_a_sync_takes_its_time() -> None:
    """Its end shows when somebody looks, with the moment at which it was due; a record that fails says so."""
    clock = Hurried()
    monite = local(clock, sync_takes=10)
    made = monite.create(ENTITY_ID)
    with pytest.raises(MoniteRefused) as caught:
        monite.sync(ENTITY_ID, made.id)
    assert caught.value.status == 409
    monite.authorise(made.id)
    (good,), (bad,) = (monite.add_records(ENTITY_ID, ObjectType.BILL, 1, fails=fails) for fails in (False, True))
    monite.sync(ENTITY_ID, made.id)
    due = clock.now() + timedelta(seconds=10)
    clock.time += 9
    assert monite.connection(ENTITY_ID, made.id).last_pull is None
    clock.time += 5
    assert monite.connection(ENTITY_ID, made.id).last_pull == due
    assert [monite.synced_record(ENTITY_ID, one.id).sync_status for one in (good, bad)] == ["done", "error"]


def test_an_end_of_a_consent_ends_its_sync() -> None:
    """Nothing is pulled any more."""
    clock = Hurried()
    monite = local(clock, sync_takes=10)
    made = monite.authorise(monite.create(ENTITY_ID).id)
    monite.sync(ENTITY_ID, made.id)
    monite.deauthorise(made.id)
    clock.time += 60
    assert monite.connection(ENTITY_ID, made.id).last_pull is None
    with pytest.raises(MoniteRefused):
        monite.deauthorise(made.id)


def test_pages_lead_back_too() -> None:
    """``prev_pagination_token`` gives the page before."""
    monite = local(Hurried())
    monite.add_records(ENTITY_ID, ObjectType.BILL, 5)
    query = [("object_type", "bill"), ("limit", "2")]
    first = monite.synced_records(ENTITY_ID, query)
    second = monite.synced_records(ENTITY_ID, [*query, ("pagination_token", str(first.next_pagination_token))])
    back = monite.synced_records(ENTITY_ID, [*query, ("pagination_token", str(second.prev_pagination_token))])
    assert (first.prev_pagination_token, back.data) == (None, first.data)
