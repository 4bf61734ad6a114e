"""A call cancelled after every number of turns of the loop: nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from types import CoroutineType

import pytest

from brex_accounting import AccountingRecord, BrexAccounting, ExportSuccess, RateLimit
from brex_accounting.sandbox import Sandbox
from brex_accounting.session.clock import SystemClock
from brex_accounting.session.limiter import SlidingLog
from brex_accounting.session.transport import AiohttpTransport

from ..client.support import client_of, ready_ids
from .kinds import KINDS
from .proxy import Proxy

Start = Callable[[BrexAccounting, Sandbox], Awaitable[object]]

MOST = 4000
"""Turns of the loop after which a call has certainly ended."""


def oldest(sandbox: Sandbox) -> AccountingRecord:
    """The first record of the list; the others need not be built."""
    return next(sandbox.brex.records())


async def get(brex: BrexAccounting, sandbox: Sandbox) -> object:
    return await brex.records.get(oldest(sandbox).id)


async def walk(brex: BrexAccounting, _: Sandbox) -> object:
    return await brex.records.list(page_size=4).collect()


async def create(brex: BrexAccounting, _: Sandbox) -> object:
    return await brex.integrations.create(vendor="ACME", vendor_account_id="1")


async def report(brex: BrexAccounting, sandbox: Sandbox) -> object:
    result = ExportSuccess(accounting_record_id=ready_ids(sandbox)[0])
    return await brex.records.report_export_results([result])


async def confirmed(brex: BrexAccounting, sandbox: Sandbox) -> object:
    results = [ExportSuccess(accounting_record_id=one) for one in ready_ids(sandbox)[:3]]
    return await brex.records.report_confirmed(results, chunk=2)


def held_open(brex: BrexAccounting) -> int:
    transport = brex._view.core.manager.transport
    assert isinstance(transport, AiohttpTransport)
    connector = transport._session.connector
    assert connector is not None
    return len(connector._acquired) + sum(map(len, connector._waiters.values()))


def waiting(limiter: SlidingLog) -> int:
    return sum(len(log.again) + len(log.fresh) + (log.first is not None) for log in limiter._logs.values())


async def step(turns: int, task: asyncio.Task[object]) -> bool:
    """Whether the task was still under way after so many turns."""
    for _ in range(turns):
        if task.done():
            return False
        await asyncio.sleep(0)
    return not task.done()


def places(task: asyncio.Task[object]) -> Iterator[str]:
    """The functions that wait for one another, down to what the task waits for."""
    coroutine: object = task.get_coro()
    while isinstance(coroutine, CoroutineType):
        yield coroutine.cr_code.co_name
        coroutine = coroutine.cr_await


async def cancelled_after(turns: int, start: Start, fault: str) -> set[str]:
    """One call on a client of its own, cancelled: where it was then; nothing if it had ended."""
    before = asyncio.all_tasks()
    async with Sandbox(records=12) as sandbox, Proxy(sandbox.url) as proxy:
        limiter = SlidingLog(RateLimit(limit=3, per=0.003), SystemClock())
        async with client_of(sandbox, base_url=proxy.url, limiter=limiter, max_response_bytes=2**20) as brex:
            proxy.arm(KINDS[fault].act, KINDS[fault].times)
            theirs = asyncio.all_tasks()
            task = asyncio.ensure_future(start(brex, sandbox))
            under_way = await step(turns, task)
            waits = {place for place in places(task) if under_way}
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert held_open(brex) == 0
            assert waiting(limiter) == 0
            assert not [one for one in asyncio.all_tasks() - theirs if is_ours(one)]
            # The next call gets its turn, its connection and its answer.
            proxy.arm(KINDS["none"].act)
            assert await asyncio.wait_for(get(brex, sandbox), 60) == oldest(sandbox)
            assert task.cancelled() or not under_way
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    return waits


def is_ours(task: asyncio.Task[object]) -> bool:
    """Whether a task runs code of the package's or of the HTTP client's, not of a server."""
    code = getattr(task.get_coro(), "cr_code", None)
    name = code.co_filename if code is not None else ""
    return "aiohttp/client" in name or "aiohttp/connector" in name or "brex_accounting/session" in name


STARTS: tuple[Start, ...] = (get, walk, create, report, confirmed)
FAULTS = ("none", "500-before", "429-zero", "cut-half", "reset-after", "bomb-gzip")
SLOW = pytest.mark.slow
CASES = [
    # Each call where all goes well, one call in every fault, and a second one where it waits for its turn.
    pytest.param(start, fault, marks=() if start is get or (start, fault) == (report, "429-zero") else SLOW)
    if fault != "none"
    else (start, fault)
    for start in STARTS
    for fault in FAULTS
]


@pytest.mark.parametrize(("start", "fault"), CASES, ids=lambda value: getattr(value, "__name__", value))
async def test_cancelled_at_every_turn(start: Start, fault: str) -> None:
    """No acquired connection, no waiter, no task, no warning; the limiter's turn is given back."""
    turns, ended, seen = 0, 0, set[str]()
    # How many turns an answer takes varies a little: only several ended calls in a row are the end.
    while ended < 5:
        waits = await cancelled_after(turns, start, fault)
        seen |= waits
        ended = 0 if waits else ended + 1
        # Every turn at first; later ones are mostly of the same wait.
        turns += 1 + turns // 60
        assert turns < MOST
    gc.collect()
    assert seen >= ({"_exchange", "_line_up"} if fault == "429-zero" else {"_exchange"})
