"""Words for the customer: printable ASCII, one line, at most 250 characters."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brex_accounting.sync.wording import MAX_TEXT, customer_text

WORDS = "The account 6400 is closed. "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Set the GL account.", "Set the GL account."),
        (
            "Gew\u00e4hlte B\u00fcroausgabe: \u201eStra\u00dfe\u201c \u2013 \u20ac 5",
            'Gewahlte Buroausgabe: "Strasse" - EUR 5',
        ),
        ("one\r\n two\tthree\u00a0four\u2028five\x00six", "one two three four five six"),
        ("\u00c6r\u00f8sk\u00f8bing \ufb01lm \u2122 \u00bd", "AEroskobing film TM 1/2"),
        ("\u6771\u4eac 5", "?? 5"),
        ("a\u0301bc\u200bd", "abcd"),
        ("\uff21\uff11", "A1"),
        ("", ""),
        ("  \n ", ""),
    ],
)
def test_a_table_of_texts(text: str, expected: str) -> None:
    """Accents, quotes, dashes, blanks and signs become their nearest; other scripts become question marks."""
    assert customer_text(text) == expected


@pytest.mark.parametrize("length", [249, 250])
def test_what_fits_is_left_alone(length: int) -> None:
    """Up to 250 characters nothing is cut."""
    text = (WORDS * 10)[:length].strip().ljust(length, "x")
    assert customer_text(text) == text


def test_a_long_text_is_cut_at_a_word() -> None:
    """The last word is whole, and the cut is shown."""
    cut = customer_text(WORDS * 20)
    assert cut.endswith("...")
    assert len(cut) > MAX_TEXT - 20
    assert (WORDS * 20).startswith(f"{cut.removesuffix('...')} ")


def test_a_long_word_is_cut_anyway() -> None:
    """One endless word after a short one is not dropped whole."""
    assert customer_text("see " + "x" * 300) == "see " + "x" * 243 + "..."


@given(text=st.text(max_size=600))
@example("\u00bd" * 200)
def test_whatever_comes_can_be_sent(text: str) -> None:
    """The result is what Brex takes, and is its own result."""
    line = customer_text(text)
    assert len(line) <= MAX_TEXT
    assert all(" " <= character <= "~" for character in line)
    assert line == " ".join(line.split())
    assert customer_text(line) == line
