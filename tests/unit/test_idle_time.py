"""Idle time: work takes none of it, and waiting takes nothing else."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from brex_accounting.session.clock import SystemClock

from ..idle_time import IdleTime
from ..session.raw import answering, http_bytes


async def test_work_takes_no_time(idle_time: IdleTime) -> None:
    """A machine that stands still for longer than a timeout makes nothing late, over a socket either."""
    before = idle_time.time()
    async with answering(http_bytes()) as server, asyncio.timeout(0.02):
        reader, writer = await asyncio.open_connection(*server.url.removeprefix("http://").split(":"))
        time.sleep(0.05)  # noqa: ASYNC251 - the machine stands still
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        time.sleep(0.05)  # noqa: ASYNC251
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()
    assert idle_time.time() == before


async def test_waiting_takes_no_work(idle_time: IdleTime) -> None:
    """A day is over as soon as nothing is left to happen in it, on all clocks alike."""
    clock = SystemClock()
    before, date = clock.monotonic(), idle_time.now()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(86_400):
            await asyncio.Event().wait()
    assert clock.monotonic() - before == pytest.approx(86_400)
    assert clock.now() == idle_time.now() == pytest.approx(date + timedelta(days=1), abs=timedelta(seconds=1))


async def test_everybody_wakes_when_it_is_due(idle_time: IdleTime) -> None:
    """In order, each at its own moment, however little lies between them and however long the one before works."""
    began = idle_time.time()
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await asyncio.sleep(seconds)
        time.sleep(0.005)  # noqa: ASYNC251
        woken.append(idle_time.time() - began)

    times = [0.003, 3.0, 0.001, 0.002, 60.0]
    await asyncio.gather(*map(sleeper, times))
    assert woken == pytest.approx(sorted(times))


def test_it_ends_with_its_test() -> None:
    """Other loops and clocks are left alone."""
    assert abs(SystemClock().monotonic() - time.monotonic()) < 60
