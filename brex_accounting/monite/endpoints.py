"""The endpoint table: one function per operation of Monite's accounting connections, each giving a ``Call``.

``repeat`` says on which sentence it rests that a call may be sent again when the first try got no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar
from urllib.parse import quote

from ..arguments import checked_id
from ..pages import Page
from ..session.call import Call, Refusal, Repeat, Reply, trace_id
from .converters import ConnectionList, SyncedRecordList, codec
from .dialect import Wire
from .models import Connection, SyncedRecord, SyncStarted
from .queries import Query
from .refusing import refuse, refuse_with_token

__all__ = [
    "create_connection",
    "disconnect_connection",
    "get_connection",
    "get_synced_record",
    "list_connections",
    "list_synced_records",
    "push_synced_record",
    "sync_connection",
]

T = TypeVar("T")
Refusing = Callable[[Reply, str, str], Refusal]

READ: Final = Repeat(after_ambiguous=True, because="A GET changes nothing.")
CREATE: Final = Repeat(
    after_ambiguous=False,
    because="No document names an idempotency key, so a second POST may make a second connection.",
)
DISCONNECT: Final = Repeat(
    after_ambiguous=False,
    because="What a second disconnect is answered with is undocumented: the connection is read before another.",
)
SYNC: Final = Repeat(
    after_ambiguous=True,
    because="A sync pulls what there is: asked for twice it pulls the same twice, and makes nothing.",
)
PUSH: Final = Repeat(
    after_ambiguous=False,
    because="A push may make an object in the accounting system, and no key tells the second from the first.",
)


def list_connections(wire: Wire) -> Call[tuple[Connection, ...]]:
    """GET /accounting_connections: all of them, without pages."""

    def decode(reply: Reply) -> tuple[Connection, ...]:
        return codec().decode(reply.body, ConnectionList).data

    return _call(wire, "list connections", "GET", wire.dialect.connections, READ, decode)


def create_connection(wire: Wire) -> Call[Connection]:
    """POST /accounting_connections. It takes no body."""
    return _call(wire, "create connection", "POST", wire.dialect.connections, CREATE, _reads(Connection))


def get_connection(wire: Wire, connection_id: str) -> Call[Connection]:
    """GET /accounting_connections/{connection_id}."""
    return _call(wire, "get connection", "GET", _connection(wire, connection_id), READ, _reads(Connection))


def disconnect_connection(wire: Wire, connection_id: str) -> Call[Connection]:
    """POST /accounting_connections/{connection_id}/disconnect."""
    path = f"{_connection(wire, connection_id)}/disconnect"
    return _call(wire, "disconnect connection", "POST", path, DISCONNECT, _reads(Connection))


def sync_connection(wire: Wire, connection_id: str) -> Call[SyncStarted]:
    """POST /accounting_connections/{connection_id}/sync, answered with 202."""
    path = f"{_connection(wire, connection_id)}/sync"
    return _call(wire, "sync connection", "POST", path, SYNC, _reads(SyncStarted))


def list_synced_records(wire: Wire, filters: Query, *, page_size: int, token: str | None) -> Call[Page[SyncedRecord]]:
    """GET /accounting_synced_records: one page.

    A token stands for every parameter but ``limit``, which must come again with each page; ``object_type`` is
    required all the same, so all of them are sent.
    """

    def decode(reply: Reply) -> Page[SyncedRecord]:
        body = codec().decode(reply.body, SyncedRecordList)
        return Page(
            items=body.data,
            next_cursor=body.next_pagination_token or None,
            has_next_page=bool(body.next_pagination_token),
            served_at=reply.served_at,
            trace_id=trace_id(reply.headers, wire.dialect.request_id_header.lower()),
            raw=reply.body,
        )

    query = (*filters, ("limit", str(page_size)), *((("pagination_token", token),) if token is not None else ()))
    refusing = refuse if token is None else refuse_with_token
    path = wire.dialect.synced_records
    return _call(wire, "list synced records", "GET", path, READ, decode, query=query, refusing=refusing)


def get_synced_record(wire: Wire, record_id: str) -> Call[SyncedRecord]:
    """GET /accounting_synced_records/{synced_record_id}."""
    return _call(wire, "get synced record", "GET", _synced_record(wire, record_id), READ, _reads(SyncedRecord))


def push_synced_record(wire: Wire, record_id: str) -> Call[SyncedRecord]:
    """POST /accounting_synced_records/{synced_record_id}/push."""
    path = f"{_synced_record(wire, record_id)}/push"
    return _call(wire, "push synced record", "POST", path, PUSH, _reads(SyncedRecord))


def _connection(wire: Wire, connection_id: str) -> str:
    return f"{wire.dialect.connections}/{quote(checked_id('connection_id', connection_id), safe='')}"


def _synced_record(wire: Wire, record_id: str) -> str:
    return f"{wire.dialect.synced_records}/{quote(checked_id('record_id', record_id), safe='')}"


def _call(
    wire: Wire,
    name: str,
    method: str,
    path: str,
    repeat: Repeat,
    decode: Callable[[Reply], T],
    *,
    query: Query = (),
    refusing: Refusing = refuse,
) -> Call[T]:
    request_id = wire.dialect.request_id_header.lower()
    return Call(
        name=name,
        method=method,
        path=path,
        query=query,
        headers=wire.headers,
        repeat=repeat,
        decode=decode,
        refuse=partial(_refuse, refusing, f"{method} {path}", request_id),
        trace_header=request_id,
    )


def _refuse(refusing: Refusing, where: str, request_id_header: str, reply: Reply) -> Refusal:
    return refusing(reply, where, request_id_header)


def _reads(cls: type[T]) -> Callable[[Reply], T]:
    return lambda reply: codec().decode(reply.body, cls)
