"""aiohttp.web in front of the local Monite's rules."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import date
from email.utils import format_datetime
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ..._version import __version__
from ...monite.converters import ConnectionList, codec, to_json
from ...monite.dialect import Dialect
from ..faults import Fault, FaultPlan
from ..misbehaving import cut, hang_up
from ..statistics import Statistics
from .openapi import openapi_document
from .reading import is_uuid, read_object
from .refusal import MoniteRefused, not_found, refused, throttled, unprocessable
from .rules import Allowance, LocalMonite

__all__ = ["PREFIX", "make_app"]

PREFIX: Final = "/v1"
"""Where the API's paths begin; part of its base URL."""

_JSON: Final = "application/json"
_OLDEST: Final = "2023-09-01"
_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

Action = Callable[[web.Request], Awaitable[bytes]]
Answer = tuple[int, Action]


class Front:
    """The operations over HTTP, with what surrounds each: faults, version, token, limit, entity, request id."""

    def __init__(self, monite: LocalMonite, dialect: Dialect, faults: FaultPlan, statistics: Statistics) -> None:
        self._monite = monite
        self._dialect = dialect
        self._faults = faults
        self._statistics = statistics

    def routes(self) -> list[web.RouteDef]:
        """The routes of the API."""
        connections, records = PREFIX + self._dialect.connections, PREFIX + self._dialect.synced_records
        return [
            web.get(connections, self._guarded(200, self._connections), allow_head=False),
            web.post(connections, self._guarded(201, self._create)),
            web.get(connections + "/{id}", self._guarded(200, self._connection), allow_head=False),
            web.post(connections + "/{id}/disconnect", self._guarded(200, self._disconnect)),
            web.post(connections + "/{id}/sync", self._guarded(202, self._sync)),
            web.get(records, self._guarded(200, self._records), allow_head=False),
            web.get(records + "/{id}", self._guarded(200, self._record), allow_head=False),
            web.post(records + "/{id}/push", self._guarded(200, self._push)),
            web.post(PREFIX + self._dialect.token, self._open(self._token)),
            web.post(PREFIX + self._dialect.revoke, self._open(self._revoke)),
        ]

    def _guarded(self, status: int, action: Action) -> Handler:
        async def serve(request: web.Request, fault: str | None) -> web.Response:
            self._check_version(request)
            self._monite.authorize(request.headers.get("Authorization"))
            allowance = None if fault == "429" else self._monite.admit()
            if fault == "429" or (allowance is not None and not allowance.admitted):
                self._statistics.throttled += 1
                response = _refusal(throttled())
                response.headers["Retry-After"] = str(allowance.reset if allowance is not None else 1)
            else:
                try:
                    self._check_ids(request)
                    response = web.Response(status=status, body=await action(request), content_type=_JSON)
                except MoniteRefused as refusal:
                    response = _refusal(refusal)
            _limits(response, allowance)
            return response

        return self._faulty(serve)

    def _open(self, action: Action) -> Handler:
        async def serve(request: web.Request, fault: str | None) -> web.Response:
            if fault == "429":
                return _refusal(throttled())
            self._check_version(request)
            return web.Response(body=await action(request), content_type=_JSON)

        return self._faulty(serve)

    def _faulty(self, serve: Callable[[web.Request, str | None], Awaitable[web.Response]]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            request_id = self._statistics.count()
            fault = self._faults.strike(request.method, request.path)
            self._statistics.faults += fault is not None
            if fault == "drop":
                return hang_up(request)
            response = await self._answer(request, serve, fault)
            if fault == "drop-after":
                return hang_up(request)
            self.sign(request, response, request_id)
            return await cut(request, response) if fault == "cut" else response

        return handle

    async def _answer(
        self,
        request: web.Request,
        serve: Callable[[web.Request, str | None], Awaitable[web.Response]],
        fault: str | None,
    ) -> web.Response:
        if fault == "500":
            return _refusal(refused(500, "A fault on order."))
        if fault == "503":
            return web.Response(status=503)
        if fault == "html":
            return web.Response(text="<!doctype html><title>maintenance</title>", content_type="text/html")
        if fault == "slow":
            await asyncio.sleep(1)
        try:
            return await serve(request, fault)
        except MoniteRefused as refusal:
            return _refusal(refusal)

    def sign(self, request: web.Request, response: web.Response, request_id: str) -> None:
        """The headers that every answer has."""
        response.headers[self._dialect.request_id_header] = request_id
        for name in (self._dialect.version_header, self._dialect.entity_header):
            if name in request.headers:
                response.headers[name] = request.headers[name]
        response.headers["Date"] = format_datetime(self._monite.now(), usegmt=True)

    def _check_version(self, request: web.Request) -> None:
        name = self._dialect.version_header
        version = request.headers.get(name)
        if version is None:
            raise refused(400, f"The header {name} is missing.", "missing_api_version")
        if not _is_date(version):
            raise unprocessable(["header", name], "invalid date format", "value_error.date")
        if version < _OLDEST:
            raise refused(404, "There is no such version.")

    def _check_ids(self, request: web.Request) -> None:
        name = self._dialect.entity_header
        if not is_uuid(request.headers.get(name)):
            raise unprocessable(["header", name], "value is not a valid uuid", "type_error.uuid")
        if "id" in request.match_info and not is_uuid(request.match_info["id"]):
            raise unprocessable(["path", "id"], "value is not a valid uuid", "type_error.uuid")

    def _entity(self, request: web.Request) -> str:
        return request.headers[self._dialect.entity_header].lower()

    async def _connections(self, request: web.Request) -> bytes:
        return to_json(ConnectionList(data=self._monite.connections(self._entity(request))))

    async def _create(self, request: web.Request) -> bytes:
        return to_json(self._monite.create(self._entity(request)))

    async def _connection(self, request: web.Request) -> bytes:
        return to_json(self._monite.connection(self._entity(request), request.match_info["id"]))

    async def _disconnect(self, request: web.Request) -> bytes:
        return to_json(self._monite.disconnect(self._entity(request), request.match_info["id"]))

    async def _sync(self, request: web.Request) -> bytes:
        self._monite.sync(self._entity(request), request.match_info["id"])
        return msgspec.json.encode({"message": "Started connection data sync."})

    async def _records(self, request: web.Request) -> bytes:
        return to_json(self._monite.synced_records(self._entity(request), list(request.query.items())))

    async def _record(self, request: web.Request) -> bytes:
        return to_json(self._monite.synced_record(self._entity(request), request.match_info["id"]))

    async def _push(self, request: web.Request) -> bytes:
        return to_json(self._monite.push(self._entity(request), request.match_info["id"]))

    async def _token(self, request: web.Request) -> bytes:
        keys = ("client_id", "client_secret", "grant_type", "entity_user_id")
        return msgspec.json.encode(self._monite.token(read_object(await _read(request), keys)))

    async def _revoke(self, request: web.Request) -> bytes:
        keys = ("client_id", "client_secret", "token")
        return msgspec.json.encode(self._monite.revoke(read_object(await _read(request), keys)))


def make_app(monite: LocalMonite, dialect: Dialect, faults: FaultPlan, statistics: Statistics) -> web.Application:
    """The sandbox as an aiohttp application."""
    front = Front(monite, dialect, faults, statistics)
    app = web.Application(middlewares=[_refusals(front, statistics)], client_max_size=2**20)
    app.add_routes(front.routes())
    app.add_routes(_steering(monite, faults, statistics))

    async def openapi(request: web.Request) -> web.Response:
        document = openapi_document(f"{request.url.origin()}{PREFIX}", __version__, dialect)
        return web.Response(body=codec().dumps(document), content_type=_JSON)

    app.add_routes([web.get("/openapi.json", openapi)])
    return app


def _steering(monite: LocalMonite, faults: FaultPlan, statistics: Statistics) -> list[web.RouteDef]:
    """Controls for other processes. No token is asked for: it listens on loopback."""

    async def authorise(request: web.Request) -> web.Response:
        connection = monite.authorise(request.match_info["id"])
        return web.Response(text=f"Connected to {connection.platform}. You may close this page.\n")

    async def deauthorise(request: web.Request) -> web.Response:
        return web.Response(body=to_json(monite.deauthorise(request.match_info["id"])), content_type=_JSON)

    async def add_fault(request: web.Request) -> web.Response:
        content = read_object(await request.read(), ("kind", "next", "every", "path", "method"))
        try:
            faults.add(Fault(**content))
        except (TypeError, ValueError) as error:
            raise unprocessable(["body"], str(error)) from None
        return web.Response(status=204)

    async def clear_faults(_request: web.Request) -> web.Response:
        faults.clear()
        return web.Response(status=204)

    async def state(_request: web.Request) -> web.Response:
        counts = {"requests": statistics.requests, "faults": statistics.faults, "throttled": statistics.throttled}
        return web.json_response({**counts, "tokens": monite.granted})

    return [
        # A person's browser follows a connection_url to here.
        web.get("/_sandbox/authorize/{id}", authorise, allow_head=False),
        web.post("/_sandbox/connections/{id}/deauthorize", deauthorise),
        web.post("/_sandbox/faults", add_fault),
        web.delete("/_sandbox/faults", clear_faults),
        web.get("/_sandbox/state", state),
    ]


def _refusals(front: Front, statistics: Statistics) -> Middleware:
    """The error envelope also where no operation was reached."""

    @web.middleware
    async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except MoniteRefused as refusal:
            response = _refusal(refusal)
        except web.HTTPMethodNotAllowed as error:
            response = _refusal(refused(error.status, "Method Not Allowed"))
        except web.HTTPNotFound:
            response = _refusal(not_found("path"))
        front.sign(request, response, statistics.count())
        return response

    return refusals


async def _read(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise MoniteRefused(error.status, {"message": "Request size limit exceeded"}) from None


def _limits(response: web.Response, allowance: Allowance | None) -> None:
    if allowance is not None:
        response.headers["RateLimit-Limit"] = response.headers["X-RateLimit-Limit-Second"] = str(allowance.limit)
        remaining = str(allowance.remaining)
        response.headers["RateLimit-Remaining"] = response.headers["X-RateLimit-Remaining-Second"] = remaining
        response.headers["RateLimit-Reset"] = str(allowance.reset)


def _refusal(refusal: MoniteRefused) -> web.Response:
    return web.Response(status=refusal.status, body=refusal.body(), content_type=_JSON)


def _is_date(text: str) -> bool:
    try:
        return bool(_VERSION.fullmatch(text)) and date.fromisoformat(text) is not None
    except ValueError:
        return False
