"""Exports in processes of their own: ``python -m tests.sync.export_worker`` forks one for each order on stdin.

Forking takes no time to import anything, so hundreds of processes can be killed in a test. Each line on stdin is
an order, each line on stdout a piece of news, both JSON; ``lives.Workers`` is the other side. When stdin ends,
every child is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import resource
import selectors
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import attrs
import msgspec

from brex_accounting import (
    AccountingRecord,
    BrexAccounting,
    BrexError,
    RateLimit,
    StoreError,
    StoreFull,
    StoreUnavailable,
    from_json,
    to_json,
)
from brex_accounting.client import warm_up
from brex_accounting.models import Receipt
from brex_accounting.posters.beancount import BeancountPoster
from brex_accounting.posters.chart import Chart
from brex_accounting.posters.chart_file import parse_chart
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.sync import ExportSync, SqliteStore
from brex_accounting.sync.poster import Posted
from brex_accounting.sync.postgres import PostgresStore
from brex_accounting.sync.states import State
from brex_accounting.sync.store import SyncStore
from brex_accounting.testing.erp.control import Control
from brex_accounting.testing.erp_poster import ErpPoster, FindErpPoster, ParkErpPoster, SameKeyErpPoster

from ..unit.documents import encoded, record
from .failpoints import POSTER_CALLS, STORE_WRITES, watch, watch_requests

__all__ = ["ACCOUNTS", "PATIENCE", "Life", "News", "Order", "Result"]

ACCOUNTS = {"efo_1": "6100", "efo_closed": "6999", "CARD": "2100", "BILL": "2100"}
PATIENCE = 60.0
"""Seconds after which an attempt counts as lost: stopped for ten, a worker still gets its answer."""

POSTERS = {"same_key": SameKeyErpPoster, "find": FindErpPoster, "park": ParkErpPoster}


@attrs.frozen(kw_only=True)
class Life:
    """One process: where everything is, what it does, and what happens to it at a failpoint's n-th visit.

    ``store`` is a file, or a connection string where ``kind`` says so. ``verb``: "run" once; "twice", the
    second time after whatever stopped the first; "forever", until SIGTERM; "person", who settles what waits
    for one. ``action``: SIGKILL, SIGSTOP, or the store's error for no room or for a lock. ``room``: bytes
    that a file may grow to in the first of two runs.
    """

    brex: str
    token: str
    erp: str
    erp_token: str
    poster: str
    store: str
    lease: float
    kind: Literal["sqlite", "postgres"] = "sqlite"
    books: str = ""
    chart: str = ""
    verb: Literal["run", "twice", "forever", "person"] = "run"
    failpoint: str = ""
    visit: int = 1
    action: Literal["kill", "stop", "full", "unavailable"] = "kill"
    room: int | None = None
    busy_timeout: float = 30.0
    owner: str | None = None
    report_bills: bool = False


@attrs.frozen(kw_only=True)
class Order:
    """Begin a life under a number, or send that one a signal."""

    number: int
    life: Life | None = None
    signal: int = 0


@attrs.frozen(kw_only=True)
class News:
    """What a child wrote, or, with ``status``, how it ended: its exit code, negative after a signal."""

    number: int
    text: str = ""
    status: int | None = None


@attrs.frozen(kw_only=True)
class Result:
    """How the runs of a life ended: ``open`` after the last, and the names of errors that stopped one."""

    open: int = 0
    paused: str = ""
    errors: tuple[str, ...] = ()


@attrs.define
class _Failpoints:
    """Says each one when it is first reached, and does what was ordered."""

    life: Life
    say: Callable[[str], None]
    visits: Counter[str] = attrs.field(factory=Counter)

    def __call__(self, name: str) -> None:
        self.visits[name] += 1
        if self.visits[name] == 1:
            self.say(name)
        if (name, self.visits[name]) != (self.life.failpoint, self.life.visit):
            return
        self.say("struck")
        if self.life.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.life.action == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
            self.say("went on")
        else:
            raise (StoreFull if self.life.action == "full" else StoreUnavailable)("on order")


async def live(life: Life, say: Callable[[str], None]) -> Result:
    """The whole life."""
    reach = _Failpoints(life, say)
    async with contextlib.AsyncExitStack() as stack:
        client = BrexAccounting(life.token, base_url=life.brex, rate_limit=RateLimit(limit=10**9))
        brex = await stack.enter_async_context(client)
        watch_requests(brex, reach)
        poster = await stack.enter_async_context(_poster(life))
        sync = ExportSync(
            brex,
            watch(poster, "poster", POSTER_CALLS, reach),
            store=watch(_store(life), "store", STORE_WRITES, reach),
            post_from=_chart(life).post_from if life.chart else date(2026, 1, 1),
            company="cuacc_1",
            lease=timedelta(seconds=life.lease),
            owner=life.owner,
            report_bills=life.report_bills,
        )
        return await _VERBS[life.verb](sync, life)


def _store(life: Life) -> SyncStore:
    if life.kind == "postgres":
        return PostgresStore(life.store, "cuacc_1", patience=life.busy_timeout)
    return SqliteStore(life.store, busy_timeout=life.busy_timeout)


@contextlib.asynccontextmanager
async def _poster(life: Life) -> AsyncIterator[Any]:
    if life.chart:
        books = BeancountPoster if life.books.endswith(".beancount") else CsvPoster
        yield books(life.books, _chart(life))
        return
    if life.poster == "csv":
        yield CsvPoster(f"{life.store}.csv")
        return
    made: ErpPoster = POSTERS[life.poster](
        life.erp, life.erp_token, accounts=ACCOUNTS, timeout=PATIENCE, fetch=_content
    )
    async with made:
        yield made


def _chart(life: Life) -> Chart:
    return parse_chart(Path(life.chart).read_text())


async def _content(receipt: Receipt) -> bytes:
    return receipt.id.encode()


async def _run(sync: ExportSync, _: Life) -> Result:
    async with sync:
        summary = await sync.run_once()
    return Result(open=summary.open, paused=summary.paused.code if summary.paused else "")


async def _twice(sync: ExportSync, life: Life) -> Result:
    errors = []
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        try:
            if life.room is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (life.room, hard))
            await sync.run_once()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    except StoreError as error:
        errors.append(type(error).__name__)
    return attrs.evolve(await _run(sync, life), errors=tuple(errors))


async def _forever(sync: ExportSync, _: Life) -> Result:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sync.stop)
    async with sync:
        await sync.run_forever(every=timedelta(seconds=0.2))
    return Result()


async def _person(sync: ExportSync, life: Life) -> Result:
    async with sync:
        if (await sync.status()).paused is not None:
            await sync.resume(why="the books are up", by="Ann")
        items = [item.export for item in await sync.exceptions()]
        # Once, and after the list: what is looked up for each would take as long as the rest of a storm.
        documents = {one.draft.number: one for one in await Control(life.erp).documents()}
        for export in items:
            if export.state is State.UNCONFIRMED:
                found = documents.get(export.key.short)
                outcome = Posted(found.id) if found else None
                # Named: a newer revision may wait behind this one.
                why, revision = "looked for it in the books", export.revision
                await sync.resolve(export.record_id, outcome, why=why, by="Ann", revision=revision)
        for state in (State.REJECTED, State.REPORTED_FAILED):
            for export in await sync._store.exports((state,), limit=10_000):
                with contextlib.suppress(StoreError):  # a worker was faster
                    await sync.retry(export.record_id, why="the account is open", by="Ann")
    return Result()


_VERBS: dict[str, Callable[[ExportSync, Life], Awaitable[Result]]] = {
    "run": _run,
    "twice": _twice,
    "forever": _forever,
    "person": _person,
}


def _child(life: Life, out: int) -> None:
    def say(text: str) -> None:
        os.write(out, f"{text}\n".encode())

    try:
        result = asyncio.run(live(life, say))
    except BrexError as error:
        result = Result(errors=(type(error).__name__,))
    say(f"= {msgspec.json.encode(result).decode()}")


def _fork(life: Life) -> tuple[int, int]:
    mine, its = os.pipe()
    child = os.fork()
    if child:
        os.close(its)
        return child, mine
    status = 1
    try:
        os.close(mine)
        os.close(0)
        _child(life, its)
        status = 0
    except BaseException:  # noqa: BLE001 - nothing of a child may go on as its parent
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


@attrs.define
class _Server:
    children: dict[int, tuple[int, int]] = attrs.field(factory=dict)  # pipe -> number, pid
    waiting: bytes = b""
    poll: selectors.BaseSelector = attrs.field(factory=selectors.DefaultSelector)

    def serve(self) -> None:
        self.poll.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in self.poll.select():
                if key.fd:
                    self.hear(key.fd)
                elif not self.obey():
                    return

    def obey(self) -> bool:
        data = os.read(0, 1 << 16)
        *lines, self.waiting = (self.waiting + data).split(b"\n")
        for line in lines:
            order = msgspec.json.decode(line, type=Order)
            if order.life is not None:
                pid, pipe = _fork(order.life)
                self.children[pipe] = order.number, pid
                self.poll.register(pipe, selectors.EVENT_READ)
            for number, pid in self.children.values():
                if order.signal and number == order.number:
                    os.kill(pid, order.signal)
        if not data:
            for _, pid in self.children.values():
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        return bool(data)

    def hear(self, pipe: int) -> None:
        number, pid = self.children[pipe]
        data = os.read(pipe, 1 << 16)
        if data:
            _tell(News(number=number, text=data.decode()))
            return
        self.poll.unregister(pipe)
        os.close(pipe)
        del self.children[pipe]
        _, status = os.waitpid(pid, 0)
        _tell(News(number=number, status=os.waitstatus_to_exitcode(status)))


def _tell(news: News) -> None:
    data = msgspec.json.encode(news) + b"\n"
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    logging.getLogger("brex_accounting").addHandler(logging.NullHandler())  # what fails here fails on order
    warm_up()
    to_json(from_json(encoded(record()), AccountingRecord))  # or each child would compile how a record is written
    gc.freeze()  # or the first collection of each child would copy all of its parent's memory
    _Server().serve()
