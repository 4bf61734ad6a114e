"""Traps of asyncio and aiohttp, each with a client in the place where it would be caught."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
import traceback
import tracemalloc
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from brex_accounting import (
    APIStatusError,
    BrexAccounting,
    BrexError,
    ExportSuccess,
    ResponseTooLarge,
    RetryPolicy,
)
from brex_accounting.sandbox import Fault, Sandbox
from brex_accounting.session.events import AttemptEvent

from ..client.support import QUICK, UNLIMITED, client_of, held, page_json, wire_record
from .raw import answering, http_bytes, read_request, serving

MIB = 2**20


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Thirty records."""
    async with Sandbox(records=30) as running:
        yield running


async def test_open_iterations_hold_no_connection(sandbox: Sandbox) -> None:
    """With one connection in the pool, five iterations stand open in mid-page, and calls go on all the same."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session,
        client_of(sandbox, session=session) as brex,
    ):
        standing = [aiter(brex.records.list(page_size=3)) for _ in range(5)]
        for one in standing:
            await anext(one)
        async with brex.records.list(page_size=3).pages() as pages:
            await anext(pages)
            assert len(await brex.records.list().collect()) == 30
        assert session.connector is not None
        assert not session.connector._acquired


@pytest.mark.usefixtures("idle_time")
async def test_waits_between_attempts_are_not_the_attempts() -> None:
    """An attempt's timeout does not run while the call waits to try again: 0.4 s of waiting, 0.2 s for an attempt."""
    throttled = http_bytes(b"", "Retry-After: 0.4", status="503 Busy")
    async with (
        answering(throttled, http_bytes(page_json(wire_record()))) as server,
        BrexAccounting("bxt_x", base_url=server.url, retry=QUICK, timeout=0.2) as brex,
    ):
        assert len(await brex.records.list().collect()) == 1
    assert len(server.requests) == 2


@pytest.mark.parametrize("stage", ["no answer", "half a head", "half a body"])
async def test_cancelled_calls_give_their_connection_back(stage: str) -> None:
    """Cancelled at any stage of an answer: nothing is acquired, no task is left, and the call is not tried again."""
    head, _, body = http_bytes(page_json(wire_record())).partition(b"\r\n\r\n")
    part = {"no answer": b"", "half a head": head[:30], "half a body": head + b"\r\n\r\n" + body[:50]}[stage]
    came = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(part)
        await writer.drain()
        came.set()
        await asyncio.sleep(9)

    async with serving(talk) as server, aiohttp.ClientSession() as session:
        async with BrexAccounting("bxt_x", base_url=server.url, session=session, retry=QUICK) as brex:
            call = asyncio.create_task(brex.records.list().collect())
            await came.wait()
            await asyncio.sleep(0.02)
            before = asyncio.all_tasks() - {call}
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert asyncio.all_tasks() - before == set()
            assert session.connector is not None
            assert not session.connector._acquired
        assert server.connections == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 Same", "308 Same"])
@pytest.mark.parametrize("verb", ["read", "report"])
async def test_a_redirect_is_an_error(status: str, verb: str) -> None:
    """Neither token nor body goes to where it points, not on this host either; it is one attempt and an error."""
    async with (
        answering(http_bytes()) as other,
        answering(http_bytes(b"", f"Location: {other.url}/", status=status)) as server,
        BrexAccounting("bxt_x", base_url=server.url, retry=QUICK) as brex,
    ):
        results = [ExportSuccess(accounting_record_id="accr_1")]
        call = brex.records.get("accr_1") if verb == "read" else brex.records.report_export_results(results)
        with pytest.raises(APIStatusError) as caught:
            await call
        assert (caught.value.status, len(caught.value.attempts)) == (int(status[:3]), 1)
        assert (len(server.requests), other.connections) == (1, 0)


def deflated(window: int) -> bytes:
    """64 MiB of zeros: gzip, zlib's deflate or the bare one, by the sign and size of the window."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(64)) + packer.flush()


def brotlied() -> bytes:
    brotli = pytest.importorskip("brotli", reason="aiohttp has no decoder for br here")
    return bytes(brotli.compress(bytes(64 * MIB), quality=5))


def zstandard() -> bytes:
    module = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    zstd = pytest.importorskip(module, reason="aiohttp has no decoder for zstd here")
    return bytes(zstd.compress(bytes(64 * MIB)))


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip": ("gzip", lambda: deflated(31)),
    "gzip in many members": ("gzip", lambda: deflated(31) * 3),
    "deflate": ("deflate", lambda: deflated(15)),
    "bare deflate": ("deflate", lambda: deflated(-15)),
    "br": ("br", brotlied),
    "zstd": ("zstd", zstandard),
}


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "500 Oops"])
@pytest.mark.parametrize("bomb", BOMBS)
async def test_bombs_are_dropped_while_they_unfold(bomb: str, status: str) -> None:
    """64 MiB in a few kilobytes never stand in memory: ResponseTooLarge, in errors too, with a peak below 8 MiB."""
    encoding, pack = BOMBS[bomb]
    packed = pack()
    assert len(packed) < MIB
    answer = http_bytes(packed, f"Content-Encoding: {encoding}", status=status)
    async with (
        answering(answer) as server,
        BrexAccounting("bxt_x", base_url=server.url, retry=QUICK, max_response_bytes=MIB) as brex,
    ):
        tracemalloc.start()
        try:
            with pytest.raises(ResponseTooLarge) as caught:
                await brex.records.list()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 8 * MIB
    assert {attempt.status for attempt in caught.value.attempts} == {int(status[:3])}


async def test_an_endless_answer_is_dropped() -> None:
    """A chunked body without an end and without a length is cut at the limit, not at the timeout."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + bytes(65_536) + b"\r\n")
            await writer.drain()

    async with (
        serving(talk) as server,
        BrexAccounting("bxt_x", base_url=server.url, retry=QUICK, max_response_bytes=MIB) as brex,
    ):
        with pytest.raises(ResponseTooLarge):
            await asyncio.wait_for(brex.records.list().collect(), 60)


async def test_iterations_own_no_task(sandbox: Sandbox) -> None:
    """Leaving any loop early leaves no task, in the same turn of the event loop and with a traceback held."""
    async with client_of(sandbox) as brex:
        await brex.records.list(page_size=2)
        before = asyncio.all_tasks()
        async for _ in brex.records.list(page_size=2):
            break
        assert asyncio.all_tasks() == before
        many = brex.records.get_many([one.id for one in held(sandbox)], chunk=2)
        with pytest.raises(ZeroDivisionError) as held_on_to:
            await _fail_within(many)
        assert asyncio.all_tasks() == before
        assert held_on_to.tb is not None


async def _fail_within(records: AsyncIterable[object]) -> None:
    async for _ in records:
        raise ZeroDivisionError


LEAKY = {
    "a head that is none": b"NOT HTTP AT ALL\r\n\r\n",
    "a status that is none": b"HTTP/1.1 abc OK\r\n\r\n",
    "a header that is none": b"HTTP/1.1 200 OK\r\nno colon canary\r\n\r\n",
    "a header without end": b"HTTP/1.1 200 OK\r\nX: " + b"canary" * 20_000,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a chunk that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n",
    "an encoding that is a lie": http_bytes(b"canary", "Content-Encoding: gzip"),
    "a redirect": http_bytes(b"canary", "Location: https://canary.invalid/", status="307 No"),
    "html": http_bytes(b"<h1>canary</h1>", status="502 No"),
    "nothing": b"",
}


@pytest.mark.parametrize("kind", LEAKY)
async def test_aiohttps_errors_show_no_token(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """aiohttp's errors print the request with its token: none is in texts, chains, local variables, logs, events."""
    events: list[object] = []
    with caplog.at_level(logging.DEBUG):
        async with answering(LEAKY[kind]) as server:
            retry = RetryPolicy(attempts=2, base=0.001)
            async with BrexAccounting(
                "bxt_secret", base_url=server.url, retry=retry, rate_limit=UNLIMITED, observers=[events.append]
            ) as brex:
                with pytest.raises(BrexError) as caught:
                    await brex.records.get("accr_1")
    error = caught.value
    assert _with_context(error) == [error]
    shown = [str(error), repr(error), repr(error.attempts), repr(events), caplog.text]
    for capture in (False, True):
        whole = traceback.TracebackException.from_exception(error, capture_locals=capture)
        ours = [frame for frame in whole.stack if "brex_accounting/" in frame.filename]
        assert ours
        shown += [f"{frame.name} {frame.locals}" for frame in ours]
        shown += list(whole.format_exception_only())
    assert any(isinstance(event, AttemptEvent) for event in events)
    assert "bxt_secret" not in "".join(shown)
    assert "canary" not in "".join(shown)


def _with_context(error: BaseException) -> list[BaseException]:
    """An error and those that would be printed above it."""
    found = [error]
    while (above := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        found.append(above)
        error = above
    return found


SCRIPT = """
import asyncio
from brex_accounting import BrexAccounting, BrexError, RetryPolicy
from brex_accounting.sandbox import Fault, Sandbox

async def main():
    async with Sandbox(records=60) as sandbox:
        for kind in ("drop", "cut", "500", "html", "drop-after"):
            sandbox.faults.add(Fault(kind=kind, every=7))
        retry = RetryPolicy(base=0.001)
        async with BrexAccounting(sandbox.token, base_url=sandbox.url, retry=retry, max_response_bytes=80_000) as brex:
            async def walk(size, stop):
                try:
                    async for record in brex.records.list(page_size=size):
                        if record.id.endswith(stop):
                            break
                except BrexError:
                    pass
            await asyncio.gather(*(walk(1 + n % 60, str(n % 10)) for n in range(40)))
            cut = [asyncio.create_task(walk(2, "never")) for _ in range(20)]
            await asyncio.sleep(0.05)
            for one in cut:
                one.cancel()
            await asyncio.gather(*cut, return_exceptions=True)
    print("done")

asyncio.run(main())
"""


def test_a_whole_program_ends_without_a_warning() -> None:
    """With every warning an error and asyncio's debug on, faults, breaks and cancellations leave stderr empty."""
    order = [sys.executable, "-X", "dev", "-W", "error", "-W", "ignore::DeprecationWarning", "-c", SCRIPT]
    done = subprocess.run(order, capture_output=True, text=True, check=False, timeout=60)
    slow = [line for line in done.stderr.splitlines() if line and "Executing <" not in line]
    assert (done.returncode, done.stdout, slow) == (0, "done\n", [])


async def test_garbage_holds_no_connection(sandbox: Sandbox) -> None:
    """An iteration that is dropped in mid-page, with a cycle to itself, is collected without a warning."""
    async with client_of(sandbox) as brex:
        walk: Any = aiter(brex.records.list(page_size=2))
        await anext(walk)
        cycle = [walk]
        cycle.append(cycle)
        del walk, cycle
        gc.collect()
        await asyncio.sleep(0)
        sandbox.faults.add(Fault(kind="500", next=1))
        assert len(await brex.records.list().collect()) == 30
