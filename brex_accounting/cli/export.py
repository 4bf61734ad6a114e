"""``export``: what is ready goes from Brex into the books, once or again and again."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from cyclopts import Parameter

from ..client import BrexAccounting
from ..errors import BrexError, ConfigurationError, StoreError
from ..sync import ExportSync, SqliteStore, Summary
from .console import Failed, LiveLine, Terminated, UsageError, say
from .wording import how_it_goes_on, moment, run_line, summary_facts, summary_lines

if TYPE_CHECKING:
    from ..posters.csv import CsvPoster

__all__ = ["csv_poster", "day", "duration", "export", "shown_by"]

_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


async def export(
    *,
    store: Path,
    csv: Path,
    post_from: str,
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
    """Post what is ready into a CSV journal and report it to Brex, each record once.

    Whenever it failed or was stopped, run it again: it goes on. Ctrl-C and
    SIGTERM let what is being posted come to its end. A paused export fails and
    says why. SIGTERM before the end of the run gives 143.

    Parameters
    ----------
    store
        The file that remembers what was posted and reported, one per company; made when it is missing.
    csv
        The journal, a row per line item, only ever appended to; made when it is missing.
    post_from
        The first day of the books, like 2026-01-01: records dated before are left out.
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
        Print the summary as one JSON object; with --every one per run.
    """
    pause_between = duration("--every", every) if every is not None else None
    held = duration("--lease", lease)
    poster = csv_poster(csv)
    line = LiveLine("reading what is ready")
    async with BrexAccounting() as brex:
        sync = ExportSync(
            brex,
            poster,
            store=SqliteStore(store),
            post_from=day("--post-from", post_from),
            company=company,
            vendor=vendor,
            vendor_account_id=vendor_account_id,
            since=None if since is None else datetime.combine(day("--since", since), time(), UTC),
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
                await _again_and_again(sync, pause_between, line, as_json=json_)
            else:
                await _once(sync, store, held, line, as_json=json_)


def csv_poster(path: Path) -> CsvPoster:
    """The poster of a journal."""
    # Here: its file is locked in a way that only POSIX knows, and the other commands do without.
    from ..posters.csv import CsvPoster

    return CsvPoster(path)


def shown_by(line: LiveLine) -> Callable[[Summary], None]:
    """A watcher that keeps a line up to date."""

    def show(summary: Summary) -> None:
        refused = f", refused {summary.rejected}" if summary.rejected else ""
        reported = summary.reported + summary.reported_failed
        line.show(f"read {summary.read}, posted {summary.posted}{refused}, reported {reported}")

    return show


async def _once(sync: ExportSync, store: Path, lease: timedelta, line: LiveLine, *, as_json: bool) -> None:
    stopped = _stopped_by_sigterm(sync)
    try:
        with line, _without_pauses():
            summary = await sync.run_once()
    except asyncio.CancelledError:
        say(f"Nothing is lost: the same command goes on. {_settled(lease)}")
        raise
    except (ConfigurationError, StoreError):
        raise
    except BrexError as error:
        error.add_note("Nothing that was done is lost: the same command goes on.")
        raise
    lines = [_encoded(summary)] if as_json else summary_lines(summary)
    sys.stdout.write("".join(f"{one}\n" for one in lines))
    if summary.open:
        say(f"{summary.open} posts or reports have no known outcome. {_settled(lease)}")
    if summary.unconfirmed or summary.held:
        say(f"Something waits for a person: brex-accounting sync exceptions --store {store}")
    if summary.paused is not None:
        sys.stdout.flush()
        raise Failed(f"posting is paused: {summary.paused.reason}. {how_it_goes_on(summary.paused)}")
    if stopped.is_set():
        raise Terminated


async def _again_and_again(sync: ExportSync, every: timedelta, line: LiveLine, *, as_json: bool) -> None:
    _stopped_by_sigterm(sync)

    def ended(summary: Summary) -> None:
        with line.away():
            sys.stdout.write((_encoded(summary) if as_json else run_line(summary, datetime.now(UTC))) + "\n")
            sys.stdout.flush()
        line.show(f"waiting; the next run is at {moment(datetime.now(UTC) + every)} or before")

    with line:
        await sync.run_forever(every=every, ended=ended)


@contextmanager
def _without_pauses() -> Iterator[None]:
    # The error that follows says the same, and what to do.
    log = logging.getLogger("brex_accounting")

    def is_other(record: logging.LogRecord) -> bool:
        return record.msg != "paused: %s"

    log.addFilter(is_other)
    try:
        yield
    finally:
        log.removeFilter(is_other)


def _stopped_by_sigterm(sync: ExportSync) -> asyncio.Event:
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        sync.stop()

    if sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    return stopped


def _settled(lease: timedelta) -> str:
    until = moment(datetime.now(UTC) + lease)
    return f"What is open is settled by the first run after {until}, when no worker holds it any more."


def _encoded(summary: Summary) -> str:
    return msgspec.json.encode(summary_facts(summary)).decode()


def duration(option: str, text: str) -> timedelta:
    """A time in words. Raises ``UsageError``."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise UsageError(f"{option} takes a time like 30s, 15m, 1h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def day(option: str, text: str) -> date:
    """A day in words. Raises ``UsageError``."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(f"{option} takes a day like 2026-01-31")
