"""The exports of many companies in one process: begun as companies come, ended as they go, each on its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from types import TracebackType
from typing import Self, TypeAlias

import attrs

from ..errors import BrexError, ConfigurationError, UnknownCompany
from ..session.clock import Clock, SystemClock
from ..webhook_models import WebhookEvent
from .engine import ExportSync
from .summary import Summary
from .triggered import Dispatch, Triggered, checked_pause

__all__ = ["CompanyExports", "MakeExport"]

MakeExport: TypeAlias = Callable[[str], AbstractAsyncContextManager[ExportSync]]
"""Gives the export of a company by its id: an ``ExportSync``, or a context that opens more than that around one."""

_log = logging.getLogger("brex_accounting")


@attrs.frozen(eq=False)
class _Running:
    """One company's export, and the task that it lives in. ``opened``: done when it can be triggered."""

    task: asyncio.Task[None]
    opened: asyncio.Future[None]


class CompanyExports:
    """Every company's export, as soon as events tell of its records, and every so often for all.

        def make(company_id: str) -> ExportSync:
            return ExportSync(companies.client(company_id), books_of(company_id), company=company_id, ...)

        exports = CompanyExports(make, every=timedelta(hours=1))
        receiver = Receiver(secrets=companies.secrets, handler=exports)
        async with exports, Listener(receiver, port=8080):
            await exports.add("cuacc_...")
            await exports.run()

    It is a handler of events: each goes to the company that it names, as with ``Dispatch``, which see for
    ``unknown``. ``every``: the pause between two polls. ``ended`` is called with the company and the summary of
    each run. ``failed`` is called with a company whose export came to an end that nobody asked for, and why;
    that is logged too, and the others go on. Once it is mended, ``add`` the company again.

    Left, it ends all as ``stop`` does. Raises ``ConfigurationError`` for wrong arguments.
    """

    def __init__(
        self,
        make: MakeExport,
        *,
        every: timedelta,
        ended: Callable[[str, Summary], object] | None = None,
        failed: Callable[[str, Exception], object] | None = None,
        unknown: Callable[[WebhookEvent], object] | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not callable(make):
            raise ConfigurationError("make is a callable that gives the export of a company")
        self._make = make
        self._every = checked_pause(every)
        self._ended = ended
        self._failed = failed
        self._clock = clock or SystemClock()
        self._running: dict[str, _Running] = {}
        self._exports: dict[str, Triggered] = {}
        self._dispatch = Dispatch(self._exports, unknown=unknown)
        self._stopping = asyncio.Event()

    async def __call__(self, event: WebhookEvent) -> None:
        """Hand a verified event to the export of the company that it names."""
        await self._dispatch(event)

    async def add(self, company_id: str) -> None:
        """Begin a company's export, with a poll.

        Raises ``ConfigurationError`` when it is here already, or all is stopped, and what opening it raises,
        such as ``StoreMismatch``.
        """
        if self._stopping.is_set():
            raise ConfigurationError("the exports are stopped, for good")
        if company_id in self._running:
            raise ConfigurationError("the export of this company is here already; remove it first")
        opened = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._keep(company_id, opened))
        self._running[company_id] = _Running(task, opened)
        try:
            await asyncio.shield(opened)
        except asyncio.CancelledError:
            await _cancelled(task)
            raise

    async def remove(self, company_id: str) -> None:
        """End a company's export, once its running posts have come to their end. Raises ``UnknownCompany``."""
        if company_id not in self._running:
            raise UnknownCompany(f"no export is kept for this company; {len(self)} others are")
        running = self._running[company_id]
        if company_id in self._exports:
            self._exports[company_id].stop()
            await asyncio.wait({running.task})
        else:
            await _cancelled(running.task)

    def stop(self) -> None:
        """Begin nothing more, for good; ``run`` returns when running posts have come to their end."""
        self._stopping.set()
        for export in self._exports.values():
            export.stop()

    async def run(self) -> None:
        """Wait for ``stop()``, then for the end of all exports."""
        await self._stopping.wait()
        await self.aclose()

    async def aclose(self) -> None:
        """Stop, and wait for the end of all exports. Cancelled, it cancels them, as it would ``run_once``."""
        self.stop()
        tasks = {running.task for running in self._running.values()}
        for running in list(self._running.values()):
            if not running.opened.done():
                running.task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks)
        except asyncio.CancelledError:
            await _cancelled(*tasks)
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __contains__(self, company_id: object) -> bool:
        return company_id in self._exports

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._exports))

    def __len__(self) -> int:
        return len(self._exports)

    def __repr__(self) -> str:
        return f"CompanyExports({len(self)})"

    async def _keep(self, company_id: str, opened: asyncio.Future[None]) -> None:
        """One company's export from its opening to its closing, in one task: what is opened in it may ask for that."""
        try:
            async with self._make(company_id) as sync:
                export = self._exports[company_id] = self._triggered(company_id, sync)
                opened.set_result(None)
                await export.run()
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            if opened.done():
                self._tell(company_id, error)
            else:
                opened.set_exception(error)
        finally:
            self._exports.pop(company_id, None)
            self._running.pop(company_id, None)
            if not opened.done():
                opened.set_exception(ConfigurationError("the export of this company was ended before it was open"))

    def _triggered(self, company_id: str, sync: ExportSync) -> Triggered:
        def ended(summary: Summary) -> None:
            if self._ended is not None:
                self._ended(company_id, summary)

        return Triggered(sync, every=self._every, ended=ended, clock=self._clock)

    def _tell(self, company_id: str, error: Exception) -> None:
        # Not the text of strangers: what books raise may show what they were given.
        why = str(error) if isinstance(error, BrexError) else type(error).__name__
        _log.error("the export of company %s ended: %s", company_id, why)
        if self._failed is None:
            return
        try:
            self._failed(company_id, error)
        except Exception as raised:  # noqa: BLE001 - the user's code: anything may come
            _log.warning("what is told of failed exports raised %s", type(raised).__name__)


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
