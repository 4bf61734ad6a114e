"""What the operations of all of Brex's APIs have in common: how they are put together, and how they are refused."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from .converters.errors import TRACE_HEADER, refuse
from .converters.queries import Query, checked_id
from .converters.wire import codec
from .session.call import Call, Refusal, Repeat, Reply

__all__ = ["call_of", "quoted", "reads"]

T = TypeVar("T")


def call_of(
    name: str,
    method: str,
    path: str,
    repeat: Repeat,
    decode: Callable[[Reply], T],
    *,
    query: Query = (),
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes | None = None,
    refusing: Callable[[Reply, str], Refusal] = refuse,
    steps: Callable[[Reply], Generator[None, None, T]] | None = None,
) -> Call[T]:
    """An operation of Brex: its errors are read as Brex writes them, unless ``refusing`` reads them."""
    return Call(
        name=name,
        method=method,
        path=path,
        query=query,
        headers=headers,
        body=body,
        repeat=repeat,
        decode=decode,
        decode_in_steps=steps,
        refuse=partial(_refuse, refusing, f"{method} {path}"),
        trace_header=TRACE_HEADER,
    )


def _refuse(refusing: Callable[[Reply, str], Refusal], where: str, reply: Reply) -> Refusal:
    return refusing(reply, where)


def reads(cls: type[T]) -> Callable[[Reply], T]:
    """Decodes a whole answer as a ``cls``."""
    return lambda reply: codec().decode(reply.body, cls)


def quoted(name: str, value: str) -> str:
    """An id as part of a path. Raises ``ConfigurationError`` for what would become another path."""
    return quote(checked_id(name, value), safe="")
