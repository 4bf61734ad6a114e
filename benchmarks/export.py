"""The durable export of a whole queue, beside a plain list of the same records from the same local Brex.

    python -m benchmarks.export [--records N]

Every record waits to be exported. One process reads them all, then exports them: each is stored, claimed, posted and
reported, and each of these steps is on disk before the next. The books take no time at all in one row, and are a CSV
file that is on disk after every entry in the other. Every record that is due must be posted once and reported once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import ClassVar

import attrs

from brex_accounting import AccountingRecord, BrexAccounting, RateLimit
from brex_accounting.enums import ReviewStatus, SourceType
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.sandbox import TOKEN, Rules, Sandbox, make_seed
from brex_accounting.sandbox.seeds import Header, Seed
from brex_accounting.sandbox.table import Table
from brex_accounting.sync import ExportKey, ExportSync, Posted, SqliteStore, Summary
from brex_accounting.sync.content import is_live
from brex_accounting.sync.poster import Poster

from . import report
from .sampling import Effort, in_fresh_processes, settle
from .server import CORES, pin

__all__ = ["run", "sample"]

BOOKS = ("no books", "CSV file")
SHARE = 10
"""The part of a full run's records that is exported: a post is on disk twice before the next."""
ALL_TIME = date(2000, 1, 1)


@attrs.frozen
class Waiting:
    """A seed whose cards and reimbursements all wait to be exported."""

    seed: Seed

    def __len__(self) -> int:
        return len(self.seed)

    def header(self, index: int) -> Header:
        """As of the seed, but READY_FOR_EXPORT."""
        header = self.seed.header(index)
        return attrs.evolve(header, review_status=_waits(header.source_type))

    def record(self, index: int) -> AccountingRecord:
        """As of the seed, but READY_FOR_EXPORT."""
        record = self.seed.record(index)
        return attrs.evolve(record, review_status=_waits(record.source_type))

    def record_id(self, index: int) -> str:
        """As of the seed."""
        return self.seed.record_id(index)

    def index_of(self, record_id: str) -> int | None:
        """As of the seed."""
        return self.seed.index_of(record_id)


def _waits(source: SourceType) -> ReviewStatus:
    return ReviewStatus.PREPARE if source == SourceType.BILL else ReviewStatus.READY_FOR_EXPORT


class NoBooks:
    """Books that take everything at once, and count."""

    recovery: ClassVar[str] = "same_key"

    def __init__(self) -> None:
        self.posted: Counter[str] = Counter()

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Posted:  # noqa: ARG002
        """Take it."""
        self.posted[key] += 1
        return Posted(key)


def sample(books: str, records: int) -> dict[str, float]:
    """Seconds of the list and of the export, and of the parts of the export."""
    with tempfile.TemporaryDirectory() as folder, _sandbox(records) as url:
        return asyncio.run(_sample(url, books, records, Path(folder)))


async def _sample(url: str, books: str, records: int, folder: Path) -> dict[str, float]:
    csv = CsvPoster(folder / "journal.csv")
    none = NoBooks()
    poster: Poster = csv if books == "CSV file" else none
    async with BrexAccounting(TOKEN, base_url=url, rate_limit=RateLimit(limit=10**9)) as brex:
        await brex.records.list(page_size=1)
        settle()
        began = time.perf_counter()
        due, told = await _listed(brex)
        streaming = time.perf_counter() - began
        assert due[0] == records, "the list lost records"
        settle()
        began = time.perf_counter()
        async with ExportSync(brex, poster, store=SqliteStore(folder / "exports.db"), post_from=ALL_TIME) as sync:
            summary = await sync.run_once()
            exporting = time.perf_counter() - began
            again = await sync.run_once()
    assert (summary.posted, summary.reported) == (due[1], told), "records were lost, or came twice"
    assert (summary.open, summary.unreported, summary.rejected, again.posted, again.reported) == (0,) * 5
    if poster is none:
        assert (len(none.posted), none.posted.total()) == (due[1], due[1]), "a record was posted twice"
    return {"posted": summary.posted, "streaming": streaming, "exporting": exporting, **_parts(summary)}


async def _listed(brex: BrexAccounting) -> tuple[tuple[int, int], int]:
    """How many records there are, how many of them are due, and how many of those are to be reported."""
    count = due = told = 0
    async for record in brex.records.list():
        count += 1
        if is_live(record):
            due += 1
            told += record.source_type != SourceType.BILL
    return (count, due), told


def _parts(summary: Summary) -> dict[str, float]:
    return {name: getattr(summary, name) for name in ("reading", "posting", "reporting")}


def run(effort: Effort) -> report.Result:
    """Each kind of books once, in a process and with a Brex of its own."""
    return measured(effort.records // SHARE)


def measured(records: int) -> report.Result:
    """The list and both exports."""
    rows, data = [], {}
    for books in BOOKS:
        [found] = in_fresh_processes("export", {"books": books, "records": records}, 1)
        data[books] = found
        listed, exported = records / found["streaming"], found["posted"] / found["exporting"]
        parts = (f"{found[part]:,.1f}" for part in ("reading", "posting", "reporting"))
        rows.append((books, f"{listed:,.0f}", f"{exported:,.0f}", f"{listed / exported:.1f}", *parts))
    note = (
        f"{records:,} records, once. Before and after each post the store is on disk, so that the disk is measured as "
        "much as the export."
    )
    heads = ("books", "listed/s", "exported/s", "x list", "s reading", "s posting", "s reporting")
    return report.Result(
        name="export",
        title="The durable export of a queue, against a list of it",
        table=report.Table(heads=heads, rows=tuple(rows), note=note),
        data=data,
    )


@contextmanager
def _sandbox(records: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.export", "--serve", "--records", str(records)]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


async def _serve(records: int) -> None:
    async with Sandbox(records=0, rules=Rules(rate_limit=None)) as sandbox:
        sandbox.brex.table = Table(Waiting(make_seed("lifelike", records=records)))
        print(json.dumps(sandbox.url), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> int:
    """Measure, or serve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export")
    parser.add_argument("--records", type=int, default=100_000, metavar="N", help="how many are exported")
    parser.add_argument("--serve", action="store_true", help="serve the local Brex until the standard input ends")
    arguments = parser.parse_args()
    if arguments.serve:
        pin(CORES[-1])
        asyncio.run(_serve(arguments.records))
        return 0
    result = measured(arguments.records)
    print(f"{report.machine()}\n\n{result.title}\n\n{report.text(result.table)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
