"""Many companies in one process: each with its own tokens and nobody else's, come and gone while it runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import attrs
import pytest

from brex_accounting import (
    AuthenticationError,
    BrexAccounting,
    ConfigurationError,
    FixedToken,
    OAuthTokens,
    TokenRefreshError,
    UnknownCompany,
)
from brex_accounting.companies import Companies, NoToken
from brex_accounting.fields import FieldValue, NewFieldValue
from brex_accounting.oauth import OAuthApp, TokenPair
from brex_accounting.sandbox import ALL_SCOPES, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Sandbox
from brex_accounting.sandbox.field_reading import read_fields_request
from brex_accounting.session.events import RefreshEvent

from ..client.support import QUICK, UNLIMITED
from ..reporter import printed
from .gateway import Gateway, several

MANY = 20


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Three companies at one address."""
    async with several(3) as running:
        yield running


@pytest.fixture
async def brex(gateway: Gateway) -> AsyncIterator[BrexAccounting]:
    """A client of that address, whose own token nobody knows."""
    async with client_at(gateway) as client:
        yield client


def client_at(gateway: Gateway) -> BrexAccounting:
    return BrexAccounting("bxt_nobody", base_url=gateway.url, retry=QUICK, rate_limit=UNLIMITED)


def opened(sandbox: Sandbox, token: str) -> str:
    """A token that the company's sandbox takes from now on."""
    sandbox.brex.tokens[token] = ALL_SCOPES
    return token


@attrs.define
class Consented:
    """One company's consent: the pairs that were saved, and how many refreshes there were."""

    sandbox: Sandbox
    saved: list[TokenPair] = attrs.field(factory=list)
    refreshes: int = 0
    saving: asyncio.Event = attrs.field(factory=asyncio.Event)
    may_save: asyncio.Event = attrs.field(factory=asyncio.Event)

    def __attrs_post_init__(self) -> None:
        self.may_save.set()

    async def save(self, pair: TokenPair) -> None:
        """Keeps it, when it may."""
        self.saving.set()
        await self.may_save.wait()
        self.saved.append(pair)

    async def source(self) -> OAuthTokens:
        """Consent, and a source that has to refresh before its first use."""
        app = OAuthApp(CLIENT_ID, CLIENT_SECRET, redirect_uri=REDIRECT_URI, base_url=self.sandbox.oauth_url)
        consent = app.begin(ALL_SCOPES)
        pair = await app.finish(consent, **self.sandbox.consent(consent.url))
        return self.made(pair.refresh_token)

    def made(self, refresh_token: str) -> OAuthTokens:
        """A source of a refresh token."""
        url = f"{self.sandbox.oauth_url}/v1/token"
        return OAuthTokens(
            CLIENT_ID, CLIENT_SECRET, refresh_token, save=self.save, token_url=url, observers=[self.count]
        )

    def count(self, event: object) -> None:
        """An observer."""
        self.refreshes += isinstance(event, RefreshEvent)


async def test_twenty_companies_with_their_own_tokens_and_data() -> None:
    """Asked all at once, many times each: every answer is the company's own, and each refreshes once."""
    async with several(MANY) as gateway, client_at(gateway) as brex:
        companies = Companies(brex)
        consents = [Consented(sandbox) for sandbox in gateway.sandboxes]
        sources = [await one.source() for one in consents]
        found = await asyncio.gather(*map(companies.connect, sources))
        assert [one.id for one in found] == [sandbox.brex.company.id for sandbox in gateway.sandboxes]
        assert set(companies) == {one.id for one in found}

        async def ask(company_id: str, number: int) -> tuple[str, bool]:
            view = companies.client(company_id)
            own = NewFieldValue(value=company_id, remote_id=f"own {number}")
            await view.fields.sync_chart_of_accounts([own], missing="keep")
            users = {one.user.account_id async for one in view.records.list() if one.user is not None}
            return (await view.company()).id, users == {company_id}

        for one in consents:
            one.sandbox.brex.tokens.clear()  # what they hold is dead: all who ask find out at once
        answers = await asyncio.gather(*(ask(one.id, number) for one in found for number in range(4)))
        assert Counter(answers) == {(one.id, True): 4 for one in found}
        # One for the first token, one for the token that died.
        assert [one.refreshes for one in consents] == [2] * MANY
        for sandbox in gateway.sandboxes:
            names = [value.value for value in accounts_of(sandbox) if (value.remote_id or "").startswith("own")]
            assert names == [sandbox.brex.company.id] * 4


def accounts_of(sandbox: Sandbox) -> tuple[FieldValue, ...]:
    """The values of its field of accounts."""
    fields = sandbox.brex.fields.list_fields(read_fields_request([])).items
    return sandbox.brex.fields.values(next(one.brex_id for one in fields if one.remote_id == "GL_ACCOUNT"))


async def test_one_refresh_serves_all_who_ask_for_a_company(gateway: Gateway, brex: BrexAccounting) -> None:
    """Fifty calls through views that were fetched one by one need one refresh, and two companies need two."""
    companies = Companies(brex)
    one, two = [Consented(sandbox) for sandbox in gateway.sandboxes[:2]]
    for consent in (one, two):
        companies.add(consent.sandbox.brex.company.id, await consent.source())
    ids = [consent.sandbox.brex.company.id for consent in (one, two)]
    got = await asyncio.gather(*(companies.client(company_id).company() for company_id in ids * 25))
    assert [company.id for company in got] == ids * 25
    assert (one.refreshes, two.refreshes, len(one.saved), len(two.saved)) == (1, 1, 1, 1)


@attrs.frozen
class Event:
    """What matters of a webhook's event here."""

    company_id: str | None


async def test_the_companys_id_in_an_event_picks_its_tokens(gateway: Gateway, brex: BrexAccounting) -> None:
    """An event is worked with its own company's view; one of nobody's, or of none, is told and not guessed."""
    companies = Companies(brex)
    for number, sandbox in enumerate(gateway.sandboxes):
        companies.add(sandbox.brex.company.id, opened(sandbox, f"bxt_{number}"))
    for sandbox in gateway.sandboxes:
        event = Event(company_id=sandbox.brex.company.id)
        assert (await companies.client(event.company_id).company()).id == event.company_id
    before = [sandbox.statistics.requests for sandbox in gateway.sandboxes]
    for unknown in (Event("cuacc_stranger"), Event(None), Event("")):
        with pytest.raises(UnknownCompany):
            companies.client(unknown.company_id)
    assert [sandbox.statistics.requests for sandbox in gateway.sandboxes] == before


async def test_one_company_is_no_exception(gateway: Gateway, brex: BrexAccounting) -> None:
    """A registry of a single company does not take it for the one that is meant."""
    companies = Companies(brex)
    companies.add(gateway.sandboxes[0].brex.company.id, opened(gateway.sandboxes[0], "bxt_0"))
    for other in (None, gateway.sandboxes[1].brex.company.id):
        with pytest.raises(UnknownCompany, match="compan"):
            companies.client(other)


async def test_companies_come_and_go(gateway: Gateway, brex: BrexAccounting) -> None:
    """One that is removed is unknown at once, and can be added again with other tokens; twice is refused."""
    companies = Companies(brex)
    ours = gateway.sandboxes[0].brex.company
    view = companies.add(ours.id, opened(gateway.sandboxes[0], "bxt_old"))
    assert companies.client(ours.id) is view
    assert (ours.id in companies, "other" in companies, len(companies)) == (True, False, 1)
    with pytest.raises(ConfigurationError, match="here already"):
        companies.add(ours.id, "bxt_new")
    with pytest.raises(ConfigurationError, match="here already"):
        await companies.connect("bxt_old")
    assert (await view.company()).id == ours.id
    await companies.remove(ours.id)
    assert (list(companies), len(companies)) == ([], 0)
    with pytest.raises(UnknownCompany):
        companies.client(ours.id)
    with pytest.raises(UnknownCompany):
        await companies.remove(ours.id)
    companies.add(ours.id, FixedToken(opened(gateway.sandboxes[0], "bxt_new")))
    assert (await companies.client(ours.id).company()).id == ours.id


async def test_removing_waits_for_the_refresh_under_way(gateway: Gateway, brex: BrexAccounting) -> None:
    """What the refresh got is saved before remove returns, so that the company can be added again with it."""
    companies = Companies(brex)
    consent = Consented(gateway.sandboxes[0])
    company_id = consent.sandbox.brex.company.id
    view = companies.add(company_id, await consent.source())
    consent.may_save.clear()
    asking = asyncio.create_task(view.company())
    await consent.saving.wait()
    removing = asyncio.create_task(companies.remove(company_id))
    done, _ = await asyncio.wait({removing}, timeout=0.05)
    assert (done, consent.saved, company_id in companies) == (set(), [], False)
    consent.may_save.set()
    await removing
    assert len(consent.saved) == 1
    assert (await asking).id == company_id
    again = companies.add(company_id, consent.made(consent.saved[-1].refresh_token))
    assert (await again.company()).id == company_id


class Awkward:
    """A source of the caller's own that cannot be closed."""

    async def token(self) -> str:
        """A token."""
        return "bxt_awkward"

    async def renew(self, refused: str) -> bool:
        """Whether there is another."""
        return refused != "bxt_awkward"

    async def aclose(self) -> None:
        """Fails, with words that must not be shown."""
        raise OSError("canary-words")


async def test_sources_of_ones_own(gateway: Gateway, brex: BrexAccounting) -> None:
    """A callable and a source of the caller's own serve as well; one that cannot be closed is gone all the same."""
    companies = Companies(brex)
    one, two = gateway.sandboxes[:2]
    opened(one, "bxt_awkward")
    opened(two, "bxt_called")

    async def called() -> str:
        return "bxt_called"

    companies.add(one.brex.company.id, Awkward())
    assert (await companies.connect(called)).id == two.brex.company.id
    assert (await companies.client(one.brex.company.id).company()).id == one.brex.company.id
    with pytest.raises(TokenRefreshError) as failed:
        await companies.remove(one.brex.company.id)
    assert "canary-words" not in printed(failed.value)
    assert one.brex.company.id not in companies
    await companies.remove(two.brex.company.id)


async def test_a_dead_token_is_its_own_companys_trouble(gateway: Gateway, brex: BrexAccounting) -> None:
    """It is refused, and no other company's token is tried in its place."""
    companies = Companies(brex)
    one, two = gateway.sandboxes[:2]
    companies.add(one.brex.company.id, opened(one, "bxt_one"))
    companies.add(two.brex.company.id, opened(two, "bxt_two"))
    one.brex.tokens.clear()
    with pytest.raises(AuthenticationError):
        await companies.client(one.brex.company.id).company()
    assert (await companies.client(two.brex.company.id).company()).id == two.brex.company.id
    with pytest.raises(AuthenticationError):
        await companies.connect("bxt_nobody_knows")
    assert len(companies) == 2


async def test_no_token_is_shown(gateway: Gateway, brex: BrexAccounting) -> None:
    """Not by the registry, its views, or an error of its own; wrong tokens are refused without an echo."""
    companies = Companies(brex)
    company_id = gateway.sandboxes[0].brex.company.id
    token = opened(gateway.sandboxes[0], "bxt_canary")
    view = companies.add(company_id, token)
    errors: list[BaseException] = []
    for added, given in ((company_id, token), ("other", f"{token} ")):
        with pytest.raises(ConfigurationError) as refused:
            companies.add(added, given)
        errors.append(refused.value)
    with pytest.raises(UnknownCompany) as unknown:
        companies.client(f"{token}_stranger")
    errors.append(unknown.value)
    shown = [repr(companies), str(companies), repr(view), *map(str, errors), *map(printed, errors[:2])]
    assert not [text for text in shown if "canary" in text]
    assert repr(companies) == "Companies(1)"


async def test_a_client_without_a_token_serves_others_alone(gateway: Gateway) -> None:
    """Used itself it says what is missing, and nothing is sent; the views of companies work, and one that is refused
    finds no other token.
    """
    one = gateway.sandboxes[0]
    async with BrexAccounting(NoToken(), base_url=gateway.url, retry=QUICK, rate_limit=UNLIMITED) as brex:
        before = one.statistics.requests
        with pytest.raises(UnknownCompany, match="no token of its own"):
            await brex.company()
        assert one.statistics.requests == before
        companies = Companies(brex)
        found = await companies.connect(opened(one, "bxt_one"))
        assert found == one.brex.company
        one.brex.tokens.clear()
        with pytest.raises(AuthenticationError):
            await companies.client(found.id).company()
        assert not await NoToken().renew("bxt_one")
    assert repr(NoToken()) == "NoToken()"
