"""Loopback servers that speak whatever bytes a test wants, and count what reaches them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext

import attrs

__all__ = ["RawServer", "answering", "http_bytes", "serving"]

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@attrs.define
class RawServer:
    """Where it listens, and the requests (head and body) that came."""

    url: str = ""
    requests: list[bytes] = attrs.field(factory=list)
    connections: int = 0


@asynccontextmanager
async def serving(talk: Talk, *, ssl: SSLContext | None = None) -> AsyncIterator[RawServer]:
    """Run ``talk`` on each connection."""
    raw = RawServer()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await talk(reader, writer)
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=ssl)
    host, port = server.sockets[0].getsockname()
    raw.url = f"http{'s' if ssl else ''}://{host}:{port}"
    try:
        yield raw
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def answering(*answers: bytes, close: bool = True, ssl: SSLContext | None = None) -> AsyncIterator[RawServer]:
    """Read each request whole and answer with the next bytes; the last ones stay."""
    left = list(answers)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            raw.requests.append(await read_request(reader))
            writer.write(left.pop(0) if len(left) > 1 else left[0])
            await writer.drain()
            if close:
                return

    async with serving(talk, ssl=ssl) as raw:
        yield raw


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """A request's head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.partition(b":")[2]))
    return head


def http_bytes(body: bytes = b"{}", *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """An HTTP answer, with a Content-Length of choice."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", "Content-Type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
