"""The loop of one call: turn, token, send, decide; until there is an answer or no time left."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable

import attrs

from ..errors import (
    BrexError,
    DeadlineExceeded,
    DecodeError,
)
from .call import Answer, Attempt, Call, Outcome, Oversized, Reply, Request, Sent, Silence, Tries
from .clock import Clock
from .events import AttemptEvent, Observer
from .limiter import Limiter
from .retry import Decision, Done, Fail, Renew, RetryPolicy, Wait, decide

__all__ = ["Manager", "Options", "TokenSource", "Transport"]

T = TypeVar("T")

IN_FLIGHT = 100
"""Calls of one key under way at once. More would only wait for each other's connections."""


class Transport(Protocol):
    """Carries one request."""

    async def send(self, request: Request, timeout: float) -> Answer:
        """One attempt within ``timeout`` seconds; raises nothing but cancellation."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class TokenSource(Protocol):
    """Where bearer tokens come from."""

    async def token(self) -> str:
        """A token for the next attempt."""
        ...

    async def renew(self, refused: str) -> bool:
        """``refused`` is dead. Whether the next ``token()`` will be another one."""
        ...


@attrs.frozen(kw_only=True)
class Options:
    """What a view on the client may choose: seconds for an attempt, for a call, and the policy."""

    timeout: float = 30.0
    deadline: float = 120.0
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)


@attrs.define(kw_only=True)
class Manager:
    """Runs calls for one client. ``roll`` gives a uniform number in [0, 1)."""

    transport: Transport
    limiter: Limiter
    clock: Clock
    roll: Callable[[], float]
    user_agent: str
    observers: Sequence[Observer]
    log: logging.Logger
    server_clock: tuple[datetime, float] | None = None
    """The last Date seen, and the monotonic time it was seen at."""
    _slots: defaultdict[str, asyncio.Semaphore] = attrs.field(
        factory=lambda: defaultdict(lambda: asyncio.Semaphore(IN_FLIGHT))
    )

    async def run(self, call: Call[T], key: str, tokens: TokenSource, options: Options) -> T:
        """The call's result. Waiting for a slot and for the first turn is outside the deadline."""
        # Before the turn: a turn that was taken must be used at once, or the limiter's log is wrong.
        async with self._slots[key]:
            await self.limiter.turn(key)
            return await self._run(call, key, tokens, options)

    async def _run(self, call: Call[T], key: str, tokens: TokenSource, options: Options) -> T:
        run = _Run(manager=self, call=call, key=key, tokens=tokens, options=options)
        scope = asyncio.timeout(options.deadline)
        try:
            async with scope:
                reply = await run.until_done()
        except TimeoutError:
            if not scope.expired():
                raise
            run.cut_off()
            text = f"{call.where} did not finish within its deadline of {options.deadline:g} s"
            raise run.mark(DeadlineExceeded(text, sent=run.was_sent)) from None
        except BrexError as error:
            raise run.mark(error) from None
        try:
            return call.decode(reply)
        except DecodeError as error:
            raise run.mark(_placed(error, call, reply)) from None

    def tell(self, event: object) -> None:
        """Tell every observer; one that fails is logged and harms nobody."""
        for observer in self.observers:
            try:
                observer(event)
            except Exception as error:  # noqa: BLE001 - the user's code: anything may come
                self.log.warning("an observer raised %s on %s", type(error).__name__, type(event).__name__)


@attrs.define(kw_only=True)
class _Run:
    manager: Manager
    call: Call[object]
    key: str
    tokens: TokenSource
    options: Options
    # Not a local variable: error reporters print those, and this stays out of the repr.
    token: str = attrs.field(default="", repr=False)
    tries: Tries = attrs.field(factory=Tries)
    in_flight: bool = False
    started: float = 0.0

    @property
    def was_sent(self) -> bool:
        return any(attempt.outcome is not Outcome.NOT_SENT for attempt in self.tries.attempts)

    def cut_off(self) -> None:
        """The deadline came while an attempt was under way: nobody knows what became of it."""
        if self.in_flight:
            silence = Silence(sent=Sent.UNSURE, cause="cut off by the deadline", timed_out=True)
            self._note(silence, Outcome.AMBIGUOUS, None, self.manager.clock.monotonic() - self.started)

    async def until_done(self) -> Reply:
        clock = self.manager.clock
        ends = clock.monotonic() + self.options.deadline
        while True:
            self.token = await self.tokens.token()
            decision = await self._attempt(ends)
            match decision:
                case Done(reply):
                    return reply
                case Fail(error):
                    raise error
                case Renew(error):
                    if not await self.tokens.renew(self.token):
                        raise error
                case Wait(seconds, because):
                    if because is Outcome.THROTTLED:
                        await self.manager.limiter.throttled(self.key, seconds)
                    else:
                        await clock.sleep(seconds)
            await self.manager.limiter.turn(self.key)

    async def _attempt(self, ends: float) -> Decision:
        manager, clock = self.manager, self.manager.clock
        self.started = clock.monotonic()
        self.in_flight = True
        answer = await manager.transport.send(self._request(), self.options.timeout)
        self.in_flight = False
        if isinstance(answer, Reply) and answer.served_at is not None:
            manager.server_clock = (answer.served_at, clock.monotonic())
        outcome, decision = decide(
            self.call,
            answer,
            self.tries,
            self.options.retry,
            remaining=ends - clock.monotonic(),
            now=clock.now(),
            roll=manager.roll(),
        )
        self._note(answer, outcome, decision, clock.monotonic() - self.started)
        return decision

    def _request(self) -> Request:
        call = self.call
        content = (("Content-Type", "application/json"),) if call.body is not None else ()
        headers = (
            ("Authorization", f"Bearer {self.token}"),
            ("Accept", "application/json"),
            ("User-Agent", self.manager.user_agent),
        )
        return Request(
            method=call.method,
            path=call.path,
            query=call.query,
            headers=headers + content + call.headers,
            body=call.body,
        )

    def _note(self, answer: Answer, outcome: Outcome, decision: Decision | None, elapsed: float) -> None:
        status = answer.status if isinstance(answer, (Reply, Oversized)) else None
        cause = None if isinstance(answer, (Reply, Oversized)) else answer.cause
        wait = decision.seconds if isinstance(decision, Wait) else None
        number = len(self.tries.attempts) + 1
        attempt = Attempt(number=number, outcome=outcome, status=status, cause=cause, wait=wait)
        self.tries = Tries((*self.tries.attempts, attempt))
        event = AttemptEvent(
            call=self.call.name,
            method=self.call.method,
            path=self.call.path,
            key=self.key,
            number=number,
            outcome=outcome,
            status=status,
            cause=cause,
            elapsed=elapsed,
            wait=wait,
            size=len(answer.body) if isinstance(answer, Reply) else None,
            trace_id=self.call.trace_id(answer),
        )
        level = logging.DEBUG if outcome is Outcome.DONE else logging.INFO
        self.manager.log.log(
            level,
            "%s attempt %d: %s, %s in %.3f s, wait %s, trace %s",
            self.call.where,
            number,
            status or cause,
            outcome.value,
            elapsed,
            wait,
            event.trace_id,
        )
        self.manager.tell(event)

    def mark(self, error: BrexError) -> BrexError:
        """Put the attempts on an error, and whether a change may have happened all the same."""
        attempts = self.tries.attempts
        error.attempts = attempts
        unknown = any(a.outcome is Outcome.AMBIGUOUS or _is_success(a.status) for a in attempts)
        error.may_have_happened = self.call.method != "GET" and unknown
        return error


def _is_success(status: int | None) -> bool:
    # A 2xx whose body could not be read: the change is done, its answer is lost.
    return status is not None and 200 <= status < 300


def _placed(error: DecodeError, call: Call[object], reply: Reply) -> DecodeError:
    return DecodeError(error.problems, where=call.where, trace_id=call.trace_id(reply))
