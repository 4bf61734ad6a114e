"""OAuth servers that fail, and secrets that stay unseen, over loopback."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from brex_accounting import ConfigurationError, TokenRefreshError
from brex_accounting.oauth import Consent, OAuthApp
from brex_accounting.sandbox import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, TOKEN, Fault, Sandbox
from brex_accounting.session.call import Outcome

from ..session.raw import answering, http_bytes
from ..unit.granting import locals_of
from .granting import Customer, Hurried, app_of
from .support import client_of

pytestmark = pytest.mark.usefixtures("idle_time")

SECRETS = re.compile(r"sandbox_(secret|access|refresh|code)_?\w*")


@pytest.fixture
async def customer(sandbox: Sandbox) -> Customer:
    """One who has consented."""
    customer = Customer(sandbox)
    await customer.consent()
    return customer


@pytest.mark.parametrize(
    ("kind", "processed", "text"),
    [
        ("drop", False, "ServerDisconnectedError"),
        ("drop-after", True, "ServerDisconnectedError"),
        ("cut", True, "ClientPayloadError"),
        ("500", False, "answered 500; try again later"),
        ("503", False, "answered 503; try again later"),
        ("html", False, "expected JSON"),
        ("slow", False, "nothing within 0.2 s"),
    ],
)
async def test_a_refresh_without_an_answer_is_not_repeated(
    customer: Customer, sandbox: Sandbox, kind: str, processed: bool, text: str
) -> None:
    """One request reaches the server, and the error says that the refresh token may be spent."""
    sandbox.faults.add(Fault(kind=kind, every=1, path="/v1/token"))
    before = sandbox.statistics.requests
    with pytest.raises(TokenRefreshError) as caught:
        await customer.source(fresh=False, timeout=0.2).token()
    assert text in str(caught.value)
    assert "may have been processed" in str(caught.value)
    assert sandbox.statistics.requests - before == 1
    assert customer.refreshes == processed


async def test_what_a_lost_answer_costs(clock: Hurried, customer: Customer, sandbox: Sandbox) -> None:
    """The next attempt sends the old refresh token once more, and is told that it is spent."""
    sandbox.faults.add(Fault(kind="drop-after", next=1, path="/v1/token"))
    source = customer.source(fresh=False, clock=clock)
    with pytest.raises(TokenRefreshError, match="may have been processed"):
        await source.token()
    clock.time += 5
    with pytest.raises(TokenRefreshError, match="consent again"):
        await source.token()
    assert customer.refreshes == 2


@pytest.fixture
def clock() -> Hurried:
    """Waits take no time."""
    return Hurried()


async def test_a_throttled_refresh_is_repeated(clock: Hurried, customer: Customer, sandbox: Sandbox) -> None:
    """A 429 is a certain no: the same refresh token is sent again after the pause."""
    sandbox.faults.add(Fault(kind="429", next=3, path="/v1/token"))
    before = clock.time
    await customer.source(fresh=False, clock=clock).token()
    assert clock.time - before > 3
    assert (customer.refreshes, len(customer.saved)) == (1, 2)


async def test_a_throttle_without_end(customer: Customer, sandbox: Sandbox) -> None:
    """It is given up with the deadline, twice the timeout, and nothing is spent."""
    sandbox.faults.add(Fault(kind="429", every=1, path="/v1/token"))
    with pytest.raises(TokenRefreshError, match="answered 429; try again later") as caught:
        await customer.source(fresh=False, timeout=0.2).token()
    assert "processed" not in str(caught.value)
    sandbox.faults.clear()
    assert await customer.source(fresh=False).token()


async def test_a_server_that_is_away(clock: Hurried, customer: Customer) -> None:
    """What never left is sent again, four times in all; nothing is spent."""
    source = customer.source(fresh=False, clock=clock, token_url="http://127.0.0.1:9/v1/token")
    before = clock.time
    with pytest.raises(TokenRefreshError, match="ClientConnectorError") as caught:
        await source.token()
    assert "processed" not in str(caught.value)
    assert clock.time > before
    assert await customer.source(fresh=False).token()


async def test_failures_of_an_application_carry_their_attempts(sandbox: Sandbox) -> None:
    """finish and revoke raise errors that tell what was tried."""
    app = app_of(sandbox)
    consent = app.begin(["accounting.record.read"])
    returned = sandbox.consent(consent.url)
    sandbox.faults.add(Fault(kind="drop-after", next=1))
    with pytest.raises(TokenRefreshError) as lost:
        await app.finish(consent, **returned)
    assert [attempt.outcome for attempt in lost.value.attempts] == [Outcome.AMBIGUOUS]
    assert lost.value.may_have_happened
    with pytest.raises(TokenRefreshError, match="invalid_grant") as spent:
        await app.finish(consent, **returned)
    assert [attempt.status for attempt in spent.value.attempts] == [400]
    assert not spent.value.may_have_happened
    for error in (lost.value, spent.value):
        assert (error.__cause__, error.__suppress_context__) == (None, True)


async def test_a_revocation_is_repeated(customer: Customer, sandbox: Sandbox) -> None:
    """Revoking twice is revoking once: lost answers are made up for."""
    sandbox.faults.add(Fault(kind="drop-after", next=2, path="/v1/revoke"))
    await app_of(sandbox).revoke(customer.saved[-1].refresh_token)
    with pytest.raises(TokenRefreshError, match="consent again"):
        await customer.source(fresh=False).token()


async def test_a_consent_without_a_refresh_token(sandbox: Sandbox) -> None:
    """A customer who does not allow offline access gives no pair."""
    app = app_of(sandbox)
    consent = app.begin(["accounting.record.read"])
    returned = sandbox.consent(consent.url.replace("+offline_access", ""))
    with pytest.raises(TokenRefreshError, match="offline access"):
        await app.finish(consent, **returned)
    async with answering(http_bytes(b'{"access_token":"a","refresh_token":""}')) as server:
        app = app_of(sandbox, base_url=server.url)
        with pytest.raises(TokenRefreshError, match="offline access"):
            await app.finish(consent, code="code", state=consent.state)


async def test_a_wrong_secret(customer: Customer, sandbox: Sandbox) -> None:
    """401 invalid_client: the advice is to check the client, not to ask for consent."""
    wrong = OAuthApp(CLIENT_ID, "wrong", redirect_uri=REDIRECT_URI, base_url=sandbox.oauth_url)
    with pytest.raises(TokenRefreshError, match="answered 401 invalid_client; check the client id"):
        await wrong.revoke(customer.saved[-1].refresh_token)


async def test_the_verifier_is_checked(sandbox: Sandbox) -> None:
    """A stolen code is worth nothing without it."""
    app = app_of(sandbox)
    consent, another = app.begin(["accounting.record.read"]), app.begin(["accounting.record.read"])
    returned = sandbox.consent(consent.url)
    with pytest.raises(ConfigurationError, match="state"):
        await app.finish(another, **returned)
    stolen = Consent(url="", state=returned["state"], verifier=another.verifier)
    with pytest.raises(TokenRefreshError, match="invalid_grant"):
        await app.finish(stolen, **returned)


GOOD = b'"access_token":"sandbox_access_1","refresh_token":"sandbox_refresh_1"'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"sandbox_access_1",
        b"[" * 100_000,
        b"\xff",
        b'{"access_token":"sandbox_access_1","scope":"\xff"}',
        b"{}",
        b'{"access_token":5}',
        b'{"access_token":""}',
        b'{"access_token":"sandbox_access_1\\r\\nX-Evil: 1"}',
        b'{"access_token":"sandbox_access_1 "}',
        b'{"access_token":"sandbox_access_1","refresh_token":["sandbox_refresh_1"]}',
    ],
)
async def test_answers_that_hold_no_tokens(customer: Customer, body: bytes) -> None:
    """Each is a TokenRefreshError that names the place and no value."""
    async with answering(http_bytes(body)) as server:
        with pytest.raises(TokenRefreshError, match=r"expected .* at \$") as caught:
            await customer.source(fresh=False, token_url=server.url).token()
        assert len(server.requests) == 1
    assert not SECRETS.search(str(caught.value))


@pytest.mark.parametrize(
    ("life", "seconds"),
    [
        (b"", 3600),
        (b',"expires_in":null', 3600),
        (b',"expires_in":600', 600),
        (b',"expires_in":600.5', 600.5),
        (b',"expires_in":"600"', 600),
        (b',"expires_in":0', 3600),
        (b',"expires_in":-5', 3600),
        (b',"expires_in":"soon"', 3600),
        (b',"expires_in":"nan"', 3600),
        (b',"expires_in":"inf"', 3600),
        (b',"expires_in":[]', 3600),
        (b',"expires_in":1e308', 1e9),
        (b',"expires_in":1e999', 3600),
        (b',"expires_in":' + b"9" * 400, 3600),
    ],
)
async def test_any_expiry_is_survived(clock: Hurried, customer: Customer, life: bytes, seconds: float) -> None:
    """Whatever it says, the tokens beside it are saved."""
    async with answering(http_bytes(b"{" + GOOD + life + b"}")) as server:
        await customer.source(fresh=False, token_url=server.url, clock=clock).token()
    pair = customer.saved[-1]
    assert (pair.access_token, pair.refresh_token) == ("sandbox_access_1", "sandbox_refresh_1")
    assert (pair.expires_at - clock.now()).total_seconds() == seconds


async def test_no_new_refresh_token_keeps_the_old_one(customer: Customer) -> None:
    """A server that does not rotate leaves it out, or sends it empty."""
    old = customer.saved[-1].refresh_token
    for field in (b"", b',"refresh_token":null', b',"refresh_token":""'):
        async with answering(http_bytes(b'{"access_token":"a"' + field + b"}")) as server:
            await customer.source(fresh=False, token_url=server.url).token()
        assert customer.saved[-1].refresh_token == old


@pytest.mark.parametrize("status", ["302 Found", "400 Bad Request", "418 Odd", "520 Odd"])
async def test_words_of_a_server_are_not_repeated(customer: Customer, status: str) -> None:
    """Errors hold the RFC's codes and nothing else that came; no redirect is followed."""
    body = b'{"error":"sandbox_access_1","error_description":"sandbox_refresh_1"}'
    async with answering(http_bytes(body, "Location: http://127.0.0.1:9/", status=status)) as server:
        with pytest.raises(TokenRefreshError, match=f"answered {status[:3]};") as caught:
            await customer.source(fresh=False, token_url=server.url).token()
        assert len(server.requests) == 1
    assert not SECRETS.search(repr(caught.value))


async def test_what_is_sent(customer: Customer) -> None:
    """A form with the client's id and secret, and no bearer token."""
    async with answering(http_bytes(b"{" + GOOD + b"}")) as server:
        await customer.source(fresh=False, token_url=f"{server.url}/x/y/").token()
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /x/y HTTP/1.1\r\n")
    assert b"\r\nContent-Type: application/x-www-form-urlencoded\r\n" in head
    assert b"authorization" not in head.lower()
    assert re.search(rb"\r\nUser-Agent: brex-accounting/[0-9.]+\r\n", head)
    assert b"client_id=sandbox_client&client_secret=sandbox_secret" in body


Work = Callable[[Customer], Coroutine[Any, Any, object]]


async def _refresh(customer: Customer) -> object:
    async with client_of(customer.sandbox, token=customer.source(fresh=False)) as brex:
        return await brex.records.list()


async def _renew(customer: Customer) -> object:
    customer.sandbox.brex.tokens.clear()
    async with client_of(customer.sandbox, token=customer.source()) as brex:
        return await brex.records.list()


async def _finish(customer: Customer) -> object:
    app = app_of(customer.sandbox)
    consent = app.begin(["accounting.record.read"])
    return await app.finish(consent, **customer.sandbox.consent(consent.url))


async def _revoke(customer: Customer) -> object:
    await app_of(customer.sandbox).revoke(customer.saved[-1].refresh_token)
    return None


@pytest.mark.parametrize("work", [_refresh, _renew, _finish, _revoke])
@pytest.mark.parametrize("kind", ["none", "drop", "drop-after", "cut", "500", "503", "html"])
async def test_no_secret_is_shown(
    customer: Customer, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, work: Work, kind: str
) -> None:
    """Not by logs at DEBUG, errors, tracebacks, nor by the local variables of the package's frames."""
    caplog.set_level(logging.DEBUG)
    if kind != "none":
        sandbox.faults.add(Fault(kind=kind, every=1, path=sandbox.oauth_url.partition(sandbox.url)[2]))
    printed = ""
    try:
        await work(customer)
    except TokenRefreshError as error:
        printed = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + locals_of(error)
    assert not SECRETS.search(printed)
    assert not SECRETS.search(caplog.text)
    assert TOKEN not in caplog.text
    assert CLIENT_SECRET not in caplog.text
    assert "attempt 1" in caplog.text
