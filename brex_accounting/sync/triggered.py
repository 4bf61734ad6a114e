"""From a webhook to an export: a run at once for the records that an event names, and the poll beside it.

An event is a hint that shortens the wait. It may be lost, come twice or late, and name what was exported
long ago: a run reads the records anew, and the store knows what was done with them. Whatever no event told
of, the poll finds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Final

from ..converters.queries import each_checked
from ..enums import WebhookEventType
from ..errors import BrexError, ConfigurationError, StoreError, StoreUnavailable
from ..session.clock import Clock, SystemClock
from ..webhook_models import WebhookEvent
from .engine import ExportSync
from .summary import Watcher

__all__ = ["Dispatch", "Triggered", "checked_pause"]

_log = logging.getLogger("brex_accounting")

_MOST: Final = 10_000
"""Ids that wait. Of more, the whole queue is read."""

_FIRST_WAIT: Final = timedelta(seconds=10)
"""Between a run that failed and the next; doubled until it is as long as the pause between polls."""


def checked_pause(every: timedelta) -> timedelta:
    """A pause between two polls."""
    if not isinstance(every, timedelta) or every <= timedelta():
        raise ConfigurationError("every is a timedelta above 0")
    return every


class Triggered:
    """One company's export, as soon as events tell of records, and every so often for all.

        export = Triggered(sync, every=timedelta(hours=1))
        receiver = Receiver(secrets=brex.webhooks.secrets, handler=export)
        async with sync, Listener(receiver, port=8080):
            await export.run()

    It is a handler of events: given one, it notes the ids and returns. Runs never overlap; what comes during
    one is taken together by the next. Events of other kinds are passed over. ``every``: the pause between two
    polls. ``ended`` is called with the summary of each run. For many companies see ``CompanyExports``.
    """

    def __init__(
        self, sync: ExportSync, *, every: timedelta, ended: Watcher | None = None, clock: Clock | None = None
    ) -> None:
        self._sync = sync
        self._every = checked_pause(every)
        self._told = ended
        self._clock = clock or SystemClock()
        self._waiting: dict[str, None] = {}
        self._everything = False
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._settling: asyncio.Task[None] | None = None

    async def __call__(self, event: WebhookEvent) -> None:
        """Note what a verified event tells."""
        if event.event_type == WebhookEventType.ACCOUNTING_RECORD_READY_FOR_EXPORT:
            self.trigger(event.accounting_record_ids)

    def trigger(self, record_ids: Iterable[str]) -> None:
        """Have these records exported soon; without any, all that is ready.

        Raises ``ConfigurationError`` for what cannot be the id of a record.
        """
        wanted = each_checked(record_ids)
        self._waiting.update(dict.fromkeys(wanted))
        if not wanted or len(self._waiting) > _MOST:
            self._everything = True
            self._waiting.clear()
        self._woken.set()

    def stop(self) -> None:
        """Begin nothing more, for good; ``run`` returns when running posts have come to their end.

        Records that wait are still ready in Brex: the first poll of the next start finds them.
        """
        self._stopping.set()
        self._woken.set()
        self._sync.stop()

    async def run(self) -> None:
        """Poll, and follow the events, until ``stop()`` or cancellation.

        A run that fails is logged and tried again soon. Raises what no waiting mends, as ``run_forever`` does.
        """
        polling = asyncio.create_task(self._sync.run_forever(every=self._every, ended=self._told))
        following = asyncio.create_task(self._follow())
        both = {polling, following}
        try:
            # Whichever ends, the other has no reason to go on.
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            self.stop()
            await asyncio.wait(both)
        finally:
            await _ended(*both, *([self._settling] if self._settling else []))
        for problem in [task.exception() for task in both]:
            if problem is not None:
                raise problem

    async def _follow(self) -> None:
        failures = 0
        while True:
            await self._woken.wait()
            if self._stopping.is_set():
                return
            self._woken.clear()
            wanted = () if self._everything else tuple(self._waiting)
            self._everything = False
            self._waiting.clear()
            if await self._run(wanted):
                failures = 0
            else:
                self.trigger(wanted)
                await self._wait(min(self._every, _FIRST_WAIT * 2 ** min(failures, 20)))
                failures += 1

    async def _run(self, wanted: tuple[str, ...]) -> bool:
        try:
            summary = await self._sync.run_once(record_ids=wanted or None)
        except (ConfigurationError, StoreError) as error:
            if not isinstance(error, StoreUnavailable):
                raise
            _log.warning("the store is not available; another run follows: %s", error)
        except BrexError as error:
            _log.warning("a run for an event failed; another one follows: %s", error)
        else:
            if self._told is not None:
                self._told(summary)
            if summary.open and (self._settling is None or self._settling.done()):
                self._settling = asyncio.create_task(self._settle(wanted))
            return True
        return False

    async def _settle(self, wanted: tuple[str, ...]) -> None:
        # What has no known outcome is settled by the first run after its lease; the next poll may be far.
        await self._clock.sleep(min(self._every, self._sync.lease).total_seconds())
        self.trigger(wanted)

    async def _wait(self, wait: timedelta) -> None:
        either = [asyncio.ensure_future(self._clock.sleep(wait.total_seconds()))]
        either.append(asyncio.ensure_future(self._stopped()))
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _ended(*either)

    async def _stopped(self) -> None:
        await self._stopping.wait()


class Dispatch:
    """Hands each event to the export of the company that it names, and to no other.

        exports = {"cuacc_1": Triggered(...), "cuacc_2": Triggered(...)}
        receiver = Receiver(secrets=brex.webhooks.secrets, handler=Dispatch(exports))

    ``exports`` is looked at for each event: companies may come and go. ``unknown`` is called with events of
    companies that it does not hold, and with those that name none, as Brex's older payload does; they are
    logged too. None is guessed: another company's records would go into the wrong books.
    """

    def __init__(
        self,
        exports: Mapping[str, Callable[[WebhookEvent], Awaitable[object]]],
        *,
        unknown: Callable[[WebhookEvent], object] | None = None,
    ) -> None:
        self._exports = exports
        self._unknown = unknown

    async def __call__(self, event: WebhookEvent) -> None:
        """Hand a verified event on."""
        export = None if event.company_id is None else self._exports.get(event.company_id)
        if export is not None:
            await export(event)
            return
        what = "no company" if event.company_id is None else "a company that no export is kept for"
        _log.warning("event %s names %s; nothing is exported for it", event.id, what)
        if self._unknown is not None:
            self._unknown(event)


async def _ended(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
