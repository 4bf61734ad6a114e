"""A partner's program, of the package alone: consents, companies, one receiver, an export each, and its books."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from functools import partial
from pathlib import Path

import attrs

from brex_accounting import BrexAccounting, RateLimit, WebhookEvent
from brex_accounting.companies import Companies, NoToken
from brex_accounting.enums import WebhookEventType
from brex_accounting.fields import NewFieldValue
from brex_accounting.oauth import OAuthApp, TokenPair
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.sandbox import ALL_SCOPES, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI
from brex_accounting.sync import CompanyExports, ExportSync, SqliteStore
from brex_accounting.webhooks import Listener, Receiver

from ..companies.gateway import Gateway
from ..sync.world import DAY, HOUR, QUICK, SteeredClock

__all__ = ["Partner", "partner"]

Browser = Callable[[str], Mapping[str, str]]
"""The customer's: consents at an address, and comes back with what the redirect carries."""


@attrs.define(eq=False)
class Partner:
    """The program while it runs. ``vault`` is its database of tokens, by its own names of its customers."""

    folder: Path
    gateway: Gateway
    clock: SteeredClock
    companies: Companies
    vault: dict[str, list[TokenPair]] = attrs.field(factory=dict)
    unknown: list[WebhookEvent] = attrs.field(factory=list)
    failed: list[str] = attrs.field(factory=list)
    exports: CompanyExports = attrs.field(init=False)
    receiver: Receiver = attrs.field(init=False)
    listener: Listener = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.exports = CompanyExports(
            self._export,
            every=HOUR,
            unknown=self.unknown.append,
            failed=lambda company_id, _: self.failed.append(company_id),
            clock=self.clock,
        )
        self.receiver = Receiver(secrets=self.companies.secrets, handler=self.exports, clock=self.clock)
        self.listener = Listener(self.receiver, path="/brex")

    async def connect(self, name: str, browser: Browser) -> str:
        """From a customer's consent to its company's integration, accounts and events; the company's id."""
        app = OAuthApp(
            CLIENT_ID, CLIENT_SECRET, redirect_uri=REDIRECT_URI, base_url=self.gateway.oauth_url, clock=self.clock
        )
        consent = app.begin(ALL_SCOPES)
        pair = await app.finish(consent, **browser(consent.url))
        await self._save(name, pair)
        company = await self.companies.connect(app.tokens(pair, save=partial(self._save, name)))
        brex = self.companies.client(company.id)
        await brex.integrations.create(vendor="partner", vendor_account_id=name)
        await self.push_accounts(company.id)
        ready = WebhookEventType.ACCOUNTING_RECORD_READY_FOR_EXPORT
        await brex.webhooks.subscriptions.create(url=self.listener.url, event_types=[ready])
        return company.id

    async def push_accounts(self, company_id: str) -> int:
        """The company's own chart, to where its people code; how many changes that took."""
        chart = [NewFieldValue(value=f"{number} {company_id}", remote_id=f"own-{number}") for number in (6100, 6200)]
        plan = await self.companies.client(company_id).fields.sync_chart_of_accounts(chart, missing="keep")
        return len(plan.created) + len(plan.changes)

    def documents(self, company_id: str) -> Counter[str]:
        """How many documents a company's books hold of each record."""
        if not self._books(company_id).exists():
            return Counter()
        with self._books(company_id).open(newline="") as file:
            return Counter(row["record_id"] for row in csv.DictReader(file) if row["entry_end"])

    def _export(self, company_id: str) -> ExportSync:
        return ExportSync(
            self.companies.client(company_id),
            CsvPoster(self._books(company_id)),
            store=SqliteStore(self.folder / f"{company_id}.db"),
            post_from=date(2000, 1, 1),
            company=company_id,
            bills=False,
            lease=DAY,  # the clock jumps while posts are under way: nobody may count as dead for it
            clock=self.clock,
        )

    def _books(self, company_id: str) -> Path:
        return self.folder / f"{company_id}.csv"

    async def _save(self, name: str, pair: TokenPair) -> None:
        self.vault.setdefault(name, []).append(pair)


@asynccontextmanager
async def partner(folder: Path, gateway: Gateway, clock: SteeredClock) -> AsyncIterator[Partner]:
    """The program, from its start to its end."""
    rate = RateLimit(limit=10**9)
    brex = BrexAccounting(NoToken(), base_url=gateway.url, retry=QUICK, rate_limit=rate, clock=clock)
    async with AsyncExitStack() as stack:
        program = Partner(folder, gateway, clock, Companies(await stack.enter_async_context(brex)))
        await stack.enter_async_context(program.exports)
        await stack.enter_async_context(program.listener)
        yield program
