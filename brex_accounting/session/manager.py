"""The way of one call: its first turn, its attempts within the deadline, and the answer decoded."""

from __future__ import annotations

import asyncio
from typing import TypeVar
from weakref import WeakValueDictionary

import attrs

from ..errors import BrexError, DeadlineExceeded, DecodeError
from .attempts import Attempts
from .call import Call, Reply
from .events import CallEnded, CallStarted
from .loop_turns import LoopTurns
from .services import Options, Services, TokenSource

__all__ = ["Manager"]

T = TypeVar("T")

IN_FLIGHT = 100
"""Calls of one key under way at once. More would only wait for each other's connections."""


@attrs.define(kw_only=True)
class Manager(Services):
    """Runs calls for one client."""

    _calls: int = 0
    # Weakly: the calls under way hold theirs, and a key without any needs none.
    _slots: WeakValueDictionary[str, asyncio.Semaphore] = attrs.field(factory=WeakValueDictionary)
    _loop_turns: LoopTurns = attrs.field(factory=LoopTurns)

    async def run(self, call: Call[T], key: str, tokens: TokenSource | None, options: Options) -> T:
        """The call's result. Waiting for a slot and the first turn is outside the deadline. No tokens: none is sent."""
        # Before the turn: a turn that was taken must be used at once, or the limiter's log is wrong.
        slots = self._slots.get(key)
        if slots is None:
            slots = self._slots[key] = asyncio.Semaphore(IN_FLIGHT)
        async with slots:
            await self.limiter.turn(key)
            return await self._run(call, key, tokens, options)

    async def _run(self, call: Call[T], key: str, tokens: TokenSource | None, options: Options) -> T:
        self._calls += 1
        attempts = Attempts(services=self, id=self._calls, call=call, key=key, tokens=tokens, options=options)
        started = self.clock.monotonic()
        self.tell(CallStarted(id=attempts.id, call=call.name, method=call.method, path=call.path, key=key))
        failure: str | None = None
        try:
            result = await self._result(call, attempts, options.deadline)
        except BaseException as error:  # cancellation, and whatever the user's on_bad_record raises
            failure = type(error).__name__
            raise
        finally:
            ended = CallEnded(
                id=attempts.id,
                call=call.name,
                key=key,
                attempts=len(attempts.tries.attempts),
                elapsed=self.clock.monotonic() - started,
                error=failure,
            )
            self.tell(ended)
        return result

    async def _result(self, call: Call[T], attempts: Attempts, deadline: float) -> T:
        scope = asyncio.timeout(deadline)
        try:
            async with scope:
                reply = await attempts.until_done()
        except TimeoutError:
            if not scope.expired():
                raise
            attempts.cut_off()
            text = f"{call.where} did not finish within its deadline of {deadline:g} s"
            raise attempts.mark(DeadlineExceeded(text, sent=attempts.was_sent)) from None
        except BrexError as error:
            raise attempts.mark(error) from None
        try:
            return await self._decode(call, reply)
        except DecodeError as error:
            raise attempts.mark(_placed(error, call, reply)) from None

    async def _decode(self, call: Call[T], reply: Reply) -> T:
        if call.decode_in_steps is None:
            return call.decode(reply)
        steps = call.decode_in_steps(reply)
        while True:
            await self._loop_turns.take()
            try:
                next(steps)
            except StopIteration as done:
                result: T = done.value
                # What the caller does with it belongs to another turn of the loop than the decoding.
                await asyncio.sleep(0)
                return result


def _placed(error: DecodeError, call: Call[object], reply: Reply) -> DecodeError:
    return DecodeError(error.problems, where=call.where, trace_id=call.trace_id(reply))
