"""Lines on stdout: text for people, a JSON object each for scripts."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import msgspec

__all__ = ["print_lines"]


def print_lines(lines: Iterable[object]) -> None:
    """Print each, a text as it is and anything else as JSON."""
    # Bytes: the locale's encoding may not hold what records say.
    for line in lines:
        text = line.encode("utf-8", "backslashreplace") if isinstance(line, str) else msgspec.json.encode(line)
        sys.stdout.buffer.write(text + b"\n")
