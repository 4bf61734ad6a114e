"""The only file that uses aiohttp's client: one request out, one whole answer back."""

from __future__ import annotations

import asyncio
import io
import ssl as ssl_module
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp import hdrs
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from ..errors import ConfigurationError
from .call import Answer, Oversized, Reply, Request, Sent, Silence

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

__all__ = ["AiohttpTransport"]

# Raised before a byte of the request was written. ClientConnectorError covers DNS and TLS handshakes.
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class _Pool(aiohttp.TCPConnector):
    """Closes an idle connection on which something came that nobody had asked for.

    aiohttp would take it for the answer to the next request, of whichever company (its issue 13656).
    """

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        while (idle := await super()._get(key, traces)) is not None:
            if idle.protocol is not None and not idle.protocol.should_close:
                return idle
            idle.close()
        return None


_READ_AHEAD = 2**18
"""Bytes that may wait to be read: a page, so that its arrival is not stopped and started again on the way."""


class AiohttpTransport:
    """Sends requests through an own or a borrowed ``aiohttp.ClientSession``.

    A borrowed session is never closed. No redirect is followed, no cookie is kept, no middleware runs.
    """

    def __init__(
        self,
        base_url: str,
        *,
        session: aiohttp.ClientSession | None = None,
        ssl: ssl_module.SSLContext | bool | None = None,
        trust_env: bool = False,
        max_response_bytes: int,
    ) -> None:
        self._base = URL(base_url)
        self._prefix = self._base.raw_path.rstrip("/")
        # Without total=, a slow connection pool and a slow server can be told apart. No sock_read=: the time of
        # the whole attempt ends first, and aiohttp would set its timer anew for every piece that comes.
        self._timeout_of = lru_cache(8)(lambda t: aiohttp.ClientTimeout(total=None, connect=t / 2))
        self._owns = session is None
        self._ssl: ssl_module.SSLContext | bool = True if ssl is None else ssl
        self._limit = max_response_bytes
        if session is not None:
            _refuse_leaky(session)
        self._session = session or aiohttp.ClientSession(
            # The manager bounds what is under way: a wait for a pooled connection would look like a slow server.
            connector=_Pool(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=trust_env,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the session, unless it was borrowed."""
        if self._owns:
            await self._session.close()

    async def send(self, request: Request, timeout: float) -> Answer:
        """One attempt within ``timeout`` seconds, the body included. Raises nothing but cancellation."""
        if self._session.closed:
            return Silence(sent=Sent.NO, cause="the session is closed")
        try:
            async with asyncio.timeout(timeout):
                return await self._exchange(request, timeout)
        except asyncio.CancelledError as error:
            # Passed on, but without its way through aiohttp: error reporters print the local variables of
            # those frames, headers and bodies, also of a TimeoutError that a caller's own timeout makes of it.
            error.__context__ = None
            raise error.with_traceback(None) from None
        except _NEVER_SENT as error:
            timed_out = isinstance(error, aiohttp.ConnectionTimeoutError)
            return Silence(sent=Sent.NO, cause=_cause(error), timed_out=timed_out)
        except TimeoutError:
            return Silence(sent=Sent.UNSURE, cause=f"nothing within {timeout:g} s", timed_out=True)
        except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
            return Silence(sent=Sent.UNSURE, cause=_cause(error))
        except (RuntimeError, ValueError) as error:
            # What aiohttp raises for a session that closes meanwhile, and for arguments that do not go
            # together: with trust_env a .netrc entry for the host collides with our Authorization.
            return Silence(sent=Sent.UNSURE, cause=f"{_cause(error)} (session closed, or host in .netrc?)")

    async def _exchange(self, request: Request, timeout: float) -> Answer:
        url = self._base.with_path(self._prefix + request.path, encoded=True)
        async with self._session.request(
            request.method,
            url.with_query(request.query),
            data=_payload(request.body),
            headers=request.headers,
            ssl=self._ssl,
            timeout=self._timeout_of(timeout),
            allow_redirects=False,
            raise_for_status=False,
            middlewares=(),
            read_bufsize=_READ_AHEAD,
        ) as response:
            chunks: list[bytes] = []
            size = 0
            while chunk := await response.content.readany():
                chunks.append(chunk)
                size += len(chunk)
                if size > self._limit:
                    response.close()
                    return Oversized(status=response.status, limit=self._limit, headers=response.headers)
            return Reply(status=response.status, headers=response.headers, body=b"".join(chunks))


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    # aiohttp warns of bytes above its mark, because it writes them in one piece; a file goes in chunks.
    return io.BytesIO(body) if body is not None and len(body) > aiohttp.payload.TOO_LARGE_BYTES_BODY else body


def _cause(error: BaseException) -> str:
    # The class name alone: these exceptions print URLs, and some of them the request's headers.
    return type(error).__name__


def _refuse_leaky(session: aiohttp.ClientSession) -> None:
    if not callable(getattr(session, "request", None)) or not hasattr(session, "headers"):
        raise ConfigurationError(f"session takes an aiohttp.ClientSession, not {type(session).__name__}")
    if session._base_url is not None:  # noqa: SLF001 - there is no public one
        raise ConfigurationError("the session to borrow has a base URL of its own; pass one without")
    for name in (hdrs.AUTHORIZATION, hdrs.COOKIE):
        if name in session.headers:
            raise ConfigurationError(f"the session to borrow sends {name} with every request; pass one without")
    if session.auth is not None:
        raise ConfigurationError("the session to borrow has an auth of its own; pass one without")
    if not session.auto_decompress:
        raise ConfigurationError("the session to borrow does not decompress answers; pass one that does")
    if session.closed:
        raise ConfigurationError("the session to borrow is closed")
