"""The transport on loopback servers that misbehave: everything becomes a Reply, a Silence or Oversized."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import attrs
import pytest

from brex_accounting.errors import ConfigurationError
from brex_accounting.session.call import Answer, Oversized, Reply, Request, Sent, Silence
from brex_accounting.session.transport import AiohttpTransport

from .raw import answering, http_bytes, read_request, serving

GET = Request(method="GET", path="/things", query=(), headers=(("Authorization", "Bearer canary"),), body=None)
POST = attrs.evolve(GET, method="POST", body=b'{"a":1}')
LIMIT = 100_000
MIB = 2**20


async def send(url: str, request: Request = POST, timeout: float = 60, limit: int = LIMIT) -> Answer:
    async with AiohttpTransport(url, max_response_bytes=limit) as transport:
        return await transport.send(request, timeout)


def lingerless(writer: asyncio.StreamWriter) -> None:
    """Make the close a reset."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def test_a_refused_port_sent_nothing() -> None:
    """Nobody listens: the request certainly never left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        answer = await send(f"http://127.0.0.1:{port}")  # bound all the while, or another process may listen there
    assert answer == Silence(sent=Sent.NO, cause="ClientConnectorError")


async def test_an_unknown_host_sent_nothing() -> None:
    """A name that does not resolve is told apart too."""
    answer = await send("http://nowhere.invalid")
    assert answer == Silence(sent=Sent.NO, cause="ClientConnectorDNSError")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_lost_connection_is_unsure(when: str, how: str, method: str) -> None:
    """Closed or reset, before or after the request was read: nobody knows whether it was processed."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if when == "after":
            await read_request(reader)
        if how == "reset":
            lingerless(writer)

    async with serving(talk) as server:
        answer = await send(server.url, attrs.evolve(POST, method=method))
    assert isinstance(answer, Silence)
    assert (answer.sent, answer.timed_out) == (Sent.UNSURE, False)


@pytest.mark.parametrize(
    "raw",
    [
        http_bytes(b"half", length=8),
        http_bytes(b"", length=1),
        http_bytes(b"too much", length=3),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x00\xa5" * 20,
        b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nbroken header\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        http_bytes(b"no gzip at all", "Content-Encoding: gzip"),
        http_bytes(b"\x00" * 40, "Content-Encoding: deflate"),
    ],
    ids=lambda raw: raw[:60].decode("latin-1").replace("\r\n", "|"),
)
async def test_broken_answers_are_unsure(raw: bytes) -> None:
    """Truncated, mislabelled and garbled answers are no answer, and no exception either."""
    async with answering(raw) as server:
        answer = await send(server.url)
    assert isinstance(answer, Silence)
    assert (answer.sent, answer.timed_out) == (Sent.UNSURE, False)
    assert answer.cause.isidentifier()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        (http_bytes(b"[1]"), 200, b"[1]"),
        (http_bytes(b"", status="204 No Content"), 204, b""),
        (http_bytes(b"", status="520 Odd"), 520, b""),
        (http_bytes(b"x", status="999 Odder"), 999, b"x"),
        (http_bytes(b"x", status="200 "), 200, b"x"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n", 200, b"[1]"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + http_bytes(b"[1]"), 200, b"[1]"),
        (http_bytes(gzip.compress(b"[1]"), "Content-Encoding: gzip"), 200, b"[1]"),
        (http_bytes(zlib.compress(b"[1]"), "Content-Encoding: deflate"), 200, b"[1]"),
    ],
    ids=lambda raw: raw[:50].decode("latin-1").replace("\r\n", "|") if isinstance(raw, bytes) else "",
)
async def test_odd_but_whole_answers_are_replies(raw: bytes, status: int, body: bytes) -> None:
    """Any status is a number, and the body is the whole decoded body."""
    async with answering(raw) as server:
        answer = await send(server.url)
    assert isinstance(answer, Reply)
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.usefixtures("idle_time")
async def test_silence_for_too_long_is_a_timeout() -> None:
    """An accepted connection without an answer ends after the attempt's time, unsure."""

    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(talk) as server:
        answer = await send(server.url, timeout=0.2)
    assert answer == Silence(sent=Sent.UNSURE, cause="nothing within 0.2 s", timed_out=True)


@pytest.mark.usefixtures("idle_time")
async def test_a_dripping_body_is_a_timeout() -> None:
    """A byte now and then keeps the socket busy and does not prolong the attempt."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(http_bytes(b"", length=1000))
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.03)

    async with serving(talk) as server:
        answer = await send(server.url, timeout=0.25)
    assert isinstance(answer, Silence)
    assert (answer.sent, answer.timed_out) == (Sent.UNSURE, True)


@pytest.mark.usefixtures("idle_time")
async def test_waiting_for_a_free_connection_sent_nothing() -> None:
    """A pool that stays full is told apart from a slow server."""

    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(talk) as server, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        transport = AiohttpTransport(server.url, session=session, max_response_bytes=LIMIT)
        first = asyncio.create_task(transport.send(GET, 60))
        await asyncio.sleep(0.05)
        second = await transport.send(POST, 1.0)
        assert isinstance(second, Silence)
        assert (second.sent, second.timed_out) == (Sent.NO, True)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_the_limit_is_on_decoded_bytes() -> None:
    """A small gzip that unfolds to 64 MiB is dropped early, without ever being held."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(bomb.compress(b"0" * MIB) for _ in range(64)) + bomb.flush()
    assert len(packed) < LIMIT
    async with answering(http_bytes(packed, "Content-Encoding: gzip", "X-Trace: tr-1")) as server:
        tracemalloc.start()
        try:
            answer = await send(server.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert isinstance(answer, Oversized)
    assert (answer.status, answer.limit, answer.headers["x-trace"]) == (200, LIMIT, "tr-1")
    assert peak < 8 * MIB


@pytest.mark.parametrize(("size", "kind"), [(99, Reply), (100, Reply), (101, Oversized)])
async def test_the_limit_to_the_byte(size: int, kind: type) -> None:
    """Exactly the limit is fine, one byte more is not."""
    async with answering(http_bytes(b"x" * size)) as server:
        assert type(await send(server.url, limit=100)) is kind


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 Same", "308 Same"])
async def test_redirects_are_not_followed(status: str) -> None:
    """A 3xx comes back as it is: neither token nor body travels to where it points."""
    async with (
        answering(http_bytes()) as other,
        answering(http_bytes(b"", f"Location: {other.url}/", status=status)) as server,
    ):
        answer = await send(server.url)
    assert isinstance(answer, Reply)
    assert (answer.status, other.connections) == (int(status[:3]), 0)


async def test_cookies_are_not_kept() -> None:
    """Companies share the connections, so what one was given is never sent for another."""
    async with (
        answering(http_bytes(b"{}", "Set-Cookie: a=b; Path=/"), close=False) as server,
        # By name: a cookie jar keeps nothing of bare addresses anyway.
        AiohttpTransport(server.url.replace("127.0.0.1", "localhost"), max_response_bytes=LIMIT) as transport,
    ):
        for _ in range(3):
            await transport.send(GET, 60)
    assert (len(server.requests), server.connections) == (3, 1)
    assert not any(b"cookie" in request.lower() for request in server.requests)


async def test_a_post_on_a_stale_connection_is_sent_once() -> None:
    """A keep-alive connection that died meanwhile is no reason to send a change again by itself."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(http_bytes())
        await writer.drain()
        server.requests.append(await read_request(reader))  # the second one is read, and not answered

    async with serving(talk) as server, AiohttpTransport(server.url, max_response_bytes=LIMIT) as transport:
        assert isinstance(await transport.send(GET, 60), Reply)
        answer = await transport.send(POST, 60)
    assert isinstance(answer, Silence)
    assert (answer.sent, len(server.requests)) == (Sent.UNSURE, 1)


async def test_a_large_body_is_sent_whole() -> None:
    """Three mebibytes go out byte for byte, without a warning of aiohttp's."""
    body = bytes(range(256)) * (3 * MIB // 256)
    async with answering(http_bytes()) as server:
        assert isinstance(await send(server.url, attrs.evolve(POST, body=body)), Reply)
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert sent == body
    assert b"Content-Length: 3145728" in head


def _all_errors(root: type[BaseException]) -> Iterator[type[BaseException]]:
    kind: type[BaseException]
    for kind in root.__subclasses__():
        yield kind
        yield from _all_errors(kind)


ERRORS: list[type[BaseException]] = [aiohttp.ClientError, *dict.fromkeys(_all_errors(aiohttp.ClientError))]
OTHERS: list[type[BaseException]] = [
    OSError,
    ConnectionResetError,
    RuntimeError,
    ValueError,
    TimeoutError,
    asyncio.TimeoutError,
]


class BrokenSession:
    """Raises on the request, or while the body is read."""

    auth = None
    auto_decompress = True
    closed = False
    headers: dict[str, str] = {}  # noqa: RUF012 - as on a session
    _base_url = None

    def __init__(self, kind: type[BaseException], *, reading: bool) -> None:
        # Not every one can be made with arguments of ours.
        self._error = kind.__new__(kind)
        self._reading = reading
        self._reads = 0
        self.status = 200
        self.content = self

    @asynccontextmanager
    async def request(self, *_: object, **__: object) -> AsyncIterator[BrokenSession]:
        """Enter to see it break."""
        if not self._reading:
            raise self._error
        yield self

    async def readany(self) -> bytes:
        """Some bytes, then the error."""
        self._reads += 1
        if self._reads == 1:
            return b"some"
        raise self._error


@pytest.mark.parametrize("reading", [False, True], ids=["asking", "reading"])
@pytest.mark.parametrize("kind", [*ERRORS, *OTHERS], ids=lambda kind: kind.__name__)
async def test_every_client_error_becomes_silence(kind: type[BaseException], reading: bool) -> None:
    """Whatever aiohttp raises, nothing escapes, and only errors of connecting mean "not sent"."""
    session = BrokenSession(kind, reading=reading)
    transport = AiohttpTransport("http://127.0.0.1:1", session=cast(Any, session), max_response_bytes=LIMIT)
    answer = await transport.send(POST, 60)
    assert isinstance(answer, Silence)
    never = issubclass(kind, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
    assert answer.sent is (Sent.NO if never else Sent.UNSURE)
    assert answer.timed_out is issubclass(kind, TimeoutError)


async def test_cancellation_is_not_an_answer() -> None:
    """Only cancellation leaves the transport as an exception."""
    session = BrokenSession(asyncio.CancelledError, reading=True)
    transport = AiohttpTransport("http://127.0.0.1:1", session=cast(Any, session), max_response_bytes=LIMIT)
    with pytest.raises(asyncio.CancelledError):
        await transport.send(POST, 5)


async def test_a_session_that_closes_meanwhile_is_silence() -> None:
    """A borrowed session closed by its owner: not sent, with a readable cause."""
    async with answering(http_bytes()) as server:
        session = aiohttp.ClientSession()
        transport = AiohttpTransport(server.url, session=session, max_response_bytes=LIMIT)
        assert isinstance(await transport.send(GET, 60), Reply)
        await session.close()
        assert await transport.send(POST, 5) == Silence(sent=Sent.NO, cause="the session is closed")


@pytest.mark.filterwarnings(
    "ignore:(BasicAuth|The .auth. parameter):DeprecationWarning"
)  # deprecated, and still what a session may carry
async def test_a_session_with_an_auth_is_refused() -> None:
    """aiohttp would refuse every request that has both an auth and our Authorization."""
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth("a", "b")) as session:
        with pytest.raises(ConfigurationError, match="auth"):
            AiohttpTransport("http://127.0.0.1:1", session=session, max_response_bytes=LIMIT)


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "http://127.0.0.1:1"},
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": {"authorization": "Bearer x"}},
        {"headers": {"Cookie": "a=b"}},
        {"auto_decompress": False},
    ],
)
async def test_a_session_that_would_leak_or_garble_is_refused(options: dict[str, Any]) -> None:
    """Base URL, credentials, cookies or raw bodies of the session's own are refused before anything is sent."""
    async with aiohttp.ClientSession(**options) as session:
        with pytest.raises(ConfigurationError) as caught:
            AiohttpTransport("http://127.0.0.1:1", session=session, max_response_bytes=LIMIT)
        assert not session.closed
    assert "Bearer x" not in str(caught.value)


async def test_a_closed_session_is_refused() -> None:
    """Borrowing what is closed already is a mistake of the caller's."""
    async with aiohttp.ClientSession() as session:
        pass
    with pytest.raises(ConfigurationError, match="closed"):
        AiohttpTransport("http://127.0.0.1:1", session=session, max_response_bytes=LIMIT)
