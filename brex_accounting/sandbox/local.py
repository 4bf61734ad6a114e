"""A running sandbox: rules, faults and server on a loopback port."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from .deliveries import Deliveries
from .faults import Fault, FaultPlan
from .oauth import LocalOAuth
from .receipts import ReceiptFiles
from .rules import ALL_SCOPES, LocalBrex, Rules
from .seeds import Profile, make_seed
from .server import OAUTH, make_app
from .statistics import Statistics

__all__ = ["TOKEN", "Sandbox"]

TOKEN = "bxt_sandbox"  # noqa: S105 - opens nothing but the sandbox
"""The token that every sandbox accepts from the start."""

_LONGEST_LINE = 64 * 1024
"""500 ids of real length make a request line of 17 kB, twice what aiohttp takes by default."""


class Sandbox:
    """A local Brex on 127.0.0.1.

        async with Sandbox(records=500) as sandbox:
            async with BrexAccounting(sandbox.token, base_url=sandbox.url) as brex:
                ...

    ``brex`` holds the rules and the records, ``oauth`` the client it knows, for tests that steer it in
    Python; ``faults`` takes orders to misbehave. ``deliveries`` sends webhooks, to loopback alone, and waits
    between its tries by ``sleep``; ``brex.webhooks.mishaps`` has them go wrong. With ``receipts`` those that
    have no address get one of the sandbox, which opens a file for a while. Other processes steer it over HTTP
    under ``/_sandbox/``.
    """

    def __init__(
        self,
        *,
        records: int = 500,
        profile: Profile = "lifelike",
        seed: int = 7,
        port: int = 0,
        faults: Iterable[Fault] = (),
        rules: Rules | None = None,
        now: Callable[[], datetime] | None = None,
        receipts: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.brex: LocalBrex = LocalBrex(
            make_seed(profile, records=records, seed=seed), now=now or _utc_now, rules=rules
        )
        self.brex.tokens[TOKEN] = ALL_SCOPES
        self.oauth: LocalOAuth = LocalOAuth(self.brex, fresh=lambda: secrets.token_urlsafe(24))
        self.faults: FaultPlan = FaultPlan(faults)
        self.deliveries: Deliveries = Deliveries(self.brex.webhooks, now=self.brex.now, sleep=sleep)
        self.statistics: Statistics = Statistics()
        self.token = TOKEN
        self._receipts = ReceiptFiles(self.brex.now) if receipts else None
        self._port = port
        self._runner: web.AppRunner | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """The base URL, once it runs."""
        if not self._url:
            raise RuntimeError("the sandbox is not running; use it inside 'async with'")
        return self._url

    @property
    def oauth_url(self) -> str:
        """The base URL of its OAuth server, once it runs."""
        return self.url + OAUTH

    def consent(self, url: str) -> dict[str, str]:
        """Consent as the customer, at the ``url`` of a consent: what the redirect back carries."""
        return dict(parse_qsl(urlsplit(self.oauth.authorize(parse_qsl(urlsplit(url).query))).query))

    async def __aenter__(self) -> Self:
        app = make_app(self.brex, self.oauth, self.faults, self.statistics)
        if self._receipts is not None:
            self._receipts.install(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, max_line_size=_LONGEST_LINE)
        await runner.setup()
        self._runner = runner
        try:
            site = web.TCPSite(runner, "127.0.0.1", self._port)
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self.deliveries.open()
        host, port = runner.addresses[0][:2]
        self._url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.deliveries.aclose()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            self._url = ""


def _utc_now() -> datetime:
    return datetime.now(UTC)
