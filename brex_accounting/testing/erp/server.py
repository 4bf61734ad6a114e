"""aiohttp.web in front of the books."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import secrets
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import date
from urllib.parse import quote

import attrs
import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from .admission import Admission
from .desk import Desk
from .orders import Order, Orders
from .refusal import Refused, not_found
from .values import Attachment, Document, read, read_draft, too_long

__all__ = ["Front", "Statistics", "refusals"]

_JSON = "application/json"
_BEFORE = {"401": "not_logged_in", "429": "too_many_requests", "500": "internal", "503": "maintenance"}
Action = Callable[[web.Request], Awaitable[web.Response]]


@attrs.define
class Statistics:
    """What the ERP was asked since its process began."""

    requests: int = 0
    struck: int = 0


@attrs.frozen(kw_only=True)
class _Login:
    token: str


@attrs.frozen(kw_only=True)
class _Reversal:
    date: date


class Front:
    """The ERP's own API, with what surrounds each request: orders, session, limit."""

    def __init__(self, desk: Desk, admission: Admission, orders: Orders, statistics: Statistics) -> None:
        self._desk = desk
        self._admission = admission
        self._orders = orders
        self._statistics = statistics

    def routes(self) -> list[web.RouteDef]:
        """The routes below ``/v1/``."""
        entries = "/v1/journal-entries"
        return [
            web.post("/v1/login", self._around(self._login)),
            web.get("/v1/company", self._guarded(self._company), allow_head=False),
            web.post(entries, self._guarded(self._create)),
            web.get(entries, self._guarded(self._look_up), allow_head=False),
            web.get(entries + "/{id}", self._guarded(self._get), allow_head=False),
            web.put(entries + "/{id}", self._guarded(self._update)),
            web.post(entries + "/{id}/void", self._guarded(self._void)),
            web.post(entries + "/{id}/reverse", self._guarded(self._reverse)),
            web.post(entries + "/{id}/attachments", self._guarded(self._attach)),
        ]

    def _guarded(self, action: Action) -> Handler:
        async def admitted(request: web.Request) -> web.Response:
            now = time.monotonic()
            self._admission.authorize(request.headers.get("Authorization"), self._desk.options, now)
            self._admission.admit(self._desk.options, now)
            return await action(request)

        return self._around(admitted)

    def _around(self, action: Action) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            self._statistics.requests += 1
            order = self._orders.on_request(request.method, request.path)
            if order is None:
                return await _answer(action, request)
            self._statistics.struck += 1
            return await _disordered(order, action, request)

        return handle

    async def _login(self, request: web.Request) -> web.Response:
        login = read(await request.read(), _Login)
        options = self._desk.options
        session = self._admission.login(login.token, secrets.token_urlsafe(16), options, time.monotonic())
        return _json({"session": session, "expires_in": options.login_lifetime})

    async def _company(self, _request: web.Request) -> web.Response:
        return _json({"name": "A fake company", "closed_through": self._desk.options.closed_through})

    async def _create(self, request: web.Request) -> web.Response:
        draft = read_draft(await request.read(), request.headers.get("Idempotency-Key"))
        document, new = await self._desk.create(draft)
        return _shown(document, request, status=201 if new else 200)

    async def _look_up(self, request: web.Request) -> web.Response:
        asked = list(request.query.items())
        if len(asked) != 1:
            raise Refused(400, "invalid", "Search by one field.")
        found = await self._desk.look_up(*asked[0])
        return _json({"items": [_content(document, request) for document in found]})

    async def _get(self, request: web.Request) -> web.Response:
        return _shown(await self._desk.get(request.match_info["id"]), request)

    async def _update(self, request: web.Request) -> web.Response:
        draft = read_draft(await request.read())
        return _shown(await self._desk.update(request.match_info["id"], draft), request)

    async def _void(self, request: web.Request) -> web.Response:
        return _shown(await self._desk.void(request.match_info["id"]), request)

    async def _reverse(self, request: web.Request) -> web.Response:
        on = read(await request.read(), _Reversal).date
        return _shown(await self._desk.reverse(request.match_info["id"], on), request, status=201)

    async def _attach(self, request: web.Request) -> web.Response:
        content, name = await request.read(), request.query.get("name", "")
        if not name or len(name) > 200:
            raise too_long("name", 200) if name else Refused(400, "invalid", "A file has a name.", "name")
        sha256 = hashlib.sha256(content).hexdigest()
        told = request.headers.get("X-Content-SHA256", sha256)
        if told != sha256:
            raise Refused(422, "hash_differs", "The content does not have this SHA-256.", "X-Content-SHA256", told)
        attachment = Attachment(name=name, sha256=sha256, size=len(content))
        return _shown(await self._desk.attach(request.match_info["id"], attachment), request, status=201)


async def _answer(action: Action, request: web.Request) -> web.Response:
    try:
        return await action(request)
    except Refused as refused:
        return _refusal(refused)
    except web.HTTPRequestEntityTooLarge as error:
        return _refusal(Refused(error.status, "invalid", "The body is too large."))


async def _disordered(order: Order, action: Action, request: web.Request) -> web.StreamResponse:
    kind = order.kind
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind in _BEFORE:
        return _refusal(Refused(int(kind), _BEFORE[kind], "On order.", retry_after=_wait(order)))
    if kind == "html":
        return web.Response(text="<!doctype html><title>maintenance</title>", content_type="text/html")
    if kind == "drop":
        return hang_up(request)
    if kind == "late":
        await request.read()  # nobody may be there any more when the wait is over
        await asyncio.sleep(order.seconds)
    response = await _answer(action, request)
    if kind == "slow":
        await asyncio.sleep(order.seconds)
    if kind == "drop-after":
        return hang_up(request)
    if kind == "500-after":
        return _refusal(Refused(500, "internal", "On order."))
    return await _cut(request, response) if kind == "cut" else response


def _wait(order: Order) -> float | None:
    return order.seconds if order.kind in ("429", "503") else None


def refusals(statistics: Statistics) -> web.Application:
    """An application that answers also unknown paths in the ERP's own shape."""

    @web.middleware
    async def shaped(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            return _refusal(refused)
        except web.HTTPMethodNotAllowed as error:
            statistics.requests += 1
            return _refusal(Refused(error.status, "invalid", "This path does not take this method."))
        except web.HTTPNotFound:
            statistics.requests += 1
            return _refusal(not_found("path"))

    return web.Application(middlewares=[shaped], client_max_size=32 * 2**20)


def _refusal(refused: Refused) -> web.Response:
    headers = {} if refused.retry_after is None else {"Retry-After": str(math.ceil(refused.retry_after))}
    return web.Response(status=refused.status, body=refused.body(), content_type=_JSON, headers=headers)


def _shown(document: Document, request: web.Request, status: int = 200) -> web.Response:
    return _json(_content(document, request), status)


def _content(document: Document, request: web.Request) -> dict[str, object]:
    content: dict[str, object] = msgspec.to_builtins(document)
    draft = content.pop("draft")
    assert isinstance(draft, dict)
    content.pop("created_as")
    return {**content, **draft, "url": f"{request.url.origin()}/v1/journal-entries/{quote(document.id)}"}


def _json(content: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(content), content_type=_JSON)


def hang_up(request: web.Request) -> web.Response:
    """Close the connection at once, without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _cut(request: web.Request, whole: web.Response) -> web.StreamResponse:
    body = whole.body if isinstance(whole.body, bytes) else b""
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
