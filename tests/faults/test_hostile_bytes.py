"""Bytes that nobody asked for, and bodies that unfold: neither reaches a caller, nor memory."""

from __future__ import annotations

import asyncio
import tracemalloc

import attrs
import pytest

from brex_accounting import BrexAccounting, BrexError, ExportSuccess, to_json
from brex_accounting.sandbox import Sandbox

from ..client.support import QUICK, client_of, held, ready_ids
from .kinds import BOMB, LIMIT, MISSING, bomb
from .proxy import Act, Answer, Exchange, Proxy

pytestmark = pytest.mark.usefixtures("idle_time")


def forging(forged: bytes, wait: float) -> Act:
    """The honest answer, and a second one behind it."""

    async def act(exchange: Exchange) -> bool:
        await exchange.read()
        answer = await exchange.forward()
        second = answer.with_body(forged).encode()
        if wait == 0:
            await exchange.send(answer.encode() + second)
        else:
            await exchange.send(answer.encode())
            await asyncio.sleep(wait)
            await exchange.send(second)
        return True

    return act


@pytest.mark.parametrize("wait", [0, 0.02], ids=["at once", "while idle"])
async def test_an_answer_nobody_asked_for_answers_nothing(wait: float) -> None:
    """A second answer behind the first is not taken for that of the next call, which asks for another record."""
    async with Sandbox(records=12) as sandbox, Proxy(sandbox.url) as proxy:
        first, second, third = held(sandbox)[:3]
        proxy.arm(forging(to_json(attrs.evolve(third, memo="forged")), wait))
        async with client_of(sandbox, base_url=proxy.url) as brex:
            assert await brex.records.get(first.id) == first
            await asyncio.sleep(0.06)
            assert await brex.records.get(second.id) == second
        assert (proxy.connections, proxy.processed["get"]) == (2, 2)


@pytest.mark.parametrize("stray", [b"x", b"\r\n", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"])
async def test_stray_bytes_on_an_idle_connection_cost_a_report_nothing(stray: bytes) -> None:
    """What a gateway leaves behind, on a connection that it keeps, is not the answer to the next report."""

    async def act(exchange: Exchange) -> bool:
        await exchange.read()
        await exchange.send((await exchange.forward()).encode())
        await asyncio.sleep(0.02)
        await exchange.send(stray)
        return True

    async with Sandbox(records=12) as sandbox, Proxy(sandbox.url) as proxy:
        one = ready_ids(sandbox)[0]
        proxy.arm(act)
        async with client_of(sandbox, base_url=proxy.url) as brex:
            await brex.records.get(one)
            await asyncio.sleep(0.06)
            report = await brex.records.report_export_results([ExportSuccess(accounting_record_id=one)])
        assert report.updated == (one,)
        assert (proxy.arrived["report"], proxy.processed["report"]) == (1, 1)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_a_bomb_is_never_held(encoding: str) -> None:
    """The decoded bytes are counted while they stream: far less than the bomb is in memory at any time."""
    assert f"bomb-{encoding}" not in MISSING, "the [dev] extra installs its decoder"

    async def act(exchange: Exchange) -> bool:
        await exchange.read()
        await exchange.send(Answer.of("200 OK", bomb(encoding), Content_Encoding=encoding).encode())
        return True

    async with Sandbox(records=1) as sandbox, Proxy(sandbox.url) as proxy:
        proxy.arm(act)
        bomb(encoding)
        async with BrexAccounting("t", base_url=proxy.url, retry=QUICK, max_response_bytes=LIMIT) as brex:
            tracemalloc.start()
            try:
                with pytest.raises(BrexError, match="bytes"):
                    await brex.records.get("accr_1")
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert peak < BOMB / 2
