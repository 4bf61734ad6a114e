"""An export on its way: its runs, what is printed of them, and what ends them."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from ..errors import BrexError, ConfigurationError, StoreError
from ..sync import ExportSync, Summary
from .console import Failed, LiveLine, Terminated, say
from .wording import how_it_goes_on, moment, run_line, summary_facts, summary_lines

__all__ = ["run_again", "run_once", "shown_by"]


def shown_by(line: LiveLine) -> Callable[[Summary], None]:
    """A watcher that keeps a line up to date."""

    def show(summary: Summary) -> None:
        refused = f", refused {summary.rejected}" if summary.rejected else ""
        reported = summary.reported + summary.reported_failed
        line.show(f"read {summary.read}, posted {summary.posted}{refused}, reported {reported}")

    return show


async def run_once(sync: ExportSync, store: Path, lease: timedelta, line: LiveLine, *, as_json: bool) -> None:
    """One run and its summary. Raises ``Failed`` when it is paused, ``Terminated`` when SIGTERM cut it short."""
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


async def run_again(sync: ExportSync, every: timedelta, line: LiveLine, *, as_json: bool) -> None:
    """Runs until SIGTERM, a line for each."""
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
