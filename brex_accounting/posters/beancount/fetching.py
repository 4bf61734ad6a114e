"""A receipt's content from where Brex keeps it.

The addresses are secrets: whoever has one opens the receipt. They are in no message and no local variable behind an
error, nothing of the client's session goes there, and what the other side says is not repeated.
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from ...errors import BrexError
from ...models import Receipt
from ...session.discreet import Hidden
from ...urls import is_loopback
from .receipts import MOST_BYTES

__all__ = ["NotFetched", "fetch_receipt"]

_TIMEOUT: Final = 60.0
_PIECE: Final = 1 << 16


class NotFetched(BrexError):
    """A receipt did not come. The words say why and quote no address."""


async def fetch_receipt(receipt: Receipt) -> bytes:
    """The content of a receipt, from the first of its addresses that gives it. Raises ``NotFetched``.

    An address is https, or on loopback; it is asked once, within a minute, and redirects to no other.
    """
    problem = "it has no address"
    for at in range(len(receipt.download_uris or ())):
        try:
            outcome = await _content(Hidden(receipt), at)
        except asyncio.CancelledError as error:
            # The frames below hold the address.
            error.__context__ = None
            raise error.with_traceback(None) from None
        if isinstance(outcome, bytes):
            return outcome
        problem = outcome
    raise NotFetched(f"it did not come: {problem}")


async def _content(receipt: Hidden[Receipt], at: int) -> bytes | str:
    """What the address gives, or what went wrong."""
    address = (receipt.value.download_uris or ())[at]
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
            return "its address is not https"
        # Whatever changed the address would break its signature.
        url = URL(address, encoded=True)
        async with asyncio.timeout(_TIMEOUT):
            return await _download(url)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return type(error).__name__


async def _download(url: URL) -> bytes | str:
    timeout = aiohttp.ClientTimeout(total=None, connect=_TIMEOUT / 2)
    async with (
        # Nothing is unpacked: a small answer may hold a large one.
        aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session,
        session.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as response,
    ):
        if response.status != 200:
            return f"status {response.status}"
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return "it came packed"
        content = bytearray()
        async for piece in response.content.iter_chunked(_PIECE):
            content += piece
            if len(content) > MOST_BYTES:
                return f"it has more than {MOST_BYTES} bytes"
        return bytes(content)
