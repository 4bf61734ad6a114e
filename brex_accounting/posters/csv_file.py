"""The file under ``CsvPoster``: appended to by one at a time, and whole again whenever it is opened."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import ConfigurationError
from .rows import COLUMNS, encode, header_of, is_end, is_whole, parse, safe

__all__ = ["CsvFile"]


class CsvFile:
    """Entries in a CSV file. Every method blocks: it waits for its turn among threads and processes, and for the disk.

    ``columns`` are those of a row: the key first, the entry's end last.

    Raises ``ConfigurationError``, and has written nothing, when the file cannot be opened or holds something that
    was not written here; ``OSError`` when the disk fails.
    """

    def __init__(self, path: Path, columns: Sequence[str] = COLUMNS) -> None:
        self._path = path
        self._columns = columns
        self._header = header_of(columns)
        self._identity: tuple[int, int] | None = None
        self._whole = 0  # bytes up to the end of the last entry that was read or written
        self._keys: set[str] = set()

    def has(self, key: str) -> bool:
        """Whether there is an entry with the key."""
        with self._opened():
            return safe(key) in self._keys

    def add(self, key: str, rows: Sequence[Sequence[str]]) -> bool:
        """Append an entry, on disk before this returns. False when there is one with the key, which stays."""
        with self._opened() as file:
            if safe(key) in self._keys:
                return False
            data = encode(rows)
            write(file, data, self._whole)
            os.fsync(file)
            self._whole += len(data)
            self._keys.add(safe(key))
            return True

    def entries(self) -> list[list[list[str]]]:
        """The rows of every whole entry, in the order written. Nothing is made or mended: no file has no entries."""
        try:
            with self._path.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH)
                head = stream.read(len(self._header))
                self._check_begin(head, is_all=len(head) < len(self._header))
                return [entry for entry, _ in self._whole_entries(stream, len(head))]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigurationError(f"the CSV file cannot be read: {error.strerror}") from None

    @contextmanager
    def _opened(self) -> Iterator[int]:
        file = self._locked()
        try:
            self._refresh(file)
            yield file
        finally:
            os.close(file)  # and with it the lock

    def _locked(self) -> int:
        while True:
            try:
                file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise ConfigurationError(f"the CSV file cannot be opened: {error.strerror}") from None
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if self._path.exists() and _identity(self._path.stat()) == _identity(os.fstat(file)):
                    return file
            except BaseException:
                os.close(file)
                raise
            os.close(file)  # it was moved away while we waited: take the new one

    def _refresh(self, file: int) -> None:
        state = os.fstat(file)
        if _identity(state) != self._identity or state.st_size < self._whole:
            self._whole, self._keys = 0, set()
            _sync_folder(self._path)  # the name of a new file is on disk once its folder is
            self._identity = _identity(state)
        if self._whole == 0:
            self._begin(file)
        with os.fdopen(os.dup(file), "rb") as stream:
            stream.seek(self._whole)
            self._read(stream)
        if os.fstat(file).st_size > self._whole:
            os.ftruncate(file, self._whole)
            os.fsync(file)

    def _begin(self, file: int) -> None:
        head = os.pread(file, len(self._header), 0)
        if head != self._header:
            self._check_begin(head, is_all=os.fstat(file).st_size < len(self._header))
            write(file, self._header, 0)
            os.fsync(file)
        self._whole = len(self._header)

    def _check_begin(self, head: bytes, *, is_all: bool) -> None:
        if head == self._header or (is_all and self._header.startswith(head)):
            return
        raise ConfigurationError(
            "the CSV file does not begin with the columns of this CsvPoster: take another file. "
            "One that was begun without a chart goes on without it, and the other way round"
        )

    def _read(self, lines: Iterable[bytes]) -> None:
        for entry, end in self._whole_entries(lines, self._whole):
            self._keys.add(entry[0][0])
            self._whole = end

    def _whole_entries(self, lines: Iterable[bytes], at: int) -> Iterator[tuple[list[list[str]], int]]:
        """Each entry from the byte ``at`` on, and where it ends. What is torn at the end of the file is none."""
        entry: list[list[str]] = []
        end = at
        for line in lines:
            at += len(line)
            if not line.endswith(b"\n"):
                return
            row = parse(line[:-1], self._columns)
            if row is None:
                raise _changed(end)
            entry.append(row)
            if is_end(row):
                if not is_whole(entry):
                    raise _changed(end)
                yield entry, at
                entry, end = [], at


def _changed(end: int) -> ConfigurationError:
    return ConfigurationError(
        f"the CSV file was changed after it was written, behind its byte {end}: restore it, or take another"
    )


def write(file: int, data: bytes, at: int) -> None:
    """All of ``data``, from the byte ``at`` on."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(file, rest, at)
        rest, at = rest[written:], at + written


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
