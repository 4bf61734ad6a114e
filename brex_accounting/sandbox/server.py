"""aiohttp.web in front of the rules."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from email.utils import format_datetime
from functools import partial
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .._version import __version__
from ..converters.exports import ReportReply
from ..converters.wire import codec, to_json
from ..enums import ErrorCode
from .faults import FaultPlan
from .field_routes import FieldRoutes
from .misbehaving import cut, hang_up
from .oauth import LocalOAuth, OAuthRefused, discovery
from .openapi import openapi_document
from .reading import read_integration, read_results
from .refusal import Refused, invalid, not_found
from .rules import INTEGRATION_WRITE, RECORD_READ, RECORD_WRITE, LocalBrex
from .statistics import Statistics
from .steering import Steering
from .webhook_openapi import webhooks_document
from .webhook_server import WebhookFront

__all__ = ["OAUTH", "make_app"]

OAUTH = "/oauth2/default"
"""Where the OAuth server's paths begin."""

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
Action = Callable[[web.Request], Awaitable[bytes]]
Serve = Callable[[web.Request, str | None], Awaitable[web.Response]]
"""Answers a request, with the kind of fault that strikes it."""


class Front:
    """Brex's operations and OAuth over HTTP, with what surrounds each: faults, token, limit, trace id."""

    def __init__(self, brex: LocalBrex, oauth: LocalOAuth, faults: FaultPlan, statistics: Statistics) -> None:
        self._brex = brex
        self._oauth = oauth
        self._faults = faults
        self._statistics = statistics

    def routes(self) -> list[web.RouteDef]:
        """The routes of Brex's API."""
        integration, records = "/v3/accounting/integration", "/v3/accounting/records"
        writes, reads = (INTEGRATION_WRITE,), (RECORD_READ, RECORD_WRITE)
        return [
            web.post(integration, self._guarded(self._create, writes)),
            web.post(integration + "/{id}/disconnect", self._guarded(self._disconnect, writes)),
            web.post(integration + "/{id}/reactivate", self._guarded(self._reactivate, writes)),
            web.get(records, self._guarded(self._list, reads), allow_head=False),
            web.get(records + "/{id}", self._guarded(self._get, reads), allow_head=False),
            web.post(records + "/export-results", self._guarded(self._report, (RECORD_WRITE,))),
            *WebhookFront(self._brex.webhooks).routes(self._guarded),
            *FieldRoutes(self._brex).routes(self._guarded),
        ]

    def oauth_routes(self) -> list[web.RouteDef]:
        """The routes of Brex's OAuth server."""
        return [
            web.get(f"{OAUTH}/v1/authorize", self._open(self._authorize), allow_head=False),
            web.post(f"{OAUTH}/v1/token", self._open(self._token)),
            web.post(f"{OAUTH}/v1/revoke", self._open(self._revoke)),
            web.get(f"{OAUTH}/.well-known/openid-configuration", self._open(_discovery), allow_head=False),
        ]

    def _guarded(self, action: Action, scopes: Sequence[str]) -> Handler:
        return self._faulty(partial(self._operate, action, scopes))

    def _open(self, answer: Callable[[web.Request], Awaitable[web.Response]]) -> Handler:
        async def serve(request: web.Request, fault: str | None) -> web.Response:
            try:
                return self._throttled(1.0) if fault == "429" else await answer(request)
            except OAuthRefused as refused:
                return web.Response(status=refused.status, body=refused.body(), content_type=_JSON)

        return self._faulty(serve)

    def _faulty(self, serve: Serve) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            trace = self._statistics.count()
            fault = self._faults.strike(request.method, request.path)
            if fault is not None:
                self._statistics.faults += 1
            if fault == "drop":
                return hang_up(request)
            response = await self._answer(request, serve, fault)
            if fault == "drop-after":
                return hang_up(request)
            _sign(response, trace, self._brex)
            return await cut(request, response) if fault == "cut" else response

        return handle

    async def _answer(self, request: web.Request, serve: Serve, fault: str | None) -> web.Response:
        if fault == "500":
            return _refusal(Refused(500, ErrorCode.INTERNAL_ERROR.value, "A fault on order."))
        if fault == "503":
            return web.Response(status=503)
        if fault == "html":
            return web.Response(text="<!doctype html><title>maintenance</title>", content_type="text/html")
        if fault == "slow":
            await asyncio.sleep(1)
        return await serve(request, fault)

    async def _operate(
        self, action: Action, scopes: Sequence[str], request: web.Request, fault: str | None
    ) -> web.Response:
        try:
            token = self._brex.authorize(request.headers.get("Authorization"), scopes)
            wait = 1.0 if fault == "429" else self._brex.admit(token)
            if wait is not None:
                return self._throttled(wait)
            return web.Response(body=await action(request), content_type=_JSON)
        except Refused as refused:
            return _refusal(refused)
        except web.HTTPRequestEntityTooLarge as error:
            return _refusal(Refused(error.status, ErrorCode.INVALID_REQUEST.value, "The body is too large."))

    def _throttled(self, wait: float) -> web.Response:
        self._statistics.throttled += 1
        headers = {"Retry-After": str(int(wait) + 1)} if self._brex.rules.retry_after else {}
        return web.Response(status=429, headers=headers)

    async def _authorize(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": self._oauth.authorize(list(request.query.items()))})

    async def _token(self, request: web.Request) -> web.Response:
        answer = msgspec.json.encode(self._oauth.token(await _form(request)))
        return web.Response(body=answer, content_type=_JSON, headers={"Cache-Control": "no-store"})

    async def _revoke(self, request: web.Request) -> web.Response:
        self._oauth.revoke(await _form(request))
        return web.Response()

    async def _create(self, request: web.Request) -> bytes:
        return to_json(self._brex.create_integration(*read_integration(await request.read())))

    async def _disconnect(self, request: web.Request) -> bytes:
        return to_json(self._brex.disconnect_integration(request.match_info["id"]))

    async def _reactivate(self, request: web.Request) -> bytes:
        return to_json(self._brex.reactivate_integration(request.match_info["id"]))

    async def _list(self, request: web.Request) -> bytes:
        return codec().dumps(self._brex.list_records(list(request.query.items())))

    async def _get(self, request: web.Request) -> bytes:
        return to_json(self._brex.get_record(request.match_info["id"], list(request.query.items())))

    async def _report(self, request: web.Request) -> bytes:
        if request.content_type != _JSON:
            raise invalid("The body must be application/json.")
        updated = self._brex.report_export_results(read_results(await request.read()))
        return codec().dumps(ReportReply(updated_accounting_record_ids=updated))


def make_app(brex: LocalBrex, oauth: LocalOAuth, faults: FaultPlan, statistics: Statistics) -> web.Application:
    """The sandbox as an aiohttp application."""
    app = web.Application(middlewares=[_refusals(brex, statistics)], client_max_size=16 * 2**20)
    front = Front(brex, oauth, faults, statistics)
    app.add_routes(front.routes())
    app.add_routes(front.oauth_routes())
    app.add_routes(Steering(brex, faults, statistics).routes())

    async def openapi(request: web.Request) -> web.Response:
        document = openapi_document(str(request.url.origin()), __version__)
        return web.Response(body=codec().dumps(document), content_type=_JSON)

    async def openapi_of_webhooks(request: web.Request) -> web.Response:
        document = webhooks_document(str(request.url.origin()), __version__)
        return web.Response(body=codec().dumps(document), content_type=_JSON)

    app.add_routes([web.get("/openapi.json", openapi), web.get("/openapi/webhooks.json", openapi_of_webhooks)])
    return app


async def _discovery(request: web.Request) -> web.Response:
    document = discovery(f"{request.url.origin()}{OAUTH}")
    return web.Response(body=msgspec.json.encode(document), content_type=_JSON)


async def _form(request: web.Request) -> list[tuple[str, str]]:
    if request.content_type != _FORM:
        raise OAuthRefused(400, "invalid_request", f"The body must be {_FORM}.")
    try:
        return parse_qsl((await request.read()).decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise OAuthRefused(400, "invalid_request", "The body is not a form.") from None
    except web.HTTPRequestEntityTooLarge as error:
        raise OAuthRefused(error.status, "invalid_request", "The body is too large.") from None


def _refusals(brex: LocalBrex, statistics: Statistics) -> Middleware:
    """Brex's error body also where no operation was reached."""

    @web.middleware
    async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            response = _refusal(refused)
        except web.HTTPMethodNotAllowed as error:
            message = "This path does not take this method."
            response = _refusal(Refused(error.status, ErrorCode.INVALID_REQUEST.value, message))
        except web.HTTPNotFound:
            response = _refusal(not_found("path"))
        _sign(response, statistics.count(), brex)
        return response

    return refusals


def _sign(response: web.Response, trace: str, brex: LocalBrex) -> None:
    response.headers["X-Brex-Trace-Id"] = trace
    response.headers["Date"] = format_datetime(brex.now(), usegmt=True)


def _refusal(refused: Refused) -> web.Response:
    content_type = _JSON if refused.shape != "empty" else "application/octet-stream"
    return web.Response(status=refused.status, body=refused.body(), content_type=content_type)
