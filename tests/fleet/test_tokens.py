"""Tokens that many processes share: one refresh for all of them, kept before it is used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import attrs
import pytest

from brex_accounting import TokenRefreshError, UnknownCompany
from brex_accounting.errors import StoreUnavailable
from brex_accounting.oauth import OAuthApp, TokenPair
from brex_accounting.sandbox import CLIENT_ID, REDIRECT_URI, Sandbox
from brex_accounting.session.clock import SystemClock
from brex_accounting.sync.fleet import Keyring
from brex_accounting.sync.fleet.database import Database
from brex_accounting.sync.fleet.queue import Queue
from brex_accounting.sync.fleet.roster import Roster
from brex_accounting.sync.fleet.secret import refreshed_first
from brex_accounting.sync.fleet.tokens import FleetTokens
from brex_accounting.sync.fleet.vault import Held, Vault

from ..client.granting import Customer, app_of


@attrs.frozen
class Offices:
    """Two processes' connections to one fleet, and the customer's OAuth server."""

    sandbox: Sandbox
    roster: Roster
    vaults: tuple[Vault, Vault]
    pair: TokenPair

    def sources(self, app: OAuthApp | None = None) -> list[FleetTokens]:
        return [FleetTokens("a", vault, app or app_of(self.sandbox), SystemClock()) for vault in self.vaults]

    @property
    def refreshes(self) -> int:
        return self.sandbox.oauth.granted["refresh_token"]


@pytest.fixture
async def offices(dsn: str, keyring: Keyring) -> AsyncIterator[Offices]:
    """The company has consented; only its refresh token is kept."""
    databases = [Database(dsn), Database(dsn)]
    for database in databases:
        await database.open()
    roster = Roster(databases[0], keyring, every=timedelta(hours=1))
    await Queue(databases[0], roster).install()
    async with Sandbox(records=20) as sandbox:
        pair = await Customer(sandbox).consent()
        await roster.add("a", refreshed_first(pair.refresh_token))
        yield Offices(sandbox, roster, (Vault(databases[0], keyring), Vault(databases[1], keyring)), pair)
    for database in databases:
        await database.close()


async def test_forty_callers_in_two_processes_cause_one_refresh(offices: Offices) -> None:
    """And the pair that all of them got is the one that is kept."""
    sources = offices.sources()
    tokens = set(await asyncio.gather(*(sources[number % 2].token() for number in range(40))))
    kept = await offices.vaults[0].read("a")
    assert (tokens, offices.refreshes) == ({kept.secret.access_token}, 1)


async def test_a_refused_token_is_replaced_once(offices: Offices) -> None:
    """Both processes are told that it is dead; one asks, the other finds the new one."""
    one, two = offices.sources()
    dead = await one.token()
    assert await two.token() == dead
    assert all(await asyncio.gather(one.renew(dead), two.renew(dead)))
    assert await one.token() == await two.token() != dead
    assert offices.refreshes == 2


async def test_a_pair_is_committed_before_it_is_used(offices: Offices, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it cannot be, nobody gets its token; the next attempt commits it and asks for nothing."""
    save, failures = Held.save, [StoreUnavailable("gone")]

    async def fail_once(held: Held, secret: Any) -> int:
        if failures:
            raise failures.pop()
        return await save(held, secret)

    monkeypatch.setattr(Held, "save", fail_once)
    one, two = offices.sources()
    with pytest.raises(TokenRefreshError, match="gone"):
        await one.token()
    assert (await offices.vaults[0].read("a")).generation == 1
    assert await one.token() == await two.token()
    assert offices.refreshes == 1


async def test_after_a_failure_no_process_asks_for_a_while(offices: Offices) -> None:
    """The second one is told at once, with the time to wait."""
    wrong = OAuthApp(CLIENT_ID, "wrong", redirect_uri=REDIRECT_URI, base_url=offices.sandbox.oauth_url)
    one, two = offices.sources(wrong)
    with pytest.raises(TokenRefreshError):
        await one.token()
    asked = offices.refreshes
    async with offices.vaults[0]._database.connection() as connection:  # or it might be over when it is looked at
        await connection.execute("UPDATE brex_fleet_company SET resting_until = resting_until + interval '1 hour'")
    with pytest.raises(TokenRefreshError, match="the last refresh failed") as told:
        await two.token()
    assert told.value.retry_after is not None
    assert 3500 < told.value.retry_after <= 3605
    assert offices.refreshes == asked


async def test_a_fixed_token_is_renewed_by_whoever_replaces_it(offices: Offices) -> None:
    """Refused, it is dead, until another one is kept."""
    await offices.roster.add("a", "first")
    one, _ = offices.sources()
    assert await one.token() == "first"
    assert not await one.renew("first")
    await offices.roster.add("a", "second")
    assert await one.renew("first")
    assert await one.token() == "second"


async def test_a_company_that_is_not_there_has_no_token(offices: Offices) -> None:
    """Nobody else's stands in for it."""
    source = FleetTokens("b", offices.vaults[0], None, SystemClock())
    with pytest.raises(UnknownCompany):
        await source.token()
