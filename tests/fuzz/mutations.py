"""Documents made wrong, repeatably: by bytes, and by the values in them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

__all__ = ["mutants"]

CANARY = "canary"
RAW = "\ue000"
"""Around text that goes into the document as it is."""

_NUMBERS = ["1e999999", "-1e999999", "1e99999999999999999999", "-0", "0.0", "1e-999999", "9" * 400, "0." + "1" * 400]
_NUMBERS += ["NaN", "Infinity", "-Infinity", "1.0", "12345678901234567890123456789", "01", "1_000", "0x10", "1.", ".5"]
_TEXTS = ["", CANARY, "\\u0000", "\\ud800", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999999Z", "2026-02-30"]
_TEXTS += [
    "2026-01-01T00:00:00",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:00+99:99",
    "1",
    "null",
    "\u202e",
    "x" * 5_000,
]
_LEAVES: list[Any] = [None, True, False, 0, -1, 1.5, [], {}, [[]], [None], {"": None}, {"id": {}}, {CANARY: CANARY}]
_LEAVES += [f"{RAW}{text}{RAW}" for text in _NUMBERS] + [f'{RAW}"{text}"{RAW}' for text in _TEXTS]


def mutants(document: bytes, count: int, seed: int) -> Iterator[bytes]:
    """``count`` documents, each with one to three changes."""
    dice = Random(seed)
    plain = json.loads(document)
    for _ in range(count):
        if dice.random() < 0.25:
            data = document
            for _ in range(dice.randint(1, 3)):
                data = dice.choice(_BY_BYTES)(data, dice)
            yield data
        else:
            value = json.loads(json.dumps(plain))
            for _ in range(dice.randint(1, 3)):
                value = _changed(value, dice)
            yield re.sub(f'"{RAW}(.*?){RAW}"', _unquoted, json.dumps(value, ensure_ascii=False)).encode()


def _unquoted(found: re.Match[str]) -> str:
    return found[1].replace('\\"', '"').replace("\\\\", "\\")


def _place(data: bytes, dice: Random) -> int:
    return dice.randrange(len(data) + 1)


def _flip(data: bytes, dice: Random) -> bytes:
    at = _place(data, dice)
    return data[:at] + bytes(byte ^ (1 << dice.randrange(8)) for byte in data[at : at + 1]) + data[at + 1 :]


def _delete(data: bytes, dice: Random) -> bytes:
    at = _place(data, dice)
    return data[:at] + data[at + dice.randint(1, 40) :]


def _insert(data: bytes, dice: Random) -> bytes:
    at = _place(data, dice)
    some = dice.choice([dice.randbytes(3), b"\x00", b"\xff\xfe", b'"', b"{", b"]", b",", b"\\", b"[" * 3_000])
    return data[:at] + some + data[at:]


def _double(data: bytes, dice: Random) -> bytes:
    at = _place(data, dice)
    return data[:at] + data[at : at + dice.randint(1, 200)] + data[at:]


def _truncate(data: bytes, dice: Random) -> bytes:
    return data[: _place(data, dice)]


_BY_BYTES: list[Callable[[bytes, Random], bytes]] = [_flip, _delete, _insert, _double, _truncate]


def _changed(value: Any, dice: Random) -> Any:
    """One value somewhere in it replaced, left out, renamed, doubled or buried."""
    if isinstance(value, dict) and value and dice.random() < 0.92:
        key = dice.choice(list(value))
        choice = dice.random()
        rest = {name: inner for name, inner in value.items() if name != key}
        if choice < 0.1:
            return rest
        if choice < 0.15:
            return {**rest, dice.choice([key.upper(), CANARY, ""]): value[key]}
        return {**value, key: _changed(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.92:
        at = dice.randrange(len(value))
        return [*value[:at], _changed(value[at], dice), *value[at + dice.randint(0, 1) :]]
    if dice.random() < 0.05:
        deep = dice.choice([3, 60, 1_200, 5_000])
        return f"{RAW}{'[' * deep}{']' * deep}{RAW}" if dice.random() < 0.5 else f"{RAW}{_objects(deep)}{RAW}"
    return dice.choice(_LEAVES)


def _objects(deep: int) -> str:
    return '{"a":' * deep + "1" + "}" * deep
