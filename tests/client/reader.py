"""A reader that may be killed at any moment: run as a script by ``test_kill``.

It appends one line for each record, with the checkpoint that stands after it, and starts from the
last line it finds. After ``hold_at`` records of its own it says so and waits for its end.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from brex_accounting import BrexAccounting, Checkpoint, RateLimit, from_json, to_json


def checkpoint_of(lines: list[str]) -> Checkpoint | None:
    """Where to go on."""
    return from_json(json.dumps(json.loads(lines[-1])["checkpoint"]).encode(), Checkpoint) if lines else None


async def read(url: str, token: str, file: Path, page_size: int, hold_at: int, prefetch: int, lines: list[str]) -> None:
    """Read to the end, or to the place where it is held."""
    options: dict[str, Any] = {"base_url": url, "rate_limit": RateLimit(limit=10**9)}
    with file.open("a") as out:
        async with BrexAccounting(token, **options) as brex:
            walk = brex.records.list(page_size=page_size, prefetch=prefetch).records(resume_from=checkpoint_of(lines))
            count = 0
            async for record in walk:
                line = {"id": record.id, "version": record.version, "checkpoint": json.loads(to_json(walk.checkpoint))}
                out.write(json.dumps(line) + "\n")
                out.flush()
                count += 1
                if count == hold_at:
                    sys.stdout.write("held\n")
                    sys.stdout.flush()
                    await asyncio.sleep(60)
    sys.stdout.write("done\n")


if __name__ == "__main__":
    target = Path(sys.argv[3])
    before = target.read_text().splitlines() if target.exists() else []
    size, hold, ahead = map(int, sys.argv[4:7])
    asyncio.run(read(sys.argv[1], sys.argv[2], target, size, hold, ahead, before))
