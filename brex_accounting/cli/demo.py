"""``demo``: the main job from end to end, against a local Brex, with no account and no network."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from ..client import BrexAccounting
from ..enums import ReviewStatus
from ..errors import BrexError
from ..sandbox import Sandbox
from ..session.call import Outcome
from ..session.events import AttemptEvent
from ..sync import SqliteStore
from .books import books
from .console import LiveLine, UsageError, progress, say
from .crash import crash
from .journal import Due, check_journal
from .local import export_all, local_brex, local_client, read_back
from .running import shown_by
from .sandbox import MOST_RECORDS
from .totals import Totals

__all__ = ["check", "demo"]

_NARROWEST: Final = 64
"""Columns below which the terminal breaks the lines of a table: a shortened amount would be a wrong one."""


async def demo(*, records: int = 5000, crash_: Annotated[bool, Parameter(name="--crash", negative=())] = False) -> None:
    """Stream lifelike records from a local Brex, export the ready ones into a CSV journal, and read that back.

    It starts its own sandbox, which fails now and then, reaches no other host,
    and removes its files.

    Parameters
    ----------
    records
        How many records the company has.
    crash_
        Instead: kill an export half-way with SIGKILL, start it again, and count
        what was lost and doubled in a fake ERP.
    """
    if not 1 <= records <= MOST_RECORDS:
        raise UsageError(f"--records must be at least 1 and at most {MOST_RECORDS}")
    say(f"starting a local Brex with {records} lifelike records, some failures included")
    if crash_:
        await crash(records)
        return
    seen = _Seen()
    with TemporaryDirectory(prefix="brex-demo-") as folder:
        journal = Path(folder) / "journal.csv"
        async with local_brex(records) as sandbox, local_client(sandbox.url, sandbox.token, seen) as brex:
            totals, due = await _stream(brex, records)
            streamed = f"{records} records in {seen.pages} pages, {seen.requests} requests"
            streamed += f" of which {seen.retries} retries."
            check(sandbox, totals)
            with LiveLine("exporting") as line:
                poster = books(csv=journal, beancount=None, chart=None)
                await export_all(brex, poster, SqliteStore(journal.with_suffix(".db")), watch=shown_by(line))
            check_journal(journal, due)
            exported = await read_back(brex, due.ready)
    _print(totals, due, seen, streamed, exported)


class _Seen:
    """Counts attempts."""

    def __init__(self) -> None:
        self.requests = 0
        self.retries = 0
        self.pages = 0
        self.lost_reports = 0

    def __call__(self, event: object) -> None:
        if isinstance(event, AttemptEvent):
            self.requests += 1
            self.retries += event.number > 1
            self.pages += event.call == "list records" and event.outcome is Outcome.DONE
            self.lost_reports += event.method == "POST" and event.outcome is Outcome.AMBIGUOUS


async def _stream(brex: BrexAccounting, expected: int) -> tuple[Totals, Due]:
    totals, due = Totals(), Due()
    with progress(show=True) as bar:
        task = bar.add_task("streaming", total=expected)
        async for record in brex.records.list():
            totals.add(record)
            due.add(record)
            bar.advance(task)
    return totals, due


def check(sandbox: Sandbox, totals: Totals) -> None:
    """Hold what was streamed against the sandbox's own records. Raises ``BrexError``."""
    own = Totals()
    for record in sandbox.brex.records():
        own.add(record)
    if (own.records, own.sides) != (totals.records, totals.sides):
        raise BrexError("the records streamed differ from the sandbox's own; please report this")


def _print(totals: Totals, due: Due, seen: _Seen, streamed: str, exported: int) -> None:
    console = Console()
    console = Console(width=max(console.width, _NARROWEST) if console.is_terminal else 120)
    console.print(_kinds(totals))
    console.print(_sides(totals))
    balanced = "every record balances" if not totals.unbalanced else f"{totals.unbalanced} records do not balance"
    sys.stdout.write(
        f"{streamed}\n"
        f"{balanced}; the sums are those of the sandbox, to the last digit.\n"
        f"{len(due.ids)} posted into a journal, each once, to the last digit: "
        f"{len(due.bills)} bills, and {len(due.ready)} that were ready.\n"
        f"{exported} reported and read back as EXPORTED; "
        f"lost answers that were settled on the way: {seen.lost_reports}.\n"
    )


def _kinds(totals: Totals) -> Table:
    statuses = [status.value for status in ReviewStatus]
    table = Table(title="Records by type and status", title_justify="left", box=None, pad_edge=False)
    table.add_column("type", overflow="ellipsis")
    for status in (*statuses, "all"):
        table.add_column(status, justify="right", no_wrap=True, min_width=len(status))
    for kind in sorted({kind for kind, _ in totals.by_kind}):
        counts = [totals.by_kind[kind, status] for status in statuses]
        table.add_row(kind, *map(str, counts), str(sum(counts)))
    sums = [sum(count for (_, status), count in totals.by_kind.items() if status == one) for one in statuses]
    table.add_row("all", *map(str, sums), str(totals.records))
    return table


def _sides(totals: Totals) -> Table:
    table = Table(title="\nDebits and credits by type and currency", title_justify="left", box=None, pad_edge=False)
    rows = [
        (kind, currency, f"{sums['DEBIT']:f}", f"{sums['CREDIT']:f}")
        for (kind, currency), sums in sorted(totals.sides.items())
    ]
    table.add_column("type", overflow="ellipsis")
    table.add_column("currency", min_width=8)
    for at, side in ((2, "debits"), (3, "credits")):
        width = max((len(row[at]) for row in rows), default=0)
        table.add_column(side, justify="right", no_wrap=True, min_width=width)
    for row in rows:
        table.add_row(*row)
    return table
