"""On which line of a TOML text each key stands: the standard library's parser does not say. Pure.

It reads well-formed TOML only; ``tomllib`` is asked first whether it is. What is not is read as far as it goes.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, TypeAlias, cast

import attrs

__all__ = ["Path", "Place", "lines_of", "places", "repeated"]

Path: TypeAlias = tuple[str | int, ...]
"""The names from the top of the document down to a value; numbers are places in an array, from 0."""

_BLANK: Final = re.compile(r"[ \t]*")
_GAP: Final = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
_KEY: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_TEXT: Final = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''',
    re.DOTALL,
)
_PLAIN: Final = re.compile(r"[^,\]}#\r\n]*")


@attrs.frozen
class Place:
    """A key or an element of an array, and the line it begins on, from 1."""

    path: Path
    line: int
    is_table: bool = False
    """Whether it is a header, which may name a table that a longer header made before."""


def lines_of(text: str) -> dict[Path, int]:
    """The line of everything in a document, of tables the first one that names them."""
    found: dict[Path, int] = {}
    for place in places(text):
        for length in range(1, len(place.path) + 1):
            found.setdefault(place.path[:length], place.line)
    return found


def repeated(text: str) -> tuple[Place, Place] | None:
    """The first key that stands for the second time, after where it stood before."""
    seen: dict[Path, Place] = {}
    for place in places(text):
        before = seen.setdefault(place.path, place)
        if before is not place and before.is_table == place.is_table:
            return before, place
    return None


def places(text: str) -> Iterator[Place]:
    """Everything in a document, in its order."""
    ends = [at for at, character in enumerate(text) if character == "\n"]
    for path, at, is_table in _Scanner(text).document():
        yield Place(path, bisect_left(ends, at) + 1, is_table)


_Found: TypeAlias = tuple[Path, int, bool]


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._elements: dict[Path, int] = {}

    def document(self) -> Iterator[_Found]:
        base: Path = ()
        while True:
            self._skip(_GAP)
            before = self._at
            if self._takes("[["):
                base = self._element(self._name())
                yield base, before, True
                self._takes("]]")
            elif self._takes("["):
                base = self._inside(self._name())
                yield base, before, True
                self._takes("]")
            else:
                yield from self._pair(base)
            if self._at == before:  # the end, or no TOML
                return

    def _element(self, name: Path) -> Path:
        table = (*self._inside(name[:-1]), *name[-1:])
        self._elements[table] = self._elements.get(table, -1) + 1
        return (*table, self._elements[table])

    def _inside(self, name: Path) -> Path:
        """A header's name as a path: below an array of tables it means the last one."""
        path: Path = ()
        for part in name:
            path = (*path, part)
            if path in self._elements:
                path = (*path, self._elements[path])
        return path

    def _pair(self, base: Path) -> Iterator[_Found]:
        start = self._at
        name = self._name()
        if name and self._takes("="):
            path = (*base, *name)
            yield path, start, False
            yield from self._value(path)

    def _value(self, path: Path) -> Iterator[_Found]:
        self._skip(_BLANK)
        if self._takes("["):
            yield from self._array(path)
        elif self._takes("{"):
            yield from self._table(path)
        elif not self._skip(_TEXT):
            self._skip(_PLAIN)

    # What neither closes nor begins anything is no TOML, and would be looked at for ever.

    def _array(self, path: Path) -> Iterator[_Found]:
        number, before = 0, -1
        while self._goes_on("]") and self._at > before:
            before = self._at
            yield (*path, number), before, False
            yield from self._value((*path, number))
            number += 1

    def _table(self, path: Path) -> Iterator[_Found]:
        before = -1
        while self._goes_on("}") and self._at > before:
            before = self._at
            yield from self._pair(path)

    def _goes_on(self, bracket: str) -> bool:
        self._skip(_GAP)
        return not self._takes(bracket) and self._at < len(self._text)

    def _name(self) -> Path:
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            start = self._at
            if not self._skip(_KEY):
                return ()
            parts.append(_unquoted(self._text[start : self._at]))
            self._skip(_BLANK)
            if not self._takes("."):
                return tuple(parts)

    def _takes(self, text: str) -> bool:
        taken = self._text.startswith(text, self._at)
        self._at += len(text) if taken else 0
        return taken

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return match is not None


def _unquoted(key: str) -> str:
    if key[0] not in "\"'":
        return key
    try:
        return cast(str, tomllib.loads(f"key = {key}")["key"])
    except tomllib.TOMLDecodeError:
        return key
