"""What the workers of a town do, in one file that outlives them: a line for each poll and each document."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

import attrs

__all__ = ["Diary", "Line", "What"]

What: TypeAlias = Literal["begin", "end", "post", "blow", "woken"]


@attrs.frozen
class Line:
    """``at``: on the clock that all processes share. ``worker``: its number."""

    at: float
    worker: int
    what: str
    company: str


@attrs.frozen
class Diary:
    """Written by any number of processes at a time, each line whole."""

    path: Path

    def write(self, worker: int, what: What, company: str = "") -> None:
        """Add a line."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, f"{time.monotonic()!r} {worker} {what} {company}\n".encode())
        finally:
            os.close(file)

    def lines(self) -> Iterator[Line]:
        """All there are so far."""
        if self.path.exists():
            *whole, _ = self.path.read_text().split("\n")
            for line in whole:
                at, worker, what, company = line.split(" ")
                yield Line(float(at), int(worker), what, company)

    def posts(self) -> int:
        """Documents that the books have confirmed to somebody."""
        return sum(line.what == "post" for line in self.lines())

    def workers(self) -> int:
        """How many have begun a poll."""
        return len({line.worker for line in self.lines() if line.what == "begin"})

    def blow(self, worker: int) -> Line | None:
        """When that worker was struck."""
        return next((line for line in self.lines() if line.what == "blow" and line.worker == worker), None)

    def held(self, *workers: int, at: float = float("inf")) -> set[str]:
        """The companies whose polls these workers had begun and not ended at that moment."""
        held: set[str] = set()
        for line in self.lines():
            if line.worker in workers and line.at <= at:
                if line.what == "begin":
                    held.add(line.company)
                elif line.what == "end":
                    held.discard(line.company)
        return held
