"""``Receiver``: an aiohttp handler that verifies deliveries, answers at once, and works afterwards.

Brex is answered before the work is done, because a slow answer is a failed delivery to it. What was
answered with 200 is in a queue of this process, and lost with it: an hourly poll stays necessary, as
Brex advises.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self, TypeAlias

import attrs
from aiohttp import web

from ..errors import ConfigurationError, WebhookVerificationError
from ..session.clock import Clock, SystemClock
from ..session.discreet import Unchained
from ..webhook_models import WebhookEvent
from .keyring import FetchSecrets, Keyring
from .seen import Seen
from .verify import TOLERANCE, checked_tolerance, verify_with

__all__ = ["EventHandler", "Received", "Receiver"]

EventHandler: TypeAlias = Callable[[WebhookEvent], Awaitable[object]]
"""Works on one event. What it raises is logged by its kind; the event may then come once more."""

_log = logging.getLogger("brex_accounting")

_SLOWEST: Final = 10.0
"""Seconds for a body to arrive."""

_COME_BACK: Final = "30"
"""Seconds, as Retry-After. Any status but 2xx makes Brex try again; when, it does not say."""


@attrs.define(kw_only=True)
class Received:
    """How many deliveries were ``taken``, came ``again``, were ``refused`` as not from Brex, or ``turned_away``
    to be tried again; and of the taken ones, how many are ``done`` and how many ``failed``.
    """

    taken: int = 0
    again: int = 0
    refused: int = 0
    turned_away: int = 0
    done: int = 0
    failed: int = 0


class Receiver:
    """Takes Brex's deliveries.

        receiver = Receiver(secrets=brex.webhooks.secrets, handler=work)
        receiver.add_to(app, "/brex")            # the route, and the end of the work with the end of the app

    ``secrets``: an async callable; asked at first, hourly, and when a delivery fits none of them, at most once
    in ``refetch`` seconds. ``handler``: an async callable that is given each event once, as far as the last
    ``remembered`` ids tell; ``parallel`` of them run at a time. ``queue``: events that wait for it. When it is
    full, deliveries are answered with 503, so that Brex tries again. ``tolerance``: seconds, as for ``unwrap``.

    Answers: 200 taken, or taken before; 401 not from Brex, or too old; 408, 413, 415 a body that does not
    come, is larger than ``max_body_bytes``, or compressed; 503 later. None has a body.

    Raises ``ConfigurationError`` for wrong arguments.
    """

    def __init__(
        self,
        *,
        secrets: FetchSecrets,
        handler: EventHandler,
        tolerance: float = TOLERANCE,
        queue: int = 1000,
        parallel: int = 1,
        remembered: int = 10_000,
        refetch: float = 60.0,
        max_body_bytes: int = 2**20,
        clock: Clock | None = None,
    ) -> None:
        if not callable(secrets) or not callable(handler):
            raise ConfigurationError("secrets and handler are async callables")
        sizes = {"queue": queue, "parallel": parallel, "remembered": remembered, "max_body_bytes": max_body_bytes}
        for name, size in sizes.items():
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise ConfigurationError(f"{name} is a whole number of at least 1")
        if isinstance(refetch, bool) or not isinstance(refetch, (int, float)) or not refetch >= 0:
            raise ConfigurationError("refetch is a number of seconds, not below 0")
        self.received: Received = Received()
        self._handler = handler
        self._tolerance = checked_tolerance(tolerance)
        self._parallel = parallel
        self._most = max_body_bytes
        self._clock = clock or SystemClock()
        self._keyring = Keyring(secrets, every=refetch, clock=self._clock)
        self._seen = Seen(remembered)
        self._queue: asyncio.Queue[WebhookEvent] = asyncio.Queue(queue)
        self._workers: list[asyncio.Task[None]] = []
        self._closing = False
        _mark_as_coroutine_function(self)

    def add_to(self, app: web.Application, path: str) -> None:
        """Receive POSTs at ``path``, and end with the application, which finishes what was taken."""
        app.router.add_post(path, self)

        async def ended(_app: web.Application) -> None:
            await self.aclose()

        app.on_cleanup.append(ended)

    async def __call__(self, request: web.Request) -> web.Response:
        """Answer a delivery."""
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return _hang_up(415)  # a signature is over the bytes that were sent
        try:
            async with asyncio.timeout(_SLOWEST):
                body = await _read(request, self._most)
        except TimeoutError:
            return _hang_up(408)
        if body is None:
            return _hang_up(413)
        keys = await self._keyring.keys()
        if not keys:
            return self._later("the secrets are not known")
        try:
            event = await self._verified(body, request, keys)
        except WebhookVerificationError as error:
            self.received.refused += 1
            _log.info("a delivery was refused: %s", error)
            return web.Response(status=401)
        return self._take(event)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Take nothing more, and finish what was taken. Cancelled, it leaves the rest."""
        self._closing = True
        try:
            await self._queue.join()
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            self._workers.clear()

    async def _verified(self, body: bytes, request: web.Request, keys: tuple[bytes, ...]) -> WebhookEvent:
        with Unchained():
            try:
                return self._by(keys, body, request)
            except WebhookVerificationError as error:
                fresh = await self._keyring.fresh(keys) if error.mismatch else ()
                if not fresh:
                    raise
            return self._by(fresh, body, request)

    def _by(self, keys: tuple[bytes, ...], body: bytes, request: web.Request) -> WebhookEvent:
        return verify_with(body, request.headers, keys=keys, now=self._clock.now(), tolerance=self._tolerance)

    def _take(self, event: WebhookEvent) -> web.Response:
        if event.id in self._seen:
            self.received.again += 1
            return web.Response()
        if self._closing:
            return self._later("the receiver is about to end")
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            return self._later("the queue is full")
        self._seen.add(event.id)
        self.received.taken += 1
        while len(self._workers) < self._parallel:
            self._workers.append(asyncio.create_task(self._work()))
        return web.Response()

    def _later(self, why: str) -> web.Response:
        self.received.turned_away += 1
        _log.warning("a delivery was turned away, to come again: %s", why)
        return web.Response(status=503, headers={"Retry-After": _COME_BACK})

    async def _work(self) -> None:
        while True:
            event = await self._queue.get()
            try:
                await self._handle(event)
            finally:
                self._queue.task_done()

    async def _handle(self, event: WebhookEvent) -> None:
        try:
            await self._handler(event)
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            self._failed(event, error)
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            self._failed(event, error)
        else:
            self.received.done += 1

    def _failed(self, event: WebhookEvent, error: BaseException) -> None:
        self.received.failed += 1
        self._seen.forget(event.id)
        _log.warning("the handler of event %s raised %s", event.id, type(error).__name__)


async def _read(request: web.Request, most: int) -> bytes | None:
    """The body, or None once it is larger than ``most`` bytes."""
    if (request.content_length or 0) > most:
        return None
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)


def _hang_up(status: int) -> web.Response:
    response = web.Response(status=status)
    response.force_close()  # the rest of the body is nobody's
    return response


def _is_cancelled() -> bool:
    """Whether this task is told to end; else a CancelledError is the handler's own."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _mark_as_coroutine_function(receiver: Receiver) -> None:
    # An object with an async __call__ is not one to aiohttp's router, which would warn of it.
    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(receiver)
    else:
        receiver._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # noqa: SLF001
