"""Spans for OpenTelemetry: one per call, and below it one per attempt. Needs the extra ``[otel]``.

    from brex_accounting.otel import SpanObserver

    async with BrexAccounting(observers=[SpanObserver()]) as brex:
        ...

A call's span has the span that is current where the call is made as its parent. Attributes follow
OpenTelemetry's semantic conventions for HTTP clients; none holds a token, a body or a query.

Source: OpenTelemetry, "Semantic conventions for HTTP spans", stable since 1.23.
"""

from __future__ import annotations

import time

import attrs

from .errors import ConfigurationError
from .session.call import Outcome
from .session.events import AttemptEvent, CallEnded, CallStarted, PauseEvent, RefreshEvent, RetryEvent

try:
    from opentelemetry import trace
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
except ImportError:
    raise ConfigurationError("spans need OpenTelemetry: pip install 'brex-accounting[otel]'") from None

__all__ = ["SpanObserver"]


@attrs.frozen
class _Open:
    """A call under way. ``started`` is nanoseconds since 1970, as spans count."""

    span: Span
    started: int
    key: str


class SpanObserver:
    """An observer that makes spans. Ids of calls are counted per client, so give each client its own.

    ``tracer``: by default one of the global provider's.
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer or trace.get_tracer("brex_accounting")
        self._open: dict[int, _Open] = {}

    def __call__(self, event: object) -> None:
        """Take an event; those it does not know are ignored."""
        match event:
            case CallStarted():
                self._start(event)
            case AttemptEvent() if event.id in self._open:
                self._attempt(event, self._open[event.id])
            case RetryEvent() if event.id in self._open:
                told = {"wait": event.wait, "because": event.because.value}
                self._open[event.id].span.add_event("retry", told)
            case PauseEvent():
                self._pause(event)
            case RefreshEvent():
                self._refresh(event)
            case CallEnded() if event.id in self._open:
                self._end(event, self._open.pop(event.id))

    def _start(self, event: CallStarted) -> None:
        started = time.time_ns()
        attributes = {"http.request.method": event.method, "url.path": event.path}
        if event.key:
            attributes["brex_accounting.key"] = event.key
        # No context given: the current one is the caller's, because observers run in the calling task.
        span = self._tracer.start_span(event.call, attributes=attributes, start_time=started)
        self._open[event.id] = _Open(span, started, event.key)

    def _attempt(self, event: AttemptEvent, call: _Open) -> None:
        now = time.time_ns()
        attributes: dict[str, str | int] = {"http.request.method": event.method, "url.path": event.path}
        if event.number > 1:
            attributes["http.request.resend_count"] = event.number - 1
        if event.status is not None:
            attributes["http.response.status_code"] = event.status
        if event.trace_id is not None:
            attributes["brex_accounting.trace_id"] = event.trace_id
        span = self._tracer.start_span(
            event.method,
            context=trace.set_span_in_context(call.span),
            kind=SpanKind.CLIENT,
            attributes=attributes,
            # The client's clock may run otherwise: never before the call itself.
            start_time=max(call.started, now - round(event.elapsed * 1e9)),
        )
        if event.outcome is not Outcome.DONE:
            _fail(span, _error_type(event))
        span.end(now)

    def _pause(self, event: PauseEvent) -> None:
        for call in self._open.values():
            if call.key == event.key:
                call.span.add_event("pause", {"wait": event.wait, "hinted": event.hinted})

    def _refresh(self, event: RefreshEvent) -> None:
        now = time.time_ns()
        span = self._tracer.start_span("refresh tokens", start_time=now - round(event.elapsed * 1e9))
        if event.failure is not None:
            _fail(span, event.failure)
        span.end(now)

    def _end(self, event: CallEnded, call: _Open) -> None:
        call.span.set_attribute("brex_accounting.attempts", event.attempts)
        if event.error is not None:
            _fail(call.span, event.error)
        call.span.end()


def _error_type(event: AttemptEvent) -> str:
    if event.status is None:
        return event.cause or event.outcome.value
    return str(event.status) if event.status >= 300 else event.outcome.value


def _fail(span: Span, error: str) -> None:
    span.set_attribute("error.type", error)
    span.set_status(Status(StatusCode.ERROR))
