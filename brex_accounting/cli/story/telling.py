"""The story told: scene by scene, and in the end the totals."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ...closing import ClosingReport, at_exponent
from ...errors import BrexError
from ...posters.beancount.ledger import HEADER
from ...session.call import Outcome
from ...session.events import AttemptEvent
from ..console import LiveLine
from ..local import local_brex, local_client
from ..running import shown_by
from ..tables import Column, Table, lines
from .cast import cast_of
from .scenes import SCENES
from .stage import Stage

__all__ = ["tell"]

LEDGER: Final = Path("brex-demo.beancount")


async def tell(records: int, *, quiet: bool) -> None:
    """Play the scenes and print what they tell, unless ``quiet``, then the totals. Raises ``BrexError``."""
    _clear()
    seen = _Seen()
    with TemporaryDirectory(prefix="brex-demo-") as folder, LiveLine("exporting") as line, _unlogged():
        async with local_brex(records) as sandbox, local_client(sandbox.url, sandbox.token, seen) as brex:
            store = Path(folder) / "exports.db"
            stage = Stage(sandbox=sandbox, brex=brex, store=store, ledger=LEDGER, watch=shown_by(line))
            stage.begin()
            cast = cast_of(sandbox.brex.records())
            for number, (title, scene) in enumerate(SCENES.items(), 1):
                told = await scene(stage, cast)
                if not quiet:
                    with line.away():
                        _write([f"{number}. {title}", *(f"   {one}" for one in told), ""])
            report = await stage.report()
    _write(_totals(report))
    _write(
        [
            "",
            f"{seen.requests} requests, of which {seen.retries} retries; answers to reports that were lost on the way, "
            f"and settled: {seen.lost_reports}.",
            f"The ledger is {LEDGER}: look at it, or let Beancount check it, bean-check {LEDGER}.",
        ]
    )
    if report.problems:
        raise BrexError(f"{'; '.join(report.problems)}; please report this")


@contextmanager
def _unlogged() -> Iterator[None]:
    # What goes wrong is told by the scenes.
    log, silence = logging.getLogger("brex_accounting"), logging.NullHandler()
    log.addHandler(silence)
    try:
        yield
    finally:
        log.removeHandler(silence)


def _clear() -> None:
    """Make room for a new ledger. Raises ``BrexError`` for a file that no demo wrote."""
    if LEDGER.exists():
        with LEDGER.open("rb") as file:
            if file.read(len(HEADER)) != HEADER:
                raise BrexError(f"{LEDGER} is in this folder, and no demo wrote it: go to another folder")
        LEDGER.unlink()
        shutil.rmtree(LEDGER.with_name(f"{LEDGER.stem}-receipts"), ignore_errors=True)


def _totals(report: ClosingReport) -> list[str]:
    """A row for each account, with what is posted in each currency, and whether that is what Brex has."""
    currencies = sorted({one.currency for one in report.accounts})
    columns = [Column("account"), *(Column(one, is_number=True) for one in currencies), Column("difference", True)]
    rows = []
    for account in dict.fromkeys(one.account for one in report.accounts):
        here = {one.currency: one for one in report.accounts if one.account == account}
        posted = [f"{at_exponent(here[one].posted, one):f}" if one in here else "" for one in currencies]
        differences = {f"{at_exponent(one.difference, one.currency):f}" for one in here.values()}
        rows.append([account or "(no account)", *posted, " ".join(sorted(differences))])
    title = f"{report.period}, {report.records} records: debits less credits in the ledger, and the difference to Brex"
    table = Table(title=title, columns=columns, rows=rows)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return [table.title, "", *lines(table, width)]


def _write(told: list[str]) -> None:
    sys.stdout.write("".join(f"{one}\n" for one in told))
    sys.stdout.flush()


class _Seen:
    """Counts attempts."""

    def __init__(self) -> None:
        self.requests = 0
        self.retries = 0
        self.lost_reports = 0

    def __call__(self, event: object) -> None:
        if isinstance(event, AttemptEvent):
            self.requests += 1
            self.retries += event.number > 1
            self.lost_reports += event.method == "POST" and event.outcome is Outcome.AMBIGUOUS
