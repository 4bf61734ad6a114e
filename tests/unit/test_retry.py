"""The decision after each attempt, as a literal table and as rules that hold for any numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import ExportSuccess, endpoints, errors
from brex_accounting.session.call import Answer, Attempt, Call, Outcome, Oversized, Reply, Sent, Silence, Tries
from brex_accounting.session.retry import Decision, Done, Fail, Renew, RetryPolicy, Wait, decide

from .documents import thorough

GET: Call[Any] = endpoints.get_record("accr_1")
CREATE: Call[Any] = endpoints.create_integration("V", "org")
REPORT: Call[Any] = endpoints.report_export_results([ExportSuccess(accounting_record_id="accr_1")])

NOW = datetime(2026, 6, 11, 12, tzinfo=UTC)
NOT_SENT = Silence(sent=Sent.NO, cause="ClientConnectorError")
UNSURE = Silence(sent=Sent.UNSURE, cause="ServerDisconnectedError")
TIMED_OUT = Silence(sent=Sent.UNSURE, cause="nothing within 30 s", timed_out=True)
DEAD = b'{"type": "FORBIDDEN", "message": "Invalid or Revoked Token"}'
A, N, T, D = Outcome.AMBIGUOUS, Outcome.NOT_SENT, Outcome.THROTTLED, Outcome.DEAD_TOKEN


def reply(status: int, body: bytes = b"", **headers: str) -> Reply:
    return Reply(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=body)


def tried(*outcomes: Outcome) -> Tries:
    return Tries(tuple(Attempt(number=number, outcome=outcome) for number, outcome in enumerate(outcomes, 1)))


def decided(
    call: Call[Any], answer: Answer, *before: Outcome, remaining: float = 120.0, roll: float = 0.5
) -> tuple[Outcome, Decision]:
    streak = before.count(Outcome.THROTTLED)  # nobody else of the key was throttled
    policy = RetryPolicy()
    return decide(call, answer, tried(*before), policy, remaining=remaining, now=NOW, roll=roll, streak=streak)


# call, answer, outcomes before, outcome, and either the wait in seconds or the kind of decision
TABLE: list[tuple[Call[Any], Answer, tuple[Outcome, ...], Outcome, float | type[Any]]] = [
    (GET, reply(200), (), Outcome.DONE, Done),
    (GET, reply(204), (A, A, A, T, D), Outcome.DONE, Done),
    (REPORT, reply(200), (N,), Outcome.DONE, Done),
    (GET, NOT_SENT, (), N, 0.125),
    (GET, NOT_SENT, (N,), N, 0.25),
    (GET, NOT_SENT, (N, A), N, 0.5),
    (GET, NOT_SENT, (N, N, N), N, Fail),
    (REPORT, NOT_SENT, (), N, 0.125),
    (REPORT, NOT_SENT, (N, N, N), N, Fail),
    (GET, UNSURE, (), A, 0.125),
    (GET, UNSURE, (A,), A, 0.25),
    (GET, UNSURE, (T, T, T, A, D), A, 0.25),
    (GET, UNSURE, (A, N, A), A, Fail),
    (GET, TIMED_OUT, (), A, 0.125),
    (CREATE, UNSURE, (), A, 0.125),
    (CREATE, reply(500), (), A, 0.125),
    (REPORT, UNSURE, (), A, Fail),
    (REPORT, TIMED_OUT, (N,), A, Fail),
    *[(GET, reply(status), (), A, 0.125) for status in (408, 500, 502, 503, 504, 506, 520, 522, 524, 599)],
    *[(REPORT, reply(status), (), A, Fail) for status in (408, 500, 502, 503, 504, 506, 520, 522, 524, 599)],
    (GET, reply(503, retry_after="soon"), (), A, 0.125),
    (GET, reply(500, retry_after="5"), (), A, 0.125),
    (GET, reply(503, retry_after="4"), (), T, 4.2),
    (REPORT, reply(503, retry_after="4"), (), T, 4.2),
    (GET, reply(429), (), T, 1.5),
    (GET, reply(429), (T,), T, 3.0),
    (GET, reply(429), (T, T), T, 6.0),
    (GET, reply(429), (T, T, T), T, 12.0),
    (GET, reply(429), (T,) * 4, T, 15.0),
    (GET, reply(429), (T,) * 40, T, 15.0),
    (GET, reply(429), (A, A, A), T, 1.5),
    (REPORT, reply(429), (), T, 1.5),
    (GET, reply(429, retry_after="5"), (), T, 5.25),
    (GET, reply(429, retry_after="5"), (T,) * 40, T, 5.25),
    (GET, reply(429, retry_after="30"), (), T, 30.5),
    (GET, reply(429, retry_after="60"), (), T, 60.5),
    (GET, reply(429, retry_after="61"), (), T, Fail),
    (GET, reply(429, retry_after="99999999999"), (), T, Fail),
    (GET, reply(429, retry_after="9" * 400), (), T, Fail),
    (GET, reply(429, retry_after="0"), (), T, 0.0),
    (GET, reply(429, retry_after="-5"), (), T, 0.0),
    (GET, reply(401), (), D, Renew),
    (GET, reply(401), (A, T), D, Renew),
    (GET, reply(401), (D,), D, Fail),
    (GET, reply(401), (D, A), D, Fail),
    (REPORT, reply(401), (), D, Renew),
    (GET, reply(403, DEAD), (), D, Renew),
    (GET, reply(403, DEAD), (D,), D, Fail),
    (GET, reply(403, b'{"message": "a scope is missing"}'), (), Outcome.FATAL, Fail),
    (GET, reply(403), (), Outcome.FATAL, Fail),
    *[
        (GET, reply(status), (), Outcome.FATAL, Fail)
        for status in (301, 302, 304, 307, 308, 400, 404, 405, 409, 410, 418, 422, 501, 505)
    ],
    (CREATE, reply(409), (A,), Outcome.FATAL, Fail),
    (REPORT, reply(422), (N,), Outcome.FATAL, Fail),
    (GET, reply(409, retry_after="1"), (), Outcome.FATAL, Fail),
    *[(GET, Oversized(status=status, limit=10), (), Outcome.FATAL, Fail) for status in (200, 400, 401, 404, 422)],
    *[(GET, Oversized(status=status, limit=10), (), A, 0.125) for status in (408, 500, 502, 503)],
    *[(REPORT, Oversized(status=status, limit=10), (), A, Fail) for status in (408, 500, 502, 503)],
    (GET, Oversized(status=429, limit=10), (), T, 1.5),
]


def _described(value: object) -> str | None:
    if isinstance(value, Call):
        return value.name
    return repr(value)[:60] if isinstance(value, (Reply, Silence, Oversized)) else None


@pytest.mark.parametrize(("call", "answer", "before", "outcome", "then"), TABLE, ids=_described)
def test_the_table(
    call: Call[Any], answer: Answer, before: tuple[Outcome, ...], outcome: Outcome, then: float | type[Any]
) -> None:
    """Each answer after these tries comes to this outcome, and to this wait or decision."""
    found, decision = decided(call, answer, *before)
    assert found is outcome
    if isinstance(then, float):
        assert isinstance(decision, Wait)
        assert decision.seconds == pytest.approx(then)
        assert decision.because is outcome
    else:
        assert type(decision) is then


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (NOT_SENT, errors.APIConnectionError),
        (UNSURE, errors.APIConnectionError),
        (TIMED_OUT, errors.APITimeoutError),
        (reply(429, retry_after="100"), errors.RateLimitError),
        (reply(503, retry_after="100"), errors.RateLimitError),
        (reply(500), errors.ServerError),
        (reply(520), errors.ServerError),
        (reply(302), errors.APIStatusError),
        (reply(409), errors.Conflict),
        (reply(422), errors.UnprocessableEntity),
        (Oversized(status=200, limit=10), errors.ResponseTooLarge),
    ],
    ids=_described,
)
def test_what_is_raised(answer: Answer, kind: type[errors.BrexError]) -> None:
    """When nothing more can be done, the error is of this class and names the call."""
    _, decision = decided(GET, answer, A, A, A, D)
    assert isinstance(decision, Fail)
    assert type(decision.error) is kind
    assert "GET /v3/accounting/records/accr_1" in str(decision.error)
    if isinstance(decision.error, errors.APIConnectionError):
        assert decision.error.sent is (answer is not NOT_SENT)


@pytest.mark.parametrize(("text", "seconds"), [("7", 7.0), ("61", 61.0), ("-1", 0.0), (None, None), ("soon", None)])
def test_a_rate_limit_error_tells_the_hint(text: str | None, seconds: float | None) -> None:
    """retry_after is what the server said; None when it said nothing readable."""
    answer = reply(429) if text is None else reply(429, retry_after=text)
    _, decision = decided(GET, answer, remaining=0.0)
    assert isinstance(decision, Fail)
    assert isinstance(decision.error, errors.RateLimitError)
    assert decision.error.retry_after == seconds


@pytest.mark.parametrize(
    ("answer", "wait"),
    [(reply(429, retry_after="5"), 5.25), (reply(429), 1.5), (NOT_SENT, 0.125), (reply(502), 0.125)],
    ids=_described,
)
def test_the_deadline_is_checked_before_the_wait(answer: Answer, wait: float) -> None:
    """A wait that would end at the deadline or later is not begun."""
    assert isinstance(decided(GET, answer, remaining=wait + 1e-6)[1], Wait)
    assert isinstance(decided(GET, answer, remaining=wait)[1], Fail)
    assert isinstance(decided(GET, answer, remaining=0.0)[1], Fail)
    assert isinstance(decided(GET, answer, remaining=-5.0)[1], Fail)


@pytest.mark.parametrize("throttles", [1_023, 1_024, 5_000])
def test_any_number_of_throttles(throttles: int) -> None:
    """Throttled tries have no count of their own; the doubling must not run out of floats."""
    for roll, wait in ((0.0, 10.0), (1.0, 20.0)):
        _, decision = decided(GET, reply(429), *[T] * throttles, roll=roll)
        assert isinstance(decision, Wait)
        assert decision.seconds == pytest.approx(wait)


def test_any_number_of_attempts() -> None:
    """A policy of very many attempts keeps to its cap."""
    policy = RetryPolicy(attempts=10_000)
    _, decision = decide(GET, UNSURE, tried(*[A] * 5_000), policy, remaining=120, now=NOW, roll=1.0)
    assert isinstance(decision, Wait)
    assert decision.seconds == 20.0


def test_one_attempt_means_one() -> None:
    """attempts=1 sends once after errors."""
    policy = RetryPolicy(attempts=1)
    assert isinstance(decide(GET, NOT_SENT, Tries(), policy, remaining=120, now=NOW, roll=0.0)[1], Fail)


answers = st.one_of(
    st.sampled_from([NOT_SENT, UNSURE, TIMED_OUT, Oversized(status=200, limit=1)]),
    st.builds(
        lambda status, hint, date, body: Reply(
            status=status,
            headers=({"Retry-After": hint} if hint is not None else {}) | ({"Date": date} if date else {}),
            body=body,
        ),
        st.sampled_from([200, 302, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504, 520])
        | st.integers(100, 599),
        st.none()
        | st.integers(-100, 200).map(str)
        | st.floats(0, 100).map(lambda seconds: f"{seconds:.3f}")
        | st.sampled_from(["Thu, 11 Jun 2026 12:00:30 GMT", "Thu, 11 Jun 2026 11:00:00 GMT", "nan", "soon"])
        | st.text(max_size=20),
        st.none() | st.sampled_from(["Thu, 11 Jun 2026 12:00:10 GMT", "rubbish"]) | st.text(max_size=20),
        st.sampled_from([b"", DEAD, b"{}", b"<html>"]),
    ),
)
policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 6),
    base=st.floats(0, 10),
    cap=st.floats(0, 60),
    throttle_base=st.floats(0, 10),
    longest_hint=st.floats(0, 100),
)


@thorough
@given(
    call=st.sampled_from([GET, CREATE, REPORT]),
    answer=answers,
    before=st.lists(st.sampled_from([A, N, T, D]), max_size=8),
    policy=policies,
    remaining=st.floats(-10, 200),
    roll=st.floats(0, 1, exclude_max=True),
)
def test_what_always_holds(
    call: Call[Any], answer: Answer, before: list[Outcome], policy: RetryPolicy, remaining: float, roll: float
) -> None:
    """Never a wait to the deadline or beyond, never one below the hint, never a repeat of what may have happened."""
    outcome, decision = decide(call, answer, tried(*before), policy, remaining=remaining, now=NOW, roll=roll)
    if isinstance(decision, Wait):
        assert 0 <= decision.seconds < remaining
        assert outcome in {A, N, T}
        assert outcome is not A or call.repeat.after_ambiguous
        hint = answer.retry_after(NOW) if isinstance(answer, Reply) and outcome is T else None
        if hint is not None:
            assert hint <= decision.seconds <= hint + 1
            assert hint <= policy.longest_hint
        else:
            assert decision.seconds <= policy.cap
            assert outcome is T or len([one for one in before if one in {A, N}]) + 1 < policy.attempts
    if isinstance(decision, Renew):
        assert D not in before
    if isinstance(decision, (Fail, Renew)):
        assert isinstance(decision.error, errors.BrexError)
    assert isinstance(decision, Done) == (isinstance(answer, Reply) and 200 <= answer.status < 300)


@thorough
@given(answer=answers, policy=policies, roll=st.floats(0, 1, exclude_max=True))
def test_errors_end(answer: Answer, policy: RetryPolicy, roll: float) -> None:
    """The same error over and over ends after ``attempts`` tries, whatever it is; a dead token after two."""
    outcomes: list[Outcome] = []
    while True:
        outcome, decision = decide(GET, answer, tried(*outcomes), policy, remaining=1e9, now=NOW, roll=roll)
        outcomes.append(outcome)
        if outcome is T or not isinstance(decision, (Wait, Renew)):
            break
    assert len(outcomes) <= max(policy.attempts, 2)
