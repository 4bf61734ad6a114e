"""A file that is only ever appended to: by one at a time, and whole again whenever it is opened.

What is in it is no business of this room: a ``Contents`` reads it, line by line. An entry is there when the line
that closes it is; what follows the last such line was torn in the middle of its writing, and is removed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import attrs

from ..errors import ConfigurationError
from .contents import Changed, Contents

__all__ = ["AppendedFile", "Opened", "sync_folder"]


C = TypeVar("C", bound=Contents)


@attrs.define
class _Known(Generic[C]):
    """What was read of one file: its bytes and lines up to the end of its last entry."""

    identity: tuple[int, int]
    contents: C
    whole: int = 0
    lines: int = 0


@attrs.frozen
class Opened(Generic[C]):
    """The file while nobody else writes it."""

    _file: int
    _known: _Known[C]

    @property
    def contents(self) -> C:
        """What it holds."""
        return self._known.contents

    def append(self, entry: bytes) -> None:
        """One entry, with all its line ends. On disk before this returns."""
        write(self._file, entry, self._known.whole)
        os.fsync(self._file)
        for line in entry[:-1].split(b"\n"):
            self._known.contents.take(line)
            self._known.lines += 1
        self._known.whole += len(entry)


class AppendedFile(Generic[C]):
    """Entries in the file at ``path``, which begins with ``header``. ``what`` it is called in errors, and a ``hint``
    what else it may be that begins differently.

    Opening it waits for its turn among threads and processes, and for the disk. Raises ``ConfigurationError``, and
    has written nothing, when the file cannot be opened or holds something that was not written here; ``OSError``
    when the disk fails. POSIX only, on a local disk (it locks with ``flock``).
    """

    def __init__(self, path: Path, *, what: str, header: bytes, contents: Callable[[], C], hint: str = "") -> None:
        self._path = path
        self._what = what
        self._header = header
        self._contents = contents
        self._hint = hint
        self._known: _Known[C] | None = None

    @contextmanager
    def opened(self) -> Iterator[Opened[C]]:
        """The file, made when it is missing, read to its end and mended if it was torn."""
        file = self._locked()
        try:
            yield Opened(file, self._refreshed(file))
        finally:
            os.close(file)  # and with it the lock

    def looked_at(self) -> C:
        """What the file holds: whole entries alone. Nothing is made or mended, and no file holds nothing."""
        known = _Known((0, 0), self._contents(), len(self._header), self._header.count(b"\n"))
        try:
            with self._path.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH)
                self._check_begin(stream.read(len(self._header)), os.fstat(stream.fileno()).st_size)
                self._read(stream, known)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ConfigurationError(f"the {self._what} cannot be read: {error.strerror}") from None
        return known.contents

    def _locked(self) -> int:
        while True:
            try:
                file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise ConfigurationError(f"the {self._what} cannot be opened: {error.strerror}") from None
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if self._path.exists() and _identity(self._path.stat()) == _identity(os.fstat(file)):
                    return file
            except BaseException:
                os.close(file)
                raise
            os.close(file)  # it was moved away while we waited: take the new one

    def _refreshed(self, file: int) -> _Known[C]:
        state = os.fstat(file)
        known = self._known
        if known is None or _identity(state) != known.identity or state.st_size < known.whole:
            sync_folder(self._path)  # the name of a new file is on disk once its folder is
            self._begin(file)
            lines = self._header.count(b"\n")
            known = _Known(_identity(state), self._contents(), len(self._header), lines)
        self._known = None  # until it is read to its end
        with os.fdopen(os.dup(file), "rb") as stream:
            stream.seek(known.whole)
            self._read(stream, known)
        if os.fstat(file).st_size > known.whole:
            os.ftruncate(file, known.whole)
            os.fsync(file)
        self._known = known
        return known

    def _begin(self, file: int) -> None:
        head = os.pread(file, len(self._header), 0)
        if head == self._header:
            return
        self._check_begin(head, os.fstat(file).st_size)
        write(file, self._header, 0)
        os.fsync(file)

    def _check_begin(self, head: bytes, size: int) -> None:
        if head != self._header and (size >= len(self._header) or not self._header.startswith(head)):
            raise ConfigurationError(
                f"the {self._what} does not begin with the lines that every {self._what} of this export begins with: "
                f"take another file{self._hint}"
            )

    def _read(self, lines: Iterator[bytes], known: _Known[C]) -> None:
        at, count, rest = known.whole, known.lines, b""
        try:
            for line in lines:
                count += 1
                if not line.endswith(b"\n"):
                    rest = line
                    break
                at += len(line)
                if known.contents.take(line[:-1]):
                    known.whole, known.lines = at, count
            known.contents.drop(rest)
        except Changed:
            changed = self._changed(known.lines + 1, count)
        else:
            return
        raise changed

    def _changed(self, first: int, last: int) -> ConfigurationError:
        where = f"lines {first} to {last}" if first < last else f"line {last}"
        return ConfigurationError(
            f"the {self._what} was changed after it was written, in its {where} or right before: "
            "restore it, or take another"
        )


def write(file: int, data: bytes, at: int) -> None:
    """All of ``data``, from the byte ``at`` on."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(file, rest, at)
        rest, at = rest[written:], at + written


def sync_folder(path: Path) -> None:
    """Let the name of a file be on disk."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino
