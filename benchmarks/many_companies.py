"""A Brex of many companies that is never the bottleneck: it keeps who has what, and checks nothing.

    python -m benchmarks.many_companies [--core N] [--milliseconds N]

It prints its address as JSON and lives until its standard input is closed. A company is whoever a bearer token names.
Beside what an export asks for, it is told ``/control/release/COMPANIES/RECORDS``, which gives each of so many companies
so many new records to export, and tells under ``/control/counts`` what became of them all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qsl

import attrs

from brex_accounting.converters.exports import ReportReply
from brex_accounting.converters.wire import codec
from brex_accounting.enums import ReviewStatus, SourceType
from brex_accounting.sandbox import make_seed
from brex_accounting.sandbox.reading import read_results

from .server import CORES, pin

__all__ = ["Companies", "company_id", "serving", "token_of"]

KINDS = 64
"""Different records; a company's are these, again and again, with ids of their own."""
_END = b'],"next_cursor":null,"has_next_page":false,"total_count":null}'
_MORE = b'],"next_cursor":"%d","has_next_page":true,"total_count":null}'
_PREFIX = "bxt_"


def company_id(number: int) -> str:
    """The id of a company, as long as Brex's own."""
    return f"cuacc_{number:026d}"


def token_of(company: str) -> str:
    """The token of a company."""
    return _PREFIX + company


@attrs.define
class Records:
    """One company's: what waits, and how often each was reported."""

    ready: dict[str, bytes] = attrs.field(factory=dict)
    reported: dict[str, int] = attrs.field(factory=dict)


@attrs.define
class Companies:
    """What each company has. No network."""

    kinds: Sequence[bytes] = attrs.field(factory=lambda: _kinds())
    known: dict[str, Records] = attrs.field(factory=dict)
    released: int = 0

    def of(self, company: str) -> Records:
        """Its records, none at first."""
        return self.known.setdefault(company, Records())

    def release(self, companies: int, records: int) -> None:
        """So many new ones for each of the first so many companies."""
        for number in range(companies):
            company = company_id(number)
            ready = self.of(company).ready
            for _ in range(records):
                self.released += 1
                name = f"accr_{self.released:026d}"
                kind = self.kinds[self.released % len(self.kinds)]
                ready[name] = kind.replace(b"@record@", name.encode()).replace(b"@source@", b"s" + name.encode())

    def listed(self, company: str, query: Sequence[tuple[str, str]]) -> bytes:
        """A page of a list."""
        given = dict(query)
        records = self.of(company)
        ids = [value for key, value in query if key == "ids"]
        if ids:
            return _page([_standing(records, one) for one in ids if one in records.ready or one in records.reported])
        if given.get("review_status") != ReviewStatus.READY_FOR_EXPORT.value:
            return _page([])
        start, size = int(given.get("cursor", 0)), int(given["limit"])
        some = list(records.ready.values())[start : start + size]
        return _page(some, start + size if start + size < len(records.ready) else None)

    def report(self, company: str, body: bytes) -> bytes:
        """Take results."""
        records = self.of(company)
        told = tuple(one.accounting_record_id for one in read_results(body))
        for one in told:
            records.ready.pop(one, None)
            records.reported[one] = records.reported.get(one, 0) + 1
        return codec().dumps(ReportReply(updated_accounting_record_ids=told))

    def counts(self) -> bytes:
        """Of all companies: what was released, what waits, what was reported, and how much of it more than once."""
        told = [many for one in self.known.values() for many in one.reported.values()]
        counts = {
            "released": self.released,
            "ready": sum(len(one.ready) for one in self.known.values()),
            "reported": len(told),
            "twice": sum(many > 1 for many in told),
        }
        return json.dumps(counts).encode()


def _kinds() -> list[bytes]:
    seed = make_seed("lifelike", records=4 * KINDS)
    records = (seed.record(number) for number in range(len(seed)))
    found = [one for one in records if one.source_type != SourceType.BILL][:KINDS]
    ready = ReviewStatus.READY_FOR_EXPORT
    return [codec().dumps(attrs.evolve(one, id="@record@", source_id="@source@", review_status=ready)) for one in found]


def _page(items: Sequence[bytes], following: int | None = None) -> bytes:
    return b'{"items":[' + b",".join(items) + (_END if following is None else _MORE % following)


def _standing(records: Records, name: str) -> bytes:
    found = records.ready.get(name)
    return found if found is not None else b'{"id":"%s","review_status":"EXPORTED"}' % name.encode()


@attrs.define
class _Dates:
    """The Date header, made once a second."""

    second: int = 0
    text: bytes = b""

    def now(self) -> bytes:
        second = int(time.time())
        if second != self.second:
            self.second, self.text = second, formatdate(second, usegmt=True).encode()
        return self.text


class _Connection(asyncio.Protocol):
    """Keep-alive, one request after the other."""

    def __init__(self, companies: Companies, dates: _Dates, wait: float) -> None:
        self._companies = companies
        self._dates = dates
        self._wait = wait
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            head, found, rest = self._received.partition(b"\r\n\r\n")
            length = _length(head) if found else 0
            if not found or len(rest) < length:
                return
            self._received = rest[length:]
            self._answer(head, rest[:length])

    def _answer(self, head: bytes, body: bytes) -> None:
        path, _, query = head.split(b" ", 2)[1].decode().partition("?")
        answer = self._answered(path, query, head, body)
        response = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: %s\r\nX-Brex-Trace-Id: 5f2c1e0d9b8a7c6d\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (self._dates.now(), len(answer), answer)
        )
        assert self._transport is not None
        if self._wait:
            asyncio.get_running_loop().call_later(self._wait, self._transport.write, response)
        else:
            self._transport.write(response)

    def _answered(self, path: str, query: str, head: bytes, body: bytes) -> bytes:
        if path == "/control/counts":
            return self._companies.counts()
        if path.startswith("/control/release/"):
            self._companies.release(*map(int, path.split("/")[-2:]))
            return b"{}"
        company = _header(head, b"authorization").removeprefix(f"Bearer {_PREFIX}")
        if path.endswith("/export-results"):
            return self._companies.report(company, body)
        return self._companies.listed(company, parse_qsl(query))


def _length(head: bytes) -> int:
    return int(_header(head, b"content-length") or 0)


def _header(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip().decode()
    return ""


@contextmanager
def serving(*, milliseconds: float = 0) -> Iterator[str]:
    """The address of one in a process of its own, on a core of its own where there are two."""
    command = [sys.executable, "-m", "benchmarks.many_companies", "--core", str(CORES[-1])]
    command += ["--milliseconds", str(milliseconds)]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


async def _serve(wait: float) -> None:
    loop = asyncio.get_running_loop()
    companies, dates = Companies(), _Dates()
    server = await loop.create_server(lambda: _Connection(companies, dates, wait), "127.0.0.1", 0)
    print(json.dumps(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> int:
    """Serve, and end with the standard input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_companies")
    parser.add_argument("--core", type=int)
    parser.add_argument("--milliseconds", type=float, default=0.0)
    arguments = parser.parse_args()
    pin(arguments.core)
    asyncio.run(_serve(arguments.milliseconds / 1000))
    return 0


if __name__ == "__main__":
    sys.exit(main())
