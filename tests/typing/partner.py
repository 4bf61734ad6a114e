"""A partner's program as type checkers see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import assert_type

from brex_accounting import BrexAccounting, OAuthTokens, WebhookEvent
from brex_accounting.companies import Companies, Company, NoToken
from brex_accounting.oauth import OAuthApp, TokenPair
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.sync import CompanyExports, ExportSync, SqliteStore, Summary
from brex_accounting.webhook_models import WebhookSecret
from brex_accounting.webhooks import Receiver


async def save(_pair: TokenPair) -> None: ...


def export_of(company_id: str) -> ExportSync:
    brex = BrexAccounting(NoToken())
    return ExportSync(brex, CsvPoster(f"{company_id}.csv"), store=SqliteStore("a.db"), post_from=date(2026, 1, 1))


@asynccontextmanager
async def opened_of(company_id: str) -> AsyncIterator[ExportSync]:
    async with export_of(company_id) as sync:
        yield sync


def ended(company_id: str, summary: Summary) -> None:
    assert_type(summary.posted, int)
    assert_type(company_id, str)


def failed(company_id: str, error: Exception) -> None:
    print(company_id, error)  # noqa: T201


async def partner(app: OAuthApp, pair: TokenPair, event: WebhookEvent) -> None:
    companies = Companies(BrexAccounting(NoToken()))
    tokens = app.tokens(pair, save=save)
    assert_type(tokens, OAuthTokens)
    assert_type(await companies.connect(tokens), Company)
    assert_type(await companies.secrets(), tuple[WebhookSecret, ...])
    every = timedelta(hours=1)
    for exports in (CompanyExports(export_of, every=every), CompanyExports(opened_of, every=every, failed=failed)):
        async with exports as running:
            assert_type(running, CompanyExports)
            await running.add("cuacc_1")
            await running(event)
            await running.remove("cuacc_1")
            assert_type(list(running), list[str])
            await running.run()
        Receiver(secrets=companies.secrets, handler=exports)
    CompanyExports(export_of, every=every, ended=ended)
