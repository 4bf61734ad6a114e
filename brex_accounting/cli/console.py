"""Words for people, on stderr, and text made safe for a terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

__all__ = ["UnexpectedError", "UsageError", "one_line", "progress", "say"]


class UsageError(Exception):
    """The command was called wrongly."""


class UnexpectedError(Exception):
    """Nobody thought of this."""


def say(text: str) -> None:
    """One line on stderr, if there is one."""
    if sys.stderr is not None:
        sys.stderr.write(text + "\n")


def one_line(text: str, width: int = 400) -> str:
    """Text from elsewhere as one printable line: no line breaks, no escape sequences."""
    line = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(line.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def progress(*, show: bool) -> Progress:
    """A progress bar on stderr; invisible when it is not a terminal or ``show`` is False."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not (show and console.is_terminal),
        transient=True,
    )
