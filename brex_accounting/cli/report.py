"""``sync report``: the paper of a month, for whoever signs the books."""

from __future__ import annotations

import csv as comma
import io
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ..session.clock import SystemClock
from .books import books, load_chart
from .console import Failed, LiveLine, UsageError
from .printing import print_lines
from .stores import client_at, store_at
from .tables import Table, lines

if TYPE_CHECKING:
    from ..closing import ClosingReport, Period
    from ..posters.chart import Chart
    from ..posters.ledger import Ledger
    from .report_tables import Part

__all__ = ["report"]


async def report(
    *,
    period: str,
    store: Path,
    chart: Path,
    csv: Path | None = None,
    beancount: Path | None = None,
    format_: Annotated[Literal["table", "csv", "json"], Parameter(name="--format")] = "table",
    part: Literal["rows", "accounts", "roll-forward", "queue", "differences"] | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Hold Brex, the store and the books of a month against each other; it fails when something differs.

    Each row is an entity, a type, a currency and an account: what Brex has,
    less what the books hold, less what was moved, skipped, refused, waits for a
    person or is not posted yet, leaves the difference. It must be 0.00 for every
    single record: the part "differences" names those where it is not.
    The roll-forward shows what waited, came, was posted, went and waits now.

    Parameters
    ----------
    period
        The month, like 2026-06.
    store
        The export's file, or fleet:COMPANY_ID for a company of a fleet.
    chart
        The chart of accounts (TOML) that the books are kept by.
    csv
        The books: a CSV journal that is kept by the chart.
    beancount
        The books: a Beancount ledger.
    format_
        A table for people, CSV for a spreadsheet, or one JSON object.
    part
        Only this part; with --format csv "rows" unless another one is named.
    json_
        The same as --format json.
    """
    # Here: the chart needs the extra [books], and the other commands do not.
    from ..closing import Period
    from .report_tables import report_facts, report_tables, report_title

    month, accounts = Period.parse(period), load_chart(chart)
    ledger = books(csv=csv, beancount=beancount, chart=chart)
    if part is not None and (json_ or format_ == "json"):
        raise UsageError("--part is for tables and CSV: JSON holds every part")
    found = await _made(month, store, accounts, ledger)
    if json_ or format_ == "json":
        print_lines([report_facts(found)])
    elif format_ == "csv":
        print_lines(_csv(report_tables(found)[part or "rows"]))
    else:
        print_lines([report_title(found), *_text(report_tables(found), part)])
    if found.problems:
        sys.stdout.flush()
        raise Failed("; ".join(found.problems))


async def _made(month: Period, store: Path, chart: Chart, ledger: Ledger) -> ClosingReport:
    from ..closing import closing_report

    place = store_at(store, is_there=False)
    async with client_at(store) as brex:
        await place.open(None, now=SystemClock().now())
        try:
            with LiveLine("reading the store, the books and Brex"):
                return await closing_report(brex, place, ledger, chart=chart, period=month)
        finally:
            await place.close()


def _text(tables: Mapping[Part, Table], part: Part | None) -> Iterator[str]:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for name, table in tables.items():
        if part in (None, name):
            yield ""
            yield table.title if table.rows else f"{table.title}: none"
            if table.rows:
                yield from lines(table, width)


def _csv(table: Table) -> Iterator[str]:
    # Here: it is of the posters, and the other commands do without.
    from ..posters.csv.rows import safe

    text = io.StringIO(newline="")
    writer = comma.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows([[safe(cell) for cell in row] for row in table.rows])
    yield from text.getvalue().splitlines()
