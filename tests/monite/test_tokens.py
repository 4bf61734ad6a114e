"""Monite's access tokens: asked for once for everybody, kept, renewed, revoked, and never shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from brex_accounting import AuthenticationError, ConfigurationError, PermissionDenied, TokenRefreshError
from brex_accounting.monite import MoniteAccounting, MoniteTokens
from brex_accounting.sandbox import Fault
from brex_accounting.sandbox.monite import CLIENT_ID, CLIENT_SECRET, MoniteRules, MoniteSandbox
from brex_accounting.session.events import RefreshEvent

from ..faults.canary import Canary
from ..reporter import printed
from .support import Hurried, Seen, Tap, client_of

USER = "22222222-2222-4222-8222-222222222222"
SECRET = "canary_of_a_secret"


def source(sandbox: MoniteSandbox, clock: Hurried, **options: Any) -> MoniteTokens:
    return MoniteTokens(CLIENT_ID, CLIENT_SECRET, base_url=sandbox.url, clock=clock, **options)


async def test_what_is_asked(sandbox: MoniteSandbox, clock: Hurried, tap: Tap) -> None:
    """JSON with the version, without a token; an entity user's id when there is one."""
    await source(sandbox, clock).token()
    await source(sandbox, clock, entity_user_id=USER).token()
    partner, user = tap.seen
    assert partner.line == "POST /auth/token"
    assert partner.headers["content-type"] == "application/json"
    assert partner.headers["x-monite-version"] == "2024-05-25"
    assert "authorization" not in partner.headers
    credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    assert json.loads(partner.body) == {**credentials, "grant_type": "client_credentials"}
    assert json.loads(user.body) == {**credentials, "grant_type": "entity_user", "entity_user_id": USER}


async def test_one_exchange_serves_everybody(sandbox: MoniteSandbox, monite: MoniteAccounting) -> None:
    """A crowd that needs a token at once waits for the same one, and keeps it."""
    await asyncio.gather(*(monite.connections.list() for _ in range(50)))
    await monite.connections.list()
    assert sandbox.monite.granted == 1


async def test_a_token_is_kept_until_it_is_about_to_expire(sandbox: MoniteSandbox, clock: Hurried) -> None:
    """Used as it is, then replaced in the background, then waited for."""
    tokens = source(sandbox, clock)
    first = await tokens.token()
    await clock.sleep(1800 - 121)
    assert await tokens.token() == first
    await clock.sleep(2)
    assert await tokens.token() == first
    await tokens.aclose()
    second = await tokens.token()
    assert (second != first, sandbox.monite.granted) == (True, 2)
    await clock.sleep(1800 - 29)
    assert await tokens.token() != second


async def test_a_short_life_is_not_spent_on_renewing(sandbox: MoniteSandbox, clock: Hurried) -> None:
    """A token of ten seconds serves for more than half of them."""
    sandbox.monite.rules = MoniteRules(rate_limit=None, token_lifetime=10)
    tokens = source(sandbox, clock)
    first = await tokens.token()
    await clock.sleep(4)
    assert await tokens.token() == first
    assert sandbox.monite.granted == 1


@pytest.mark.parametrize(
    "dead",
    [
        pytest.param(lambda sandbox: sandbox.monite.expire_tokens(), id="expired, a 400"),
        pytest.param(lambda sandbox: sandbox.monite._expiries.clear(), id="unknown, a 401"),
    ],
)
async def test_a_token_that_died_is_replaced(
    sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap, dead: Callable[[MoniteSandbox], None]
) -> None:
    """Whichever status says so; the call goes on, also one that is never repeated otherwise."""
    await monite.connections.list()
    dead(sandbox)
    assert (await monite.connections.create()).status == "pending_auth"
    assert sandbox.monite.granted == 2
    assert tap.lines[1:] == ["POST /accounting_connections"] * 2


async def test_a_crowd_whose_token_died_asks_once(sandbox: MoniteSandbox, monite: MoniteAccounting) -> None:
    """One renewal for all who were refused."""
    await monite.connections.list()
    sandbox.monite.expire_tokens()
    await asyncio.gather(*(monite.connections.list() for _ in range(20)))
    assert sandbox.monite.granted == 2


async def test_a_second_dead_token_ends_the_call(sandbox: MoniteSandbox, monite: MoniteAccounting) -> None:
    """A fresh token that is refused too is not replaced for ever."""
    sandbox.monite.rules = MoniteRules(rate_limit=None, token_lifetime=0)
    with pytest.raises(AuthenticationError) as caught:
        await monite.connections.list()
    assert len(caught.value.attempts) == 2
    assert (caught.value.status, caught.value.message) == (400, "The token has been expired.")


async def test_a_403_is_no_dead_token(sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap) -> None:
    """A right that is missing is not got with another token."""
    tap.instead = lambda one: (
        web.json_response({"error": {"message": "No permission."}}, status=403) if one.method == "GET" else None
    )
    with pytest.raises(PermissionDenied):
        await monite.connections.list()
    assert sandbox.monite.granted == 1


async def test_wrong_credentials_are_asked_for_once(sandbox: MoniteSandbox, clock: Hurried, tap: Tap) -> None:
    """The refusal is everybody's, and none is tried again at once."""
    async with client_of(sandbox, client_secret=SECRET, clock=clock) as monite:
        results = await asyncio.gather(*(monite.connections.list() for _ in range(5)), return_exceptions=True)
        assert all(isinstance(result, TokenRefreshError) for result in results)
        with pytest.raises(TokenRefreshError, match="401; check the client id"):
            await monite.connections.list()
        assert len(tap.seen) == 1
        await clock.sleep(6)
        with pytest.raises(TokenRefreshError):
            await monite.connections.list()
    assert len(tap.seen) == 2


async def test_a_throttled_exchange_says_for_how_long(sandbox: MoniteSandbox, clock: Hurried, tap: Tap) -> None:
    """Retry-After reaches whoever asks, less the time that has passed."""
    tap.instead = lambda _: web.Response(status=429, headers={"Retry-After": "100"})
    tokens = source(sandbox, clock)
    with pytest.raises(TokenRefreshError) as caught:
        await tokens.token()
    assert caught.value.retry_after == 100
    await clock.sleep(60)
    with pytest.raises(TokenRefreshError) as caught:
        await tokens.token()
    assert caught.value.retry_after == 40
    assert len(tap.seen) == 1


async def test_a_lost_exchange_is_asked_for_again(sandbox: MoniteSandbox, monite: MoniteAccounting) -> None:
    """Credentials are not spent by it."""
    sandbox.faults.add(Fault(kind="drop-after", next=1, path="/auth/token"))
    assert await monite.connections.list() == ()
    assert sandbox.monite.granted == 2


async def test_a_failing_background_renewal_harms_nobody(sandbox: MoniteSandbox, clock: Hurried, tap: Tap) -> None:
    """As long as the old token lives, it is used, and the server is left alone for a while."""
    tokens = source(sandbox, clock)
    first = await tokens.token()
    await clock.sleep(1800 - 100)
    tap.instead = lambda _: web.Response(status=401)
    for _ in range(3):
        assert await tokens.token() == first
        await tokens.aclose()
    assert len(tap.seen) == 2


async def test_a_caller_who_gives_up_does_not_stop_the_exchange(sandbox: MoniteSandbox, clock: Hurried) -> None:
    """Its token is there for the next."""
    tokens = source(sandbox, clock)
    waiting = asyncio.create_task(tokens.token())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await tokens.token()
    assert sandbox.monite.granted == 1


async def test_a_token_is_revoked(sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap) -> None:
    """On request, and the next call asks for another; without a token nothing is sent."""
    await monite.revoke_token()
    assert tap.seen == []
    await monite.connections.list()
    used = tap.seen[-1].headers["authorization"].removeprefix("Bearer ")
    await monite.revoke_token()
    revoked = tap.seen[-1]
    assert revoked.line == "POST /auth/revoke"
    assert json.loads(revoked.body) == {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "token": used}
    await monite.connections.list()
    assert sandbox.monite.granted == 2
    async with client_of(sandbox, token=used) as other:
        with pytest.raises(AuthenticationError) as caught:
            await other.connections.list()
        with pytest.raises(ConfigurationError, match="source of yours"):
            await other.revoke_token()
    assert caught.value.message == "The token has been revoked."


async def test_a_source_of_ones_own(sandbox: MoniteSandbox, monite: MoniteAccounting, clock: Hurried) -> None:
    """A string, a callable or a source: for a server that gives tokens in another way."""
    token = await source(sandbox, clock).token()

    async def function() -> str:
        return token

    for given in (token, function, source(sandbox, clock)):
        async with client_of(sandbox, token=given, clock=clock) as other:
            assert await other.connections.list() == ()
    assert await monite.for_entity(USER, token=token).connections.list() == ()


async def test_observers_hear_of_each_exchange(sandbox: MoniteSandbox, clock: Hurried) -> None:
    """Of a failure by its class, and of the client's calls as ever."""
    events: list[object] = []
    async with client_of(sandbox, clock=clock, observers=[events.append]) as monite:
        await monite.connections.list()
    assert [event.failure for event in events if isinstance(event, RefreshEvent)] == [None]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="no token"),
        pytest.param(b'{"access_token": 5}', id="a number"),
        pytest.param(b'{"access_token": "a b"}', id="a token that no header takes"),
    ],
)
async def test_an_answer_that_is_no_token(sandbox: MoniteSandbox, clock: Hurried, tap: Tap, answer: bytes) -> None:
    """Its body is shown to nobody."""
    tap.instead = lambda _: web.Response(body=answer)
    with pytest.raises(TokenRefreshError, match=r"access_token|JSON|object"):
        await source(sandbox, clock).token()


@pytest.mark.parametrize("life", [b"", b', "expires_in": null', b', "expires_in": "soon"', b', "expires_in": -5'])
async def test_a_life_that_is_not_said(sandbox: MoniteSandbox, clock: Hurried, tap: Tap, life: bytes) -> None:
    """The token counts for half an hour then, the shorter of the two that are documented."""
    tap.instead = lambda _: web.Response(body=b'{"access_token": "t%d"%b}' % (len(tap.seen), life))
    tokens = source(sandbox, clock)
    await tokens.token()
    await clock.sleep(1700)
    assert await tokens.token() == "t1"
    await tokens.aclose()
    await clock.sleep(1800)
    assert await tokens.token() != "t1"


@pytest.mark.parametrize(
    "arguments",
    [
        {"client_id": ""},
        {"client_secret": f"{SECRET}\n"},
        {"client_secret": None},
        {"entity_user_id": f"../{SECRET}"},
        {"base_url": f"https://a:{SECRET}@monite.example"},
        {"base_url": "http://monite.example"},
        {"version": f"{SECRET}"},
        {"timeout": 0},
        {"ssl": False},
        {"observers": 5},
    ],
)
def test_wrong_arguments(arguments: dict[str, Any]) -> None:
    """Refused at once, and no value is echoed in words or frames."""
    given = {"client_id": CLIENT_ID, "client_secret": SECRET, **arguments}
    with pytest.raises(ConfigurationError) as caught:
        MoniteTokens(given.pop("client_id"), given.pop("client_secret"), **given)
    assert SECRET not in printed(caught.value)


def _failing(seen: Seen) -> web.Response | None:
    return web.json_response({"error": {"message": seen.body.decode()}}, status=401) if "/auth/" in seen.path else None


@pytest.mark.parametrize("instead", [_failing, lambda _: web.Response(status=500, text=SECRET), lambda _: None])
async def test_no_secret_is_shown(
    sandbox: MoniteSandbox, clock: Hurried, tap: Tap, instead: Callable[[Seen], web.Response | None]
) -> None:
    """Not in words, chains, events, logs, reprs or the local variables of any frame, whatever the server answers."""
    tap.instead = instead
    with Canary() as canary:
        async with client_of(sandbox, clock=clock, client_secret=SECRET, observers=[canary.event]) as monite:
            with pytest.raises(TokenRefreshError) as caught:
                await monite.connections.list()
            shown = repr(monite) + repr(monite._view) + repr(monite._view.tokens)
    assert SECRET not in printed(caught.value)
    assert SECRET not in shown
    assert canary.lines
    assert not [line for line in canary.lines if SECRET in line or CLIENT_SECRET in line]
