"""How tests steer the ERP and look into it, over HTTP below ``/_/``. No session is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from .admission import Admission
from .desk import Desk
from .orders import CRASHES, Order, Orders
from .refusal import Refused
from .server import Statistics
from .values import read

__all__ = ["GoOffline", "Steering"]

GoOffline = Callable[[float, web.Request], Awaitable[None]]
"""Refuse connections for so many seconds; the request's own connection stays until it is answered."""


class Steering:
    """The control endpoints. ``may_crash``: whether the process is the ERP's own to kill."""

    def __init__(
        self,
        desk: Desk,
        admission: Admission,
        orders: Orders,
        statistics: Statistics,
        *,
        may_crash: bool,
        go_offline: GoOffline,
    ) -> None:
        self._desk = desk
        self._admission = admission
        self._orders = orders
        self._statistics = statistics
        self._may_crash = may_crash
        self._go_offline = go_offline

    def routes(self) -> list[web.RouteDef]:
        """The routes below ``/_/``."""
        return [
            web.get("/_/state", self._state),
            web.get("/_/summary", self._summary),
            web.get("/_/counts", self._counts),
            web.get("/_/documents", self._documents),
            web.post("/_/options", self._change),
            web.post("/_/orders", self._order),
            web.delete("/_/orders", self._calm),
            web.delete("/_/sessions", self._log_out),
            web.post("/_/offline", self._offline),
        ]

    async def _state(self, _request: web.Request) -> web.Response:
        statistics = self._statistics
        state = {"requests": statistics.requests, "struck": statistics.struck, "options": self._desk.options}
        return _json(state)

    async def _summary(self, _request: web.Request) -> web.Response:
        return _json(await self._desk.summary())

    async def _counts(self, _request: web.Request) -> web.Response:
        return _json(await self._desk.counts())

    async def _documents(self, _request: web.Request) -> web.Response:
        return _json(await self._desk.documents())

    async def _change(self, request: web.Request) -> web.Response:
        changes = read(await request.read(), dict[str, object])
        try:
            return _json(await self._desk.change(changes))
        except ValueError as error:
            raise Refused(400, "invalid", str(error)) from None

    async def _order(self, request: web.Request) -> web.Response:
        content = read(await request.read(), dict[str, object])
        try:
            order = Order(**content)  # type: ignore[arg-type]  # it checks what it is given
        except (TypeError, ValueError) as error:
            raise Refused(400, "invalid", str(error)) from None
        if order.kind in CRASHES and not self._may_crash:
            raise Refused(400, "invalid", "Only an ERP in a process of its own can crash.")
        self._orders.add(order)
        return web.Response(status=204)

    async def _calm(self, _request: web.Request) -> web.Response:
        self._orders.clear()
        return web.Response(status=204)

    async def _log_out(self, _request: web.Request) -> web.Response:
        self._admission.forget()
        return web.Response(status=204)

    async def _offline(self, request: web.Request) -> web.Response:
        seconds = read(await request.read(), float)
        if not 0 <= seconds < 1e6:
            raise Refused(400, "invalid", "Seconds are at least 0 and below 1e6.")
        await self._go_offline(seconds, request)
        response = web.Response(status=204)
        response.force_close()
        return response


def _json(content: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")
