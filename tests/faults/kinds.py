"""The kinds of fault, by name: what the proxy does to a request, how often, and the client's patience."""

from __future__ import annotations

import asyncio
import gzip
import importlib.util
import math
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from typing import Any

import attrs

from .canary import BODY
from .proxy import Act, Answer, Exchange

__all__ = ["BOMB", "KINDS", "LIMIT", "MISSING", "Kind", "bomb"]

LIMIT = 2**20
"""The client's max_response_bytes."""

BOMB = 16 * 2**20
"""What a bomb unfolds to."""

_ALWAYS = math.inf
_NEXT = re.compile(rb'("next_(?:cursor|pagination_token)":\s*)(?:"[^"]*"|null)')
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@attrs.frozen
class Kind:
    """``warm``: an earlier call leaves a connection open. ``refused``: nobody listens."""

    act: Act
    times: float = 1
    timeout: float = 10.0
    deadline: float = 20.0
    warm: bool = False
    refused: bool = False


def _latency(seconds: float) -> Act:
    async def act(exchange: Exchange) -> bool:
        await exchange.read()
        await asyncio.sleep(seconds)
        await exchange.send((await exchange.forward()).encode())
        return True

    return act


async def _never_forwarded(exchange: Exchange) -> bool:
    await exchange.read()
    await exchange.gone()
    return False


async def _never_answered(exchange: Exchange) -> bool:
    await exchange.read()
    await exchange.forward()
    await exchange.gone()
    return False


async def _reset_before(exchange: Exchange) -> bool:
    exchange.reset()
    return False


async def _reset_during(exchange: Exchange) -> bool:
    await exchange.read(0.5)
    exchange.reset()
    return False


async def _reset_after(exchange: Exchange) -> bool:
    await exchange.read()
    await exchange.forward()
    exchange.reset()
    return False


async def _close_after(exchange: Exchange) -> bool:
    await exchange.read()
    await exchange.forward()
    return False


def _until_close(seconds: float) -> Act:
    async def act(exchange: Exchange) -> bool:
        await exchange.read()
        answer = await exchange.forward()
        await exchange.send(attrs.evolve(answer, length=None).encode())
        if seconds < _ALWAYS:
            await asyncio.sleep(seconds)
        else:
            await exchange.gone()
        return False

    return act


def _mangled(change: Callable[[Answer], bytes], *, ends: bool = True) -> Act:
    """The sandbox's answer, changed; then the connection ends."""

    async def act(exchange: Exchange) -> bool:
        await exchange.read()
        await exchange.send(change(await exchange.forward()))
        return not ends

    return act


def _cut(where: Callable[[int], int]) -> Act:
    return _mangled(lambda answer: attrs.evolve(answer, body=answer.body[: where(len(answer.body))]).encode())


def _cut_head(answer: Answer) -> bytes:
    return answer.encode().partition(b"\r\n\r\n")[0][:-3]


def _length(change: Callable[[int], object], *, ends: bool = True) -> Act:
    return _mangled(lambda answer: attrs.evolve(answer, length=str(change(len(answer.body)))).encode(), ends=ends)


async def _late_tail(exchange: Exchange) -> bool:
    """A length that is too short, and the last byte a moment later."""
    await exchange.read()
    answer = await exchange.forward()
    whole = attrs.evolve(answer, length=str(len(answer.body) - 1)).encode()
    await exchange.send(whole[:-1])
    await asyncio.sleep(0.03)
    await exchange.send(whole[-1:])
    return True


def _instead(answer: Answer) -> Act:
    """An answer without asking the sandbox."""

    async def act(exchange: Exchange) -> bool:
        await exchange.read()
        await exchange.send(answer.encode())
        return True

    return act


def _after(answer: Answer) -> Act:
    """The sandbox processes the request, and another answer goes back."""
    return _mangled(lambda _: answer.encode(), ends=False)


def _packed(encoding: str) -> Act:
    return _mangled(lambda answer: answer.with_body(bomb(encoding), Content_Encoding=encoding).encode(), ends=False)


async def _repeating_cursor(exchange: Exchange) -> bool:
    await exchange.read()
    answer = await exchange.forward()
    first = exchange.proxy.first_cursor or b""
    body = _NEXT.sub(lambda found: found[1] + b'"' + first + b'"', answer.body)
    await exchange.send(answer.with_body(body).encode())
    return True


@cache
def bomb(encoding: str) -> bytes:
    """A small body that unfolds to ``BOMB`` bytes."""
    zeros = bytes(BOMB)
    if encoding == "gzip":
        return gzip.compress(zeros)
    if encoding == "deflate":
        return zlib.compress(zeros)
    packer: Any = importlib.import_module(next(filter(_has, _PACKERS[encoding])))
    return bytes(packer.compress(zeros))


def _has(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


_PACKERS = {"br": ("brotli",), "zstd": ("compression.zstd", "backports.zstd")}

MISSING = {f"bomb-{encoding}" for encoding, modules in _PACKERS.items() if not any(map(_has, modules))}
"""Kinds that need a decoder which is not installed."""


def _throttle(status: str = "429 Too Many Requests", **headers: str) -> Act:
    return _instead(Answer.of(status, b"", **headers))


_DATE = format_datetime(_NOW, usegmt=True)
_ERROR = b'{"error_code":"INTERNAL_ERROR","message":"' + BODY.encode() + b'","details":{"x":"' + BODY.encode() + b'"}}'
_HTML = b"<!doctype html><title>" + BODY.encode() + b"</title>"
_JSON = {"Content_Type": "application/json"}

KINDS: dict[str, Kind] = {
    "none": Kind(_latency(0)),
    "latency": Kind(_latency(0.03)),
    "slow-request": Kind(_never_forwarded, timeout=0.25),
    "slow-answer": Kind(_never_answered, timeout=0.25),
    "slow-always": Kind(_never_answered, _ALWAYS, timeout=0.12),
    "deadline": Kind(_never_answered, deadline=0.2),
    "refused": Kind(_reset_before, refused=True),
    "reset-before": Kind(_reset_before),
    "reset-during": Kind(_reset_during),
    "reset-after": Kind(_reset_after),
    "reset-always": Kind(_reset_after, _ALWAYS),
    "close-after": Kind(_close_after),
    "stale": Kind(_reset_before, warm=True),
    "slow-close": Kind(_until_close(0.03)),
    "never-close": Kind(_until_close(_ALWAYS), timeout=0.25),
    "cut-head": Kind(_mangled(_cut_head)),
    "cut-0": Kind(_cut(lambda _: 0)),
    "cut-1": Kind(_cut(lambda _: 1)),
    "cut-half": Kind(_cut(lambda size: size // 2)),
    "cut-last": Kind(_cut(lambda size: size - 1)),
    "length-long": Kind(_length(lambda size: size + 7)),
    "length-short": Kind(_length(lambda size: size - 1, ends=False)),
    "length-short-late": Kind(_late_tail),
    "length-odd": Kind(_length(lambda _: "-1x")),
    "garbage": Kind(_mangled(lambda _: BODY.encode() + b"\r\n\r\n")),
    "empty-200": Kind(_instead(Answer.of("200 OK"))),
    "html-200": Kind(_instead(Answer.of("200 OK", _HTML, Content_Type="text/html"))),
    "redirect": Kind(_instead(Answer.of("307 Temporary Redirect", Location="http://127.0.0.1:1/" + BODY))),
    "401": Kind(_instead(Answer.of("401 Unauthorized"))),
    "403": Kind(_instead(Answer.of("403 Forbidden", b'{"message":"' + BODY.encode() + b'"}', **_JSON))),
    "408": Kind(_instead(Answer.of("408 Request Timeout"))),
    "500-before": Kind(_instead(Answer.of("500 Oops", _ERROR, **_JSON))),
    "500-after": Kind(_after(Answer.of("500 Oops", _ERROR, **_JSON))),
    "500-always": Kind(_after(Answer.of("500 Oops", _ERROR, **_JSON)), _ALWAYS),
    "502-after": Kind(_after(Answer.of("502 Bad Gateway", _HTML, Content_Type="text/html"))),
    "503": Kind(_instead(Answer.of("503 Unavailable"))),
    "504-after": Kind(_after(Answer.of("504 Gateway Timeout"))),
    "520": Kind(_instead(Answer.of("520 Unknown", _HTML, Content_Type="text/html"))),
    "520-after": Kind(_after(Answer.of("520 Unknown", _HTML, Content_Type="text/html"))),
    "bad-gzip": Kind(_mangled(lambda answer: answer.with_body(answer.body, Content_Encoding="gzip").encode())),
    "bomb-gzip": Kind(_packed("gzip")),
    "bomb-deflate": Kind(_packed("deflate")),
    "bomb-br": Kind(_packed("br")),
    "bomb-zstd": Kind(_packed("zstd")),
    "429": Kind(_throttle()),
    "429-storm": Kind(_throttle(), 8),
    "429-zero": Kind(_throttle(Retry_After="0")),
    "429-part": Kind(_throttle(Retry_After="0.02")),
    "429-negative": Kind(_throttle(Retry_After="-5")),
    "429-date": Kind(_throttle(Date=_DATE, Retry_After=_DATE)),
    "429-nan": Kind(_throttle(Retry_After="nan")),
    "429-inf": Kind(_throttle(Retry_After="inf")),
    "429-underscore": Kind(_throttle(Retry_After="1_000")),
    "429-arabic": Kind(_throttle(Retry_After="\u0661\u0662")),
    "429-hour": Kind(_throttle(Retry_After="3600")),
    "429-year-9999": Kind(_throttle(Date=_DATE, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT")),
    "429-past-deadline": Kind(_throttle(Retry_After="30"), deadline=5),
    "503-zero": Kind(_throttle("503 Unavailable", Retry_After="0")),
    "503-hour": Kind(_throttle("503 Unavailable", Retry_After="3600")),
    "cursor-repeats": Kind(_repeating_cursor, _ALWAYS),
}
