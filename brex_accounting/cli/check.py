"""``sync check``: what the books would refuse, before anybody presses export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ..client import BrexAccounting
from .books import load_chart
from .console import Failed, LiveLine
from .dry_run import done_so_far, named_books
from .options import start_of
from .preview_wording import check_facts, check_lines
from .printing import print_lines

__all__ = ["check"]


async def check(
    *,
    chart: Path,
    store: Path | None = None,
    csv: Path | None = None,
    beancount: Path | None = None,
    bills: bool = True,
    since: str | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Show what the books would refuse of all that is READY_FOR_EXPORT or in REVIEW; it fails when there is something.

    REVIEW is what staff have coded and nobody has exported yet: there it can be
    mended in Brex before the books see it. Bills are checked as they stand.
    Nothing is posted, reported or kept.

    Parameters
    ----------
    chart
        The chart of accounts (TOML).
    store
        The export's file, if there is one: what is posted already is left out.
    csv
        The books, to see how a document that was posted is changed.
    beancount
        The books, in the same way.
    bills
        --no-bills leaves bills out.
    since
        Leave out bills last changed before this day.
    json_
        Print one JSON object.
    """
    # Here: previews need the extra [books], and the other commands do not.
    from ..preview import check as check_records

    accounts, began = load_chart(chart), start_of("--since", since)
    ledger = named_books(csv=csv, beancount=beancount, chart=chart)
    done = await done_so_far(store)
    with LiveLine("checking"):
        async with BrexAccounting() as brex:
            found = await check_records(brex, accounts, store=done, ledger=ledger, bills=bills, since=began)
    print_lines([check_facts(found)] if json_ else check_lines(found))
    if not found.is_clean:
        sys.stdout.flush()
        raise Failed(f"{len(found.findings)} would be refused, {len(found.unreadable)} cannot be read")
