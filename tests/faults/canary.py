"""Whatever a log, an event, a span or an error prints, searched for what must never be printed."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from brex_accounting.otel import SpanObserver

from ..reporter import printed

__all__ = ["BODY", "TOKEN", "Canary"]

TOKEN = "bxt_canary_token_5f1c"
"""The bearer token."""

BODY = "canary-body-9b7e"
"""Part of what is sent and of what a server answers."""

SECRETS = re.compile(rf"{TOKEN}|{BODY}|sandbox_(secret|access|refresh|code)")
"""Those two, and what the sandbox's OAuth server gives and takes."""


class _Exporter(SpanExporter):
    def __init__(self, canary: Canary) -> None:
        self._canary = canary

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            self._canary.span(span)
        return SpanExportResult.SUCCESS


class Canary(logging.Handler):
    """Every log record at DEBUG, while it is entered; ``events`` and ``error`` take the rest."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._level = logging.NOTSET

    def emit(self, record: logging.LogRecord) -> None:
        """A log record, formatted and with its arguments."""
        self._keep(self.format(record), repr(record.args))

    def event(self, event: object) -> None:
        """An observer."""
        self._keep(repr(event), str(event))

    def error(self, error: BaseException) -> None:
        """An exception, as an error reporter prints it."""
        self._keep(printed(error))

    def spans(self) -> SpanObserver:
        """A further observer, whose spans are searched as they end."""
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(_Exporter(self)))
        return SpanObserver(provider.get_tracer("canary"))

    def span(self, span: ReadableSpan) -> None:
        """A span with its name, attributes, events and status."""
        self._keep(span.to_json())

    def hits(self) -> list[str]:
        """The lines that hold a canary."""
        return [line for line in self.lines if SECRETS.search(line)]

    def _keep(self, *texts: str) -> None:
        for text in texts:
            self.lines += text.splitlines()

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._level = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level)
