"""Words for people, on stderr, and text made safe for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

__all__ = [
    "Failed",
    "LiveLine",
    "Mistakes",
    "Terminated",
    "UnexpectedError",
    "UsageError",
    "one_line",
    "progress",
    "say",
]


class UsageError(Exception):
    """The command was called wrongly."""


class Mistakes(UsageError):
    """Several things are wrong with a file: a line for each."""


class UnexpectedError(Exception):
    """Nobody thought of this."""


class Failed(Exception):
    """The command did its part, and something is not as it should be: the words say what."""


class Terminated(Exception):
    """SIGTERM cut the command short."""


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


class LiveLine:
    """One line on stderr that changes while something runs; invisible when stderr is not a terminal."""

    def __init__(self, text: str) -> None:
        console = Console(stderr=True)
        words = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
        self._progress = Progress(
            TimeElapsedColumn(),
            words,
            console=console,
            disable=not console.is_terminal,
            transient=True,
            redirect_stdout=False,
        )
        self._task = self._progress.add_task(text, total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, text: str) -> None:
        """Say this from now on."""
        self._progress.update(self._task, description=text)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Gone while something else is written: stdout may be the same terminal."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()
