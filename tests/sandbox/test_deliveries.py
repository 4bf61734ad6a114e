"""What the sandbox sends: to whom, signed by what, how often, and what goes wrong on order."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import attrs
import pytest
from aiohttp import web

from brex_accounting import BrexAccounting, WebhookVerificationError, webhooks
from brex_accounting.enums import ReviewStatus, WebhookEventType
from brex_accounting.sandbox import MISHAPS, LocalWebhooks, Mishap, Refused, Sandbox, parse_mishap
from brex_accounting.sandbox.deliveries import RETRIES
from brex_accounting.sandbox.mishaps import MishapPlan
from brex_accounting.sandbox.webhooks import LocalEvent
from brex_accounting.webhook_models import GroupMember
from brex_accounting.webhooks import WebhookEvent

from ..client.support import client_of

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
READY = "ACCOUNTING_RECORD_READY_FOR_EXPORT"


@attrs.define
class Time:
    """Moves to the next moment somebody waits for, when a test says so."""

    passed: float = 0.0
    _sleepers: list[tuple[float, int, asyncio.Future[None]]] = attrs.field(factory=list)
    _numbers: itertools.count[int] = attrs.field(factory=itertools.count)

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    async def sleep(self, seconds: float) -> None:
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.passed + seconds, next(self._numbers), waking))
        await waking

    async def settle(self, sandbox: Sandbox) -> None:
        """Let everything happen that is under way, however long it waits."""
        settled = asyncio.create_task(sandbox.deliveries.settled())
        while not settled.done():
            before = len(sandbox.deliveries.tries)
            await asyncio.sleep(0.002)
            if len(sandbox.deliveries.tries) == before and self._sleepers and not settled.done():
                self.passed, _, waking = heapq.heappop(self._sleepers)
                if not waking.done():
                    waking.set_result(None)
        await settled


@attrs.frozen
class Came:
    """A request at the subscriber."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float


@attrs.define
class World:
    """A sandbox, its client, and a subscriber that answers as it is told."""

    sandbox: Sandbox
    brex: BrexAccounting
    time: Time
    url: str
    came: list[Came]
    answer: Callable[[Came], int] = lambda _: 200

    async def subscribe(self, path: str = "/brex", **changes: Any) -> None:
        given: dict[str, Any] = {"url": self.url + path, "event_types": [READY]}
        await self.brex.webhooks.subscriptions.create(**given | changes)

    def records(self, count: int) -> list[str]:
        """Records that a customer may export."""
        prepared = (one.id for one in self.sandbox.brex.records() if one.source_type != "BILL")
        return list(itertools.islice(prepared, count))

    async def export(self, *record_ids: str) -> None:
        self.sandbox.brex.export(record_ids)
        await asyncio.sleep(0)

    def events(self) -> list[WebhookEvent]:
        """What came, verified by the secrets of now."""
        secrets = self.sandbox.brex.webhooks.secrets()
        return [
            webhooks.verify(one.body, one.headers, secrets=secrets, now=START + timedelta(seconds=one.at))
            for one in self.came
        ]

    def told(self) -> list[tuple[str, ...]]:
        return [event.accounting_record_ids for event in self.events()]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with made_world() as made:
        yield made


@asynccontextmanager
async def made_world() -> AsyncIterator[World]:
    time, came = Time(), list[Came]()

    async def take(request: web.Request) -> web.Response:
        one = Came(request.path, dict(request.headers), await request.read(), time.passed)
        came.append(one)
        return web.Response(status=made.answer(one), headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_post("/{tail:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with Sandbox(records=40, now=time, sleep=time.sleep) as sandbox, client_of(sandbox) as brex:
            made = World(sandbox, brex, time, url, came)
            yield made
    finally:
        await runner.cleanup()


async def test_export_is_told_in_one_event(world: World) -> None:
    """One press of Export, one delivery: all ids in their order, the company, and a signature that is valid."""
    await world.subscribe()
    ids = world.records(12)
    await world.export(*ids)
    await world.time.settle(world.sandbox)
    [event] = world.events()
    assert (event.accounting_record_ids, event.company_id) == (tuple(ids), world.sandbox.brex.webhooks.company_id)
    assert {world.sandbox.brex.get_record(one).review_status for one in ids} == {"READY_FOR_EXPORT"}
    assert world.came[0].headers["Content-Type"] == "application/json"


async def test_both_spellings(world: World) -> None:
    """The older payload names no company."""
    await world.subscribe()
    world.sandbox.brex.webhooks.spelling = "older"
    ids = world.records(2)
    await world.export(*ids)
    await world.time.settle(world.sandbox)
    [event] = world.events()
    assert (event.accounting_record_ids, event.company_id) == (tuple(ids), None)
    assert b"accounting_record_ids" in world.came[0].body


async def test_who_is_told(world: World) -> None:
    """Active subscriptions to the type; of the company's group if it is in one, of no group if not."""
    group = await world.brex.webhooks.groups.create(name="g")
    await world.subscribe("/mine")
    await world.subscribe("/other-type", event_types=["USER_UPDATED"])
    await world.subscribe("/group", group_id=group.id)
    off = await world.brex.webhooks.subscriptions.create(url=world.url + "/off", event_types=[READY])
    await world.brex.webhooks.subscriptions.update(off.id, url=off.url, event_types=[READY], status="INACTIVE")
    ids = world.records(3)
    await world.export(ids[0])
    await world.time.settle(world.sandbox)
    hooks = world.sandbox.brex.webhooks
    hooks.add_members(group.id, [GroupMember(member_type="ACCOUNT", member_id=hooks.company_id)])
    await world.export(ids[1])
    await world.time.settle(world.sandbox)
    hooks.delete_group(group.id)
    await world.export(ids[2])
    await world.time.settle(world.sandbox)
    assert [one.path for one in world.came] == ["/mine", "/group", "/mine"]


async def test_a_status_that_is_set_by_hand_is_told_too(world: World) -> None:
    """Over ``/_sandbox/`` as in Python; other statuses are told to nobody, and unknown records change nothing."""
    await world.subscribe()
    one, other, third = world.records(3)
    async with aiohttp.ClientSession(world.sandbox.url) as http:
        for record_id, status in ((one, "READY_FOR_EXPORT"), (other, "REVIEW")):
            await http.post(f"/_sandbox/records/{record_id}/review_status", json={"review_status": status})
        async with http.post("/_sandbox/export", json={"ids": [other, third]}) as answer:
            assert answer.status == 204
        for wrong in ({"ids": [other, "accr_none"]}, {"ids": "x"}, {"ids": [1]}, {}):
            async with http.post("/_sandbox/export", json=wrong) as answer:
                assert answer.status in (400, 404)
    await world.time.settle(world.sandbox)
    assert world.told() == [(one,), (other, third)]
    version = world.sandbox.brex.get_record(one).version
    with pytest.raises(Refused):
        world.sandbox.brex.review([one, "accr_none"], ReviewStatus.PREPARE)
    assert world.sandbox.brex.get_record(one).version == version


async def test_it_is_sent_again_until_it_is_taken(world: World) -> None:
    """After each wait of the schedule under the same id, signed anew; any 2xx ends it, a redirect does not."""
    await world.subscribe()
    statuses = iter([500, 302, 404, 204])
    world.answer = lambda _: next(statuses)
    await world.export(*world.records(1))
    await world.time.settle(world.sandbox)
    assert [one.at for one in world.came] == [0, *itertools.accumulate(RETRIES[:3])]
    events = world.events()
    assert len({event.id for event in events}) == 1
    assert [event.sent_at for event in events] == [START + timedelta(seconds=one.at) for one in world.came]
    assert [one.status for one in world.sandbox.deliveries.tries] == [500, 302, 404, 204]
    assert [one.path for one in world.came] == ["/brex"] * 4


async def test_it_is_given_up_in_the_end(world: World) -> None:
    """After the last wait there is no further try."""
    await world.subscribe()
    world.answer = lambda _: 503
    await world.export(*world.records(1))
    await world.time.settle(world.sandbox)
    assert len(world.came) == len(RETRIES) + 1


async def test_nobody_listens(world: World) -> None:
    """A port where nothing is: tried as often, and told as no answer."""
    await world.brex.webhooks.subscriptions.create(url="http://127.0.0.1:9/", event_types=[READY])
    await world.export(*world.records(1))
    await world.time.settle(world.sandbox)
    assert [one.status for one in world.sandbox.deliveries.tries] == [None] * (len(RETRIES) + 1)


async def test_secrets_are_replaced_while_deliveries_go_on(world: World) -> None:
    """Before, during and after a rotation: valid by the old, by either, by the new alone."""
    await world.subscribe()
    hooks = world.sandbox.brex.webhooks
    [old], ids = hooks.secrets(), world.records(3)
    await world.export(ids[0])
    await world.time.settle(world.sandbox)
    async with aiohttp.ClientSession(world.sandbox.url) as http:
        await http.post("/_sandbox/webhooks/rotate")
        new = hooks.secrets()[0]
        await world.export(ids[1])
        await world.time.settle(world.sandbox)
        await http.post("/_sandbox/webhooks/revoke")
    await world.export(ids[2])
    await world.time.settle(world.sandbox)

    def valid(number: int, secret: object) -> bool:
        one: Any = world.came[number]
        try:
            webhooks.verify(one.body, one.headers, secrets=[secret], now=START)  # type: ignore[list-item]
        except WebhookVerificationError:
            return False
        return True

    assert [(valid(number, old), valid(number, new)) for number in range(3)] == [
        (True, False),
        (True, True),
        (False, True),
    ]


def test_two_companies_do_not_sign_alike() -> None:
    """Neither their secrets nor the ids of their events are the same."""
    one, same, other = (LocalWebhooks(company_id=f"cuacc_{number}") for number in (1, 1, 2))
    assert one.secrets() == same.secrets() != other.secrets()
    events: list[LocalEvent] = []
    for hooks in (one, same, other):
        hooks.tell = events.append
        hooks.ready(["accr_1"])
    assert events[0].id == events[1].id != events[2].id


@pytest.mark.parametrize(
    ("kind", "after_each", "expected"),
    [
        ("lose", [0, 1, 2], "bc"),
        ("double", [2, 3, 4], "aabc"),
        ("delay", [0, 1, 2], "bca"),
        ("reorder", [0, 2, 3], "bac"),
    ],
)
async def test_each_mishap(world: World, kind: str, after_each: list[int], expected: str) -> None:
    """Struck on the first of three events, ``kind`` does what its description says."""
    await world.subscribe()
    world.sandbox.brex.webhooks.mishaps.add(Mishap(kind=kind, next=1))
    names = dict(zip(world.records(3), "abc", strict=True))
    for one, count in zip(names, after_each, strict=True):
        await world.export(one)
        async with asyncio.timeout(60):
            while len(world.came) < count:
                await asyncio.sleep(0.001)
    await world.time.settle(world.sandbox)
    assert "".join(names[one] for [one] in world.told()) == expected
    assert len(world.sandbox.deliveries.lost) == (kind == "lose")


async def test_the_last_one_out_of_order_comes_all_the_same(world: World) -> None:
    """With no event after it, it comes a minute later."""
    await world.subscribe()
    world.sandbox.brex.webhooks.mishaps.add(Mishap(kind="reorder", next=1))
    await world.export(*world.records(1))
    await world.time.settle(world.sandbox)
    assert [one.at for one in world.came] == [60.0]


async def test_mishaps_over_http(world: World) -> None:
    """Ordered and cleared under ``/_sandbox/``; a wrong order is refused."""
    await world.subscribe()
    ids = world.records(2)
    async with aiohttp.ClientSession(world.sandbox.url) as http:
        async with http.post("/_sandbox/mishaps", json={"kind": "lose", "every": 1}) as answer:
            assert answer.status == 204
        await world.export(ids[0])
        async with http.delete("/_sandbox/mishaps") as answer:
            assert answer.status == 204
        await world.export(ids[1])
        for wrong in ({"kind": "eat", "next": 1}, {"kind": "lose"}, {"kind": "lose", "chance": 2}, {"x": 1}):
            async with http.post("/_sandbox/mishaps", json=wrong) as answer:
                assert answer.status == 400
    await world.time.settle(world.sandbox)
    assert world.told() == [(ids[1],)]


def test_chance_goes_by_the_seed() -> None:
    """The same seed strikes the same events, another seed others, each about as often as ordered."""
    kinds = {kind: 0.1 + 0.1 * number for number, kind in enumerate(MISHAPS)}
    orders = [Mishap(kind=kind, chance=chance) for kind, chance in kinds.items()]
    struck = [[plan.strike() for _ in range(4000)] for plan in (MishapPlan(orders, seed=seed) for seed in (1, 1, 2))]
    assert struck[0] == struck[1] != struck[2]
    counted = Counter(kind for kinds_ in struck[0] for kind in kinds_)
    for kind, chance in kinds.items():
        assert abs(counted[kind] / 4000 - chance) < 0.03
    assert len(set(struck[0])) == 16, "they strike independently"


@pytest.mark.parametrize(
    ("text", "mishap"),
    [
        ("lose", Mishap(kind="lose", next=1)),
        ("double:next=3", Mishap(kind="double", next=3)),
        ("delay:every=7", Mishap(kind="delay", every=7)),
        ("reorder:chance=0.25", Mishap(kind="reorder", chance=0.25)),
        ("lose:chance=1", Mishap(kind="lose", chance=1.0)),
    ],
)
def test_mishaps_in_words(text: str, mishap: Mishap) -> None:
    """As faults are written."""
    assert parse_mishap(text) == mishap


@pytest.mark.parametrize(
    "text", ["", "eat", "lose:", "lose:next=0", "lose:next=1.5", "lose:chance=2", "lose:chance=-1", "lose next=1"]
)
def test_wrong_words(text: str) -> None:
    """Refused with what is possible."""
    with pytest.raises(ValueError, match=r"mishap|numbers|chance"):
        parse_mishap(text)


async def test_what_is_under_way_ends_with_the_sandbox() -> None:
    """Tries that wait are dropped, and no task is left."""
    async with made_world() as world:
        await world.subscribe()
        world.answer = lambda _: 500
        await world.export(*world.records(1))
        while not world.sandbox.deliveries.tries:
            await asyncio.sleep(0.001)
    assert [task for task in asyncio.all_tasks() if "_deliver" in str(task.get_coro())] == []


async def test_nothing_leaves_the_machine(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address elsewhere that comes in by another way than a subscription is not even tried."""
    asked: list[str] = []

    class Session:
        def post(self, url: str, **_: Any) -> None:
            asked.append(url)
            raise aiohttp.ClientError

    await world.subscribe()
    hooks = world.sandbox.brex.webhooks
    [mine] = hooks.targets(WebhookEventType(READY))
    for url in ("http://192.0.2.1/", "https://books.example/", "http://127.0.0.1.books.example/", "no address"):
        hooks._subscriptions[mine.id] = attrs.evolve(mine, url=url)
        with monkeypatch.context() as patched:
            patched.setattr(world.sandbox.deliveries, "_session", Session())
            await world.export(*world.records(1))
            await world.time.settle(world.sandbox)
    assert asked == []
    assert {one.status for one in world.sandbox.deliveries.tries} == {None}
