"""``sync``: what a person sees of an export, and decides about it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

from cyclopts import Parameter

from ..session.clock import SystemClock
from ..sync import ExportAdmin, Posted, Rejected, Skipped
from ..sync.verifying import verify as compare
from . import wording
from .console import Failed, UsageError, say
from .options import who
from .printing import print_lines
from .stores import client_at, store_at

__all__ = ["exceptions", "history", "pause", "replay", "resolve", "resume", "retry", "status", "verify"]

Json: TypeAlias = Annotated[bool, Parameter(name="--json", negative=())]


async def status(*, store: Path, json_: Json = False) -> None:
    """Show how many exports are where, how far bills are read, and whether posting is paused.

    Parameters
    ----------
    store
        The export's file, or fleet:COMPANY_ID for a company of a fleet.
    json_
        Print one JSON object.
    """
    async with _admin(store) as admin:
        found = await admin.status()
    print_lines([wording.status_facts(found)] if json_ else wording.status_lines(found))
    if found.open and not json_:
        say("What has no known outcome is settled by the first run after its lease has ended.")


async def exceptions(*, store: Path, json_: Json = False) -> None:
    """Show what goes no further without a person: why, and what to do.

    Parameters
    ----------
    store
        The export's file, or fleet:COMPANY_ID for a company of a fleet.
    json_
        Print one JSON object per line.
    """
    async with _admin(store) as admin:
        found = await admin.exceptions()
    for item in found:
        print_lines([wording.exception_facts(item)] if json_ else wording.exception_lines(item))
    if not json_:
        say(f"{len(found)} wait for a person")


async def resolve(
    record_id: str,
    /,
    *,
    store: Path,
    why: str,
    posted: str | None = None,
    link: str | None = None,
    rejected: str | None = None,
    code: str = "OTHER",
    skip: Annotated[bool, Parameter(negative=())] = False,
    not_posted: Annotated[bool, Parameter(negative=())] = False,
    revision: int | None = None,
    by: str | None = None,
    json_: Json = False,
) -> None:
    """Say what became of an export that waits for a person. Give exactly one of the four outcomes.

    Parameters
    ----------
    record_id
        The record.
    store
        The export's file, or fleet:COMPANY_ID for a company of a fleet.
    why
        How you know; kept for ever.
    posted
        It is in the books under this reference: it is reported, and never posted again.
    link
        With --posted: the address that opens it there.
    rejected
        The books refused it: the customer reads this text.
    code
        With --rejected: the kind of refusal, such as CLOSED_PERIOD.
    skip
        It stays out of the books, and Brex is told nothing.
    not_posted
        It is not in the books: it is posted by the next run.
    revision
        Which revision; the newest by default.
    by
        Who decides; your login name by default.
    json_
        Print one JSON object.
    """
    outcomes: list[Callable[[], Posted | Rejected | Skipped | None]] = []
    if posted is not None:
        outcomes.append(lambda: Posted(posted, link))
    if rejected is not None:
        outcomes.append(lambda: Rejected(code, rejected))
    outcomes += [lambda: Skipped(why)] if skip else []
    outcomes += [lambda: None] if not_posted else []
    if len(outcomes) != 1:
        raise UsageError("give one of --posted REFERENCE, --rejected TEXT, --skip and --not-posted")
    async with _admin(store) as admin:
        export = await admin.resolve(record_id, outcomes[0](), why=why, by=who(by), revision=revision)
    print_lines([wording.export_facts(export) if json_ else wording.export_line(export)])


async def retry(record_id: str, /, *, store: Path, why: str, by: str | None = None, json_: Json = False) -> None:
    """Let the next run post once more what the books refused.

    Parameters
    ----------
    record_id
        The record.
    store
        The export's file, or fleet:COMPANY_ID for a company of a fleet.
    why
        What was mended; kept for ever.
    by
        Who decides; your login name by default.
    json_
        Print one JSON object.
    """
    async with _admin(store) as admin:
        export = await admin.retry(record_id, why=why, by=who(by))
    print_lines([wording.export_facts(export) if json_ else wording.export_line(export)])


async def replay(
    *record_ids: str,
    store: Path,
    why: str,
    all_: Annotated[bool, Parameter(name="--all", negative=())] = False,
    by: str | None = None,
    json_: Json = False,
) -> None:
    """Let in what was left out (OUT_OF_SCOPE, SKIPPED); the next run posts it.

    Parameters
    ----------
    record_ids
        The records.
    store
        The export's file, or fleet:COMPANY_ID for a company of a fleet.
    why
        What they are needed for; kept for ever.
    all_
        Instead of records: everything that was left out.
    by
        Who decides; your login name by default.
    json_
        Print one JSON object per line.
    """
    if all_ == bool(record_ids):
        raise UsageError("name records, or give --all")
    async with _admin(store) as admin:
        found = await admin.replay(reason=why, by=who(by), record_ids=None if all_ else record_ids)
    print_lines([wording.export_facts(export) if json_ else wording.export_line(export) for export in found])
    if not json_:
        say(f"{len(found)} are posted by the next run")


async def pause(*, store: Path, why: str, by: str | None = None, json_: Json = False) -> None:
    """Post nothing more, from the next post on; what is posted is still reported. An earlier pause stays.

    Parameters
    ----------
    store
        The export's file, or fleet:COMPANY_ID for a company of a fleet.
    why
        Kept for ever.
    by
        Who pauses; your login name by default.
    json_
        Print one JSON object.
    """
    async with _admin(store) as admin:
        found = await admin.pause(why, by=who(by))
    text = f"paused by {found.by} since {wording.moment(found.since)}: {found.reason}"
    print_lines([wording.pause_facts(found) if json_ else text])


async def resume(*, store: Path, why: str, by: str | None = None, json_: Json = False) -> None:
    """Post again.

    Parameters
    ----------
    store
        The export's file, or fleet:COMPANY_ID for a company of a fleet.
    why
        Kept for ever.
    by
        Who resumes; your login name by default.
    json_
        Print one JSON object.
    """
    async with _admin(store) as admin:
        await admin.resume(why=why, by=who(by))
    print_lines([{"paused": None} if json_ else "not paused"])


async def history(record_id: str | None = None, /, *, store: Path, json_: Json = False) -> None:
    """Show every move of a record, or of all, oldest first.

    Parameters
    ----------
    record_id
        The record; all by default.
    store
        The export's file, or fleet:COMPANY_ID for a company of a fleet.
    json_
        Print one JSON object per line.
    """
    known = False
    async with _admin(store) as admin:
        async for move in admin.history(record_id):
            known = True
            print_lines([wording.move_facts(move) if json_ else wording.move_line(move)])
    if record_id is not None and not known:
        raise Failed(f"the store has no such record: {record_id}")


async def verify(*, store: Path, json_: Json = False) -> None:
    """Hold every record of the store against Brex, and show those that differ; it fails when some do.

    Parameters
    ----------
    store
        The export's file, or fleet:COMPANY_ID for a company of a fleet.
    json_
        Print one JSON object.
    """
    place = store_at(store)
    async with client_at(store) as brex:
        await place.open(None, now=SystemClock().now())
        try:
            found = await compare(brex, place)
        finally:
            await place.close()
    print_lines([wording.verification_facts(found)] if json_ else wording.verification_lines(found))
    if found.differences:
        sys.stdout.flush()
        raise Failed(f"{len(found.differences)} differ; while an export runs, some may")


@asynccontextmanager
async def _admin(store: Path) -> AsyncIterator[ExportAdmin]:
    async with ExportAdmin(store_at(store)) as admin:
        yield admin
