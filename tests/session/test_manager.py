"""The loop of one call, without a network: order, tokens, retries, deadline, events."""

from __future__ import annotations

import asyncio
import logging
import traceback
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from brex_accounting.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    DeadlineExceeded,
    DecodeError,
    RateLimitError,
    ResponseTooLarge,
    TokenRefreshError,
)
from brex_accounting.session.call import Answer, Outcome, Oversized, Refusal, Sent, Silence
from brex_accounting.session.events import AttemptEvent, CallEnded, CallStarted, PauseEvent, RetryEvent
from brex_accounting.session.retry import RetryPolicy
from brex_accounting.session.services import Options

from .stand_ins import NOT_SENT, NOTHING, START, Bench, PausableLimiter, Step, a_call, reply

pytestmark = pytest.mark.usefixtures("idle_time")

LATE = Silence(sent=Sent.UNSURE, cause="nothing within 1 s", timed_out=True)
TOO_LARGE = Oversized(status=200, limit=10, headers={"X-Trace": "tr-big"})


async def test_order_is_turn_token_send() -> None:
    """A token is taken after the turn, so that it is not dead by the time it is used."""
    bench = Bench([reply()])
    assert await bench.run(key="cuacc_1") == "ok"
    assert bench.journal == ["turn cuacc_1", "token", "send"]


async def test_every_attempt_takes_a_turn_and_a_token() -> None:
    """Retries queue like everybody else, after their backoff."""
    bench = Bench([NOTHING, reply(503), reply()])
    await bench.run()
    one, again = ["turn", "token", "send"], ["turn again", "token", "send"]
    assert bench.journal == [*one, "sleep 0.125", *again, "sleep 0.25", *again]


async def test_a_turn_that_waited_for_its_token_is_taken_anew() -> None:
    """Whoever gets a token late must not start with those whose turn is then; a quick one keeps its turn."""
    for seconds, again in ((0.4, []), (0.6, ["turn again"])):
        bench = Bench([reply()])

        async def slow(bench: Bench = bench, seconds: float = seconds) -> str:
            bench.clock.time += seconds
            return "t1"

        bench.tokens.token = slow  # type: ignore[method-assign]
        await bench.run()
        assert bench.journal == ["turn", *again, "send"]


async def test_what_is_sent() -> None:
    """Bearer token, JSON, the user agent, and the call's own headers; Content-Type only with a body."""
    bench = Bench([reply(), reply()])
    await bench.run()
    await bench.run(attrs.evolve(a_call(method="POST", body=b"{}"), headers=(("Idempotency-Key", "k"),)))
    bare, full = (dict(request.headers) for request in bench.transport.requests)
    assert bare == {"Authorization": "Bearer t1", "Accept": "application/json", "User-Agent": "test/1"}
    assert full == {**bare, "Content-Type": "application/json", "Idempotency-Key": "k"}
    assert bench.transport.requests[1].body == b"{}"
    assert "t1" not in repr(bench.transport.requests)


async def test_a_refused_token_is_renewed_once() -> None:
    """The source is told which token was refused, and the call goes on with the next one, without a wait."""
    bench = Bench([reply(401), reply()], tokens=("t1", "t2"))
    assert await bench.run() == "ok"
    assert bench.journal == ["turn", "token", "send", "renew t1", "turn again", "token", "send"]
    assert [dict(request.headers)["Authorization"] for request in bench.transport.requests] == [
        "Bearer t1",
        "Bearer t2",
    ]


async def test_a_renewal_is_told_as_a_retry_without_a_wait() -> None:
    """Observers see why there is a second attempt."""
    bench = Bench([reply(401), reply()], tokens=("t1", "t2"))
    await bench.run(key="k")
    told = [event for event in bench.events if isinstance(event, RetryEvent)]
    assert told == [RetryEvent(id=1, call="things", key="k", number=2, wait=0.0, because=Outcome.DEAD_TOKEN)]
    refused = Bench([reply(401)])
    await refused.fail()
    assert not [event for event in refused.events if isinstance(event, RetryEvent)]


async def test_a_token_that_cannot_be_renewed_fails_at_once() -> None:
    """Without another token there is no second attempt."""
    bench = Bench([reply(401)])
    error = await bench.fail()
    assert isinstance(error, APIStatusError)
    assert [attempt.outcome for attempt in error.attempts] == [Outcome.DEAD_TOKEN]
    assert bench.journal == ["turn", "token", "send", "renew t1"]


async def test_a_second_dead_token_ends_the_call() -> None:
    """A fresh token that is refused too is not renewed again: the grant itself is gone."""
    bench = Bench([reply(401), reply(401)], tokens=("t1", "t2", "t3"))
    error = await bench.fail()
    assert len(error.attempts) == 2
    assert bench.journal.count("renew t2") == 0


async def test_a_failing_source_sends_nothing() -> None:
    """An error of the token source is the call's error, with no attempt and no doubt."""

    async def broken() -> str:
        raise TokenRefreshError("no luck")

    bench = Bench([])
    bench.tokens.token = broken  # type: ignore[method-assign]
    error = await bench.fail(a_call(method="POST"))
    assert isinstance(error, TokenRefreshError)
    assert (error.attempts, error.may_have_happened) == ((), False)


async def test_a_throttle_pauses_the_key_and_not_the_call_alone() -> None:
    """After a 429 the limiter is told, which everybody with the key feels; the call does not sleep itself."""
    bench = Bench([reply(429), reply(429, Retry_After="3"), reply()])
    await bench.run(key="k")
    one, again = ["turn k", "token", "send"], ["turn k again", "token", "send"]
    assert bench.journal == [*one, "throttled k 1.5", *again, "throttled k 3.15", *again]


async def test_what_is_used_up_stops_the_key_before_anything_is_refused() -> None:
    """A limiter that can pause is told so by a good answer's headers, for a minute at most; others are not."""
    spent = reply(RateLimit_Remaining="0", RateLimit_Reset="1")
    bench = Bench([spent, reply(RateLimit_Remaining="0", RateLimit_Reset="7200")])
    bench.manager.limiter = PausableLimiter(bench.journal)
    await bench.run(key="k")
    await bench.run(key="k")
    turn = ["turn k", "token", "send"]
    assert bench.journal == [*turn, "pause k 1", *turn, "pause k 60"]
    plain = Bench([spent])
    await plain.run(key="k")
    assert plain.journal == turn


async def test_a_throttle_may_say_when_in_its_rate_limit_headers() -> None:
    """Without Retry-After they are the hint."""
    bench = Bench([reply(429, RateLimit_Remaining="0", RateLimit_Reset="3"), reply()])
    await bench.run(key="k")
    assert "throttled k 3.15" in bench.journal


async def test_a_hint_that_is_too_long_is_raised() -> None:
    """Retry-After beyond the policy's patience becomes a RateLimitError that carries it."""
    call = attrs.evolve(a_call(), refuse=lambda _: Refusal(error=RateLimitError("GET /things", status=429)))
    error = await Bench([reply(429, Retry_After="3600")]).fail(call)
    assert isinstance(error, RateLimitError)
    assert error.retry_after == 3600


@pytest.mark.parametrize(
    ("method", "again", "script", "happened"),
    [
        ("GET", True, [NOTHING] * 4, False),
        ("POST", True, [NOTHING] * 4, True),
        ("POST", False, [NOTHING], True),
        ("POST", False, [LATE], True),
        ("POST", False, [NOT_SENT] * 4, False),
        ("POST", False, [reply(500)], True),
        ("POST", False, [reply(502)], True),
        ("POST", False, [reply(503)], True),
        ("POST", False, [reply(504)], True),
        ("POST", False, [reply(408)], True),
        ("POST", False, [reply(400)], False),
        ("POST", False, [reply(401)], False),
        ("POST", False, [reply(403)], False),
        ("POST", False, [reply(409)], False),
        ("POST", False, [reply(422)], False),
        ("POST", False, [reply(302)], False),
        ("POST", False, [reply(429), reply(422)], False),
        ("POST", True, [NOTHING, reply(409)], True),
        ("POST", True, [NOT_SENT, reply(409)], False),
        ("POST", False, [reply(200, b"bad")], True),
        ("POST", False, [TOO_LARGE], True),
        ("GET", True, [reply(200, b"bad")], False),
    ],
)
async def test_may_have_happened(method: str, again: bool, script: list[Step], happened: bool) -> None:
    """True exactly when a change was asked for and some attempt's fate is unknown, or done and unreadable."""
    bench = Bench(script)
    error = await bench.fail(a_call(method=method, again=again))
    assert error.may_have_happened is happened
    assert bench.transport.script == []
    assert [attempt.number for attempt in error.attempts] == list(range(1, len(script) + 1))


async def test_attempts_tell_the_whole_story() -> None:
    """Each attempt has its outcome, status or cause, and the wait that followed."""
    error = await Bench([NOT_SENT, reply(503), LATE, reply(500)]).fail()
    assert [(one.outcome, one.status, one.cause, one.wait) for one in error.attempts] == [
        (Outcome.NOT_SENT, None, "ClientConnectorError", 0.125),
        (Outcome.AMBIGUOUS, 503, None, 0.25),
        (Outcome.AMBIGUOUS, None, "nothing within 1 s", 0.5),
        (Outcome.AMBIGUOUS, 500, None, None),
    ]


@pytest.mark.parametrize(
    ("answer", "kind", "sent"),
    [(NOTHING, APIConnectionError, True), (NOT_SENT, APIConnectionError, False), (LATE, APITimeoutError, True)],
)
async def test_silence_becomes_a_connection_error(answer: Silence, kind: type[APIConnectionError], sent: bool) -> None:
    """What the transport could not get is told apart by kind and by whether anything left."""
    error = await Bench([answer]).fail(options=Options(retry=RetryPolicy(attempts=1)))
    assert type(error) is kind
    assert isinstance(error, APIConnectionError)
    assert error.sent is sent


async def test_the_deadline_cuts_an_attempt() -> None:
    """A call that hangs is cut, its last attempt is ambiguous, and nobody knows what became of it."""

    async def hang() -> Answer:
        await asyncio.sleep(60)
        raise AssertionError

    bench = Bench([hang])
    error = await bench.fail(a_call(method="POST"), options=Options(deadline=0.03))
    assert isinstance(error, DeadlineExceeded)
    assert (error.sent, error.may_have_happened) == (True, True)
    assert [(one.outcome, one.cause) for one in error.attempts] == [(Outcome.AMBIGUOUS, "cut off by the deadline")]
    assert [type(event) for event in bench.events] == [CallStarted, AttemptEvent, CallEnded]


async def test_the_deadline_cuts_a_wait_for_a_token() -> None:
    """Hanging in the token source sends nothing, and the error says so."""

    async def slow() -> str:
        await asyncio.sleep(60)
        raise AssertionError

    bench = Bench([])
    bench.tokens.token = slow  # type: ignore[method-assign]
    error = await bench.fail(a_call(method="POST"), options=Options(deadline=0.03))
    assert isinstance(error, DeadlineExceeded)
    assert (error.sent, error.may_have_happened, error.attempts) == (False, False, ())


async def test_the_first_turn_is_outside_the_deadline() -> None:
    """Two thousand gathered calls may queue for minutes; only a retry's turn counts."""
    bench = Bench([reply(), reply(503)])
    waits = [0.5, 0.0, 60.0]

    async def turn(key: str, *, again: bool = False) -> None:
        assert again is (len(waits) == 1)
        assert key == ""
        await asyncio.sleep(waits.pop(0))

    bench.limiter.turn = turn  # type: ignore[method-assign]
    assert await bench.run(options=Options(deadline=0.3)) == "ok"
    error = await bench.fail(options=Options(deadline=0.3, retry=RetryPolicy(base=0.001)))
    assert isinstance(error, DeadlineExceeded)
    assert [one.status for one in error.attempts] == [503]


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    """The time left is checked before sleeping, on the clock that was passed in."""
    bench = Bench([reply(503)])
    error = await bench.fail(options=Options(deadline=5, retry=RetryPolicy(base=100, cap=100)))
    assert isinstance(error, APIStatusError)
    assert not any(line.startswith("sleep") for line in bench.journal)


async def test_cancellation_goes_through() -> None:
    """A cancelled call ends as cancelled: no retry, no event, nothing swallowed."""

    async def hang() -> Answer:
        await asyncio.sleep(60)
        raise AssertionError

    bench = Bench([hang, reply()])
    task = asyncio.create_task(bench.run())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [type(event) for event in bench.events] == [CallStarted, CallEnded]
    assert len(bench.transport.script) == 1


async def test_a_timeout_of_the_users_own_is_not_ours() -> None:
    """asyncio.timeout around a call raises the user's TimeoutError, not DeadlineExceeded."""

    async def hang() -> Answer:
        await asyncio.sleep(60)
        raise AssertionError

    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.02):
            await Bench([hang]).run()
    assert type(caught.value) is TimeoutError


async def test_decode_errors_say_where() -> None:
    """What cannot be read names the call and the trace id, and carries its attempts."""
    error = await Bench([reply(200, b"bad", X_Trace="tr-1")]).fail()
    assert isinstance(error, DecodeError)
    assert str(error) == "cannot decode: expected text at $ in the answer to GET /things (trace id tr-1)"
    assert [one.outcome for one in error.attempts] == [Outcome.DONE]


async def test_an_oversized_answer_is_not_asked_for_again() -> None:
    """ResponseTooLarge after one attempt: the next answer would be as large."""
    error = await Bench([TOO_LARGE]).fail()
    assert isinstance(error, ResponseTooLarge)
    assert len(error.attempts) == 1


async def test_events_tell_a_call_from_start_to_end() -> None:
    """Observers are told the start, each attempt with sizes, waits and trace ids, the retry, and the end."""
    bench = Bench([reply(503, b"", X_Trace="tr-1"), reply(200, b"four", X_Trace="tr-2")])
    await bench.run(key="k")
    started, first, again, second, ended = bench.events
    assert started == CallStarted(id=1, call="things", method="GET", path="/things", key="k")
    assert isinstance(first, AttemptEvent)
    assert isinstance(second, AttemptEvent)
    assert (first.number, first.status, first.wait, first.size, first.trace_id) == (1, 503, 0.125, 0, "tr-1")
    because = Outcome.AMBIGUOUS
    assert again == RetryEvent(id=1, call="things", key="k", number=2, wait=0.125, because=because)
    assert (second.number, second.outcome, second.wait, second.size, second.key) == (2, Outcome.DONE, None, 4, "k")
    assert (second.call, second.method, second.path) == ("things", "GET", "/things")
    assert isinstance(ended, CallEnded)
    assert (ended.id, ended.attempts, ended.error) == (1, 2, None)


async def test_events_tell_a_pause_and_what_ended_a_call() -> None:
    """A 429 is told as a pause of the key, hinted or not; the end names the class of the error."""
    bench = Bench([reply(429), reply(429, Retry_After="3"), reply(409)])
    await bench.fail(key="k")
    pauses = [event for event in bench.events if isinstance(event, PauseEvent)]
    assert pauses == [PauseEvent(key="k", wait=1.5, hinted=False), PauseEvent(key="k", wait=3.15, hinted=True)]
    ended = bench.events[-1]
    assert isinstance(ended, CallEnded)
    assert (ended.attempts, ended.error) == (3, "APIStatusError")


async def test_a_hint_nobody_waits_for_pauses_the_others_all_the_same() -> None:
    """The call that raises because the hint is too long still stops everybody of its key, for a minute at most."""
    for hint in ("3600", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"):
        bench = Bench([reply(429, Retry_After=hint)])
        await bench.fail(key="k")
        assert bench.journal[-1] == "throttled k 60"


async def test_giving_up_pauses_the_others_as_long_as_the_streak_says() -> None:
    """A call whose deadline leaves no time for the next pause stops its key for that pause, not for the shortest."""
    bench = Bench([reply(429), reply(429), reply(429)])
    pauses = []

    async def throttled(key: str, wait: float) -> None:
        assert key == "k"
        pauses.append(wait)
        bench.clock.time += wait

    bench.limiter.throttled = throttled  # type: ignore[method-assign]
    await bench.fail(key="k", options=Options(deadline=6))
    assert pauses == [1.5, 3.0, 8.0]


async def test_the_retry_quota_ends_a_flood_of_retries() -> None:
    """500 tokens pay for 35 retries; then errors of this key fail at once, and other keys still retry."""
    bench = Bench([])
    sent = []
    for _ in range(15):
        bench.transport.script += [reply(503)] * 4
        before = len(bench.transport.script)
        await bench.fail(key="k")
        sent.append(before - len(bench.transport.script))
        bench.transport.script.clear()
    assert sent == [4] * 11 + [3] + [1] * 3
    assert sum(sent) - len(sent) == 500 // 14
    bench.transport.script += [reply(503), reply()]
    assert await bench.run(key="other") == "ok"


async def test_a_success_resets_the_streak_of_throttles() -> None:
    """Without hints, pauses double while the key is throttled in a row, and begin again after a success."""
    bench = Bench([reply(429), reply(429), reply(), reply(429), reply()])
    waits: list[float] = []

    async def throttled(key: str, wait: float) -> None:
        assert key == "k"
        waits.append(wait)
        bench.clock.time += wait

    bench.limiter.throttled = throttled  # type: ignore[method-assign]
    await bench.run(key="k")
    await bench.run(key="k")
    assert waits == [1.5, 3.0, 1.5]


async def test_an_observer_that_raises_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The others are told, the call succeeds, and the log names the kind of the error and not its text."""
    bench = Bench([reply()])

    def broken(_: object) -> None:
        raise LookupError("canary")

    bench.manager.observers = [broken, bench.events.append]
    with caplog.at_level(logging.DEBUG):
        assert await bench.run() == "ok"
    assert len(bench.events) == 3
    assert "LookupError" in caplog.text
    assert "canary" not in caplog.text


async def test_the_servers_clock_comes_from_its_answers() -> None:
    """Date and the monotonic time it was seen at are kept, from errors too; a wrong Date changes nothing."""
    bench = Bench([reply(503, Date="Fri, 20 Nov 2026 12:00:07 GMT"), reply(Date="yesterday"), reply()])
    await bench.run()
    assert bench.manager.server_clock == (datetime(2026, 11, 20, 12, 0, 7, tzinfo=UTC), 1000.0)
    await bench.run()
    assert bench.manager.server_clock is not None
    assert bench.manager.server_clock[0] == START + timedelta(seconds=7)


async def test_the_servers_clock_is_not_set_back_by_whole_seconds() -> None:
    """A Date that is a second's beginning tells nothing new in that second; one that contradicts is believed."""
    dates = ("12:00:07", "12:00:07", "12:00:08", "12:00:10", "12:00:10", "11:59:00")
    bench = Bench([reply(Date=f"Fri, 20 Nov 2026 {date} GMT") for date in dates])
    seen = []
    for _ in dates:
        await bench.run()
        assert bench.manager.server_clock is not None
        told, at = bench.manager.server_clock
        seen.append((told + timedelta(seconds=bench.clock.time - at) - START).total_seconds())
        bench.clock.time += 0.75
    assert seen == [7.0, 7.75, 8.5, 10.0, 10.75, -60.0]


@pytest.mark.parametrize("script", [[reply(401)], [reply(500, b"canary")], [NOTHING], [reply(200, b"bad")]])
async def test_local_variables_hold_no_token(script: list[Step]) -> None:
    """A traceback printed with local variables, as error reporters do, shows neither token nor body."""
    bench = Bench(script)
    call = a_call(method="POST", again=False)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each script fails in its own way
        await bench.manager.run(call, "", bench.tokens, Options())
    frames = [frame for frame in traceback.walk_tb(caught.tb) if "brex_accounting" in frame[0].f_code.co_filename]
    shown = traceback.StackSummary.extract(iter(frames), capture_locals=True).format()
    assert shown
    assert "canary" not in "".join(shown)
