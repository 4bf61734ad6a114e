"""OAuth from end to end over loopback: consent, calls, expiry, refreshes, and the end of a client."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import attrs
import pytest

from brex_accounting import AuthenticationError, ConfigurationError, PermissionDenied, TokenRefreshError
from brex_accounting.oauth import TokenPair
from brex_accounting.sandbox import Fault, Rules, Sandbox
from brex_accounting.session.events import RefreshEvent

from ..reporter import printed
from .granting import Customer, Hurried, app_of
from .support import client_of, held

pytestmark = pytest.mark.usefixtures("idle_time")

SLOW = Fault(kind="slow", next=1, path="/v1/token")


@pytest.fixture
async def customer(sandbox: Sandbox) -> Customer:
    """One who has consented to everything."""
    customer = Customer(sandbox)
    await customer.consent()
    return customer


@pytest.fixture
def clock() -> Hurried:
    """The client's and the server's."""
    return Hurried()


@pytest.fixture
async def dated(clock: Hurried) -> AsyncIterator[Sandbox]:
    """Sixty records, on the clock of the test."""
    async with Sandbox(records=60, now=clock.now, rules=Rules(rate_limit=None)) as running:
        yield running


async def test_from_consent_to_records(sandbox: Sandbox) -> None:
    """The customer's browser follows the URL; what it brings back is worth tokens that list records."""
    app = app_of(sandbox)
    consent = app.begin(["accounting.record.read"])
    async with aiohttp.ClientSession() as browser, browser.get(consent.url, allow_redirects=False) as answer:
        back = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    customer = Customer(sandbox)
    await customer.save(await app.finish(consent, code=back["code"], state=back["state"]))
    async with client_of(sandbox, token=customer.source()) as brex:
        assert await brex.records.list().collect() == held(sandbox)
    assert customer.refreshes == 0


@pytest.mark.parametrize("told", [True, False])
async def test_a_token_that_expires_in_the_middle_of_a_list(dated: Sandbox, clock: Hurried, told: bool) -> None:
    """The walk goes on: refreshed in time when the lifetime was told, after one refusal when it was not."""
    dated.brex.rules = attrs.evolve(dated.brex.rules, send_expires_in=told, access_token_lifetime=600)
    customer = Customer(dated)
    await customer.consent(clock=clock)
    seen = []
    async with client_of(dated, token=customer.source(clock=clock), clock=clock) as brex:
        async for record in brex.records.list(page_size=10):
            seen.append(record)
            if len(seen) in (15, 35):
                clock.time += 601
    assert seen == held(dated)
    assert (customer.refreshes, len(customer.saved)) == (2, 3)
    refused = 0 if told else 2
    assert dated.statistics.requests == 1 + 6 + 2 + refused  # exchange, pages, refreshes, refusals


async def test_fifty_callers_one_cancelled(customer: Customer, sandbox: Sandbox) -> None:
    """During a refresh one of fifty is cancelled: one refresh at the server, 49 served."""
    sandbox.faults.add(SLOW)
    async with client_of(sandbox, token=customer.source(fresh=False)) as brex:
        ids = [record.id for record in held(sandbox)[:50]]
        tasks = [asyncio.create_task(brex.records.get(one)) for one in ids]
        await asyncio.sleep(0.3)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [getattr(result, "id", result) for result in results[1:]] == ids[1:]
    assert (customer.refreshes, len(customer.saved)) == (1, 2)


async def test_a_hundred_callers_with_one_dead_token(customer: Customer, sandbox: Sandbox) -> None:
    """All are refused, one refresh is made, and all are served."""
    sandbox.brex.tokens.clear()
    events: list[object] = []
    source = customer.source(observers=[events.append])
    before = sandbox.statistics.requests
    async with client_of(sandbox, token=source) as brex:
        ids = [record.id for record in held(sandbox)] * 2
        records = await asyncio.gather(*(brex.records.get(one) for one in ids[:100]))
    assert [record.id for record in records] == ids[:100]
    assert customer.refreshes == 1
    assert len([event for event in events if isinstance(event, RefreshEvent)]) == 1
    # A few come so late that they have the new token at once.
    assert 101 < sandbox.statistics.requests - before <= 201


async def test_a_new_token_opens_nothing_before_it_is_saved(customer: Customer, sandbox: Sandbox) -> None:
    """While ``save`` runs, no request with the new token reaches the server."""
    entered, gate = asyncio.Event(), asyncio.Event()

    async def save(_pair: TokenPair) -> None:
        entered.set()
        await gate.wait()

    before = sandbox.statistics.requests
    async with client_of(sandbox, token=customer.source(fresh=False, save=save)) as brex:
        call = asyncio.create_task(brex.records.list().collect())
        await entered.wait()
        await asyncio.sleep(0.05)
        assert (sandbox.statistics.requests - before, call.done()) == (1, False)
        gate.set()
        assert len(await call) == 60


async def test_a_pair_that_was_never_saved_is_lost(customer: Customer) -> None:
    """A process that dies between the answer and the save leaves a spent refresh token: consent again."""

    async def save(_pair: TokenPair) -> None:
        raise OSError

    with pytest.raises(TokenRefreshError, match="could not be saved"):
        await customer.source(fresh=False, save=save).token()
    with pytest.raises(TokenRefreshError, match=r"400 invalid_grant; .* ask the customer for consent again"):
        await customer.source(fresh=False).token()
    await customer.consent()
    assert await customer.source(fresh=False).token()


async def test_a_pair_is_saved_by_the_next_attempt(clock: Hurried, customer: Customer, sandbox: Sandbox) -> None:
    """A database that is back after five seconds: no second refresh."""
    outage = [OSError()]

    async def save(pair: TokenPair) -> None:
        if outage:
            raise outage.pop()
        await customer.save(pair)

    async with client_of(sandbox, token=customer.source(fresh=False, save=save, clock=clock)) as brex:
        with pytest.raises(TokenRefreshError):
            await brex.records.list()
        clock.time += 5
        assert len((await brex.records.list()).items) == 60
    assert (customer.refreshes, len(customer.saved)) == (1, 2)


async def test_refresh_tokens_rotate(customer: Customer) -> None:
    """Each saved pair starts a new source; the ones before it are refused."""
    for _ in range(3):
        await customer.source(fresh=False).token()
    assert len({pair.refresh_token for pair in customer.saved}) == 4
    spent = customer.saved[1]
    customer.saved.append(spent)
    with pytest.raises(TokenRefreshError, match="ask the customer for consent again"):
        await customer.source(fresh=False).token()


async def test_a_scope_that_is_missing_renews_nothing(sandbox: Sandbox) -> None:
    """The 403 of a live token is PermissionDenied after one attempt, without a refresh."""
    customer = Customer(sandbox)
    await customer.consent("accounting.integration.write")
    async with client_of(sandbox, token=customer.source()) as brex:
        with pytest.raises(PermissionDenied) as caught:
            await brex.records.list()
    assert (len(caught.value.attempts), customer.refreshes) == (1, 0)


async def test_a_consent_that_was_revoked(customer: Customer, sandbox: Sandbox) -> None:
    """Both tokens are dead; the call says to ask for consent again, and nothing is sent to Brex twice."""
    await app_of(sandbox).revoke(customer.saved[-1].refresh_token)
    await app_of(sandbox).revoke("unknown")
    before = sandbox.statistics.requests
    async with client_of(sandbox, token=customer.source()) as brex:
        with pytest.raises(TokenRefreshError, match="consent again") as caught:
            await brex.records.list()
    assert [attempt.status for attempt in caught.value.attempts] == [403]
    assert (customer.refreshes, sandbox.statistics.requests - before) == (1, 2)


async def test_a_server_that_refuses_the_new_token_too(customer: Customer, sandbox: Sandbox) -> None:
    """One renewal per call: then the refusal is raised."""
    sandbox.brex.rules = attrs.evolve(sandbox.brex.rules, access_token_lifetime=1e-6)
    async with client_of(sandbox, token=customer.source(fresh=False)) as brex:
        with pytest.raises(AuthenticationError) as caught:
            await brex.records.list()
    assert [attempt.status for attempt in caught.value.attempts] == [403, 403]


async def test_closing_the_client_lets_the_refresh_end(customer: Customer, sandbox: Sandbox) -> None:
    """The caller is cancelled and the client left during a refresh: its pair is saved when the exit is done."""
    sandbox.faults.add(SLOW)
    source = customer.source(fresh=False)
    async with client_of(sandbox, token=source) as brex:
        call = asyncio.create_task(brex.records.list().collect())
        await asyncio.sleep(0.3)
        call.cancel()
        assert len(customer.saved) == 1
    assert (customer.refreshes, len(customer.saved)) == (1, 2)
    assert await source.token() == customer.saved[-1].access_token


async def test_closing_the_client_waits_for_other_companies_too(customer: Customer, sandbox: Sandbox) -> None:
    """Sources given to ``for_company`` are closed with the client, while they are in use."""
    sandbox.faults.add(SLOW)
    async with client_of(sandbox) as brex:
        company = brex.for_company("cuacc_1", token=customer.source(fresh=False))
        call = asyncio.create_task(company.records.list().collect())
        await asyncio.sleep(0.3)
        call.cancel()
    assert len(customer.saved) == 2


async def test_a_client_keeps_no_company_that_nobody_uses(customer: Customer, sandbox: Sandbox) -> None:
    """A long-lived client does not collect the sources of companies that have gone."""
    async with client_of(sandbox) as brex:
        for number in range(100):
            brex.for_company(f"cuacc_{number}", token=customer.source())
        gc.collect()
        assert len(brex._view.core._sources) == 0


async def test_sources_of_ones_own_are_closed(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Each once; one that fails, one without ``aclose`` and one that cannot be referred to harm nobody."""
    closed: list[str] = []

    class Plain:
        def __init__(self, name: str = "") -> None:
            self.name = name

        async def token(self) -> str:
            return sandbox.token

        async def renew(self, refused: str) -> bool:
            return refused != sandbox.token

    class Closing(Plain):
        async def aclose(self) -> None:
            closed.append(self.name)
            if self.name == "broken":
                raise LookupError("canary")

    class Slotted:
        __slots__ = ()
        token = Plain.token
        renew = Plain.renew

    broken, good = Closing("broken"), Closing("good")
    async with client_of(sandbox, token=broken) as brex:
        views = [brex.for_company("a", token=one) for one in (good, good, Plain(), Slotted())]
        await views[-1].records.list()
        await views[0].aclose()
        assert closed == []
    await brex.aclose()
    assert sorted(closed) == ["broken", "good"]
    assert "closing a token source raised LookupError" in caplog.text
    assert "canary" not in caplog.text


async def test_an_application_makes_the_tokens_of_its_customers(dated: Sandbox, clock: Hurried) -> None:
    """From the consent's pair without a refresh, and when that is dead with one, from which a restart goes on."""
    app = app_of(dated, clock=clock)
    consent = app.begin(["accounting.record.read"])
    saved = [await app.finish(consent, **dated.consent(consent.url))]

    async def save(pair: TokenPair) -> None:
        saved.append(pair)

    refreshes: list[object] = []
    async with client_of(dated, token=app.tokens(saved[0], save=save, observers=[refreshes.append])) as brex:
        assert len(await brex.records.list().collect()) == 60
        assert refreshes == []
        clock.time += 3600
        assert len(await brex.records.list().collect()) == 60
    assert [type(event) for event in refreshes] == [RefreshEvent]
    async with client_of(dated, token=app.tokens(saved[1], save=save)) as brex:
        assert len(await brex.records.list().collect()) == 60
    assert dated.oauth.granted["refresh_token"] == 1
    assert len(saved) == 2


async def test_tokens_of_a_wrong_pair_are_not_shown(sandbox: Sandbox) -> None:
    """A pair that was put together wrongly is refused without its tokens."""
    broken = TokenPair(access_token="canary a", refresh_token="canary-b", expires_at=Hurried().now())
    with pytest.raises(ConfigurationError) as refused:
        app_of(sandbox).tokens(broken, save=Customer(sandbox).save)
    assert "canary" not in printed(refused.value)
