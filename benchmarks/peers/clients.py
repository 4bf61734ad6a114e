"""Clients that walk a list page by page, each as its users write it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from brex_accounting import BrexAccounting, RateLimit

from . import AHEAD, AIOHTTP, DLT, HTTPX, LIMIT, OURS, STAINLESS
from .models import pydantic_page, stainless_record, struct_page

__all__ = ["OPENERS", "Open", "Page", "Seen", "Walk", "brex", "digits"]

PATH = "/v3/accounting/records"
TOKEN = "bxt_benchmark"  # noqa: S105 - opens nothing
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
UNLIMITED = RateLimit(limit=10**9)

Page: TypeAlias = Sequence[Any]
"""The records of a page, in whatever form."""

Seen: TypeAlias = Callable[[Page], object]
"""Called with the records of every page."""

Walk: TypeAlias = Callable[[Seen], Awaitable[int]]
"""Reads a list once, and returns how many records came. It may be called again."""

Open: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[Walk]]
"""Opens a client on the list at a base URL, with so many records a page."""


def brex(url: str, **options: Any) -> BrexAccounting:
    """Our client with everything that a user has: limiter, retries, an observer."""
    return BrexAccounting(TOKEN, base_url=url, rate_limit=UNLIMITED, observers=[_observe], **options)


def _observe(event: object) -> None:
    """What an observer costs at least."""


@asynccontextmanager
async def open_ours(url: str, size: int, prefetch: int = 0) -> AsyncIterator[Walk]:
    """Record after record, as README shows."""
    async with brex(url) as client:

        async def walk(seen: Seen) -> int:
            count = 0
            page: list[Any] = []
            async for record in client.records.list(page_size=size, prefetch=prefetch):
                count += 1
                page.append(record)
                if len(page) == size:
                    seen(page)
                    page = []
            seen(page)
            return count

        yield walk


class _RawClient(asyncio.Protocol):
    """One GET after the other on one connection, and nothing that a client is for."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[bytes] | None = None
        self._body = bytearray()
        self._missing = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._body += data
        if self._missing < 0:
            end = self._body.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._body[:end])
            assert head.startswith(b"HTTP/1.1 200 ")
            at = head.lower().index(b"content-length:") + 15
            self._missing = int(head[at:].split(b"\r\n", 1)[0])
            del self._body[: end + 4]
        if len(self._body) == self._missing:
            body, self._body, self._missing = self._body, bytearray(), -1
            assert self._waiter is not None
            self._waiter.set_result(bytes(body))

    async def get(self, target: str) -> bytes:
        """The body of an answer."""
        assert self._transport is not None
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        return await self._waiter


@asynccontextmanager
async def open_raw(url: str, size: int) -> AsyncIterator[Walk]:
    """Bytes from a socket straight into Structs."""
    parts = URL(url)
    decode, target = msgspec.json.Decoder(struct_page()).decode, f"{parts.path}{PATH}?limit={size}"
    transport, client = await asyncio.get_running_loop().create_connection(
        _RawClient, parts.host or "", parts.port or 80
    )

    async def walk(seen: Seen) -> int:
        count, cursor = 0, ""
        while True:
            page = decode(await client.get(target + cursor))
            for _ in page.items:
                count += 1
            seen(page.items)
            if not page.has_next_page:
                return count
            cursor = f"&cursor={quote(page.next_cursor)}"

    try:
        yield walk
    finally:
        transport.close()


@asynccontextmanager
async def open_aiohttp(url: str, size: int) -> AsyncIterator[Walk]:
    """aiohttp by its documentation: dicts, and floats for money."""
    async with aiohttp.ClientSession(headers=HEADERS) as session:

        async def walk(seen: Seen) -> int:
            params, count = {"limit": str(size)}, 0
            while True:
                async with session.get(url + PATH, params=params) as response:
                    response.raise_for_status()
                    page = await response.json()
                for _ in page["items"]:
                    count += 1
                seen(page["items"])
                if not page["has_next_page"]:
                    return count
                params["cursor"] = page["next_cursor"]

        yield walk


@asynccontextmanager
async def open_httpx(url: str, size: int) -> AsyncIterator[Walk]:
    """httpx, and pydantic from bytes."""
    model = pydantic_page()
    async with import_module("httpx").AsyncClient(headers=HEADERS) as client:

        async def walk(seen: Seen) -> int:
            params, count = {"limit": str(size)}, 0
            while True:
                response = await client.get(url + PATH, params=params)
                response.raise_for_status()
                page = model.model_validate_json(response.content)
                for _ in page.items:
                    count += 1
                seen(page.items)
                if not page.has_next_page:
                    return count
                params["cursor"] = page.next_cursor

        yield walk


def _generated_page(record: Any) -> Any:
    """What Stainless generates for a list with a cursor."""
    runtime = import_module("increase._base_client")

    def following(page: Any) -> Any:
        return runtime.PageInfo(params={"cursor": page.next_cursor}) if page.next_cursor else None

    body = {
        "__module__": __name__,
        "__annotations__": {"items": list[record], "next_cursor": str | None},
        "next_cursor": None,
        "_get_page_items": lambda page: page.items,
        "next_page_info": following,
    }
    return type("AsyncRecordsPage", (runtime.BaseAsyncPage, runtime.BasePage), body)


@asynccontextmanager
async def open_stainless(url: str, size: int) -> AsyncIterator[Walk]:
    """The async client of a package that Stainless generated, with Brex's shapes."""
    record = stainless_record()
    page = _generated_page(record)
    async with import_module("increase").AsyncIncrease(api_key=TOKEN, base_url=url) as client:

        async def walk(seen: Seen) -> int:
            count = 0
            first = await client.get_api_list(PATH, model=record, page=page, options={"params": {"limit": size}})
            async for each in first.iter_pages():
                for _ in each.items:
                    count += 1
                seen(each.items)
            return count

        yield walk


@asynccontextmanager
async def open_dlt(url: str, size: int) -> AsyncIterator[Walk]:
    """The resource of dlt's REST source, iterated. It is synchronous, and gives dicts."""
    paginator = {"type": "cursor", "cursor_path": "next_cursor", "cursor_param": "cursor"}
    endpoint = {"path": PATH[1:], "params": {"limit": size}, "data_selector": "items", "paginator": paginator}
    settings = {
        "client": {"base_url": f"{url}/", "auth": {"type": "bearer", "token": TOKEN}},
        "resources": [{"name": "records", "endpoint": endpoint}],
    }
    make = import_module("dlt.sources.rest_api").rest_api_source

    def walk(seen: Seen) -> int:
        page: list[Any] = []
        count = 0
        for record in make(settings).resources["records"]:
            count += 1
            page.append(record)
            if len(page) == size:
                seen(page)
                page = []
        seen(page)
        return count

    async def off_the_loop(seen: Seen) -> int:
        return await asyncio.to_thread(walk, seen)

    yield off_the_loop


def digits(page: Page) -> list[str]:
    """The amounts of all lines as a client gives them, as text."""
    found = []
    for record in page:
        lines = record["line_items"] if isinstance(record, dict) else record.line_items
        for line in lines:
            amount = line["amount"]["amount"] if isinstance(line, dict) else line.amount.amount
            found.append(str(amount) if isinstance(amount, Decimal) else repr(amount))
    return found


OPENERS: dict[str, Open] = {
    OURS: open_ours,
    AHEAD: partial(open_ours, prefetch=1),
    LIMIT: open_raw,
    AIOHTTP: open_aiohttp,
    HTTPX: open_httpx,
    STAINLESS: open_stainless,
    DLT: open_dlt,
}
"""By name, ours first."""
