"""Where keys stand in a TOML text: against documents whose lines are known, and against tomllib itself."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brex_accounting.posters.toml_lines import Path, lines_of, places, repeated

from .charts import GOOD

# Every way to write a value, and what is hard in it: quotes, brackets, hashes and equal signs that mean nothing.
VALUES = (
    *("1", "-1.5e3", "true", "2026-06-01", "2026-06-01T12:00:00Z", "inf", "0xff", "1_000"),
    *('""', '"a # b = c"', '"\\""', '"\\\\"', "'\\'", "''", "'[x]'", '"]}"'),
    *(
        '""""""',
        '"""a\nb = 1\n[c]\n"""',
        '"""\\""""',
        '"""""two quotes"""""',
        '"""one more""""',
        "'''one more''''",
        "'''\n# no comment\n'''",
        "'''''q'''''",
    ),
    *("[]", "{}", "[ 1, 2,\n # ] a comment = [\n 3 ]", "[[1],\n[2, [3]],\n]", '{ a = 1, "b.c" = [ 1,\n2 ] }'),
    *("[{ a = 1 }, { a = 2, b = { c = '}' } }]", "[ '''a\nb''', \"#\", 2026-06-01 ]"),
)
KEYS = st.one_of(
    st.sampled_from(["a", "b", "a-b", "1", "_", "long_name"]),
    st.text(min_size=1, max_size=4).filter(lambda text: "\x7f" not in text),
)
GAPS = st.sampled_from(["", "\n", "# comment = [\n", "\n  \n\t# [table]\n", "  # '''\n"])


def quoted(key: str) -> str:
    if all(character.isascii() and (character.isalnum() or character in "-_") for character in key):
        return key
    return json.dumps(key, ensure_ascii=False)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[Path, int]]:
    """A document, and the line of each of its tables and keys."""
    text = ""
    lines: dict[Path, int] = {}
    tables = draw(st.lists(st.lists(KEYS, min_size=1, max_size=3).map(tuple), max_size=4, unique=True))
    for table in [(), *tables]:
        text += draw(GAPS)
        if table:
            blank = draw(st.sampled_from(["", " "]))
            for length in range(1, len(table) + 1):
                lines.setdefault(table[:length], text.count("\n") + 1)
            text += f"{blank}[{blank}{f'{blank}.{blank}'.join(map(quoted, table))}{blank}]{draw(GAPS) or chr(10)}"
            text += "" if text.endswith("\n") else "\n"
        for key in draw(st.lists(KEYS, max_size=5, unique=True)):
            text += draw(GAPS)
            lines[(*table, key)] = text.count("\n") + 1
            text += f"{draw(st.sampled_from(['', '  ']))}{quoted(key)} = {draw(st.sampled_from(VALUES))}"
            text += draw(st.sampled_from(["\n", " # behind\n", "\r\n"]))
    return text, lines


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """Every path in what tomllib read."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from paths(one, (*path, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from paths(one, (*path, number))


@given(documents())
def test_every_key_of_any_document_is_on_its_line(document: tuple[str, dict[Path, int]]) -> None:
    """Each key stands where it was written, and what is found is what tomllib finds, to the last element."""
    text, expected = document
    try:
        read: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a table that a key has taken already
    found = lines_of(text)
    assert set(found) == set(paths(read))
    assert {path: found[path] for path in expected} == expected


def test_every_way_to_write_a_value_is_passed_over_whole() -> None:
    """After each kind of value the next key is found on its own line."""
    for value in VALUES:
        text = f"first = {value}\nsecond = 2\n"
        tomllib.loads(text)
        assert lines_of(text)["second",] == 2 + value.count("\n"), value


def test_tables_arrays_and_dotted_keys() -> None:
    """Tables made by longer headers, arrays of tables and dotted keys have the line that names them first."""
    text = "[a.b]\nc.d = 1\n[a]\nx = 1\n[[t]]\nk = 1\n[[t]]\nk = 2\n[t.sub]\ny = 1\n"
    found = lines_of(text)
    assert set(found) == set(paths(tomllib.loads(text)))
    assert found["a",] == found["a", "b"] == 1
    assert (found["a", "b", "c"], found["a", "b", "c", "d"], found["a", "x"]) == (2, 2, 4)
    assert [found["t", number, "k"] for number in (0, 1)] == [6, 8]
    assert found["t", 1, "sub", "y"] == 10


def test_the_chart_of_the_tests() -> None:
    """Each key of a chart is on the line on which it can be read."""
    lines = GOOD.splitlines()
    for path, line in lines_of(GOOD).items():
        assert str(path[-1]) in lines[line - 1] or isinstance(path[-1], int)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb = 2\na = 3", (1, 3)),
        ('a = 1\n"a" = 3', (1, 2)),
        ("[t]\na = 1\n[t]\n", (1, 3)),
        ("[t]\na.b = 1\na.b = 2\n", (2, 3)),
        ("x = { a = 1,\n a = 2 }", (1, 2)),
        ("[a.b]\n[a]\n[c]\na = 1", None),
        ("[[a]]\nx = 1\n[[a]]\nx = 2\n", None),
    ],
)
def test_a_key_that_is_given_twice(text: str, expected: tuple[int, int] | None) -> None:
    """Both lines are told, and what may come twice is nobody's mistake."""
    found = repeated(text)
    assert (found and (found[0].line, found[1].line)) == expected


@given(st.text(alphabet="ab=[]{}\"'#.,\\\n \t1", max_size=60) | st.text(max_size=40))
@example("a = { ? }")
@example("a = [ } ]")
@example("[[")
@example("a = [[[[")
@example('"\\')
def test_any_text_is_read_to_an_end(text: str) -> None:
    """What is no TOML is neither an error nor an endless walk, and no line is outside of the text."""
    last = text.count("\n") + 1
    assert all(1 <= place.line <= last for place in places(text))
