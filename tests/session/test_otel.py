"""Spans, as OpenTelemetry's own SDK exports them, of calls to a sandbox."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from brex_accounting import BrexError, FixedToken, NotFound, ServerError
from brex_accounting.otel import SpanObserver
from brex_accounting.sandbox import Fault, Sandbox
from brex_accounting.session.call import Outcome
from brex_accounting.session.events import AttemptEvent, CallStarted, RefreshEvent

from ..client.support import client_of, held


class Spans:
    """An observer of a provider of its own, and what it made."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("tests")
        self.observer = SpanObserver(self.tracer)

    def all(self) -> Sequence[ReadableSpan]:
        """Every span that has ended, oldest first."""
        return self._exporter.get_finished_spans()

    def of_kind(self, kind: SpanKind) -> list[ReadableSpan]:
        """The calls (INTERNAL) or the attempts (CLIENT)."""
        return [span for span in self.all() if span.kind is kind]

    @property
    def calls(self) -> list[ReadableSpan]:
        """Spans of calls."""
        return self.of_kind(SpanKind.INTERNAL)

    @property
    def attempts(self) -> list[ReadableSpan]:
        """Spans of attempts."""
        return self.of_kind(SpanKind.CLIENT)


@pytest.fixture
def spans() -> Spans:
    """No spans yet."""
    return Spans()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Thirty records."""
    async with Sandbox(records=30) as running:
        yield running


def number(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def parent(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def told(span: ReadableSpan, name: str) -> object:
    return (span.attributes or {}).get(name)


async def test_two_failed_attempts_and_one_that_succeeds(sandbox: Sandbox, spans: Spans) -> None:
    """One call with three attempts below it; resend counts, statuses and the retries are told."""
    sandbox.faults.add(Fault(kind="drop", next=2))  # two for one attempt: aiohttp itself sends a GET once more
    sandbox.faults.add(Fault(kind="500", next=3))  # every request counts, the two above too
    record_id = held(sandbox)[0].id
    async with client_of(sandbox, observers=[spans.observer]) as brex:
        await brex.records.get(record_id)
    (call,), attempts = spans.calls, spans.attempts
    path = f"/v3/accounting/records/{record_id}"
    assert len(spans.all()) == 4
    assert (call.name, parent(call), call.status.status_code) == ("get record", None, StatusCode.UNSET)
    assert (told(call, "http.request.method"), told(call, "url.path")) == ("GET", path)
    assert told(call, "brex_accounting.attempts") == 3
    assert [event.name for event in call.events] == ["retry", "retry"]
    assert [span.name for span in attempts] == ["GET"] * 3
    assert [parent(span) for span in attempts] == [number(call)] * 3
    assert [told(span, "http.request.resend_count") for span in attempts] == [None, 1, 2]
    assert sorted(str(told(span, "http.response.status_code")) for span in attempts[:2]) == ["500", "None"]
    assert {told(span, "error.type") for span in attempts[:2]} == {"500", "ServerDisconnectedError"}
    assert told(attempts[2], "http.response.status_code") == 200
    assert told(attempts[2], "error.type") is None
    assert [span.status.status_code for span in attempts] == [StatusCode.ERROR] * 2 + [StatusCode.UNSET]
    assert all(span.attributes and span.attributes["url.path"] == path for span in attempts)


async def test_spans_follow_each_other_in_time(sandbox: Sandbox, spans: Spans) -> None:
    """Every attempt lies within its call, lasts as long as it took, and begins after the one before it has ended."""
    sandbox.faults.add(Fault(kind="500", next=2))
    events: list[object] = []
    async with client_of(sandbox, observers=[spans.observer, events.append]) as brex:
        await brex.records.list()
    (call,) = spans.calls
    moments = [call.start_time or 0]
    for span in spans.attempts:
        moments += [span.start_time or 0, span.end_time or 0]
    moments.append(call.end_time or 0)
    assert moments == sorted(moments)
    assert moments[0] > 0
    lasted = [((span.end_time or 0) - (span.start_time or 0)) / 1e9 for span in spans.attempts]
    took = [event.elapsed for event in events if isinstance(event, AttemptEvent)]
    assert lasted == pytest.approx(took, rel=0.5)


async def test_the_parent_is_the_callers(sandbox: Sandbox, spans: Spans) -> None:
    """Each of many calls at once hangs below the span of the task that made it, with its own attempts."""
    sandbox.faults.add(Fault(kind="503", every=3))
    ids = [record.id for record in held(sandbox)][:20]
    above: dict[str, int] = {}

    async with client_of(sandbox, observers=[spans.observer]) as brex:

        async def one(record_id: str) -> None:
            with spans.tracer.start_as_current_span("job", kind=SpanKind.CONSUMER) as job:
                above[record_id] = job.get_span_context().span_id
                await brex.records.get(record_id)

        await asyncio.gather(*map(one, ids))
    made = {number(call): call for call in spans.calls}
    assert len(made) == len(ids)
    for call in made.values():
        assert parent(call) == above[str(told(call, "url.path")).rpartition("/")[2]]
    per_call = Counter(parent(span) for span in spans.attempts)
    assert per_call == {of: told(call, "brex_accounting.attempts") for of, call in made.items()}
    assert sum(per_call.values()) > len(ids)
    for span in spans.attempts:
        assert told(span, "url.path") == told(made[parent(span) or 0], "url.path")
    assert spans.observer._open == {}


async def test_a_call_that_fails(sandbox: Sandbox, spans: Spans) -> None:
    """The call names the class of the error, and the attempt its status."""
    async with client_of(sandbox, observers=[spans.observer]) as brex:
        with pytest.raises(NotFound):
            await brex.records.get("accr_none")
        sandbox.faults.add(Fault(kind="500", next=9))
        with pytest.raises(ServerError):
            await brex.records.get("accr_none")
    assert [told(call, "error.type") for call in spans.calls] == ["NotFound", "ServerError"]
    assert {call.status.status_code for call in spans.calls} == {StatusCode.ERROR}
    assert {call.status.description for call in spans.calls} == {None}
    assert [told(span, "error.type") for span in spans.attempts] == ["404", "500", "500", "500", "500"]


async def test_a_cancelled_call_ends_its_span(sandbox: Sandbox, spans: Spans) -> None:
    """Cancelled while the answer is awaited: the call's span ends, named so, and nothing stays open."""
    sandbox.faults.add(Fault(kind="slow", next=1))
    async with client_of(sandbox, observers=[spans.observer]) as brex:
        task = asyncio.create_task(brex.records.get("accr_1"))
        while not spans.observer._open:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (call,) = spans.calls
    assert (told(call, "error.type"), spans.attempts) == ("CancelledError", [])
    assert spans.observer._open == {}


async def test_whatever_ends_a_call_ends_its_span(sandbox: Sandbox, spans: Spans) -> None:
    """Success, errors, deadlines, an exception of the user's own: nothing is kept afterwards."""

    def refuse(_bad: object) -> None:
        raise ZeroDivisionError

    async with client_of(sandbox, observers=[spans.observer]) as brex:
        for kind in ("500", "503", "drop", "drop-after", "cut", "html", "slow"):
            sandbox.faults.add(Fault(kind=kind, next=1))
            try:
                await brex.with_options(deadline=0.1).records.list()
            except BrexError:
                sandbox.faults.clear()
        sandbox.faults.clear()
        sandbox.brex.table.record = _without_id  # type: ignore[method-assign,assignment]
        with pytest.raises(ZeroDivisionError):
            await brex.records.list(on_bad_record=refuse)
    assert len(spans.calls) == 8
    assert told(spans.calls[-1], "error.type") == "ZeroDivisionError"
    assert spans.observer._open == {}


def _without_id(_row: int) -> dict[str, object]:
    return {}


@pytest.mark.usefixtures("idle_time")
async def test_a_pause_is_an_event_of_every_call_of_the_key(sandbox: Sandbox, spans: Spans) -> None:
    """A 429 is told to all calls of the company that are under way, and to no other company's."""
    sandbox.faults.add(Fault(kind="slow", next=2))
    sandbox.faults.add(Fault(kind="429", next=1, path="accr_1"))
    async with client_of(sandbox, observers=[spans.observer]) as brex:
        other = brex.for_company("cuacc_2", token=FixedToken(sandbox.token))
        waiting = [asyncio.create_task(one.records.list().collect()) for one in (brex, other)]
        while sandbox.statistics.requests < 2:
            await asyncio.sleep(0.001)
        with pytest.raises(NotFound):
            await brex.records.get("accr_1")
        await asyncio.gather(*waiting)
    paused = {
        (call.name, told(call, "brex_accounting.key")): [one.name for one in call.events].count("pause")
        for call in spans.calls
    }
    assert paused == {("get record", None): 1, ("list records", None): 1, ("list records", "cuacc_2"): 0}


def test_a_refresh_is_a_span(spans: Spans) -> None:
    """A refresh of tokens has a span below the current one, and says what went wrong."""
    with spans.tracer.start_as_current_span("job") as job:
        spans.observer(RefreshEvent(elapsed=0.5, failure="TokenRefreshError"))
    refresh = spans.all()[0]
    assert (refresh.name, told(refresh, "error.type")) == ("refresh tokens", "TokenRefreshError")
    assert parent(refresh) == job.get_span_context().span_id
    assert (refresh.end_time or 0) - (refresh.start_time or 0) == 500_000_000


def test_events_of_calls_it_has_not_seen_are_ignored(spans: Spans) -> None:
    """An attempt without a start makes no span, and neither does an unknown event."""
    attempt = AttemptEvent(
        id=7,
        call="x",
        method="GET",
        path="/x",
        key="",
        number=1,
        outcome=Outcome.DONE,
        status=200,
        cause=None,
        elapsed=0.1,
        wait=None,
        size=2,
        trace_id=None,
    )
    spans.observer(attempt)
    spans.observer(object())
    assert spans.all() == ()


def test_without_a_tracer_the_global_one_is_used() -> None:
    """Without an SDK that is one whose spans record nothing, and nothing fails."""
    observer = SpanObserver()
    observer(CallStarted(id=1, call="x", method="GET", path="/x", key=""))
    assert len(observer._open) == 1


async def test_no_secret_in_any_attribute(spans: Spans) -> None:
    """Neither token nor query nor body is in anything that is exported."""
    async with Sandbox(records=30) as sandbox:
        sandbox.brex.tokens["bxt_canary"] = sandbox.brex.tokens[sandbox.token]
        sandbox.faults.add(Fault(kind="html", next=1))
        async with client_of(sandbox, token="bxt_canary", observers=[spans.observer]) as brex:
            with pytest.raises(BrexError):
                await brex.records.list(ids=["accr_canary"])
            assert await brex.records.list(ids=["accr_canary"]).collect() == []
            with pytest.raises(BrexError):
                await brex.integrations.create(vendor="canary\u00e9", vendor_account_id="")
    assert len(spans.calls) == 2
    assert "canary" not in "".join(span.to_json() for span in spans.all())


def test_without_the_extra_the_error_says_what_to_install() -> None:
    """Importing the module without opentelemetry is a ConfigurationError with the command."""
    code = "import sys; sys.modules['opentelemetry'] = None; import brex_accounting.otel"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith("ConfigurationError: spans need OpenTelemetry: pip install 'brex-accounting[otel]'")
