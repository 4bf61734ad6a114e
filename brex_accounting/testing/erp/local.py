"""A running ERP on a loopback port, in this process."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from .admission import Admission
from .control import Control
from .desk import Desk
from .orders import CRASHES, Order, Orders
from .server import Front, Statistics, refusals
from .steering import Steering

__all__ = ["TOKEN", "FakeErp"]

TOKEN = "erp_fake"  # noqa: S105 - opens nothing but the fake ERP
"""The token that a login brings."""

_PATIENCE = 10.0


class FakeErp:
    """An ERP on 127.0.0.1, for tests.

        async with FakeErp("erp.db", closed_through="2026-05-31") as erp:
            ...  # erp.url and erp.token are what a poster needs
            print((await erp.control.counts()).doubled)

    ``store`` is a file of its own, made when it is missing; documents and options are read from it. Every option
    of ``Options`` can be given by name, and later to ``control.change``. ``orders`` are its misbehaviour, as in
    ``Order``. Only one that runs in a process of its own (``ErpProcess``) can crash.
    """

    def __init__(
        self,
        store: str | PathLike[str],
        *,
        port: int = 0,
        orders: Iterable[Order] = (),
        may_crash: bool = False,
        **options: object,
    ) -> None:
        orders = tuple(orders)
        if not may_crash and any(order.kind in CRASHES for order in orders):
            raise ValueError("only an ERP in a process of its own can crash: use ErpProcess")
        self.token: str = TOKEN
        self._port = port
        self._settings: Mapping[str, object] = options
        self._may_crash = may_crash
        self._orders = Orders(orders)
        self._desk = Desk(Path(store), self._orders)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._reopening: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The base URL, once it runs."""
        if self._runner is None:
            raise RuntimeError("the ERP is not running; use it inside 'async with'")
        return f"http://127.0.0.1:{self._port}"

    @property
    def control(self) -> Control:
        """What steers it and looks into it, once it runs."""
        return Control(self.url)

    async def __aenter__(self) -> Self:
        try:
            await self._desk.open(self._settings)
            runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1)
            await runner.setup()
            self._runner = runner
            await self._listen()
            self._port = runner.addresses[0][1]
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def _application(self) -> web.Application:
        admission, statistics = Admission(self.token), Statistics()
        app = refusals(statistics)
        app.add_routes(Front(self._desk, admission, self._orders, statistics).routes())
        steering = Steering(
            self._desk,
            admission,
            self._orders,
            statistics,
            may_crash=self._may_crash,
            go_offline=self._go_offline,
        )
        app.add_routes(steering.routes())
        return app

    async def _stop(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            await asyncio.gather(self._reopening, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._desk.close()

    async def _listen(self) -> None:
        assert self._runner is not None
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while True:
            site = web.TCPSite(self._runner, "127.0.0.1", self._port)
            try:
                await site.start()
            except OSError as error:
                # A port given before may be somebody's outgoing one for a moment.
                await site.stop()
                late = asyncio.get_running_loop().time() > deadline
                if error.errno != errno.EADDRINUSE or not self._port or late:
                    raise
                await asyncio.sleep(0.05)
            else:
                self._site = site
                return

    async def _go_offline(self, seconds: float, request: web.Request) -> None:
        if self._site is None or self._runner is None or self._runner.server is None:
            return
        await self._site.stop()
        self._site = None
        for connection in self._runner.server.connections:
            if connection.transport is not None and connection.transport is not request.transport:
                connection.transport.abort()
        self._reopening = asyncio.create_task(self._come_back(seconds))

    async def _come_back(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._listen()
