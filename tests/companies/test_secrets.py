"""The webhook secrets of many companies, of which some cannot be asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from brex_accounting import APITimeoutError, AuthenticationError, BrexAccounting
from brex_accounting.companies import Companies
from brex_accounting.sandbox import ALL_SCOPES
from brex_accounting.webhooks import WebhookSecret

from ..client.support import QUICK, UNLIMITED
from ..reporter import printed
from .gateway import Gateway, several


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Three companies at one address."""
    async with several(3) as running:
        yield running


@pytest.fixture
async def companies(gateway: Gateway) -> AsyncIterator[Companies]:
    """All of them, with the tokens bxt_0 to bxt_2."""
    async with BrexAccounting("bxt_nobody", base_url=gateway.url, retry=QUICK, rate_limit=UNLIMITED) as brex:
        kept = Companies(brex)
        for number, sandbox in enumerate(gateway.sandboxes):
            sandbox.brex.tokens[f"bxt_{number}"] = ALL_SCOPES
            kept.add(sandbox.brex.company.id, f"bxt_{number}")
        yield kept


def signing(gateway: Gateway, *numbers: int) -> list[str]:
    return [one.secret for number in numbers for one in gateway.sandboxes[number].brex.webhooks.secrets()]


async def test_all_secrets_of_all_companies(gateway: Gateway, companies: Companies) -> None:
    """Both of a company that is changing its own; one that two companies have in common comes once."""
    hooks = [sandbox.brex.webhooks for sandbox in gateway.sandboxes]
    hooks[0].rotate()
    hooks[2]._secrets = list(hooks[1].secrets())
    found = await companies.secrets()
    assert [one.secret for one in found] == signing(gateway, 0, 1)
    assert len(found) == 3
    assert [one for one in signing(gateway, 0, 1) if one in repr(found)] == []


async def test_one_that_cannot_be_asked_is_left_out(
    gateway: Gateway, companies: Companies, caplog: pytest.LogCaptureFixture
) -> None:
    """Its token is dead: the others' deliveries are believed as before, and the log says whose are not."""
    gateway.sandboxes[1].brex.tokens.clear()
    # What no company knows is asked of the first one, which refuses it.
    assert [one.secret for one in await companies.secrets()] == signing(gateway, 0, 2)
    silent = gateway.sandboxes[1].brex.company.id
    assert f"company {silent} did not tell its webhook secrets: AuthenticationError" in caplog.text


async def test_one_that_does_not_answer_is_not_waited_for(gateway: Gateway, companies: Companies) -> None:
    """It is left out, and what asked it has ended."""
    gateway.silent.add(gateway.sandboxes[2])
    assert [one.secret for one in await given_up(companies, silent=1)] == signing(gateway, 0, 1)
    assert asked() == []
    gateway.silent.update(gateway.sandboxes)
    with pytest.raises(APITimeoutError, match=r" 8 s"):
        await given_up(companies, silent=3)


async def given_up(companies: Companies, *, silent: int) -> tuple[WebhookSecret, ...]:
    """All secrets, as if nobody had answered for long once so many do not."""
    asking = asyncio.create_task(companies.secrets())
    async with asyncio.timeout(60):
        while not asked():
            await asyncio.sleep(0)
        while len(asked()) > silent:
            await asyncio.sleep(0.001)
    loop = asyncio.get_running_loop()
    now = loop.time
    loop.time = lambda: now() + 8  # type: ignore[method-assign]
    return await asking


def asked() -> list[asyncio.Task[Any]]:
    """The companies that are being asked for their secrets."""
    return [task for task in asyncio.all_tasks() if "Webhooks.secrets" in repr(task)]


async def test_none_that_can_be_asked(gateway: Gateway, companies: Companies) -> None:
    """It is not as if they had no secrets: what the first one raised is raised, without its token."""
    for sandbox in gateway.sandboxes:
        sandbox.brex.tokens.clear()
    with pytest.raises(AuthenticationError) as refused:
        await companies.secrets()
    assert "bxt_" not in printed(refused.value)


async def test_no_company() -> None:
    """There is nobody to ask, and nothing is believed."""
    async with BrexAccounting("bxt_nobody", base_url="http://127.0.0.1:9") as brex:
        assert await Companies(brex).secrets() == ()
