"""Talking to the fake ERP: a session, and every answer sorted by what it says about the books."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import attrs
import msgspec

__all__ = ["Answer", "ErpClient", "NothingWritten", "Refusal", "Unclear"]

_BEFORE: Final = {401: "refuses the login", 429: "is busy", 503: "is under maintenance"}
_REFUSALS: Final = frozenset({400, 404, 409, 422})

Answer = dict[str, Any]
"""A JSON object as the ERP sent it."""


class NothingWritten(Exception):
    """The ERP did not process the request, by its own documentation; it may later. ``after``: how much later."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason: str = reason
        self.after: timedelta | None = after


class Unclear(Exception):
    """Nobody knows whether the request was processed."""


@attrs.frozen
class Refusal(Exception):
    """The ERP's no, with its ``code``, and the ``field`` and ``value`` that it names. Nothing was written."""

    code: str
    field: str
    value: str


@attrs.frozen
class _Reply:
    status: int
    body: bytes = attrs.field(repr=False)
    after: str | None


class ErpClient:
    """A client of the ERP at ``url``; use it inside ``async with``. ``timeout`` is in seconds per request."""

    def __init__(self, url: str, token: str, *, timeout: float) -> None:
        self._url = url
        self._token = token
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._http: aiohttp.ClientSession | None = None
        self._session = ""

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a request with a JSON ``body``, or with ``content`` as it is.

        Logs in first, and once more when the session is over. Raises ``Refusal``, ``NothingWritten``, or
        ``Unclear`` for all that says neither yes nor no.
        """
        data = content if body is None else msgspec.json.encode(body)
        for _ in range(2):
            if not self._session:
                self._session = await self._log_in()
            reply = await self._send(method, path, data, query, headers)
            if not (isinstance(reply, _Reply) and reply.status == 401):
                return _sorted(reply)
            self._session = ""
        raise NothingWritten("the ERP refuses the login")

    async def _log_in(self) -> str:
        try:
            return str(_sorted(await self._send("POST", "/v1/login", self._login()))["session"])
        except (Refusal, Unclear, KeyError):
            # A login writes nothing into the books, whatever became of it.
            raise NothingWritten("the ERP does not let us log in") from None

    def _login(self) -> bytes:
        return msgspec.json.encode({"token": self._token})

    async def _send(
        self,
        method: str,
        path: str,
        data: bytes | None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Reply | NothingWritten | Unclear:
        # Errors are given back, not raised from here: their traceback would hold the session.
        if self._http is None:
            raise RuntimeError("use the poster inside 'async with'")
        named = {**(headers or {}), **({"Authorization": f"Bearer {self._session}"} if self._session else {})}
        try:
            async with self._http.request(
                method, self._url + path, data=data, params=query, headers=named, allow_redirects=False
            ) as response:
                return _Reply(response.status, await response.read(), response.headers.get("Retry-After"))
        except aiohttp.ClientConnectorError:
            return NothingWritten("the ERP cannot be reached")
        except (aiohttp.ClientError, TimeoutError) as error:
            return Unclear(f"the ERP's answer was lost: {type(error).__name__}")


def _sorted(reply: _Reply | NothingWritten | Unclear) -> Answer:
    if not isinstance(reply, _Reply):
        raise reply
    status = reply.status
    if status in _BEFORE:
        raise NothingWritten(f"the ERP {_BEFORE[status]}", _delay(reply.after))
    try:
        found = msgspec.json.decode(reply.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unclear(f"the ERP answered {status} with something else than JSON") from None
    if status in _REFUSALS:
        raise Refusal(str(found.get("code")), str(found.get("field")), str(found.get("value")))
    if status not in (200, 201):
        raise Unclear(f"the ERP answered {status}")
    return found


def _delay(after: str | None) -> timedelta | None:
    plain = after is not None and after.isascii() and after.isdecimal() and len(after) < 8
    return timedelta(seconds=int(after)) if after is not None and plain else None
