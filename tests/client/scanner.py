"""A reader of a scan that may be killed at any moment: run as a script by ``test_scan_kill``.

It appends one line for each page, with the checkpoint that stands after it, and starts from the last
whole line it finds. After ``hold_at`` pages of its own it says so and waits for its end.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import datetime
from pathlib import Path

from brex_accounting import BrexAccounting, RateLimit, ScanCheckpoint, UpdatedAt, from_json, to_json


def resume_from(file: Path) -> ScanCheckpoint | None:
    """Where to go on. A line that was cut off by the kill never happened."""
    lines = file.read_bytes().splitlines(keepends=True) if file.exists() else []
    if lines and not lines[-1].endswith(b"\n"):
        file.write_bytes(b"".join(lines[:-1]))
        lines.pop()
    return from_json(json.dumps(json.loads(lines[-1])["checkpoint"]).encode(), ScanCheckpoint) if lines else None


async def read(url: str, token: str, file: Path, time: UpdatedAt, page_size: int, parallel: int, hold_at: int) -> None:
    """Read to the end, or to the place where it is held."""
    start = resume_from(file)
    with file.open("ab", buffering=0) as out:
        async with BrexAccounting(token, base_url=url, rate_limit=RateLimit(limit=10**9)) as brex:
            scan = brex.records.scan(time, page_size=page_size, parallel=parallel, resume_from=start)
            count = 0
            async for page in scan:
                seen = [(record.id, record.version) for record in page.items]
                line = {"seen": seen, "checkpoint": json.loads(to_json(page.checkpoint))}
                out.write(json.dumps(line).encode() + b"\n")
                count += 1
                if count == hold_at:
                    sys.stdout.write("held\n")
                    sys.stdout.flush()
                    await asyncio.sleep(60)
    sys.stdout.write("done\n")


if __name__ == "__main__":
    bounds = UpdatedAt(gte=datetime.fromisoformat(sys.argv[4]), lt=datetime.fromisoformat(sys.argv[5]))
    size, chains, hold = map(int, sys.argv[6:9])
    asyncio.run(read(sys.argv[1], sys.argv[2], Path(sys.argv[3]), bounds, size, chains, hold))
