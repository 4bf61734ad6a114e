"""The close of a month: the report that holds Brex, the store and the books against each other.

    report = await closing_report(brex, store, poster, chart=chart, period=Period.parse("2026-06"))
    for finding in report.findings:
        print(finding.record_id, finding.place.account, finding.difference, finding.why)

Needs the extra ``[books]``, as the posting rules do.
"""

from .gathering import closing_report
from .paper import AccountTotal, ClosingReport, at_exponent
from .period import Period
from .queueing import Queue
from .reconciling import Finding, Row
from .rolling import Many, RollForward
from .sums import Place

__all__ = [
    "AccountTotal",
    "ClosingReport",
    "Finding",
    "Many",
    "Period",
    "Place",
    "Queue",
    "RollForward",
    "Row",
    "at_exponent",
    "closing_report",
]
