"""Export results on the wire: one object per record, holding either ``success`` or ``failure``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import attrs

from ..errors import ConfigurationError, DecodeError
from ..models import ExportFailure, ExportResult, ExportSuccess
from .queries import checked_id, is_encodable

__all__ = [
    "FailureBody",
    "ReportBody",
    "ReportReply",
    "ResultBody",
    "SuccessBody",
    "checked_key",
    "checked_results",
    "report_body",
    "result_body",
    "result_of",
    "results_of",
]

R = TypeVar("R")


@attrs.frozen(kw_only=True)
class SuccessBody:
    """What ``success`` holds."""

    reference_id: str | None = None
    deep_link_url: str | None = None


@attrs.frozen(kw_only=True)
class FailureBody:
    """What ``failure`` holds."""

    error_message: str


@attrs.frozen(kw_only=True)
class ResultBody:
    """One entry of ``results``."""

    accounting_record_id: str
    success: SuccessBody | None = None
    failure: FailureBody | None = None


@attrs.frozen(kw_only=True)
class ReportBody:
    """The request body of "Report export results"."""

    results: tuple[ResultBody, ...]


@attrs.frozen(kw_only=True)
class ReportReply:
    """Its answer."""

    updated_accounting_record_ids: tuple[str, ...]


def checked_results(results: Iterable[ExportResult]) -> tuple[ExportResult, ...]:
    """Results that can be sent: at least one."""
    if not isinstance(results, Iterable):
        raise ConfigurationError("results takes a list of export results")
    found = tuple(_checked_result(result) for result in results)  # once: a generator is empty the second time
    if not found:
        raise ConfigurationError("there are no export results to report")
    return found


def checked_key(key: str) -> str:
    """An idempotency key that can stand in a header."""
    if not isinstance(key, str) or not key or not all("!" <= character <= "~" for character in key):
        raise ConfigurationError("an idempotency key is printable ASCII without blanks")
    return key


def result_body(result: ExportResult) -> ResultBody:
    """A result as it is sent."""
    success = failure = None
    if isinstance(result, ExportSuccess):
        success = SuccessBody(reference_id=result.reference_id, deep_link_url=result.deep_link_url)
    if isinstance(result, ExportFailure):
        failure = FailureBody(error_message=result.error_message)
    return ResultBody(accounting_record_id=result.accounting_record_id, success=success, failure=failure)


def report_body(results: Sequence[ExportResult]) -> ReportBody:
    """Results as they are sent."""
    return ReportBody(results=tuple(result_body(result) for result in results))


def results_of(body: ReportBody) -> tuple[ExportResult, ...]:
    """Received results. Raises ``DecodeError`` unless each holds exactly one of success and failure."""
    return tuple(_either(one, f"$.results[{index}]") for index, one in enumerate(body.results))


def result_of(body: ResultBody, kind: type[R]) -> R:
    """One received result of the expected ``kind``."""
    result = _either(body, "$")
    if not isinstance(result, kind):
        raise DecodeError(f"expected {kind.__name__} at $")
    return result


def _checked_result(result: Any) -> ExportResult:
    if not isinstance(result, (ExportSuccess, ExportFailure)):
        raise ConfigurationError(f"an export result is an ExportSuccess or ExportFailure, not {type(result).__name__}")
    if isinstance(result, ExportFailure):
        message: object = result.error_message
        if not isinstance(message, str) or not message.strip():
            raise ConfigurationError("an export failure needs an error_message: the customer reads it in Brex")
        _check_text("error_message", message)
    if isinstance(result, ExportSuccess):
        _check_text("reference_id", result.reference_id)
        _check_text("deep_link_url", result.deep_link_url)
    checked_id("an accounting_record_id", result.accounting_record_id)
    return result


def _check_text(name: str, text: object) -> None:
    if text is None:
        return
    if not isinstance(text, str):
        raise ConfigurationError(f"{name} must be a string or None, not {type(text).__name__}")
    if not is_encodable(text):
        raise ConfigurationError(f"{name} holds half a character (a lone surrogate), which cannot be sent")


def _either(body: ResultBody, at: str) -> ExportResult:
    if body.success is not None and body.failure is None:
        return ExportSuccess(
            accounting_record_id=body.accounting_record_id,
            reference_id=body.success.reference_id,
            deep_link_url=body.success.deep_link_url,
        )
    if body.failure is not None and body.success is None:
        return ExportFailure(accounting_record_id=body.accounting_record_id, error_message=body.failure.error_message)
    raise DecodeError(f"expected exactly one of success and failure at {at}")
