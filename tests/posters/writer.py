"""A process that posts records to a CSV file and prints each key that is posted.

    writer.py FILE FIRST LAST [BYTES [LIMIT [PAUSE]]]

Writes BYTES at a time, with a PAUSE of seconds after each, and kills itself with SIGKILL after LIMIT of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

from brex_accounting.posters import appended
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.sync.keys import export_key
from brex_accounting.sync.poster import Posted
from tests.posters.records import RECORDS


def slowly(at_once: int, limit: int, pause: float) -> None:
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
            time.sleep(pause)

    appended.write = write


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(
    path: str, first: str, last: str, at_once: str = "0", limit: str = "1000000000", pause: str = "0.0002"
) -> None:
    if int(at_once):
        slowly(int(at_once), int(limit), float(pause))
    poster = CsvPoster(path)
    say("ready")
    for record in RECORDS[int(first) : int(last)]:
        key = export_key(record.id, 1)
        if await poster.find(key) is None:
            assert await poster.post(record, key=key, supersedes=None) == Posted(key)
        say(key)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
