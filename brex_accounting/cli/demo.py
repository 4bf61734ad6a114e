"""``demo``: the main job from end to end, against a local Brex, with no account and no network."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from ..client import BrexAccounting
from ..enums import ReviewStatus
from ..errors import BrexError
from ..models import ExportSuccess
from ..sandbox import Fault, Rules, Sandbox
from ..session.call import Outcome
from ..session.events import AttemptEvent
from ..session.limiter import RateLimit
from ..urls import is_loopback
from .console import UsageError, progress, say
from .sandbox import MOST_RECORDS
from .totals import Totals

__all__ = ["check", "demo", "only_loopback"]

_BATCH = 100


async def demo(*, records: int = 5000) -> None:
    """Stream lifelike records from a local Brex, report the ready ones as exported, and read that back.

    It starts its own sandbox, which fails now and then, and reaches no other host.

    Parameters
    ----------
    records
        How many records the company has.
    """
    if not 1 <= records <= MOST_RECORDS:
        raise UsageError(f"--records must be at least 1 and at most {MOST_RECORDS}")
    # On reads alone: a report without an answer is for a person or the export engine to settle.
    faults = [Fault(kind="503", every=9, method="GET"), Fault(kind="drop", every=13, method="GET")]
    say(f"starting a local Brex with {records} lifelike records, some failures included")
    seen = _Seen()
    # No limit on either side: this shows the job, not the waiting.
    async with Sandbox(records=records, faults=faults, rules=Rules(rate_limit=None)) as sandbox:
        only_loopback(sandbox.url)
        client = BrexAccounting(
            sandbox.token, base_url=sandbox.url, rate_limit=RateLimit(limit=10**9), observers=[seen]
        )
        async with client as brex:
            totals, ready = await _stream(brex, records)
            pages = seen.pages
            exported = await _report(brex, ready)
        check(sandbox, totals, ready, exported)
    _print(totals, seen, pages, exported)


class _Seen:
    """Counts attempts."""

    def __init__(self) -> None:
        self.requests = 0
        self.retries = 0
        self.pages = 0

    def __call__(self, event: object) -> None:
        if isinstance(event, AttemptEvent):
            self.requests += 1
            self.retries += event.number > 1
            self.pages += event.call == "list records" and event.outcome is Outcome.DONE


async def _stream(brex: BrexAccounting, expected: int) -> tuple[Totals, list[str]]:
    totals, ready = Totals(), []
    with progress(show=True) as bar:
        task = bar.add_task("streaming", total=expected)
        async for record in brex.records.list():
            totals.add(record)
            if record.review_status == ReviewStatus.READY_FOR_EXPORT:
                ready.append(record.id)
            bar.advance(task)
    return totals, ready


async def _report(brex: BrexAccounting, ready: Sequence[str]) -> int:
    with progress(show=True) as bar:
        task = bar.add_task("reporting", total=len(ready))
        for start in range(0, len(ready), _BATCH):
            some = ready[start : start + _BATCH]
            results = [ExportSuccess(accounting_record_id=one, reference_id=f"DEMO-{one}") for one in some]
            await brex.records.report_export_results(results)
            bar.advance(task, len(some))
    exported = 0
    async for record in brex.records.get_many(ready):
        exported += record.review_status == ReviewStatus.EXPORTED
    return exported


def check(sandbox: Sandbox, totals: Totals, ready: Sequence[str], exported: int) -> None:
    """Hold what was streamed and read back against the sandbox's own records. Raises ``BrexError``."""
    own = Totals()
    for record in sandbox.brex.records():
        own.add(record)
    if (own.records, own.sides) != (totals.records, totals.sides):
        raise BrexError("the records streamed differ from the sandbox's own; please report this")
    if exported != len(ready):
        raise BrexError(f"{len(ready) - exported} reported records do not read back as EXPORTED")


def only_loopback(url: str) -> None:
    """Refuse to talk to another machine."""
    if not is_loopback(url.split("//")[1].rsplit(":", 1)[0]):
        raise BrexError("the demo talks to this machine only")


def _print(totals: Totals, seen: _Seen, pages: int, exported: int) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    console.print(_kinds(totals))
    console.print(_sides(totals))
    balanced = "every record balances" if not totals.unbalanced else f"{totals.unbalanced} records do not balance"
    sys.stdout.write(
        f"{totals.records} records in {pages} pages, {seen.requests} requests of which {seen.retries} retries.\n"
        f"{balanced}; the sums are those of the sandbox, to the last digit.\n"
        f"{exported} records reported as exported and read back as EXPORTED.\n"
    )


def _kinds(totals: Totals) -> Table:
    statuses = [status.value for status in ReviewStatus]
    table = Table(title="Records by type and status", title_justify="left", box=None, pad_edge=False)
    table.add_column("type", no_wrap=True)
    for status in (*statuses, "all"):
        table.add_column(status, justify="right", no_wrap=True)
    for kind in sorted({kind for kind, _ in totals.by_kind}):
        counts = [totals.by_kind[kind, status] for status in statuses]
        table.add_row(kind, *map(str, counts), str(sum(counts)))
    sums = [sum(count for (_, status), count in totals.by_kind.items() if status == one) for one in statuses]
    table.add_row("all", *map(str, sums), str(totals.records))
    return table


def _sides(totals: Totals) -> Table:
    table = Table(title="\nDebits and credits by type and currency", title_justify="left", box=None, pad_edge=False)
    table.add_column("type", no_wrap=True)
    table.add_column("currency")
    for side in ("debits", "credits"):
        table.add_column(side, justify="right", no_wrap=True)
    for (kind, currency), sums in sorted(totals.sides.items()):
        table.add_row(kind, currency, f"{sums['DEBIT']:f}", f"{sums['CREDIT']:f}")
    return table
