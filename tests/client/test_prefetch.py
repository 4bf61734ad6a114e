"""One page ahead against servers on a port: what is sent when, and what is left when a reader leaves."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs
import pytest

from brex_accounting import BrexAccounting, DeadlineExceeded, RetryPolicy, ServerError
from brex_accounting.models import BadRecord
from brex_accounting.sandbox import Fault, Sandbox, parse_fault
from brex_accounting.session.events import PauseEvent

from .support import QUICK, UNLIMITED, client_of, held, our_tasks, page_json, wire_record


class Pages(ThreadingHTTPServer):
    """Two pages, served from a thread of its own: it answers also while the client's loop stands still."""

    first = page_json({"id": "bad"}, wire_record(1), next_cursor="c1", has_next_page=True)
    second = page_json(wire_record(2))

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.second_asked = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Pages

    def do_GET(self) -> None:
        """Page two for its cursor, else page one."""
        second = "cursor=c1" in self.path
        body = self.server.second if second else self.server.first
        if second:
            self.server.second_asked.set()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class's
        """Silent."""


@contextmanager
def two_pages() -> Iterator[Pages]:
    with Pages() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("prefetch", [0, 1])
async def test_the_next_request_is_out_before_decoding(prefetch: int) -> None:
    """While page one is decoded the loop stands still, and its successor's request is at the server already."""
    there: list[bool] = []

    with two_pages() as server:

        def decoding(_: BadRecord) -> None:
            there.append(server.second_asked.wait(60 if prefetch else 0.2))

        url = f"http://127.0.0.1:{server.server_port}"
        async with BrexAccounting("bxt_x", base_url=url, retry=QUICK, rate_limit=UNLIMITED) as brex:
            query = brex.records.list(prefetch=prefetch, on_bad_record=decoding)
            assert [record.id async for record in query] == ["accr_1", "accr_2"]
    assert there == [bool(prefetch)]


async def test_the_next_request_is_out_before_the_reader_works(sandbox: Sandbox) -> None:
    """A reader that never waits for anything else finds the next page under way."""
    async with client_of(sandbox) as brex:
        walk = brex.records.list(page_size=20, prefetch=1).pages()
        await anext(walk)
        [task] = brex._view.core._tasks
        assert not task.done()
        assert len([page async for page in walk]) == 2
        assert not brex._view.core._tasks
    assert sandbox.statistics.requests == 3


async def test_faults_neither_lose_nor_double_records() -> None:
    """Whatever happens on the way, every record once and in order, with a page ahead."""
    orders = ["503:every=3", "drop:every=5", "cut:every=7", "429:every=4", "500:every=11", "drop-after:every=13"]
    patient = RetryPolicy(attempts=12, base=0.001, cap=0.01, throttle_base=0.005)
    async with Sandbox(records=150, profile="mixed", faults=[parse_fault(one) for one in orders]) as sandbox:
        async with client_of(sandbox, retry=patient) as brex:
            assert [record async for record in brex.records.list(page_size=4, prefetch=1)] == held(sandbox)
        assert sandbox.statistics.faults > 15


@pytest.mark.usefixtures("idle_time")
@pytest.mark.parametrize("pages", [1, 2, 5])
@pytest.mark.parametrize("fault", [None, "slow", "503"])
async def test_leaving_costs_one_request_and_leaves_nothing(sandbox: Sandbox, pages: int, fault: str | None) -> None:
    """After a break and the client's end: no task, no socket, no warning, and one request too many at most."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        async with client_of(sandbox) as brex:
            count = 0
            async for _ in brex.records.list(page_size=5, prefetch=1).pages():
                count += 1
                if count == pages:
                    break
                if fault is not None and count == pages - 1:
                    sandbox.faults.add(Fault(kind=fault, next=1))
            retried = 0 if fault in (None, "slow") or pages == 1 else 1
            transport = brex._view.core.manager.transport
            assert len(our_tasks()) <= 1
        assert sandbox.statistics.requests <= pages + 1 + retried
        assert our_tasks() == set()
        assert transport._session.closed  # type: ignore[attr-defined]
        assert transport._session.connector is None or not transport._session.connector._conns  # type: ignore[attr-defined]
        gc.collect()
    assert [str(one.message) for one in warned if issubclass(one.category, ResourceWarning)] == []


@pytest.mark.usefixtures("idle_time")
async def test_a_page_ahead_has_a_deadline_of_its_own(sandbox: Sandbox) -> None:
    """Page three hangs beyond it while page two is used: the error comes where page three would."""
    async with client_of(sandbox) as brex:
        walk = brex.with_options(deadline=0.7).records.list(page_size=20, prefetch=1).records()
        got = [await anext(walk)]
        await _quiet(brex)
        sandbox.faults.add(Fault(kind="slow", every=1))
        got += [await anext(walk) for _ in range(39)]
        with pytest.raises(DeadlineExceeded):
            await anext(walk)
    assert got == held(sandbox)[:40]


async def test_an_error_of_the_page_ahead(sandbox: Sandbox) -> None:
    """Nothing is heard of it while the records before it are used; then it carries their checkpoint, and reading
    goes on.
    """
    async with client_of(sandbox, retry=attrs.evolve(QUICK, attempts=1)) as brex:
        walk = brex.records.list(page_size=20, prefetch=1).records()
        got = [await anext(walk)]
        await _quiet(brex)
        sandbox.faults.add(Fault(kind="500", next=1))
        got += [await anext(walk) for _ in range(39)]
        with pytest.raises(ServerError) as caught:
            await anext(walk)
        assert caught.value.checkpoint == walk.checkpoint
        got += [record async for record in walk]
    assert got == held(sandbox)


async def test_a_page_ahead_waits_its_turn(sandbox: Sandbox) -> None:
    """The limiter holds it like any other call; leaving ends its wait, and its turn is nobody's loss."""

    class Holding:
        """Gives one turn, then none until it is opened."""

        def __init__(self) -> None:
            self.given = 0
            self.open = asyncio.Event()
            self.waiting = 0

        async def turn(self, key: str, *, again: bool = False) -> None:
            assert (key, again) == ("", False)
            if self.given:
                self.waiting += 1
                try:
                    await self.open.wait()
                finally:
                    self.waiting -= 1
            self.given += 1

        async def throttled(self, key: str, wait: float) -> None:
            raise AssertionError(f"{key} {wait}")

    limiter = Holding()
    async with client_of(sandbox, rate_limit=None, limiter=limiter) as brex:
        walk = brex.records.list(page_size=30, prefetch=1).pages()
        await anext(walk)
        assert (limiter.given, limiter.waiting) == (1, 1)
        await walk.aclose()
        assert limiter.waiting == 0
        limiter.open.set()
        assert len(await brex.records.list(prefetch=1).collect()) == 60
    assert sandbox.statistics.requests == 2


async def test_a_429_on_the_page_ahead_is_the_companys(sandbox: Sandbox) -> None:
    """It pauses the key while page one is still in use, and the page comes all the same."""
    events: list[object] = []
    async with client_of(sandbox, observers=[events.append]) as brex:
        walk = brex.records.list(page_size=20, prefetch=1).pages()
        got = [*(await anext(walk)).items]
        await _quiet(brex)
        sandbox.faults.add(Fault(kind="429", next=1))
        got += (await anext(walk)).items
        await _quiet(brex)
        assert len([event for event in events if isinstance(event, PauseEvent)]) == 1
        got += (await anext(walk)).items
    assert got == held(sandbox)


async def _quiet(brex: BrexAccounting) -> None:
    """Until no page is under way."""
    async with asyncio.timeout(60):
        while any(not task.done() for task in brex._view.core._tasks):
            await asyncio.sleep(0.001)
