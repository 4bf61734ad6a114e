"""A running local Monite: rules, faults and server on a loopback port."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from ...monite.dialect import MONITE, Dialect
from ..faults import Fault, FaultPlan
from ..statistics import Statistics
from .rules import CLIENT_ID, CLIENT_SECRET, ENTITY_ID, LocalMonite, MoniteRules
from .server import PREFIX, make_app

__all__ = ["MoniteSandbox"]


class MoniteSandbox:
    """A local Monite on 127.0.0.1.

        async with MoniteSandbox() as sandbox:
            async with MoniteAccounting(
                sandbox.client_id, sandbox.client_secret, sandbox.entity_id, base_url=sandbox.url
            ) as monite:
                ...

    ``monite`` holds the rules and the state, for tests that steer it in Python: ``monite.authorise(id)`` is what a
    person does at a ``connection_url``, which leads here too. ``faults`` takes orders to misbehave. ``dialect``:
    other names of headers and paths, as a renamed API has them.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        faults: Iterable[Fault] = (),
        rules: MoniteRules | None = None,
        dialect: Dialect = MONITE,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.monite: LocalMonite = LocalMonite(
            now=now or _utc_now, fresh=lambda: str(uuid.uuid4()), link=self._link, rules=rules
        )
        self.faults: FaultPlan = FaultPlan(faults)
        self.statistics: Statistics = Statistics()
        self.client_id = CLIENT_ID
        self.client_secret = CLIENT_SECRET
        self.entity_id = ENTITY_ID
        self._dialect = dialect
        self._port = port
        self._runner: web.AppRunner | None = None
        self._origin = ""

    @property
    def url(self) -> str:
        """The base URL, once it runs."""
        if not self._origin:
            raise RuntimeError("the sandbox is not running; use it inside 'async with'")
        return self._origin + PREFIX

    def _link(self, connection_id: str) -> str:
        return f"{self._origin}/_sandbox/authorize/{connection_id}"

    async def __aenter__(self) -> Self:
        app = make_app(self.monite, self._dialect, self.faults, self.statistics)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._runner = runner
        try:
            site = web.TCPSite(runner, "127.0.0.1", self._port)
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        host, port = runner.addresses[0][:2]
        self._origin = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            self._origin = ""


def _utc_now() -> datetime:
    return datetime.now(UTC)
