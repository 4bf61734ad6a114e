"""A proxy on loopback in front of the sandbox that breaks what it is told to break, and counts.

One request at a time per connection. Each request goes to the sandbox on a connection of its own, so
that a fault towards the client never disturbs what the sandbox does.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import attrs

__all__ = ["Act", "Answer", "Exchange", "Proxy", "honest", "operation_of"]

_OPERATIONS = (
    ("create", re.compile(r"POST /v3/accounting/integration")),
    ("disconnect", re.compile(r"POST /v3/accounting/integration/[^/]+/disconnect")),
    ("reactivate", re.compile(r"POST /v3/accounting/integration/[^/]+/reactivate")),
    ("list", re.compile(r"GET /v3/accounting/records(\?.*)?")),
    ("report", re.compile(r"POST /v3/accounting/records/export-results")),
    ("get", re.compile(r"GET /v3/accounting/records/[^/]+")),
)


def operation_of(line: bytes) -> str:
    """The operation that a request line asks for."""
    asked = line.decode("latin-1").rpartition(" ")[0]
    return next((name for name, shape in _OPERATIONS if shape.fullmatch(asked)), "other")


@attrs.frozen
class Answer:
    """What goes back to the client. ``length`` is the Content-Length to claim, None for none."""

    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    length: str | None = None

    @classmethod
    def of(cls, status: str, body: bytes = b"", **headers: str) -> Answer:
        """An answer with an honest length; ``Retry_After=`` stands for Retry-After."""
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return cls(status, named, body, str(len(body)))

    def with_body(self, body: bytes, **headers: str) -> Answer:
        """The same answer with another body."""
        added = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return attrs.evolve(self, body=body, length=str(len(body)), headers=self.headers + added)

    def encode(self) -> bytes:
        """The bytes."""
        headers = self.headers if self.length is None else (*self.headers, ("Content-Length", self.length))
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in headers)]
        return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + self.body


@attrs.define
class Exchange:
    """One request under way. ``line`` has been read, nothing else."""

    proxy: Proxy
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    line: bytes
    head: bytes = b""
    body: bytes = b""

    async def read(self, part: float = 1.0) -> None:
        """The rest of the head, and this part of the body."""
        self.head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length:\s*(\d+)", self.head)
        if length is not None:
            self.body = await self.reader.readexactly(int(int(length[1]) * part))

    async def forward(self) -> Answer:
        """What the sandbox answers. From here on the request is processed."""
        head = re.sub(rb"(?im)^connection:.*\r\n", b"", self.head)
        reader, writer = await asyncio.open_connection(*self.proxy.upstream)
        try:
            writer.write(self.line + b"Connection: close\r\n" + head + self.body)
            raw = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
        self.proxy.processed[operation_of(self.line.strip())] += 1
        return self.proxy.remembered(_parsed(raw))

    async def send(self, data: bytes) -> None:
        """Bytes to the client, who may be gone."""
        with suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def gone(self) -> None:
        """Return when the client has hung up."""
        with suppress(ConnectionError):
            await self.reader.read()

    def reset(self) -> None:
        """End the connection with a reset."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Act = Callable[[Exchange], Awaitable[bool]]
"""Deals with one request; whether the connection goes on."""


async def honest(exchange: Exchange) -> bool:
    """Pass the request and its answer on."""
    await exchange.read()
    answer = await exchange.forward()
    await exchange.send(answer.encode())
    return True


@attrs.define
class Proxy:
    """``async with Proxy(sandbox.url) as proxy``; the client's base URL is ``proxy.url``.

    ``arrived`` counts requests whose first line came in, ``processed`` those the sandbox answered.
    """

    target: str
    url: str = ""
    arrived: Counter[str] = attrs.field(factory=Counter)
    processed: Counter[str] = attrs.field(factory=Counter)
    connections: int = 0
    first_cursor: bytes | None = None
    _act: Act = honest
    _left: float = 0
    _server: asyncio.Server | None = None
    _held: socket.socket | None = None
    _tasks: set[asyncio.Task[None]] = attrs.field(factory=set)

    @property
    def upstream(self) -> tuple[str, int]:
        """Host and port of the sandbox."""
        parts = urlsplit(self.target)
        return parts.hostname or "", parts.port or 0

    def arm(self, act: Act, times: float = 1) -> None:
        """Strike the next ``times`` requests, and count from zero."""
        self._act, self._left = act, times
        self.arrived.clear()
        self.processed.clear()

    async def refuse(self) -> None:
        """Listen no more: connecting is refused from now on. The port stays ours, or another server may get it."""
        if self._server is not None:
            self._server.close()
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", urlsplit(self.url).port or 0))
        await self._stop()

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def remembered(self, answer: Answer) -> Answer:
        """The answer; the first cursor that is ever given out is kept."""
        found = re.search(rb'"next_(?:cursor|pagination_token)":\s*"([^"]+)"', answer.body)
        if found is not None and self.first_cursor is None:
            self.first_cursor = found[1]
        return answer

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()
        if self._held is not None:
            self._held.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._serve(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line = await reader.readuntil(b"\r\n")
        self.arrived[operation_of(line.strip())] += 1
        struck = self._left > 0
        self._left -= struck
        act = self._act if struck else honest
        return await act(Exchange(self, reader, writer, line))


def _parsed(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    headers = [
        (name, value.strip()) for name, _, value in pairs if name.lower() not in ("connection", "content-length")
    ]
    return Answer(first.partition(" ")[2], tuple(headers), body, str(len(body)))
