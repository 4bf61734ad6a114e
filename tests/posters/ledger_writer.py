"""A process that posts records to a ledger, each in two revisions, and prints each key that is posted.

    ledger_writer.py FILE FIRST LAST [BYTES [LIMIT]]

Writes BYTES at a time, with a pause after each, and kills itself with SIGKILL after LIMIT of them. BYTES 0: whole
entries, and it kills itself right after it has written LIMIT of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import attrs

from brex_accounting.models import AccountingRecord
from brex_accounting.posters import appended
from brex_accounting.posters.beancount import BeancountPoster
from brex_accounting.sync.keys import ExportKey, export_key
from brex_accounting.sync.poster import Posted

from .booked import CHART, booked
from .records import RECORDS

BOOKED = [record for record in RECORDS if isinstance(booked(record), tuple)]
KEYS = [export_key(record.id, revision) for record in BOOKED for revision in (1, 2)]


def revisions(record: AccountingRecord) -> list[tuple[AccountingRecord, ExportKey, ExportKey | None]]:
    """The record, and what it was changed to."""
    first, second = export_key(record.id, 1), export_key(record.id, 2)
    return [(record, first, None), (attrs.evolve(record, memo="changed"), second, first)]


def slowly(at_once: int, limit: int) -> None:
    whole, written = appended.write, 0

    def write(file: int, data: bytes, at: int) -> None:
        nonlocal written
        for start in range(0, len(data), at_once):
            part = data[start : start + at_once]
            if written + len(part) > limit:
                whole(file, part[: limit - written], at + start)
                os.kill(os.getpid(), signal.SIGKILL)
            whole(file, part, at + start)
            written += len(part)
            time.sleep(0.0002)

    appended.write = write


def until(limit: int) -> None:
    whole, written = appended.write, 0

    def write(file: int, data: bytes, at: int) -> None:
        nonlocal written
        whole(file, data, at)
        written += 1
        if written == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    appended.write = write


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(path: str, first: str, last: str, at_once: str = "0", limit: str = "1000000000") -> None:
    if int(at_once):
        slowly(int(at_once), int(limit))
    else:
        until(int(limit))
    poster = BeancountPoster(path, CHART)
    say("ready")
    for record in BOOKED[int(first) : int(last)]:
        for one, key, before in revisions(record):
            if await poster.find(key) is None:
                outcome = await poster.post(one, key=key, supersedes=before)
                # Since we asked, the other process may have posted this revision and the next, which took it out.
                assert outcome == Posted(key) or await poster.find(key) == Posted(key)
            say(key)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
