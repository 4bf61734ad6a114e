"""Words for the customer, as Brex takes them. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["MAX_TEXT", "customer_text"]

MAX_TEXT: Final = 250
"""Characters at most."""

_CUT: Final = "..."

_ASCII: Final[Mapping[str, str]] = MappingProxyType(
    {
        # What does not come apart into a letter and its accents.
        "\u00df": "ss",
        "\u1e9e": "SS",
        "\u00e6": "ae",
        "\u00c6": "AE",
        "\u0153": "oe",
        "\u0152": "OE",
        "\u00f8": "o",
        "\u00d8": "O",
        "\u0142": "l",
        "\u0141": "L",
        "\u0111": "d",
        "\u0110": "D",
        "\u00fe": "th",
        "\u00de": "Th",
        "\u00f0": "d",
        "\u00d0": "D",
        "\u0131": "i",
        "\u2018": "'",
        "\u2019": "'",
        "\u201a": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u2039": "'",
        "\u203a": "'",
        "\u2032": "'",
        "\u2033": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u2022": "-",
        "\u00b7": "-",
        "\u2192": "->",
        "\u00d7": "x",
        "\u00f7": "/",
        "\u20ac": "EUR",
        "\u00a3": "GBP",
        "\u00a5": "JPY",
        "\u00a7": "Sec.",
        "\u2044": "/",
    }
)


def customer_text(text: str) -> str:
    """The text in printable ASCII, on one line, in at most 250 characters.

    Brex refuses other characters. Letters lose their accents, signs become their nearest, whatever is left
    becomes "?"; a long text is cut at a word. Text that is fine comes back as it is.
    """
    plain = "".join(_plain(character) for character in text)
    line = " ".join(plain.split())
    if len(line) <= MAX_TEXT:
        return line
    room = MAX_TEXT - len(_CUT)
    head = line[: room + 1].rpartition(" ")[0]
    # One endless word after a few short ones: better half of it than nothing.
    return (head if len(head) > room // 2 else line[:room]) + _CUT


def _plain(character: str) -> str:
    if " " <= character <= "~":
        return character
    if character.isspace() or unicodedata.category(character) == "Cc":
        return " "
    if character in _ASCII:
        return _ASCII[character]
    parts = unicodedata.normalize("NFKD", character)
    if parts == character:
        return "" if unicodedata.combining(character) or unicodedata.category(character) == "Cf" else "?"
    return "".join(_plain(part) for part in parts)
