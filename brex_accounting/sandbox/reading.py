"""What a request says, or the refusal it gets: query keys and the body of export results."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import msgspec

from ..converters.exports import ReportBody, results_of
from ..converters.wire import codec
from ..enums import ReviewStatus, SourceType
from ..errors import DecodeError
from ..models import ExportFailure, ExportResult, ExportSuccess, Instant
from .refusal import invalid
from .table import microseconds

__all__ = ["ListRequest", "read_integration", "read_list", "read_results", "read_single_entry"]

MAX_LIMIT = 1000  # guess: the general paging guide's; undocumented for this API
MAX_IDS = 500
_BOUND = re.compile(r"updated_at\[(gt|gte|lt|lte)\]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@attrs.frozen(kw_only=True)
class ListRequest:
    """A list request. ``since`` and ``until`` are microseconds since 1970, both included."""

    ids: tuple[str, ...] | None = None
    review_status: ReviewStatus | None = None
    source_type: SourceType | None = None
    since: int | None = None
    until: int | None = None
    single_entry: bool = False
    limit: int = 100
    cursor: str | None = None

    @property
    def is_windowed(self) -> bool:
        """Whether the request names a window on ``updated_at``."""
        return self.since is not None or self.until is not None


def read_list(query: Sequence[tuple[str, str]]) -> ListRequest:
    """A list request from its query. Unknown and repeated keys are refused (stricter than Brex may be)."""
    ids = tuple(value for key, value in query if key == "ids")
    if len(ids) > MAX_IDS:
        raise invalid(f"At most {MAX_IDS} ids can be asked for at once.")
    single: dict[str, str] = {}
    for key, value in query:
        if key == "ids":
            continue
        if key in single:
            raise invalid(f"The query key {key} is given twice.")
        single[key] = value
    given = _fields(single)
    request = ListRequest(ids=ids or None, **given)
    if request.review_status is not None and request.source_type == SourceType.BILL:
        raise invalid("review_status is supported for CARD and REIMBURSEMENT only.")
    return request


def _fields(single: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for key, value in single.items():
        if key == "review_status":
            given[key] = _known(ReviewStatus, key, value)
        elif key == "source_type":
            given[key] = _known(SourceType, key, value)
        elif key == "single_entry":
            given[key] = _flag(value)
        elif key == "limit":
            given[key] = _limit(value)
        elif key == "cursor":
            given[key] = value
        elif bound := _BOUND.fullmatch(key):
            side, moment = _bound(bound[1], value)
            if side in given:
                raise invalid("updated_at takes one lower and one upper bound.")
            given[side] = moment
        else:
            raise invalid(f"Unknown query key {key}.")
    return given


def read_single_entry(query: Sequence[tuple[str, str]]) -> bool:
    """The only query key of "get record"."""
    given = read_list(query)
    if {key for key, _ in query} - {"single_entry"}:
        raise invalid("The only query key here is single_entry.")
    return given.single_entry


def read_integration(body: bytes) -> tuple[str, str]:
    """vendor and vendor_account_id of a create request."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise invalid("The body is not JSON.") from None
    values = [content.get(key) if isinstance(content, dict) else None for key in ("vendor", "vendor_account_id")]
    vendor, account = values
    if not (isinstance(vendor, str) and vendor and isinstance(account, str) and account):
        raise invalid("vendor and vendor_account_id are required strings.")
    return vendor, account


def read_results(body: bytes) -> tuple[ExportResult, ...]:
    """The results of a report: at least one, each with exactly one of success and failure."""
    try:
        results = results_of(codec().decode(body, ReportBody))
    except DecodeError as error:
        raise invalid(f"The body is malformed: {error.problems[0]}.") from None
    if not results:
        raise invalid("results must hold at least one result.")
    if _holds_null_link(body):
        raise invalid("deep_link_url must not be null.")
    for result in results:
        _refuse_other_than_ascii(result)
    return results


def _holds_null_link(body: bytes) -> bool:
    successes = [one.get("success") or {} for one in json.loads(body)["results"]]
    return any("deep_link_url" in success and success["deep_link_url"] is None for success in successes)


def _refuse_other_than_ascii(result: ExportResult) -> None:
    # guess: the error guide's rule for free-form text, unproven for this operation
    texts: dict[str, str | None] = {}
    if isinstance(result, ExportFailure):
        texts = {"error_message": result.error_message}
    elif isinstance(result, ExportSuccess):
        texts = {"reference_id": result.reference_id, "deep_link_url": result.deep_link_url}
    for name, text in texts.items():
        if text is not None and not text.isascii():
            raise invalid(f"{name} is invalid")


def _known(enum: Any, key: str, value: str) -> Any:
    if value not in [member.value for member in enum]:
        raise invalid(f"{key} has no such value.")
    return enum(value)


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise invalid("single_entry is true or false.")
    return value == "true"


def _limit(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 6 and 1 <= int(value) <= MAX_LIMIT):
        raise invalid(f"limit is a number from 1 to {MAX_LIMIT}.")
    return int(value)


def _bound(name: str, value: str) -> tuple[str, int]:
    text = f"{value}T00:00:00Z" if _DATE.fullmatch(value) else value
    try:
        moment: datetime = msgspec.convert(text, Instant)
    except msgspec.ValidationError:
        raise invalid(f"updated_at[{name}] is not an RFC 3339 date or date-time.") from None
    time = microseconds(moment)
    if name in ("gt", "gte"):
        return "since", time + 1 if name == "gt" else time
    return "until", time - 1 if name == "lt" else time
