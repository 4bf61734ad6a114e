"""A client of the fake ERP for tests, and entries to book."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
import pytest

from brex_accounting.testing.erp import ErpProcess, FakeErp

ENTRIES = "/v1/journal-entries"


def line(side: str, amount: str, account: str = "6100", currency: str = "USD", **more: str) -> dict[str, str]:
    return {"account": account, "side": side, "amount": amount, "currency": currency, **more}


def entry(
    key: str | None = "accr_1.1", amount: str = "12.30", day: str = "2026-06-02", **more: object
) -> dict[str, Any]:
    lines = [line("DEBIT", amount), line("CREDIT", amount, "2100")]
    return {"date": day, "lines": lines, "key": key, **more}


@attrs.frozen
class Answer:
    status: int
    content: Any
    headers: Any


@attrs.define
class Client:
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(method, path, **options) as response:
            content = await response.json() if response.content_type == "application/json" else await response.text()
            return Answer(response.status, content, response.headers)

    async def log_in(self, token: str) -> Answer:
        answer = await self.ask("POST", "/v1/login", json={"token": token})
        if answer.status == 200:
            self.session.headers["Authorization"] = f"Bearer {answer.content['session']}"
        return answer

    async def create(self, content: dict[str, Any], **options: Any) -> Answer:
        return await self.ask("POST", ENTRIES, json=content, **options)


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it is."""
    async with asyncio.timeout(30):
        while not await is_so():
            await asyncio.sleep(0.01)


def pass_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """To whoever sleeps or waits on this loop, so many seconds have passed."""
    loop = asyncio.get_running_loop()
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + seconds)


@asynccontextmanager
async def client_of(erp: FakeErp | ErpProcess) -> AsyncIterator[Client]:
    """A client that is logged in."""
    async with aiohttp.ClientSession(erp.url) as session:
        client = Client(session)
        await client.log_in(erp.token)
        yield client
