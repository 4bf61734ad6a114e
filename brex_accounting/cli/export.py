"""``export``: what is ready goes from Brex into the books, once or again and again, or is only shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ..client import BrexAccounting
from ..sync import ExportSync, SqliteStore
from .books import books, first_day, load_chart
from .console import LiveLine, UsageError
from .dry_run import show_dry_run
from .options import duration, start_of
from .running import run_again, run_once, shown_by

__all__ = ["export"]


async def export(
    *,
    store: Path | None = None,
    csv: Path | None = None,
    beancount: Path | None = None,
    chart: Path | None = None,
    post_from: str | None = None,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    every: str | None = None,
    company: str = "",
    vendor: str = "",
    vendor_account_id: str = "",
    since: str | None = None,
    bills: bool = True,
    report_bills: bool = False,
    parallel: int = 8,
    lease: str = "2m",
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Post what is ready into your books and report it to Brex, each record once.

    Whenever it failed or was stopped, run it again: it goes on. Ctrl-C and
    SIGTERM let what is being posted come to its end. A paused export fails and
    says why. SIGTERM before the end of the run gives 143. With --dry-run it
    shows what it would do: nothing is posted, reported or kept.

    Parameters
    ----------
    store
        The file that remembers what was posted and reported, one per company; made when it is missing.
        Required but for a dry run.
    csv
        The books: a journal, a row per line item, only ever appended to; made when it is missing.
    beancount
        The books: a Beancount ledger, only ever appended to; made when it is missing. Needs --chart.
    chart
        The chart of accounts (TOML), by which the posting rules book; 'sync chart' writes one to begin with.
    post_from
        The first day of the books, like 2026-01-01: records dated before are left out. A chart says it itself.
    dry_run
        Show instead what would be booked and refused. Needs --chart alone; the store and the books are only read.
    every
        Run for ever, with a pause of 30s, 15m or 1h in between; SIGTERM then ends it with 0.
    company
        The Brex company; from then on the store refuses another one.
    vendor
        The vendor id of the integration, kept in the same way.
    vendor_account_id
        Your own id of the customer's account, kept in the same way.
    since
        Leave out bills last changed before this day; by default all are read, once.
    bills
        --no-bills reads no bills.
    report_bills
        Report bills too; Brex does not document what that does.
    parallel
        Posts at a time.
    lease
        After this long without a sign of life a worker counts as dead, and others settle what it left.
    json_
        Print the summary as one JSON object; with --every one per run, with --dry-run JSON Lines.
    """
    began = start_of("--since", since)
    pause_between = duration("--every", every) if every is not None else None
    held = duration("--lease", lease)
    if store is None and not dry_run:
        raise UsageError("--store FILE is required, but for a --dry-run")
    first = first_day(post_from, load_chart(chart) if chart is not None else None)
    if dry_run or store is None:
        if pause_between is not None:
            raise UsageError("--dry-run and --every exclude each other")
        await show_dry_run(
            store=store, csv=csv, beancount=beancount, chart=chart, bills=bills, since=began, as_json=json_
        )
        return
    poster = books(csv=csv, beancount=beancount, chart=chart)
    line = LiveLine("reading what is ready")
    async with BrexAccounting() as brex:
        sync = ExportSync(
            brex,
            poster,
            store=SqliteStore(store),
            post_from=first,
            company=company,
            vendor=vendor,
            vendor_account_id=vendor_account_id,
            since=began,
            bills=bills,
            report_bills=report_bills,
            parallel=parallel,
            lease=held,
            watch=shown_by(line),
        )
        # Before anything is read: here its own words reach the person, in a run it would be a pause.
        await poster.check()
        async with sync:
            if pause_between is not None:
                await run_again(sync, pause_between, line, as_json=json_)
            else:
                await run_once(sync, store, held, line, as_json=json_)
