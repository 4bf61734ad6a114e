"""One screen for both providers: the same few lines connect, show and disconnect at either."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from brex_accounting import (
    ActiveIntegrationExists,
    APIConnectionError,
    BrexAccounting,
    Conflict,
    IntegrationNotActive,
    NotFound,
)
from brex_accounting.connections import BrexLink, Link, LinkState, MoniteLink, Standing
from brex_accounting.monite import MoniteAccounting
from brex_accounting.sandbox import Fault, Sandbox
from brex_accounting.sandbox.monite import MoniteRules, MoniteSandbox

from ..client import support as at_brex
from ..monite import support as at_monite

ACCOUNT = {"vendor": "ACME", "vendor_account_id": "customer-1"}


@attrs.frozen
class Provider:
    """A link at a running sandbox, how another link to the same customer is made, and what its person does."""

    link: Link
    again: Callable[[str | None], Link]
    authorise: Callable[[str], object]
    faults: Any


@asynccontextmanager
async def brex_provider() -> AsyncIterator[Provider]:
    async with Sandbox(records=1) as sandbox, at_brex.client_of(sandbox) as brex:

        def again(id_: str | None) -> Link:
            return BrexLink(brex.integrations, integration_id=id_, **ACCOUNT)

        yield Provider(again(None), again, lambda _: None, sandbox.faults)


@asynccontextmanager
async def monite_provider() -> AsyncIterator[Provider]:
    rules = MoniteRules(rate_limit=None)
    async with MoniteSandbox(rules=rules) as sandbox, at_monite.client_of(sandbox) as monite:

        def again(id_: str | None) -> Link:
            return MoniteLink(monite.connections, connection_id=id_)

        yield Provider(again(None), again, sandbox.monite.authorise, sandbox.faults)


@pytest.fixture(params=[brex_provider, monite_provider], ids=["brex", "monite"])
async def provider(request: pytest.FixtureRequest) -> AsyncIterator[Provider]:
    """Each in turn."""
    async with request.param() as made:
        yield made


async def connected(provider: Provider) -> Standing:
    standing = await provider.link.connect()
    assert standing.id is not None
    provider.authorise(standing.id)
    return standing


async def test_a_life(provider: Provider) -> None:
    """Absent, connected once a person agrees, ended: what a screen shows at each step."""
    link = provider.link
    assert (await link.status()).state is LinkState.ABSENT
    made = await link.connect()
    assert made.id is not None
    if made.state is LinkState.WAITING:
        assert made.authorise_at is not None
        assert made.authorise_at not in repr(made)
        provider.authorise(made.id)
    shown = await link.status()
    assert (shown.state, shown.id, shown.authorise_at) == (LinkState.CONNECTED, made.id, None)
    ended = await link.disconnect()
    assert (ended.state, ended.id) == (LinkState.ENDED, made.id)
    assert (await link.status()).state is LinkState.ENDED


async def test_pressed_twice(provider: Provider) -> None:
    """Connecting twice makes one, disconnecting twice is no error, also by another object that knows the id."""
    made = await connected(provider)
    other = provider.again(made.id)
    for link in (provider.link, other):
        again = await link.connect()
        assert (again.state, again.id) == (LinkState.CONNECTED, made.id)
    for link in (provider.link, provider.link, other):
        assert (await link.disconnect()).state is LinkState.ENDED


async def test_what_never_was_is_not_disconnected(provider: Provider) -> None:
    """No error, and nothing is changed."""
    assert (await provider.link.disconnect()).state is LinkState.ABSENT


async def test_after_an_end_it_begins_anew(provider: Provider) -> None:
    """Connecting makes another."""
    first = await connected(provider)
    await provider.link.disconnect()
    second = await provider.link.connect()
    assert second.id is not None
    assert second.id != first.id


async def test_a_lost_answer_makes_no_second(provider: Provider) -> None:
    """The one that was made is found, whichever way the provider offers."""
    provider.faults.add(Fault(kind="drop-after", next=1, method="POST", path="accounting"))
    made = await provider.link.connect()
    assert (await provider.link.connect()).id == made.id


@pytest.fixture
async def brex_sandbox() -> AsyncIterator[tuple[Sandbox, BrexAccounting]]:
    """A local Brex and its client."""
    async with Sandbox(records=1) as sandbox, at_brex.client_of(sandbox) as brex:
        yield sandbox, brex


async def test_brex_cannot_be_asked(brex_sandbox: tuple[Sandbox, BrexAccounting]) -> None:
    """The status is what its last answer said, and says so; an id from earlier stands for nothing yet."""
    sandbox, brex = brex_sandbox
    link = BrexLink(brex.integrations, **ACCOUNT)
    made = await link.connect()
    assert made.asked
    assert await link.status() == attrs.evolve(made, asked=False)
    assert made.id is not None
    sandbox.brex.disconnect_integration(made.id)
    assert (await link.status()).state is LinkState.CONNECTED, "nobody has told it"
    assert (await link.disconnect()).state is LinkState.ENDED
    later = BrexLink(brex.integrations, integration_id=made.id, **ACCOUNT)
    assert await later.status() == Standing(state=LinkState.UNKNOWN, id=made.id, asked=False)
    assert sandbox.statistics.requests == 2


async def test_what_brex_refuses_is_raised(brex_sandbox: tuple[Sandbox, BrexAccounting]) -> None:
    """Another vendor's integration, and an id that is unknown."""
    sandbox, brex = brex_sandbox
    sandbox.brex.create_integration("OTHER", "1")
    with pytest.raises(ActiveIntegrationExists):
        await BrexLink(brex.integrations, **ACCOUNT).connect()
    with pytest.raises(NotFound):
        await BrexLink(brex.integrations, integration_id="int_9", **ACCOUNT).disconnect()


async def test_a_refusal_about_another_integration_is_raised(
    brex_sandbox: tuple[Sandbox, BrexAccounting], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the words that this one is disabled mean that it has ended."""
    sandbox, brex = brex_sandbox
    made = sandbox.brex.create_integration("ACME", "customer-1")

    async def refuse(_id: str) -> Any:
        details = {"integration_id": "int_other", "current_status": "DISABLED"}
        raise IntegrationNotActive("POST /x", status=409, details=details)

    monkeypatch.setattr(brex.integrations, "disconnect", refuse)
    with pytest.raises(IntegrationNotActive):
        await BrexLink(brex.integrations, integration_id=made.id, **ACCOUNT).disconnect()


@pytest.fixture
async def monite_sandbox() -> AsyncIterator[tuple[MoniteSandbox, MoniteAccounting]]:
    """A local Monite and its client."""
    async with MoniteSandbox(rules=MoniteRules(rate_limit=None)) as sandbox, at_monite.client_of(sandbox) as monite:
        yield sandbox, monite


async def test_the_newest_counts_without_an_id(monite_sandbox: tuple[MoniteSandbox, MoniteAccounting]) -> None:
    """Another process has connected, or the person has taken the consent back: the screen shows it."""
    sandbox, monite = monite_sandbox
    link = MoniteLink(monite.connections)
    made = sandbox.monite.create(sandbox.entity_id)
    assert (await link.status()).authorise_at == made.connection_url
    assert (await link.connect()).id == made.id
    sandbox.monite.authorise(made.id)
    sandbox.monite.deauthorise(made.id)
    assert (await link.status()).state is LinkState.ENDED
    assert (await link.connect()).id != made.id


async def test_a_create_that_was_not_done_is_raised(monite_sandbox: tuple[MoniteSandbox, MoniteAccounting]) -> None:
    """The list shows nothing new: the error says that it may have happened, and the person presses again."""
    sandbox, monite = monite_sandbox
    sandbox.faults.add(Fault(kind="drop", next=1, method="POST", path="/accounting_connections"))
    with pytest.raises(APIConnectionError) as caught:
        await MoniteLink(monite.connections).connect()
    assert caught.value.may_have_happened
    assert sandbox.monite.connections(sandbox.entity_id) == ()


async def test_somebody_else_was_faster(
    monite_sandbox: tuple[MoniteSandbox, MoniteAccounting], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal is settled by reading; one that does not read as ended is raised."""
    sandbox, monite = monite_sandbox
    link = MoniteLink(monite.connections)
    made = await link.connect()
    assert made.id is not None
    id_ = made.id

    async def refuse(_id: str) -> Any:
        raise Conflict("POST /x", status=409)

    monkeypatch.setattr(monite.connections, "disconnect", refuse)
    with pytest.raises(Conflict):
        await link.disconnect()

    async def late(_id: str) -> Any:
        sandbox.monite.disconnect(sandbox.entity_id, id_)
        raise Conflict("POST /x", status=409)

    monkeypatch.setattr(monite.connections, "disconnect", late)
    assert (await link.disconnect()).state is LinkState.ENDED


async def test_a_status_of_tomorrow(
    monite_sandbox: tuple[MoniteSandbox, MoniteAccounting], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is unknown, and never taken for connected."""
    sandbox, monite = monite_sandbox
    made = sandbox.monite.create(sandbox.entity_id)
    for status in (None, "paused"):

        async def get(_id: str, status: Any = status) -> Any:
            return attrs.evolve(made, status=status)

        monkeypatch.setattr(monite.connections, "get", get)
        assert (await MoniteLink(monite.connections, connection_id=made.id).status()).state is LinkState.UNKNOWN
