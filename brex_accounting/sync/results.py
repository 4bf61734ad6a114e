"""What Brex is told of an export, and what its answer means for it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from ..confirming import Fate
from ..models import ExportFailure, ExportResult, ExportSuccess
from .exports import Export, Settlement
from .states import State
from .wording import customer_text

__all__ = ["TRY_AGAIN", "result_of", "settlement_of"]

TRY_AGAIN: Final = timedelta(days=1)
"""A record that stays READY_FOR_EXPORT after its failure was reported is tried again after this."""

_NO_WORDS: Final = "The accounting system refused this record"


def result_of(export: Export) -> ExportResult:
    """The result to report of a POSTED or REJECTED export, in characters that Brex takes."""
    if export.state is State.POSTED:
        link = export.deep_link_url
        return ExportSuccess(
            accounting_record_id=export.record_id,
            reference_id=customer_text(export.reference_id) if export.reference_id else None,
            deep_link_url=quote(link, safe="%/:=&?~#+!$,;'@()*[]") if link else None,
        )
    return ExportFailure(
        accounting_record_id=export.record_id, error_message=customer_text(export.message or "") or _NO_WORDS
    )


def settlement_of(result: ExportResult, fate: Fate, *, has_left: bool = False, now: datetime) -> Settlement:
    """Where a reported export goes. ``has_left``: its record was seen to have left the queue since."""
    taken = fate in (Fate.UPDATED, Fate.ALREADY_EXPORTED, Fate.PRESUMED_REPORTED)
    # A record that Brex does not wait for any more is reported when it is READY_FOR_EXPORT again.
    gone = fate in (Fate.NOT_READY, Fate.NOT_FOUND)
    if isinstance(result, ExportSuccess):
        after = State.REPORTED if taken else State.POSTED
        return Settlement(record_id=result.accounting_record_id, after=after, left_queue=True if gone else None)
    gone = gone or has_left or fate in (Fate.ALREADY_EXPORTED, Fate.PRESUMED_REPORTED)
    return Settlement(
        record_id=result.accounting_record_id,
        after=State.REPORTED_FAILED if taken else State.REJECTED,
        left_queue=True if gone else None,
        not_before=now + TRY_AGAIN if taken else None,
    )
