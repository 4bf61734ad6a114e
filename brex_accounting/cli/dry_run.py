"""``export --dry-run``: what would be booked and refused, shown and nothing else."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from ..client import BrexAccounting
from ..sync.snapshot import Snapshot
from ..sync.sqlite import read_snapshot
from .books import Books, books, load_chart
from .console import LiveLine, UsageError, say
from .preview_wording import preview_facts, preview_lines
from .printing import print_lines

__all__ = ["done_so_far", "named_books", "show_dry_run"]


async def show_dry_run(
    *,
    store: Path | None,
    csv: Path | None,
    beancount: Path | None,
    chart: Path | None,
    bills: bool,
    since: datetime | None,
    as_json: bool,
) -> None:
    """Print what the next run would do. Raises ``UsageError`` without a chart: there are no accounts then."""
    # Here: previews need the extra [books], and an export without a chart does not.
    from ..preview import dry_run

    if chart is None:
        raise UsageError("--dry-run needs --chart: it shows entries by their accounts")
    accounts, ledger = load_chart(chart), named_books(csv=csv, beancount=beancount, chart=chart)
    done = await done_so_far(store)
    with LiveLine("reading what is ready"):
        async with BrexAccounting() as brex:
            found = await dry_run(brex, accounts, store=done, ledger=ledger, bills=bills, since=since)
    print_lines(preview_facts(found) if as_json else preview_lines(found))
    if not as_json:
        say("A dry run: nothing was posted, reported or kept.")


def named_books(*, csv: Path | None, beancount: Path | None, chart: Path | None) -> Books | None:
    """The books, if any are named."""
    return None if csv is None and beancount is None else books(csv=csv, beancount=beancount, chart=chart)


async def done_so_far(store: Path | None) -> Snapshot | None:
    """What the store holds, if there is one: an export that has not run yet has none."""
    if store is None:
        return None
    if not await asyncio.to_thread(store.exists):
        say(f"there is no store {store} yet: nothing counts as posted")
        return None
    return await read_snapshot(store)
