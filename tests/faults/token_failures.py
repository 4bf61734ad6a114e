"""Ways in which getting a token fails. Each raises, and nothing that is printed of it may hold a secret.

The tests plant ``TOKEN`` wherever a secret can stand, also where it does not belong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any

from brex_accounting import BrexAccounting, FixedToken, OAuthTokens, TokenRefreshError
from brex_accounting.auth import token_source
from brex_accounting.oauth import Consent, OAuthApp, TokenPair
from brex_accounting.sandbox import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Fault, Sandbox

from ..client.support import client_of
from .canary import TOKEN

__all__ = ["TOKEN_FAILURES", "failure_of"]

Work = Callable[[Sandbox], Coroutine[Any, Any, object]]

SPOILT = f"{TOKEN}\n"
SOON = datetime(2030, 1, 1, tzinfo=UTC)


class Leaky(Exception):
    """What an HTTP client or a database driver raises: with what it was given in its text."""


class Failing:
    """A source of a user's own: a token that is refused, and a ``renew`` that does not get another."""

    def __init__(self, first: object = TOKEN) -> None:
        self._first = first

    async def token(self) -> Any:
        if isinstance(self._first, Exception):
            raise self._first
        return self._first

    async def renew(self, refused: str) -> bool:
        try:
            return {"another": True}[refused]
        except LookupError as error:
            raise Leaky(refused) from error


class FailingCall:
    """A callable object."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def __call__(self) -> str:
        raise self._failure from RuntimeError(TOKEN)


def _once(then: object) -> Callable[[], Coroutine[Any, Any, Any]]:
    """A token that is refused, and after it something else."""
    left: list[object] = [TOKEN, then]

    async def function() -> Any:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return function


async def _of_vault(secret: str) -> str:
    raise Leaky(secret)


async def _echo(token: str) -> str:
    return token


async def _wrapped() -> str:
    try:
        return await _of_vault(TOKEN)
    except Leaky:
        raise TokenRefreshError("the vault is closed")  # noqa: B904 - as people write it


async def save(_pair: TokenPair) -> None:
    """Nowhere."""


async def _failing_save(pair: TokenPair) -> None:
    raise Leaky(pair.refresh_token)


async def _endless_save(_pair: TokenPair) -> None:
    await asyncio.Event().wait()


def _tokens(**changes: Any) -> OAuthTokens:
    given = {"client_id": CLIENT_ID, "client_secret": TOKEN, "refresh_token": TOKEN, "save": save, **changes}
    return OAuthTokens(given.pop("client_id"), given.pop("client_secret"), given.pop("refresh_token"), **given)


def _of_sandbox(sandbox: Sandbox, **changes: Any) -> OAuthTokens:
    url = f"{sandbox.oauth_url}/v1/token"
    return _tokens(**{"client_secret": CLIENT_SECRET, "token_url": url, **changes})


def _app(**changes: Any) -> OAuthApp:
    given = {"client_id": CLIENT_ID, "client_secret": TOKEN, "redirect_uri": REDIRECT_URI, **changes}
    return OAuthApp(given.pop("client_id"), given.pop("client_secret"), **given)


def _app_of(sandbox: Sandbox) -> OAuthApp:
    return _app(client_secret=CLIENT_SECRET, base_url=sandbox.oauth_url)


async def _first_pair(sandbox: Sandbox) -> TokenPair:
    app = _app_of(sandbox)
    consent = app.begin(["accounting.record.read"])
    return await app.finish(consent, **sandbox.consent(consent.url))


def _made(make: Callable[[], object]) -> Work:
    """Arguments that are wrong."""

    async def work(_sandbox: Sandbox) -> object:
        return make()

    return work


def _listing(token: Callable[[], Any]) -> Work:
    """A call whose token is refused, if there is one."""

    async def work(sandbox: Sandbox) -> object:
        async with client_of(sandbox, token=token()) as brex:
            return await brex.records.list()

    return work


def _refreshing(*, fault: str = "", lost: bool = False, **changes: Any) -> Work:
    """A call that needs a refresh; the tokens are those of a consent, or ``lost``."""

    async def work(sandbox: Sandbox) -> object:
        pair = await _first_pair(sandbox)
        source = _of_sandbox(sandbox, **{"refresh_token": TOKEN if lost else pair.refresh_token, **changes})
        if fault:
            sandbox.faults.add(Fault(kind=fault, every=1, path="/v1/token"))
        async with client_of(sandbox, token=source) as brex:
            return await brex.records.list()

    return work


async def _renewing(sandbox: Sandbox) -> object:
    pair = await _first_pair(sandbox)
    source = _of_sandbox(sandbox, access_token=pair.access_token, expires_at=pair.expires_at)
    return await source.renew(pair.access_token)


async def _used_in_save(sandbox: Sandbox) -> object:
    async def using(pair: TokenPair) -> None:
        await asyncio.gather(source.renew(pair.access_token))

    pair = await _first_pair(sandbox)
    source = _of_sandbox(sandbox, refresh_token=pair.refresh_token, save=using)
    return await source.token()


def _finishing(*, fault: str = "", **changes: Any) -> Work:
    async def work(sandbox: Sandbox) -> object:
        app = _app_of(sandbox)
        consent = app.begin(["accounting.record.read"])
        given: dict[str, Any] = {"consent": consent, **sandbox.consent(consent.url), **changes}
        if fault:
            sandbox.faults.add(Fault(kind=fault, every=1, path="/v1/token"))
        return await app.finish(given.pop("consent"), **given)

    return work


def _revoking(token: Any, **changes: Any) -> Work:
    async def work(sandbox: Sandbox) -> object:
        await _app(base_url=sandbox.oauth_url, **changes).revoke(token)
        return None

    return work


def _with_company(company_id: str, token: Any) -> object:
    return BrexAccounting("t").for_company(company_id, token=token)


async def _timed_out_by_the_caller(sandbox: Sandbox) -> object:
    sandbox.brex.tokens[TOKEN] = sandbox.brex.tokens[sandbox.token]
    sandbox.faults.add(Fault(kind="slow", every=1))
    async with client_of(sandbox, token=TOKEN) as brex, asyncio.timeout(0.1):
        return await brex.integrations.create(vendor="ACME", vendor_account_id=TOKEN)


async def _past_the_deadline(sandbox: Sandbox) -> object:
    sandbox.brex.tokens[TOKEN] = sandbox.brex.tokens[sandbox.token]
    sandbox.faults.add(Fault(kind="slow", every=1))
    async with client_of(sandbox, token=TOKEN, deadline=0.1) as brex:
        return await brex.records.list()


FORGED = Consent(url=TOKEN, state=TOKEN, verifier=TOKEN)

TOKEN_FAILURES: dict[str, Work] = {
    # arguments
    "client, token with a newline": _made(lambda: BrexAccounting(SPOILT)),
    "client, token as bytes": _made(lambda: BrexAccounting(TOKEN.encode())),  # type: ignore[arg-type]
    "client, token and a wrong timeout": _made(lambda: BrexAccounting(TOKEN, timeout=0)),
    "client, token and ssl=False": _made(lambda: BrexAccounting(TOKEN, ssl=False)),
    "client, a password in its URL": _made(lambda: BrexAccounting(TOKEN, base_url=f"https://a:{TOKEN}@id.example")),
    "client, a URL that is none": _made(lambda: BrexAccounting(TOKEN, base_url=f"https://[{TOKEN}")),
    "view, token with a newline": _made(partial(_with_company, "c", SPOILT)),
    "view, blank company": _made(partial(_with_company, " ", TOKEN)),
    "fixed token with a newline": _made(lambda: FixedToken(SPOILT)),
    "a source that is none": _made(lambda: token_source({"token": TOKEN})),  # type: ignore[arg-type]
    "tokens, secret with a newline": _made(lambda: _tokens(client_secret=SPOILT)),
    "tokens, refresh token with a newline": _made(lambda: _tokens(refresh_token=SPOILT)),
    "tokens, access token with a newline": _made(lambda: _tokens(access_token=SPOILT, expires_at=SOON)),
    "tokens, access token alone": _made(lambda: _tokens(access_token=TOKEN)),
    "tokens, naive expiry": _made(lambda: _tokens(access_token=TOKEN, expires_at=SOON.replace(tzinfo=None))),
    "tokens, no function to save": _made(lambda: _tokens(save=TOKEN)),
    "tokens, no observers": _made(lambda: _tokens(observers=5)),
    "tokens, no clock": _made(lambda: _tokens(clock=TOKEN, access_token=TOKEN, expires_at=SOON)),
    "tokens, a wrong timeout": _made(lambda: _tokens(save_timeout=0)),
    "tokens, a password in the URL": _made(lambda: _tokens(token_url=f"https://a:{TOKEN}@id.example")),
    "app, secret with a newline": _made(lambda: _app(client_secret=SPOILT)),
    "app, a wrong redirect": _made(lambda: _app(redirect_uri="https://a.example/ b")),
    "app, a wrong timeout": _made(lambda: _app(timeout=-1)),
    # a callable, and sources of a user's own
    "callable that raises": _listing(lambda: FailingCall(Leaky(TOKEN))),
    "callable that raises an error of ours": _listing(lambda: _wrapped),
    "callable with a secret among its arguments": _listing(lambda: partial(_of_vault, TOKEN)),
    "callable that returns nonsense": _listing(lambda: partial(_echo, SPOILT)),
    "callable that is not async": _listing(lambda: lambda: TOKEN),
    "callable that renews to nonsense": _listing(lambda: _once(SPOILT)),
    "callable that fails to renew": _listing(lambda: _once(Leaky(TOKEN))),
    "callable that renews to the same": _listing(lambda: _once(TOKEN)),
    "source that raises": _listing(lambda: Failing(Leaky(TOKEN))),
    "source that returns nonsense": _listing(lambda: Failing(SPOILT)),
    "source that fails to renew": _listing(Failing),
    "fixed token that is refused": _listing(lambda: TOKEN),
    # refreshes
    "refresh refused": _refreshing(lost=True),
    "refresh with a wrong secret": _refreshing(client_secret=TOKEN),
    "refresh without an answer": _refreshing(fault="drop-after"),
    "refresh with half an answer": _refreshing(fault="cut"),
    "refresh that fails": _refreshing(fault="500"),
    "refresh answered with a page": _refreshing(fault="html"),
    "refresh that takes too long": _refreshing(fault="slow", timeout=0.05),
    "refresh throttled for ever": _refreshing(fault="429", timeout=0.05),
    "refresh whose save fails": _refreshing(save=_failing_save),
    "refresh whose save does not end": _refreshing(save=_endless_save, save_timeout=0.05),
    "refresh whose save waits for itself": _used_in_save,
    "renewal refused": _renewing,
    # consents
    "finish with a code that is none": _finishing(code=TOKEN),
    "finish with a code with a newline": _finishing(code=SPOILT),
    "finish with a forged state": _finishing(state=TOKEN),
    "finish with a forged consent": _finishing(consent=FORGED),
    "finish with a stolen consent": _finishing(consent=FORGED, state=TOKEN, code=TOKEN),
    "finish with no consent": _finishing(consent={"state": TOKEN, "verifier": TOKEN}),
    "finish without an answer": _finishing(fault="drop-after"),
    "finish that fails": _finishing(fault="500"),
    "revoke with a wrong secret": _revoking(TOKEN),
    "revoke of what is no token": _revoking(SPOILT),
    # and what holds the token while it is cut off
    "a caller's own timeout": _timed_out_by_the_caller,
    "the deadline": _past_the_deadline,
}


async def failure_of(name: str) -> BaseException:
    """What the work raised."""
    async with Sandbox(records=1) as sandbox:
        try:
            await TOKEN_FAILURES[name](sandbox)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
            return error
    raise AssertionError("nothing was raised")
