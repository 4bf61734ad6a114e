"""``sync chart``: a chart to begin with."""

from __future__ import annotations

from pathlib import Path

from ..client import BrexAccounting
from .console import Failed, LiveLine, UsageError, say

__all__ = ["chart"]


async def chart(file: Path = Path("chart.toml"), /) -> None:
    """Write a chart to begin with, from the fields, values and types that your records really use.

    It reads every record, bills included, and writes nothing but the file. What
    only you know is "?" in it; what it guesses is a comment with the numbers
    behind it. An existing file is never touched.

    Parameters
    ----------
    file
        The file to write.
    """
    # Here: charts need the extra [books], and the other commands do not.
    from ..preview import read_usage, starter_chart

    _check_absent(file)
    with LiveLine("reading every record"):
        async with BrexAccounting() as brex:
            usage = await read_usage(brex)
    _write_new(file, starter_chart(usage))
    say(f'{file}: {usage.records} records read; fill in each "?", then: brex-accounting sync check --chart {file}')


def _check_absent(file: Path) -> None:
    if file.exists():
        raise UsageError(f"{file} is there already, and is not overwritten: name another file")


def _write_new(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        _check_absent(file)
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}") from None
