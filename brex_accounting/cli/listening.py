"""``webhook listen``: deliveries are received and printed, and with a store and books exported."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import attrs
import msgspec

from ..client import BrexAccounting
from ..errors import ConfigurationError
from ..sync import Dispatch, ExportSync, SqliteStore, Summary, Triggered
from ..webhook_models import WebhookEvent, WebhookSecret
from ..webhooks import Listener, Receiver
from .books import Books, books, first_day, load_chart
from .console import UsageError, say
from .hook_secrets import SECRETS, known_secrets
from .options import duration
from .wording import run_line

__all__ = ["event_line", "listen"]


@attrs.frozen(kw_only=True)
class _Export:
    """What ``export`` would be told."""

    store: Path
    books: Books
    post_from: date
    every: timedelta
    company: str
    vendor: str
    vendor_account_id: str


async def listen(
    *,
    port: int = 8080,
    host: str = "127.0.0.1",
    path: str = "/brex",
    tolerance: float = 300.0,
    store: Path | None = None,
    csv: Path | None = None,
    beancount: Path | None = None,
    chart: Path | None = None,
    post_from: str | None = None,
    every: str = "1h",
    company: str = "",
    vendor: str = "",
    vendor_account_id: str = "",
) -> None:
    """Receive Brex's deliveries and print the events, one JSON object to a line, until Ctrl-C or SIGTERM.

    With --store and books, named as for export, what an event names is exported
    at once, and everything that is ready every hour, as export --every 1h does:
    events can be lost. The secrets come from the environment variable
    BREX_WEBHOOK_SECRET, or are asked for with BREX_TOKEN. What was taken is
    printed before it ends; what is not exported by then is after the next start.

    Parameters
    ----------
    port
        0 takes a free one. Brex sends to https: put what ends TLS in front.
    host
        Where to listen.
    path
        The path of the address that Brex was given.
    tolerance
        Seconds that a delivery may be old.
    store
        The file that remembers what was posted and reported; made when it is missing.
    csv
        The books: a CSV journal; made when it is missing.
    beancount
        The books: a Beancount ledger; made when it is missing. Needs --chart.
    chart
        The chart of accounts (TOML), by which the posting rules book.
    post_from
        The first day of the books, like 2026-01-01. A chart says it itself.
    every
        The pause between two exports of everything that is ready.
    company
        The Brex company; events of others are told on stderr, and nothing is exported for them.
    vendor
        The vendor id of the integration, which the store keeps.
    vendor_account_id
        Your own id of the customer's account, kept in the same way.
    """
    if not 0 <= port <= 65535:
        raise UsageError("a port is 0 to 65535")
    if store is None and not all(one is None for one in (csv, beancount, chart, post_from)):
        raise UsageError("an export takes a --store, and books: --csv or --beancount")
    asked: _Export | None = None
    if store is not None:
        asked = _Export(
            store=store,
            books=books(csv=csv, beancount=beancount, chart=chart),
            post_from=first_day(post_from, load_chart(chart) if chart is not None else None),
            every=duration("--every", every),
            company=company,
            vendor=vendor,
            vendor_account_id=vendor_account_id,
        )
    printer = _Printer()
    async with AsyncExitStack() as stack:
        secrets = known_secrets()
        brex = await stack.enter_async_context(BrexAccounting()) if asked is not None or not secrets else None
        export = None if asked is None or brex is None else await stack.enter_async_context(_exporting(brex, asked))
        receiver = Receiver(
            secrets=_asking(secrets, brex),
            handler=_both(printer, _of_company(export, company)),
            tolerance=tolerance,
        )
        listener = await stack.enter_async_context(Listener(receiver, host=host, port=port, path=path))
        say(f"listening at {listener.url}; Ctrl-C ends it")
        await _until_the_end(export, printer)
    received = receiver.received
    say(f"took {received.taken} deliveries, {received.again} of them again; refused {received.refused}")
    if printer.broken.is_set():
        raise BrokenPipeError


def event_line(event: WebhookEvent) -> str:
    """An event as one line of JSON."""
    facts = {
        "id": event.id,
        "event_type": event.event_type,
        "accounting_record_ids": event.accounting_record_ids,
        "company_id": event.company_id,
        "sent_at": event.sent_at,
    }
    return msgspec.json.encode(facts).decode()


@attrs.frozen
class _Printer:
    """Prints events, until nobody reads them."""

    broken: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def __call__(self, event: WebhookEvent) -> None:
        try:
            sys.stdout.write(event_line(event) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            self.broken.set()


@asynccontextmanager
async def _exporting(brex: BrexAccounting, asked: _Export) -> AsyncIterator[Triggered]:
    sync = ExportSync(
        brex,
        asked.books,
        store=SqliteStore(asked.store),
        post_from=asked.post_from,
        company=asked.company,
        vendor=asked.vendor,
        vendor_account_id=asked.vendor_account_id,
    )
    # Before anything is read: here its own words reach the person, in a run it would be a pause.
    await asked.books.check()

    def ended(summary: Summary) -> None:
        if summary.read or summary.paused is not None:
            say(run_line(summary, datetime.now(UTC)))

    async with sync:
        yield Triggered(sync, every=asked.every, ended=ended)


def _asking(
    secrets: Sequence[str], brex: BrexAccounting | None
) -> Callable[[], Awaitable[Sequence[str | WebhookSecret]]]:
    async def known() -> Sequence[str]:
        return secrets

    if secrets:
        return known
    if brex is None:
        raise ConfigurationError(f"set {SECRETS}, or BREX_TOKEN to ask Brex for the secrets")
    return brex.webhooks.secrets


def _both(
    printer: _Printer, export: Callable[[WebhookEvent], Awaitable[object]] | None
) -> Callable[[WebhookEvent], Awaitable[None]]:
    async def handle(event: WebhookEvent) -> None:
        await printer(event)
        if export is not None:
            await export(event)

    return handle


def _of_company(export: Triggered | None, company: str) -> Callable[[WebhookEvent], Awaitable[object]] | None:
    return Dispatch({company: export}) if export is not None and company else export


async def _until_the_end(export: Triggered | None, printer: _Printer) -> None:
    """Until SIGTERM, until nobody reads the events, or until an export fails for good, which is raised."""
    told = asyncio.Event()
    if sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    waiting = {asyncio.create_task(one.wait()) for one in (told, printer.broken)}
    running = asyncio.create_task(export.run()) if export is not None else None
    try:
        await asyncio.wait({*waiting, *([running] if running else [])}, return_when=asyncio.FIRST_COMPLETED)
        if export is not None and running is not None:
            export.stop()
            await running
    finally:
        for task in (*waiting, *([running] if running else [])):
            task.cancel()
        await asyncio.gather(*waiting, *([running] if running else []), return_exceptions=True)
