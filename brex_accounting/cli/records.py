"""``records list`` and ``records get``."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ..client import BrexAccounting
from ..converters import from_json, to_json
from ..errors import BrexError, CursorExpired, DecodeError
from ..models import ALL_TIME, AccountingRecord, Checkpoint, UpdatedAt
from ..paging import RecordQuery
from .console import UsageError, progress, say
from .durable import replace_file
from .output import Format, Writer, ends_in_a_cut_line, open_writer

__all__ = ["get_record", "list_records"]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


async def get_record(record_id: str, /, *, single_entry: bool | None = None) -> None:
    """Print one record as JSON.

    Parameters
    ----------
    record_id
        The record's id (accr_...).
    single_entry
        Ask for single-entry line items.
    """
    async with BrexAccounting() as brex:
        record = await brex.records.get(record_id, single_entry=single_entry)
    sys.stdout.buffer.write(to_json(record) + b"\n")


async def list_records(
    *,
    review_status: str | None = None,
    source_type: str | None = None,
    id_: Annotated[tuple[str, ...], Parameter(name="--id", negative=())] = (),
    updated_gt: str | None = None,
    updated_gte: str | None = None,
    updated_lt: str | None = None,
    updated_lte: str | None = None,
    window: bool = True,
    single_entry: bool | None = None,
    page_size: int = 100,
    max_items: int | None = None,
    on_bad_record: Literal["raise", "skip"] = "raise",
    format_: Annotated[Format, Parameter(name="--format")] = "jsonl",
    resume: Path | None = None,
) -> None:
    """Print records as they arrive: JSON Lines, a table, or CSV with one row per line item.

    Parameters
    ----------
    review_status
        PREPARE, REVIEW, READY_FOR_EXPORT or EXPORTED; for cards and reimbursements only.
    source_type
        CARD, REIMBURSEMENT or BILL.
    id_
        A record id; repeat it for several (at most 500).
    updated_gt
        Updated after this date or date-time (2026-06-01, 2026-06-01T12:00:00Z).
    updated_gte
        Updated then or after.
    updated_lt
        Updated before.
    updated_lte
        Updated then or before.
    window
        --no-window sends no updated_at at all; Brex then silently leaves history out.
    single_entry
        Ask for single-entry line items.
    page_size
        Records asked for per request.
    max_items
        Stop after so many records.
    on_bad_record
        "skip" leaves out a record that cannot be decoded, and says so on stderr.
    format_
        How records are printed.
    resume
        Keep a checkpoint in this file, and go on after it if it exists; append the output (>>). Ctrl-C
        loses and repeats nothing; after a crash at most one page is printed again, and a line that the crash cut
        stays cut.
    """
    updated_at = _window({"gt": updated_gt, "gte": updated_gte, "lt": updated_lt, "lte": updated_lte}, window)
    async with BrexAccounting() as brex:
        query = brex.records.list(
            ids=id_ or None,
            review_status=review_status,
            source_type=source_type,
            updated_at=updated_at,
            single_entry=single_entry,
            page_size=page_size,
            max_items=max_items,
            on_bad_record=on_bad_record,
        )
        await _print_all(query, open_writer(format_), resume)


async def _print_all(query: RecordQuery[AccountingRecord], writer: Writer, resume: Path | None) -> None:
    start = _load(resume)
    if start is not None and ends_in_a_cut_line():
        # Or the first line of this run would be part of it, and its record lost to whoever reads line by line.
        say("The last line of the output was cut by a crash: it stays as it is, and what it began is printed again.")
        writer.end_line()
    if start is None or start.after is None:
        writer.header()
    pages = query.pages(resume_from=start)
    if resume is not None:
        # First of all: a folder that cannot be written to is found out before anything is printed.
        replace_file(resume, to_json(pages.checkpoint))
    # The bar would run through the records if both were on one terminal.
    with progress(show=not sys.stdout.isatty()) as bar:
        task = bar.add_task("records", total=None)
        try:
            # Ctrl-C arrives while a page is awaited, so a page is always whole: written, then noted.
            async for page in pages:
                for record in page.items:
                    writer.write(record)
                # What is not flushed is not done: the checkpoint comes after.
                writer.flush()
                if resume is not None and page.checkpoint is not None:
                    replace_file(resume, to_json(page.checkpoint))
                bar.update(task, advance=len(page.items), total=page.total_count)
        except asyncio.CancelledError:
            if resume is not None:
                say(_goes_on(resume))
            raise
        except BrexError as error:
            if resume is not None and not isinstance(error, CursorExpired):
                error.add_note(_goes_on(resume))
            raise


def _goes_on(resume: Path) -> str:
    return f"What was printed is noted in {resume}: the same command goes on after it; append its output."


def _load(resume: Path | None) -> Checkpoint | None:
    if resume is None or not resume.exists():
        return None
    try:
        return from_json(resume.read_bytes(), Checkpoint)
    except DecodeError:
        raise UsageError(f"{resume} is not a checkpoint; name another file, or remove it to start over") from None


def _window(bounds: dict[str, str | None], window: bool) -> UpdatedAt | None:
    given = {name: _moment(name, text) for name, text in bounds.items() if text is not None}
    if not window:
        if given:
            raise UsageError("--no-window and --updated-... exclude each other")
        return None
    return UpdatedAt(**given) if given else ALL_TIME


def _moment(name: str, text: str) -> datetime | date:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--updated-{name} takes a date or a date-time with an offset, like 2026-06-01T12:00:00Z"
        ) from None
