"""``Listener``: a receiver on a port of its own, for programs that are no web application."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from aiohttp import web

from ..errors import ConfigurationError
from .receiver import Receiver

__all__ = ["Listener"]


class Listener:
    """Serves one receiver over HTTP.

        async with Listener(receiver, port=8080) as listener:
            print(listener.url)

    Brex sends to https alone: put what ends TLS in front of it. ``port`` 0 takes a free one. Left, it takes
    nothing more and finishes what it took. Raises ``OSError`` when it cannot listen there.
    """

    def __init__(self, receiver: Receiver, *, host: str = "127.0.0.1", port: int = 0, path: str = "/") -> None:
        if not path.startswith("/") or not path.isprintable() or set(path) & set("{}?# "):
            raise ConfigurationError("path begins with a slash, and holds no blanks, braces or query")
        self._receiver = receiver
        self._host = host
        self._port = port
        self._path = path
        self._runner: web.AppRunner | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Where it listens, once it does."""
        if not self._url:
            raise ConfigurationError("the listener is not running; use it inside 'async with'")
        return self._url

    async def __aenter__(self) -> Self:
        app = web.Application()
        self._receiver.add_to(app, self._path)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=10.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        host, port = runner.addresses[0][:2]
        shown = f"[{host}]" if ":" in host else host
        self._url = f"http://{shown}:{port}{self._path}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        runner, self._runner = self._runner, None
        self._url = ""
        if runner is not None:
            await runner.cleanup()
