"""The receiver behind a real port: what it answers, what it hands on, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import attrs
import pytest
from aiohttp import web

from brex_accounting import ConfigurationError, webhooks
from brex_accounting.webhooks import Listener, Receiver, WebhookEvent, WebhookSecret

from .signing import NOW, SECRET, Delivery, delivery, secret


@attrs.define
class Clock:
    """Stands where it is put."""

    passed: float = 0.0

    def monotonic(self) -> float:
        return 50.0 + self.passed

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@attrs.define
class Secrets:
    """Brex's secrets, and how often they were asked for."""

    known: Sequence[str | WebhookSecret] = (SECRET,)
    asked: int = 0
    broken: bool = False

    async def __call__(self) -> Sequence[str | WebhookSecret]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.broken:
            raise OSError("canary-secret-store")
        return self.known


@attrs.define
class Desk:
    """Works on events, when it is let."""

    events: list[WebhookEvent] = attrs.field(factory=list)
    gate: asyncio.Event = attrs.field(factory=asyncio.Event)
    began: int = 0
    most: int = 0
    wrong: set[str] = attrs.field(factory=set)
    _now: int = 0

    async def __call__(self, event: WebhookEvent) -> None:
        self.began += 1
        self._now += 1
        self.most = max(self.most, self._now)
        await self.gate.wait()
        self._now -= 1
        if event.id in self.wrong:
            self.wrong.remove(event.id)
            raise ValueError(f"canary-{event.raw!r}")
        self.events.append(event)

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.events]


@attrs.define
class Bench:
    """A receiver that is served, and what is behind it."""

    receiver: Receiver
    listener: Listener
    secrets: Secrets
    desk: Desk
    clock: Clock
    http: aiohttp.ClientSession

    async def send(self, sent: Delivery, **more: Any) -> int:
        options: dict[str, Any] = {"data": sent.body, "headers": sent.headers} | more
        async with self.http.post(self.listener.url, **options) as answer:
            assert await answer.read() == b""
            return answer.status

    async def until_done(self) -> None:
        async with asyncio.timeout(60):
            while self.receiver.received.taken > self.receiver.received.done + self.receiver.received.failed:
                await asyncio.sleep(0.001)


@asynccontextmanager
async def bench(*, open_gate: bool = True, secrets: Secrets | None = None, **options: Any) -> AsyncIterator[Bench]:
    asked, desk, clock = secrets or Secrets(), Desk(), Clock()
    if open_gate:
        desk.gate.set()
    receiver = Receiver(secrets=asked, handler=desk, clock=clock, **options)
    async with aiohttp.ClientSession() as http, Listener(receiver, path="/brex") as listener:
        yield Bench(receiver, listener, asked, desk, clock, http)
        desk.gate.set()


async def test_a_delivery_is_answered_and_handed_on() -> None:
    """200 without a body, and the handler gets the event; the secrets are asked for once."""
    async with bench() as one:
        for number in range(5):
            assert await one.send(delivery(id_=f"msg_{number}")) == 200
        await one.until_done()
        assert one.desk.ids == [f"msg_{number}" for number in range(5)]
        assert one.desk.events[0].accounting_record_ids == ("accr_1", "accr_2")
        assert one.secrets.asked == 1
        assert attrs.astuple(one.receiver.received) == (5, 0, 0, 0, 5, 0)


async def test_the_answer_does_not_wait_for_the_work() -> None:
    """While the first event is worked on, others are answered; each is worked on once the way is free."""
    async with bench(open_gate=False) as one:
        for number in range(3):
            assert await one.send(delivery(id_=f"msg_{number}")) == 200
        assert one.desk.events == []
        one.desk.gate.set()
        await one.until_done()
        assert one.desk.ids == ["msg_0", "msg_1", "msg_2"]


async def test_a_delivery_that_comes_again_is_taken_once() -> None:
    """Doubled while it waits, while it is worked on and afterwards, also when it was signed again."""
    async with bench(open_gate=False) as one:
        again = delivery(at=NOW + timedelta(seconds=60))
        assert [await one.send(each) for each in (delivery(), delivery(), again)] == [200] * 3
        one.desk.gate.set()
        await one.until_done()
        assert await one.send(again) == 200
        assert one.desk.ids == [delivery().id]
        assert (one.receiver.received.taken, one.receiver.received.again) == (1, 3)


async def test_what_is_remembered_is_bounded() -> None:
    """The oldest id is forgotten first, and would be taken again; the newest are not."""
    async with bench(remembered=3) as one:
        for number in (0, 1, 2, 3, 1, 2, 3, 0):
            assert await one.send(delivery(id_=f"msg_{number}")) == 200
        await one.until_done()
        assert one.desk.ids == ["msg_0", "msg_1", "msg_2", "msg_3", "msg_0"]


async def test_a_full_queue_makes_brex_try_again() -> None:
    """503 with Retry-After, and nothing is remembered of it: the next try is taken."""
    async with bench(open_gate=False, queue=2) as one:
        assert await one.send(delivery(id_="msg_0")) == 200
        while not one.desk.began:
            await asyncio.sleep(0)
        assert [await one.send(delivery(id_=f"msg_{number}")) for number in (1, 2, 3)] == [200, 200, 503]
        async with one.http.post(one.listener.url, data=delivery().body, headers=delivery().headers) as answer:
            assert answer.headers["Retry-After"].isdigit()
        assert await one.send(delivery(id_="msg_2")) == 200
        one.desk.gate.set()
        await one.until_done()
        assert await one.send(delivery(id_="msg_3")) == 200
        await one.until_done()
        assert one.desk.ids == ["msg_0", "msg_1", "msg_2", "msg_3"]
        assert one.receiver.received.turned_away == 2


@pytest.mark.parametrize("parallel", [1, 3])
async def test_so_many_events_at_a_time(parallel: int) -> None:
    """``parallel`` is how many the handler has at once, however many wait."""
    async with bench(open_gate=False, parallel=parallel) as one:
        for number in range(6):
            await one.send(delivery(id_=f"msg_{number}"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert one.desk.most == parallel
        one.desk.gate.set()
        await one.until_done()
        assert len(one.desk.events) == 6


FORGED = delivery(secrets=[secret(9)])


@pytest.mark.parametrize(
    "forged",
    [
        FORGED,
        attrs.evolve(delivery(), body=b"{}"),
        attrs.evolve(delivery(), id="other"),
        attrs.evolve(delivery(), signature="v1"),
        attrs.evolve(delivery(), timestamp="x"),
        delivery(at=NOW - timedelta(hours=1)),
        delivery(at=NOW + timedelta(hours=1)),
        delivery(b"{}"),
        delivery(b"\xff"),
    ],
    ids=range(9),
)
async def test_what_is_not_from_brex_is_refused(forged: Delivery) -> None:
    """401, the handler is not called, and a valid delivery under the same id is still taken."""
    async with bench() as one:
        assert await one.send(forged) == 401
        assert await one.send(delivery(id_=forged.id)) == 200
        await one.until_done()
        assert (one.desk.ids, one.receiver.received.refused) == ([forged.id], 1)


async def test_a_new_secret_is_fetched_when_nothing_fits() -> None:
    """After a rotation the first delivery costs one question; 50 forgeries in a row cost none more."""
    async with bench() as one:
        assert await one.send(delivery(id_="msg_0")) == 200
        one.secrets.known = (secret(1),)
        one.clock.passed += 60
        rotated = delivery(id_="msg_1", secrets=[secret(1)])
        assert await one.send(rotated) == 200
        assert one.secrets.asked == 2
        assert [await one.send(FORGED) for _ in range(50)] == [401] * 50
        assert one.secrets.asked == 2
        one.clock.passed += 60
        assert await asyncio.gather(*(one.send(FORGED) for _ in range(20))) == [401] * 20
        assert one.secrets.asked == 3


async def test_many_deliveries_by_a_new_secret_ask_once() -> None:
    """Those that arrive together with the first are verified by what it fetched."""
    async with bench() as one:
        await one.send(delivery())
        one.secrets.known = (secret(1),)
        one.clock.passed += 60
        sent = [delivery(id_=f"msg_{number}", secrets=[secret(1)]) for number in range(20)]
        assert await asyncio.gather(*map(one.send, sent)) == [200] * 20
        assert one.secrets.asked == 2


async def test_while_a_secret_is_replaced_both_are_believed() -> None:
    """Two signatures and either secret; when the old one is given up it is believed for an hour at most."""
    async with bench() as one:
        assert await one.send(delivery(id_="msg_0", secrets=[secret(1), SECRET])) == 200
        one.secrets.known = (secret(1),)
        one.clock.passed += 3601
        later = NOW + timedelta(seconds=3601)
        assert await one.send(delivery(id_="msg_1", at=later)) == 401
        assert await one.send(delivery(id_="msg_2", at=later, secrets=[secret(1), SECRET])) == 200


async def test_without_secrets_brex_is_asked_to_come_again(caplog: pytest.LogCaptureFixture) -> None:
    """503 while they cannot be had, with a question every 5 s at most; then it works by itself."""
    async with bench(secrets=Secrets(broken=True)) as one:
        assert [await one.send(delivery()) for _ in range(10)] == [503] * 10
        assert one.secrets.asked == 1
        one.secrets.broken = False
        one.clock.passed += 5
        assert await one.send(delivery()) == 200
    assert "canary" not in caplog.text


@pytest.mark.parametrize("known", [(), ("",), ("no base64!",), "text", None])
async def test_secrets_that_are_none(known: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What the function returns may be anything: it is told by its kind and nothing is verified by it."""
    async with bench(secrets=Secrets(known=known)) as one:
        assert await one.send(delivery()) == 503
        assert one.desk.events == []
    assert "ConfigurationError" in caplog.text
    assert "base64!" not in caplog.text


async def test_known_secrets_outlast_a_failure() -> None:
    """When they cannot be asked for after an hour, those that are known go on being believed."""
    async with bench() as one:
        assert await one.send(delivery(id_="msg_0")) == 200
        one.secrets.broken = True
        one.clock.passed += 3601
        assert await one.send(delivery(id_="msg_1", at=NOW + timedelta(seconds=3601))) == 200


async def test_a_slow_answer_holds_up_one_delivery() -> None:
    """After an hour the secrets are asked for again; until the answer is there others go by the known ones."""
    gate = asyncio.Event()
    asked = Secrets()

    async def slow() -> Sequence[str | WebhookSecret]:
        if asked.asked:
            await gate.wait()
        return await asked()

    async with bench() as one:
        one.receiver._keyring._fetch = slow
        assert await one.send(delivery(id_="msg_0")) == 200
        one.clock.passed += 3601
        later = NOW + timedelta(seconds=3601)
        waiting = asyncio.create_task(one.send(delivery(id_="msg_1", at=later)))
        while not one.receiver._keyring._asking.locked():
            await asyncio.sleep(0.001)
        assert await one.send(delivery(id_="msg_2", at=later)) == 200
        assert not waiting.done()
        gate.set()
        assert await waiting == 200


async def test_secrets_that_never_come(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A question without an answer is given up, and Brex is asked to come again."""
    monkeypatch.setattr("brex_accounting.webhooks.keyring._SLOWEST", 0.02)

    async def never() -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    async with bench() as one:
        one.receiver._keyring._fetch = never
        assert await one.send(delivery()) == 503
    assert "TimeoutError" in caplog.text


async def test_a_body_has_a_cap() -> None:
    """413 by its announced length, and 413 while it streams in without one; up to the cap it is read."""

    async def stream(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 1000):
            yield b" " * 1000

    async with bench(max_body_bytes=10_000) as one:
        assert await one.send(delivery(), data=b" " * 10_001) == 413
        assert await one.send(delivery(), data=stream(11_000)) == 413
        assert await one.send(delivery(), data=b" " * 10_000) == 401
        filled = {"event_type": "X", "note": "n" * 9900}
        assert await one.send(delivery(filled)) == 200


async def test_a_compressed_body_is_refused() -> None:
    """415: a small body must not become a large one, and no signature is over what it unpacks to."""
    packed = zlib.compress(b" " * 10**6)
    headers = delivery().headers | {"Content-Encoding": "deflate"}
    async with bench() as one:
        assert await one.send(delivery(), data=packed, headers=headers) == 415
        assert await one.send(delivery(), headers=delivery().headers | {"Content-Encoding": "identity"}) == 200


async def test_a_body_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """408 after a while; whoever hangs up in the middle leaves the receiver as it was."""
    async with bench() as one:
        with monkeypatch.context() as hurried:  # for this one alone: what does come may take its time
            hurried.setattr("brex_accounting.webhooks.receiver._SLOWEST", 0.05)
            reader, writer = await begun(one.listener.url)
            assert (await reader.readline()).startswith(b"HTTP/1.1 408")
            writer.close()
        _, writer = await begun(one.listener.url)
        writer.close()
        assert await one.send(delivery()) == 200


async def begun(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which a delivery has come as far as its first byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.split(":")[2].split("/")[0]))
    writer.write(b"POST /brex HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
    await writer.drain()
    return reader, writer


async def test_only_posts_to_the_path_are_taken() -> None:
    """Anything else is the application's: 404 and 405."""
    async with bench() as one:
        async with one.http.get(one.listener.url) as answer:
            assert answer.status == 405
        async with one.http.post(one.listener.url + "/x") as answer:
            assert answer.status == 404


async def test_a_handler_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged by its kind alone, the next event is worked on, and the failed one may come again."""
    async with bench() as one:
        one.desk.wrong = {"msg_0"}
        assert [await one.send(delivery(id_=f"msg_{number}")) for number in range(3)] == [200] * 3
        await one.until_done()
        assert (one.desk.ids, one.receiver.received.failed) == (["msg_1", "msg_2"], 1)
        assert await one.send(delivery(id_="msg_0")) == 200
        await one.until_done()
        assert one.desk.ids[-1] == "msg_0"
    assert "msg_0 raised ValueError" in caplog.text
    assert "canary" not in caplog.text


async def test_a_handler_that_cancels_itself_fails_alone() -> None:
    """A CancelledError of the handler's own does not end the worker."""
    calls = []

    async def handler(event: WebhookEvent) -> None:
        calls.append(event.id)
        if len(calls) == 1:
            raise asyncio.CancelledError

    receiver = Receiver(secrets=Secrets(), handler=handler, clock=Clock())
    async with aiohttp.ClientSession() as http, Listener(receiver) as listener:
        for number in range(2):
            sent = delivery(id_=f"msg_{number}")
            async with http.post(listener.url, data=sent.body, headers=sent.headers) as answer:
                assert answer.status == 200
    assert calls == ["msg_0", "msg_1"]
    assert (receiver.received.done, receiver.received.failed) == (1, 1)


async def test_the_end_finishes_what_was_taken() -> None:
    """Closed while 5 events wait, it returns when all are done, and meanwhile sends others away."""
    async with bench(open_gate=False) as one:
        for number in range(5):
            await one.send(delivery(id_=f"msg_{number}"))
        closing = asyncio.create_task(one.receiver.aclose())
        await asyncio.sleep(0)
        assert await one.send(delivery(id_="late")) == 503
        assert await one.send(delivery(id_="msg_4")) == 200
        assert not closing.done()
        one.desk.gate.set()
        await closing
        assert len(one.desk.events) == 5


async def test_a_cancelled_end_leaves_the_rest() -> None:
    """Whoever does not want to wait cancels: no task is left behind."""
    async with bench(open_gate=False) as one:
        await one.send(delivery())
        closing = asyncio.create_task(one.receiver.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert [task for task in asyncio.all_tasks() if "_work" in str(task.get_coro())] == []


async def test_it_is_a_handler_of_any_application() -> None:
    """Added to an application's router as it is, beside other routes, without a warning."""
    desk = Desk()
    desk.gate.set()
    async with Receiver(secrets=Secrets(), handler=desk, clock=Clock()) as receiver:
        app = web.Application()
        app.router.add_post("/hooks/brex", receiver)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sent = delivery()
        try:
            async with aiohttp.ClientSession() as http:
                url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/brex"
                async with http.post(url, data=sent.body, headers=sent.headers) as answer:
                    assert answer.status == 200
        finally:
            await runner.cleanup()
    assert desk.ids == [sent.id]


async def test_nothing_of_a_delivery_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG, of valid, forged, stale and unreadable ones: neither the secret nor the body nor its ids."""
    caplog.set_level(logging.DEBUG)
    async with bench() as one:
        for sent in (delivery(), FORGED, delivery(at=NOW - timedelta(hours=1)), delivery(b'{"event_type": "accr_1"')):
            await one.send(sent)
        await one.until_done()
    ours = [record for record in caplog.records if record.name == "brex_accounting"]
    assert len(ours) == 3
    told = "".join(record.getMessage() for record in ours) + repr(one.receiver) + repr(one.receiver.received)
    for word in ("accr_1", "cuacc_7", SECRET, delivery().signature):
        assert word not in told


SIZES = ("queue", "parallel", "remembered", "max_body_bytes")
WRONG: list[dict[str, Any]] = [
    *(
        {name: size}
        for name in ("queue", "parallel", "remembered", "max_body_bytes")
        for size in (0, -1, True, "1", 1.5)
    ),
    *({"refetch": value} for value in (-1, float("nan"), True, "60")),
    *({"tolerance": value} for value in (-1, float("inf"), None)),
    {"secrets": [SECRET]},
    {"handler": None},
]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    """They are refused at once."""
    given: dict[str, Any] = {"secrets": Secrets(), "handler": Desk()} | wrong
    with pytest.raises(ConfigurationError):
        webhooks.Receiver(**given)


@pytest.mark.parametrize("path", ["brex", "/{x}", "/a b", "/a?b=c", "/a#b", ""])
async def test_a_wrong_path(path: str) -> None:
    """A listener's path is plain."""
    with pytest.raises(ConfigurationError, match="path"):
        Listener(Receiver(secrets=Secrets(), handler=Desk()), path=path)
