"""A delivery that somebody saved: as an HTTP request, as a curl command, or as headers and a body apart."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

import attrs

from .console import UsageError

__all__ = ["Saved", "read_headers", "read_request"]

_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_MARKS = re.compile(r"^(?:[<>]\s|-H\s|--header[ =])\s*")
_HEADER_OPTIONS = ("-H", "--header")
_BODY_OPTIONS = ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json")


@attrs.frozen
class Saved:
    """What was sent."""

    headers: dict[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


def read_request(data: bytes) -> Saved:
    """A whole delivery: a request as it went over the wire, or the curl command that would send it."""
    if data.lstrip().startswith(b"curl "):
        return _from_curl(_text(data))
    parts = _END_OF_HEADERS.split(data, maxsplit=1)
    if len(parts) < 2:
        raise UsageError("the saved delivery has no blank line between its headers and its body")
    return Saved(read_headers(parts[0]), parts[1])


def read_headers(data: bytes) -> dict[str, str]:
    """Headers, one to a line, as in a request, in curl's options, or in what ``curl -v`` prints."""
    return _together(_pair(line) for line in _text(data).splitlines() if ":" in line and not _is_request(line))


def _from_curl(text: str) -> Saved:
    try:
        words = iter(shlex.split(text.replace("\\\r\n", "\\\n")))
    except ValueError:
        raise UsageError("the curl command has a quote that does not end") from None
    lines, bodies = [], []
    for word, value in _options(words):
        if word in _HEADER_OPTIONS:
            lines.append(value)
        elif value.startswith("@") and word != "--data-raw":
            raise UsageError("the curl command takes its body from a file: give --body and --headers instead")
        else:
            bodies.append(value)
    if len(bodies) != 1:
        raise UsageError(f"the curl command has {len(bodies)} bodies, not one")
    return Saved(_together(map(_pair, lines)), _bytes(bodies[0]))


def _options(words: Iterator[str]) -> Iterator[tuple[str, str]]:
    known = _HEADER_OPTIONS + _BODY_OPTIONS
    for word in words:
        name, equals, value = word.partition("=")
        if word in known:
            yield word, next(words, "")
        elif equals and name.startswith("--") and name in known:
            yield name, value


def _pair(line: str) -> tuple[str, str]:
    name, _, value = _MARKS.sub("", line.strip()).strip("'\"").partition(":")
    return name.strip(), value.strip()


def _together(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name.lower() in found:
            raise UsageError("a header stands there twice")
        found[name.lower()] = value
    if not found:
        raise UsageError("no headers were found; they are written one to a line, like Webhook-Id: msg_1")
    return found


def _is_request(line: str) -> bool:
    return bool(re.match(r"(?:>\s)?[A-Z]+ \S+ HTTP/", line))


def _text(data: bytes) -> str:
    # Whatever the bytes are, they come out of _bytes() as they were.
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
