"""Export results on the wire: one object per record, holding either ``success`` or ``failure``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import attrs

from ..errors import DecodeError
from ..models import ExportFailure, ExportResult, ExportSuccess

__all__ = [
    "FailureBody",
    "ReportBody",
    "ReportReply",
    "ResultBody",
    "SuccessBody",
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
