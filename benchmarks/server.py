"""A server that is never the bottleneck: its answers are ready before anybody asks.

    python -m benchmarks.server [--records N] [--core N]

It prints its port and what it serves as one line of JSON, and lives until its standard input is closed. The path says
what is wanted, so that one process serves every measurement:

    /{shelf}/{pages}/{milliseconds}/v3/accounting/records?limit=100&cursor=...

The shelf ``cycle`` is a list of so many pages, the same records again and again; ``even`` and ``uneven`` hold each
record once, sorted by ``updated_at``, and answer windows on it (``pages`` is 0). Answers leave after the milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl

import attrs

from brex_accounting.converters.wire import codec
from brex_accounting.models import AccountingRecord
from brex_accounting.sandbox import make_seed

__all__ = [
    "SINCE",
    "UNTIL",
    "Cycle",
    "Facts",
    "Library",
    "Served",
    "Timeline",
    "facts_of",
    "pin",
    "records_of",
    "serving",
]

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 11, tzinfo=UTC)
"""The records' time: 100 days."""

_READY = 512
_DENSE = 0.9
_TAIL = b'],"next_cursor":"%s","has_next_page":true,"total_count":null}'
_END = b'],"next_cursor":null,"has_next_page":false,"total_count":null}'


@attrs.frozen(kw_only=True)
class Facts:
    """What is served, by the models and not by any client: counts, the lines' sum, and a digest of their digits."""

    records: int
    amounts: int
    total: Decimal
    digits: str


def facts_of(amounts: Iterable[str], records: int) -> Facts:
    """Facts of so many records, from the digits of their lines' amounts in order."""
    given = list(amounts)
    total = sum(map(Decimal, given), Decimal(0))
    digest = hashlib.sha256("|".join(given).encode()).hexdigest()
    return Facts(records=records, amounts=len(given), total=total, digits=digest)


def records_of(count: int, *, dense: bool = False) -> list[AccountingRecord]:
    """So many lifelike records, oldest update first, each at a time of its own.

    ``dense``: nine in ten were updated within one hundredth of the time.
    """
    seed = make_seed("lifelike", records=count)
    whole = (UNTIL - SINCE) / timedelta(microseconds=1)
    records = []
    for number in range(count):
        share = (number + 0.5) / count
        place = _crowded(share) if dense else share
        moment = SINCE + timedelta(microseconds=int(place * whole))
        records.append(attrs.evolve(seed.record(number), updated_at=moment))
    return records


def _crowded(share: float) -> float:
    """Where in the time a share of the records ends, with a burst from 0.62 to 0.63 of it."""
    before = (1 - _DENSE) * 0.62 / 0.99
    if share < before:
        return share / before * 0.62
    if share < before + _DENSE:
        return 0.62 + (share - before) / _DENSE * 0.01
    return 0.63 + (share - before - _DENSE) / (1 - before - _DENSE) * 0.37


class Shelf(Protocol):
    """Bodies by query."""

    def body(self, query: Mapping[str, str], pages: int) -> bytes:
        """The body of a page."""
        ...


@attrs.frozen
class Cycle:
    """A list as long as one likes, of records that come again."""

    rendered: Sequence[bytes]

    def body(self, query: Mapping[str, str], pages: int) -> bytes:
        """Page ``cursor`` of ``pages``."""
        size, number = int(query["limit"]), int(query.get("cursor", 0))
        start = number * size % len(self.rendered)
        some = self.rendered[start : start + size]
        if len(some) < size:
            some = [*some, *self.rendered[: size - len(some)]]
        return _page(some, number + 1 if number + 1 < pages else None)


@attrs.frozen
class Timeline:
    """Records once each, by their ``updated_at`` in microseconds."""

    times: Sequence[int]
    rendered: Sequence[bytes]

    def body(self, query: Mapping[str, str], pages: int) -> bytes:  # noqa: ARG002 - it ends where its records end
        """The records of a window, from place ``cursor`` on."""
        first, last = 0, len(self.times)
        for key, value in query.items():
            side = key.removeprefix("updated_at[").removesuffix("]")
            if side == "gte":
                first = bisect_left(self.times, _microseconds(value))
            elif side == "gt":
                first = bisect_right(self.times, _microseconds(value))
            elif side == "lt":
                last = bisect_left(self.times, _microseconds(value))
            elif side == "lte":
                last = bisect_right(self.times, _microseconds(value))
        start = int(query.get("cursor", first))
        end = min(last, start + int(query["limit"]))
        return _page(self.rendered[start:end], end if end < last else None)


def _page(items: Sequence[bytes], following: int | None) -> bytes:
    tail = _END if following is None else _TAIL % str(following).encode()
    return b'{"items":[' + b",".join(items) + tail


def _microseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - SINCE) // timedelta(microseconds=1)


@attrs.define
class Library:
    """All shelves, and the answers that are ready: whole responses by request target."""

    shelves: Mapping[str, Shelf]
    ready: dict[bytes, tuple[float, bytes]] = attrs.field(factory=dict)

    @classmethod
    def of(cls, count: int) -> Library:
        """The shelves with so many records each."""
        even, uneven = (records_of(count, dense=dense) for dense in (False, True))
        rendered = [codec().dumps(record) for record in even]
        return cls(
            shelves={
                "cycle": Cycle(rendered),
                "even": Timeline(_times(even), rendered),
                "uneven": Timeline(_times(uneven), [codec().dumps(record) for record in uneven]),
            }
        )

    def answer(self, target: bytes) -> tuple[float, bytes]:
        """Seconds to wait, and the response."""
        found = self.ready.get(target)
        if found is None:
            found = self._made(target)
            if len(self.ready) < _READY:
                self.ready[target] = found
        return found

    def _made(self, target: bytes) -> tuple[float, bytes]:
        path, _, query = target.decode().partition("?")
        _, shelf, pages, milliseconds, *_ = path.split("/")
        body = self.shelves[shelf].body(dict(parse_qsl(query)), int(pages))
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 01 Jun 2026 10:00:00 GMT\r\n"
            f"X-Brex-Trace-Id: 5f2c1e0d9b8a7c6d\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return float(milliseconds) / 1000, head.encode() + body


def _times(records: Sequence[AccountingRecord]) -> list[int]:
    return [(record.updated_at - SINCE) // timedelta(microseconds=1) for record in records]


class _Connection(asyncio.Protocol):
    """Keep-alive, one request after the other; only GETs come."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            wait, response = self._library.answer(head.split(b" ", 2)[1])
            assert self._transport is not None
            if wait:
                asyncio.get_running_loop().call_later(wait, self._transport.write, response)
            else:
                self._transport.write(response)


@attrs.frozen(kw_only=True)
class Served:
    """A running server, as another process sees it."""

    port: int
    facts: Facts

    def url(self, shelf: str, *, pages: int = 0, milliseconds: float = 0) -> str:
        """The base URL of a list."""
        return f"http://127.0.0.1:{self.port}/{shelf}/{pages}/{milliseconds:g}"

    def to_json(self) -> dict[str, object]:
        """For another process."""
        return {"port": self.port, "facts": attrs.asdict(self.facts) | {"total": str(self.facts.total)}}

    @classmethod
    def from_json(cls, told: Mapping[str, object]) -> Served:
        """From another process."""
        facts, port = told["facts"], told["port"]
        assert isinstance(facts, dict)
        assert isinstance(port, int)
        return cls(port=port, facts=Facts(**facts | {"total": Decimal(facts["total"])}))


@contextmanager
def serving(records: int) -> Iterator[Served]:
    """A server in a process of its own, on a core of its own where there are two."""
    command = [sys.executable, "-m", "benchmarks.server", "--records", str(records), "--core", str(CORES[-1])]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Served.from_json(json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()


def pin(core: int | None) -> None:
    """Keep this process on one core, where there are two and the system lets it."""
    if core is not None and len(CORES) > 1:
        os.sched_setaffinity(0, {core})


async def _serve(library: Library, facts: Facts) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(library), "127.0.0.1", 0)
    served = Served(port=server.sockets[0].getsockname()[1], facts=facts)
    print(json.dumps(served.to_json()), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> int:
    """Render, serve, and end with the standard input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server")
    parser.add_argument("--records", type=int, default=6400)
    parser.add_argument("--core", type=int)
    arguments = parser.parse_args()
    pin(arguments.core)
    records = records_of(arguments.records)
    facts = facts_of((str(line.amount.amount) for record in records for line in record.line_items), len(records))
    asyncio.run(_serve(Library.of(arguments.records), facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
