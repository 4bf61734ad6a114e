"""The few forms of Beancount's language that a ledger of ours is written in, each on one line. Pure.

Beancount reads more than what is written here. A line in any other form was not written by this package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["DOCUMENT", "META", "OPEN", "POSTING", "TRANSACTION", "is_line", "link", "quoted", "unquoted"]

_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_STRING: Final = r'"(?:[^"\\]|\\.)*"'
_ACCOUNT: Final = r"[A-Z][^\s\"]*:[^\s\"]+"
_MARKS: Final = r"(?: [#^][A-Za-z0-9_/.-]+)*"

OPEN: Final = re.compile(rf"({_DAY}) open ({_ACCOUNT})")
"""Its day and account."""
DOCUMENT: Final = re.compile(rf"({_DAY}) document ({_ACCOUNT}) ({_STRING}){_MARKS}")
"""Its day, account and path."""
TRANSACTION: Final = re.compile(rf"({_DAY}) \*(?: ({_STRING}))? ({_STRING}){_MARKS}")
"""Its day, payee and narration."""
POSTING: Final = re.compile(rf"  ({_ACCOUNT}) +(-?)([0-9]+(?:\.[0-9]+)?) ([A-Z]{{3}})")
"""Its account, its minus sign, its amount without one, and its currency."""
META: Final = re.compile(rf"( {{2}}| {{4}})(brex-[a-z0-9-]+): ({_STRING}|{_DAY})")
"""How far it is indented, its name, and its value: a string or a day."""

_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLAIN: Final = {"n": "\n", "r": "\r", "t": "\t"}
# Control characters, what breaks lines or turns the direction of writing, and what is no character by itself.
_ESCAPED: Final = re.compile('["\\\\\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]')
_WRITTEN: Final = re.compile(r"\\(u[0-9a-f]{4}|.)")
_NO_LINK: Final = re.compile(r"[^A-Za-z0-9_/.-]+")


def is_line(text: str) -> bool:
    """Whether a line has one of the forms."""
    return any(form.fullmatch(text) for form in (META, POSTING, TRANSACTION, OPEN, DOCUMENT))


def quoted(text: str) -> str:
    """A string, on one line whatever is in it. Beancount shows what is written as ``\\u200e`` as ``u200e``."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def unquoted(string: str) -> str:
    """The text of a string, to the last character."""
    return _WRITTEN.sub(_character, string[1:-1])


def link(texts: Iterable[str | None]) -> str:
    """Links, each with a blank before it, to whatever else carries one of these texts."""
    names = dict.fromkeys(_NO_LINK.sub("-", text) for text in texts if text)
    return "".join(f" ^{name}" for name in names)


def _escape(found: re.Match[str]) -> str:
    one = found[0]
    return _ESCAPES.get(one) or f"\\u{ord(one):04x}"


def _character(found: re.Match[str]) -> str:
    written = found[1]
    return chr(int(written[1:], 16)) if len(written) > 1 else _PLAIN.get(written, written)
