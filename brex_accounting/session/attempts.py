"""The attempts of one call: token, send, decide, wait; until there is an answer or no time left."""

from __future__ import annotations

import attrs

from ..errors import BrexError
from .call import Answer, Attempt, Call, Outcome, Oversized, Reply, Request, Sent, Silence, Tries
from .events import AttemptEvent, PauseEvent, RetryEvent
from .health import Health
from .limiter import PausableLimiter
from .retry import Decision, Done, Fail, Renew, Wait, decide, pause_without_hint
from .services import Options, Services, TokenSource

__all__ = ["Attempts"]


@attrs.define(kw_only=True)
class Attempts:
    """One call under way."""

    services: Services
    id: int
    call: Call[object]
    key: str
    tokens: TokenSource | None
    options: Options
    # Not a local variable: error reporters print those, and this stays out of the repr.
    token: str = attrs.field(default="", repr=False)
    tries: Tries = attrs.field(factory=Tries)
    in_flight: bool = False
    paid: bool = False
    started: float = 0.0

    @property
    def was_sent(self) -> bool:
        """Whether any attempt may have reached the server."""
        return any(attempt.outcome is not Outcome.NOT_SENT for attempt in self.tries.attempts)

    def cut_off(self) -> None:
        """The deadline came while an attempt was under way: nobody knows what became of it."""
        if self.in_flight:
            silence = Silence(sent=Sent.UNSURE, cause="cut off by the deadline", timed_out=True)
            self._note(silence, Outcome.AMBIGUOUS, None, self.services.clock.monotonic() - self.started)

    async def until_done(self) -> Reply:
        """The reply of the attempt that succeeds. Raises what the last one came to."""
        ends = self.services.clock.monotonic() + self.options.deadline
        while True:
            await self._take_token()
            match await self._attempt(ends):
                case Done(reply):
                    self._health.succeeded(self.services.clock.monotonic(), retried=self.paid)
                    return reply
                case Fail(error):
                    raise error
                case Renew(error):
                    if self.tokens is None or not await self.tokens.renew(self.token):
                        raise error
                    self._tell_retry(0.0, Outcome.DEAD_TOKEN)
                case Wait(seconds, because):
                    await self._wait(seconds, because)
            await self.services.limiter.turn(self.key, again=True)

    async def _take_token(self) -> None:
        if self.tokens is None:
            return
        asked = self.services.clock.monotonic()
        self.token = await self.tokens.token()
        # Whoever waits for a slow token would start long after its turn, together with those whose turn is then.
        if self.services.clock.monotonic() - asked > self.services.turn_lasts:
            await self.services.limiter.turn(self.key, again=True)

    async def _wait(self, seconds: float, because: Outcome) -> None:
        self._tell_retry(seconds, because)
        if because is not Outcome.THROTTLED:
            self._health.spend()
            self.paid = True
            await self.services.clock.sleep(seconds)

    def _tell_retry(self, wait: float, because: Outcome) -> None:
        number = len(self.tries.attempts) + 1
        event = RetryEvent(id=self.id, call=self.call.name, key=self.key, number=number, wait=wait, because=because)
        self.services.tell(event)

    async def _pause(self, answer: Answer, decision: Decision) -> None:
        """Stop everybody of the key, also when this call waits no more."""
        clock = self.services.clock
        hint = answer.hint(clock.now()) if isinstance(answer, Reply) else None
        policy = self.options.retry
        streak = self._health.streak(clock.monotonic())
        wait = decision.seconds if isinstance(decision, Wait) else hint or pause_without_hint(policy, streak)
        # A hint of hours ends this call; the others find out for themselves, not by waiting outside any deadline.
        wait = min(wait, policy.longest_hint)
        self._health.throttled(clock.monotonic(), wait)
        self.services.tell(PauseEvent(key=self.key, wait=wait, hinted=hint is not None))
        await self.services.limiter.throttled(self.key, wait)

    async def _rest(self, answer: Reply) -> None:
        """The server says that this was the last one for now: stop everybody before it has to refuse somebody."""
        seconds = answer.rest(self.services.clock.now())
        if seconds and isinstance(self.services.limiter, PausableLimiter):
            await self.services.limiter.pause(self.key, min(seconds, self.options.retry.longest_hint))

    @property
    def _health(self) -> Health:
        return self.services.health(self.key)

    async def _attempt(self, ends: float) -> Decision:
        services, clock = self.services, self.services.clock
        self.started = clock.monotonic()
        self.in_flight = True
        answer = await services.transport.send(self._request(), self.options.timeout)
        self.in_flight = False
        now, health = clock.monotonic(), self._health
        if isinstance(answer, Reply) and (served_at := answer.served_at) is not None:
            services.served(served_at, asked=self.started, now=now)
        outcome, decision = decide(
            self.call,
            answer,
            self.tries,
            self.options.retry,
            remaining=ends - now,
            now=clock.now(),
            roll=services.roll(),
            streak=health.streak(now),
            may_retry=health.may_retry(),
        )
        self._note(answer, outcome, decision, now - self.started)
        if outcome is Outcome.THROTTLED:
            await self._pause(answer, decision)
        elif isinstance(answer, Reply):
            await self._rest(answer)
        return decision

    def _request(self) -> Request:
        call = self.call
        content = (("Content-Type", call.content_type),) if call.body is not None else ()
        headers = (
            *((("Authorization", f"Bearer {self.token}"),) if self.tokens is not None else ()),
            ("Accept", "application/json"),
            ("User-Agent", self.services.user_agent),
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
            id=self.id,
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
        self.services.tell(event)

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
