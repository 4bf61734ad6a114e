"""From the store into the books: claims, posts, and what to do about a post whose outcome nobody knows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

import attrs

from ..errors import BrexError, LeaseLost, StoreError, StoreUnavailable
from ..models import AccountingRecord
from .content import is_live
from .context import Context
from .exports import Claim
from .pausing import PATIENCE, PauseCode
from .poster import Finding, NotNow, Outcome, Posted, Rejected, Skipped
from .reading import FRESH, record_of

__all__ = ["Desk"]

_log = logging.getLogger("brex_accounting")

_LATER: Final = timedelta(minutes=1)
"""How long a record is left alone that was put off without a word of when."""


@attrs.define
class Desk:
    """Posts one company's exports, several at a time, each held by a lease that is renewed."""

    context: Context
    _unanswered: int = attrs.field(default=0, init=False)

    async def take_over(self) -> None:
        """What was begun and never ended, once its lease has: ask, post again, or leave it to a person."""
        await self._all(self._abandoned, self._settle, limit=None)

    async def post(self, limit: int) -> int:
        """Post up to ``limit`` exports; how many were begun. None while the company is paused."""
        return await self._all(self._due, self._post, limit=limit)

    async def _due(self, limit: int) -> Sequence[Claim]:
        now, until = await self.context.leased()
        owner = self.context.settings.owner
        return await self.context.store.claim(owner, now=now, until=until, read_since=now - FRESH, limit=limit)

    async def _abandoned(self, limit: int) -> Sequence[Claim]:
        now, until = await self.context.leased()
        return await self.context.store.take_over(self.context.settings.owner, now=now, until=until, limit=limit)

    async def _all(
        self,
        claimed: Callable[[int], Awaitable[Sequence[Claim]]],
        work: Callable[[Claim], Awaitable[None]],
        *,
        limit: int | None,
    ) -> int:
        begun = 0
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                free = self.context.settings.parallel - len(running)
                free = free if limit is None else min(free, limit - begun)
                claims = await claimed(free) if free > 0 and not self.context.stopping.is_set() else ()
                begun += len(claims)
                running |= {asyncio.create_task(self._held(work, claim)) for claim in claims}
                if not running:
                    return begun
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                _raise_any(done)
        except BaseException as error:
            # What is being posted comes to its end, or its outcome would be lost for nothing.
            await self._drained(running, cancelled=isinstance(error, asyncio.CancelledError))
            raise

    async def _drained(self, running: set[asyncio.Task[None]], *, cancelled: bool) -> None:
        if not running:
            return
        waiting = asyncio.ensure_future(asyncio.wait(running, timeout=self.context.settings.lease.total_seconds()))
        while not waiting.done():
            try:
                await asyncio.shield(waiting)
            except asyncio.CancelledError:
                if cancelled:  # asked twice: whoever asks does not want to wait
                    break
                cancelled = True
        waiting.cancel()
        for task in running:
            task.cancel()
        for problem in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(problem, Exception):
                _log.warning("while posting came to its end: %s", type(problem).__name__)
        if cancelled:
            raise asyncio.CancelledError

    async def _held(self, work: Callable[[Claim], Awaitable[None]], claim: Claim) -> None:
        try:
            keeping = asyncio.create_task(self._keep(claim))
            try:
                await work(claim)
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
        except LeaseLost as error:
            _log.warning("%s", error)

    async def _keep(self, claim: Claim) -> None:
        # A slow post is no dead one: without this a lease would have to outlast the slowest.
        while True:
            await self.context.clock.sleep(self.context.settings.lease.total_seconds() / 3)
            with suppress(StoreUnavailable):  # the next time may do, and the lease lasts until then
                await self._renewed(claim)

    async def _renewed(self, claim: Claim) -> Claim:
        now, until = await self.context.leased()
        return await self.context.store.renew(claim, now=now, until=until)

    async def _settle(self, claim: Claim) -> None:
        if self.context.settings.recovery == "park":
            now = await self.context.now()
            await self.context.store.park(claim, why="nobody knows whether it was written", now=now)
            self.context.tally.add(unconfirmed=1)
        else:
            await self._post(claim, may_be_written=True)

    async def _post(self, claim: Claim, *, may_be_written: bool = False) -> None:
        # The store is asked right before the post: whoever slept past the lease finds out here.
        claim = await self._renewed(claim)
        outcome = await self._answer(claim)
        if may_be_written and isinstance(outcome, NotNow) and self.context.settings.recovery == "same_key":
            # Nothing was written by this post, and perhaps by one before: books that put it off did not look.
            self.context.tally.came_to(outcome)
            outcome = type(outcome).__name__
        if isinstance(outcome, str):
            await self._no_answer(claim, outcome)
            return
        self._unanswered = 0
        if isinstance(outcome, NotNow) and outcome.after is None:
            outcome = attrs.evolve(outcome, after=_LATER)
        await self._came_to(claim, outcome)

    async def _answer(self, claim: Claim) -> Outcome | str:
        """What the poster said, or the kind of error it ended with.

        The record, and whatever the error quotes of it, are let go here: were the store to fail afterwards,
        error reporters would print them with its error.
        """
        record = record_of(claim.export)
        if not is_live(record) and claim.export.supersedes is None:
            return Skipped("it is not due, and nothing was posted of it")
        try:
            return await self._outcome(claim, record)
        except StoreError:
            raise  # ours, from before the post
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            return type(error).__name__
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            return type(error).__name__

    async def _outcome(self, claim: Claim, record: AccountingRecord) -> Outcome:
        export = claim.export
        # Posted before under this key, perhaps: nobody knows, or a refusal was followed by a change in the books.
        if export.attempt > 1 and self.context.settings.recovery == "find" and isinstance(self.context.poster, Finding):
            found = await self.context.poster.find(export.key)
            if found is not None:
                return _checked(found)
            # The answer may have taken longer than the lease lasted.
            await self._renewed(claim)
        return _checked(await self.context.poster.post(record, key=export.key, supersedes=export.supersedes))

    async def _came_to(self, claim: Claim, outcome: Outcome) -> None:
        now = await self.context.now()
        await self.context.store.record_outcome(claim, outcome, now=now)
        self.context.tally.came_to(outcome)
        if isinstance(outcome, NotNow) and (await self.context.store.counts()).not_now >= PATIENCE:
            await self.context.pause(PauseCode.NOT_NOW)

    async def _no_answer(self, claim: Claim, kind: str) -> None:
        _log.warning("%s ended with %s; nobody knows whether it was written", claim.export.key, kind)
        self._unanswered += 1
        if self._unanswered >= PATIENCE:
            await self.context.pause(PauseCode.NO_ANSWERS)
        if self.context.settings.recovery == "park":
            now = await self.context.now()
            await self.context.store.park(claim, why=f"the post ended with {kind}", now=now, detail=kind)
            self.context.tally.add(unconfirmed=1)
        # Else it stays until its lease ends: what is still on its way into the books must have arrived before
        # anybody asks for it, or posts again.


def _raise_any(done: Iterable[asyncio.Task[None]]) -> None:
    # All are looked at: asyncio would log the others when they are collected.
    for problem in [task.exception() for task in done]:
        if problem is not None:
            raise problem


def _is_cancelled() -> bool:
    """Whether this task is told to end; else a CancelledError is the poster's own, of something inside of it."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _checked(outcome: Outcome) -> Outcome:
    if not isinstance(outcome, (Posted, Rejected, Skipped, NotNow)):
        # What was done is unknown: like any other error of the poster.
        raise BrexError(f"the poster returned {type(outcome).__name__}, not Posted, Rejected, Skipped or NotNow")
    return outcome
