"""OAuth for partners: a customer's consent, and access tokens that renew themselves.

Source: Brex, partner authentication guide: authorization code with ``openid`` and ``offline_access``,
client id and secret in the form body, access tokens of 3,600 s, refresh tokens that rotate. The base
address "may change without notice", so it is an argument everywhere.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlencode

import attrs

from ._version import __version__
from .auth import OwnSource, checked, origin
from .errors import BrexError, ConfigurationError, TokenRefreshError
from .session.clock import Clock, SystemClock
from .session.discreet import Hidden, discreet
from .session.events import Observer, RefreshEvent, checked_observers
from .session.flight import SingleFlight
from .session.grants import (
    Endpoint,
    Failure,
    Form,
    TokenPair,
    ask,
    checked_client,
    checked_seconds,
    is_visible,
    pair_of,
    revoke,
)
from .session.log import tell
from .urls import checked_url

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["BASE_URL", "Consent", "OAuthApp", "OAuthTokens", "Save", "TokenPair"]

BASE_URL: Final = "https://accounts-api.brex.com/oauth2/default"
AHEAD: Final = 120.0
"""Seconds before expiry from which one task refreshes while the others use the old token."""
LAST_CALL: Final = 30.0
"""Seconds before expiry from which everybody waits for the new one."""
REST: Final = 5.0
"""Seconds after a failed refresh in which no other is tried."""
LONGEST_REST: Final = 300.0
"""The same when the server says for how long, and says more than this."""

_ALWAYS = ("openid", "offline_access")
_log = logging.getLogger("brex_accounting")


Save: TypeAlias = Callable[[TokenPair], Awaitable[object]]
"""Stores a pair for good. Until it returns, neither it nor a task it starts can use the tokens, which wait for it."""


@attrs.frozen(kw_only=True)
class Consent:
    """A consent under way: send the customer to ``url``, and keep ``state`` and ``verifier`` until they return."""

    url: str = attrs.field(repr=False)
    state: str = attrs.field(repr=False)
    verifier: str = attrs.field(repr=False)


class OAuthTokens(OwnSource):
    """One company's access tokens, refreshed before they expire and when one is refused.

    Refresh tokens rotate: each refresh spends the old one. So ``save`` is awaited with every new pair
    *before* its access token is first used; if it fails, or takes longer than ``save_timeout`` seconds and
    is cancelled, the pair is kept and saved on the next attempt. It may use the tokens of other companies;
    using those that it saves, also from a task that it starts, is a ``TokenRefreshError``.
    A process that is killed between Brex's answer and the end of ``save`` has lost the pair, and the
    customer must consent again. Make one of these per company and share it: two would spend each other's tokens.

    One refresh runs at a time, in a task that no caller's cancellation stops. When it fails, everybody
    who waits gets a ``TokenRefreshError``, and none is tried for the next 5 s, or for as long as the
    server's Retry-After says, 300 s at most.

    When the answer to a refresh is lost, its refresh token may be spent, and a server may take its second
    use for theft and end the consent. So while the old access token has more than 30 s left, it is used and
    nothing is sent. After that, or once it is refused, whoever needs a token sends the same refresh token again.

    A client waits for the refresh under way when it closes; without a client, await ``aclose``. That takes at
    most two attempts and three saves. ``access_token`` and ``expires_at`` (aware) spare the first refresh.
    ``timeout``: seconds for one attempt. ``observers`` are told a ``RefreshEvent`` after each refresh.

    Raises ``ConfigurationError`` for wrong arguments.
    """

    @discreet
    def __init__(
        self,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        *,
        save: Save,
        token_url: str = f"{BASE_URL}/v1/token",
        access_token: str | None = None,
        expires_at: datetime | None = None,
        timeout: float = 30.0,
        save_timeout: float = 30.0,
        ssl: SSLContext | None = None,
        trust_env: bool = False,
        clock: Clock | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        if (access_token is None) != (expires_at is None):
            raise ConfigurationError("give access_token and expires_at together, or neither")
        if expires_at is not None and (not isinstance(expires_at, datetime) or expires_at.utcoffset() is None):
            raise ConfigurationError("expires_at is an aware datetime")
        if not callable(save):
            raise ConfigurationError("save is an async function that stores a pair")
        self._client = checked_client(client_id, client_secret)
        self._refresh_token = checked(refresh_token)
        self._save = save
        self._save_timeout = checked_seconds("save_timeout", save_timeout)
        self._endpoint = _endpoint(checked_url(token_url, "token_url"), timeout, ssl, trust_env)
        self._clock = clock or SystemClock()
        self._observers = checked_observers(observers)
        self._access_token = checked(access_token) if access_token is not None else ""
        self._expires = self._monotonic(expires_at) if expires_at is not None else float("-inf")
        self._ahead, self._last_call = AHEAD, LAST_CALL
        self._unsaved: TokenPair | None = None
        self._in_doubt = False
        self._flight: SingleFlight[Failure | None] = SingleFlight()
        self._failed_at = self._rest_until = float("-inf")
        self._failure = Failure("")

    async def token(self) -> str:
        """An access token that is not about to expire. Raises ``TokenRefreshError``."""
        self._refuse_inside()
        if self._left <= self._last_call:
            await self._refreshed()
        elif self._left <= self._ahead and not self._resting and not self._in_doubt:
            self._start(self._refresh)
        return self._access_token

    async def renew(self, refused: str) -> bool:
        """Replace a refused access token; one that was replaced already costs nothing. Raises ``TokenRefreshError``."""
        is_current = self._access_token == refused
        del refused  # error reporters print local variables
        self._refuse_inside()
        if is_current:
            self._expires = float("-inf")
            await self._refreshed()
        return True

    async def aclose(self) -> None:
        """Wait for a refresh under way, and save what is not saved yet. The source may be used again."""
        self._refuse_inside()
        flight = self._flight.task
        ended = flight is None or await self._ended(flight)
        if ended and self._unsaved is not None:
            await self._ended(self._start(self._catch_up))
        if self._unsaved is not None:
            _log.error("a refreshed pair of tokens could not be saved; once this process ends it is lost")

    async def _ended(self, flight: asyncio.Task[Failure | None]) -> bool:
        # A deadline is two attempts long; a save comes before the exchange, after it, and here a moment later.
        longest = 2 * self._endpoint.timeout + 3 * self._save_timeout
        done, _ = await asyncio.wait({flight}, timeout=longest)
        if not done:
            _log.error("save goes on although it was cancelled; nobody waits for it any longer")
        return bool(done)

    @property
    def _left(self) -> float:
        return self._expires - self._clock.monotonic()

    @property
    def _resting(self) -> bool:
        return self._clock.monotonic() < self._rest_until

    def _refuse_inside(self) -> None:
        if self._flight.is_inside:
            raise TokenRefreshError("save uses the tokens that it has to save first, and would wait for itself")

    async def _refreshed(self) -> None:
        if self._flight.task is None and self._resting:
            raise self._failure.error(self._clock.monotonic() - self._failed_at)
        flight = self._start(self._refresh)
        # Unlike awaiting it, this leaves the task alone when the caller is cancelled.
        await asyncio.wait({flight})
        if flight.cancelled():
            raise TokenRefreshError("the refresh was cancelled from outside; its refresh token may be spent")
        failure = flight.result()
        if failure is not None:
            raise failure.error()

    def _start(self, steps: Callable[[], Coroutine[None, None, None]]) -> asyncio.Task[Failure | None]:
        return self._flight.begin(partial(self._fly, steps))

    async def _fly(self, steps: Callable[[], Coroutine[None, None, None]]) -> Failure | None:
        """What went wrong, as a value: no waiter's error is left unretrieved."""
        started = self._clock.monotonic()
        try:
            await steps()
        except Exception as error:  # noqa: BLE001 - nothing else may reach the waiters
            hint = error.retry_after if isinstance(error, TokenRefreshError) else None
            self._failure = Failure(_reason(error), hint)
        else:
            self._tell(started, None)
            return None
        self._failed_at = self._clock.monotonic()
        self._rest_until = self._failed_at + max(REST, min(self._failure.retry_after or 0.0, LONGEST_REST))
        self._tell(started, TokenRefreshError.__name__)
        return self._failure

    async def _refresh(self) -> None:
        await self._catch_up()
        # Not when the pair that was saved late still lives: its refresh token is good for another time.
        if self._left <= self._ahead:
            self._unsaved = await self._exchange()
            await self._catch_up()

    async def _exchange(self) -> TokenPair:
        asked_at = self._clock.now()
        form = Form({"grant_type": "refresh_token", "refresh_token": self._refresh_token, **self._client.fields})
        doubted, self._in_doubt = self._in_doubt, True  # also when this is cut off
        try:
            granted = await ask(self._endpoint, form, self._clock, _log)
        except BrexError as error:
            self._in_doubt = doubted or error.may_have_happened
            raise
        pair = pair_of(granted, granted.refresh_token or self._refresh_token, asked_at)
        self._refresh_token, self._in_doubt = pair.refresh_token, False
        return pair

    async def _catch_up(self) -> None:
        """Save the pair that is not saved yet; only then it is used."""
        pair = self._unsaved
        if pair is None:
            return
        scope = asyncio.timeout(self._save_timeout)
        try:
            async with scope:
                await self._save(pair)
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            late = f"save did not return within {self._save_timeout:g} s"
            text = f"the refreshed tokens could not be saved: {late if scope.expired() else _reason(error)}"
            raise TokenRefreshError(f"{text}; they are kept in memory, unused, and saved on the next attempt") from None
        self._unsaved = None
        self._access_token = pair.access_token
        self._expires = self._monotonic(pair.expires_at)
        # A token that lives shorter than the windows must not be refreshed as soon as it comes.
        self._ahead, self._last_call = min(AHEAD, self._left / 2), min(LAST_CALL, self._left / 4)

    def _monotonic(self, moment: datetime) -> float:
        return self._clock.monotonic() + (moment - self._clock.now()).total_seconds()

    def _tell(self, started: float, failure: str | None) -> None:
        event = RefreshEvent(elapsed=self._clock.monotonic() - started, failure=failure)
        tell(event, self._observers, _log)

    def __repr__(self) -> str:
        return "OAuthTokens(...)"


class OAuthApp:
    """A partner's application, as registered with Brex: asks customers for consent and gets the first tokens.

    ``redirect_uri`` is matched by Brex character for character. ``timeout``: seconds for one attempt.

    Raises ``ConfigurationError`` for wrong arguments.
    """

    @discreet
    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        redirect_uri: str,
        base_url: str = BASE_URL,
        timeout: float = 30.0,
        ssl: SSLContext | None = None,
        trust_env: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._client = checked_client(client_id, client_secret)
        if not is_visible(redirect_uri):
            raise ConfigurationError("redirect_uri is the URI registered with Brex, without blanks")
        self._redirect_uri = redirect_uri
        self._base_url = checked_url(base_url)
        self._token = _endpoint(f"{self._base_url}/v1/token", timeout, ssl, trust_env)
        self._revocation = _endpoint(f"{self._base_url}/v1/revoke", timeout, ssl, trust_env)
        self._clock = clock or SystemClock()

    def begin(self, scopes: Iterable[str]) -> Consent:
        """Where to send the customer, for ``scopes`` such as ``accounting.record.read``.

        ``openid`` and ``offline_access`` are added. The customer may grant fewer.
        """
        wanted = [scopes] if isinstance(scopes, str) else list(scopes)
        if not all(map(is_visible, wanted)):
            raise ConfigurationError("scopes are strings without blanks, such as accounting.record.read")
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._client.fields["client_id"],
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(dict.fromkeys((*_ALWAYS, *wanted))),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return Consent(url=f"{self._base_url}/v1/authorize?{urlencode(query)}", state=state, verifier=verifier)

    async def finish(self, consent: Consent, *, code: str, state: str) -> TokenPair:
        """The first tokens, for the ``code`` and ``state`` that came with the redirect. A code works once.

        Raises ``ConfigurationError`` when the state is not the consent's (the redirect is forged), and
        ``TokenRefreshError`` when the code is refused or no refresh token was granted.
        """
        returned = Hidden((consent, code, state))
        del consent, code, state  # error reporters print local variables
        asked_at = self._clock.now()
        granted = await ask(self._token, self._redeeming(*returned.value), self._clock, _log)
        if granted.refresh_token is None:
            raise TokenRefreshError("no refresh token was granted; the customer must allow offline access")
        return pair_of(granted, granted.refresh_token, asked_at)

    @discreet
    def tokens(self, pair: TokenPair, *, save: Save, observers: Sequence[Observer] = ()) -> OAuthTokens:
        """A company's tokens, from the ``pair`` of its consent or the last that was saved, with this app's options."""
        return OAuthTokens(
            self._client.fields["client_id"],
            self._client.fields["client_secret"],
            pair.refresh_token,
            save=save,
            token_url=self._token.url,
            access_token=pair.access_token,
            expires_at=pair.expires_at,
            timeout=self._token.timeout,
            ssl=self._token.ssl,
            trust_env=self._token.trust_env,
            clock=self._clock,
            observers=observers,
        )

    @discreet
    def _redeeming(self, consent: Consent, code: str, state: str) -> Form:
        if not isinstance(consent, Consent) or not is_visible(consent.state) or not is_visible(consent.verifier):
            raise ConfigurationError("consent is what begin returned; to keep one, keep its state and verifier")
        if not is_visible(code) or not is_visible(state):
            raise ConfigurationError("code and state are what the redirect carries; a refused consent has no code")
        if not hmac.compare_digest(consent.state, state):
            raise ConfigurationError("the state of the redirect is not the one sent; do not use this code")
        what = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri}
        return Form({**what, "code_verifier": consent.verifier, **self._client.fields})

    async def revoke(self, token: str) -> None:
        """Make a refresh or access token useless. One that is unknown or dead already is no error.

        Raises ``TokenRefreshError`` when the server refuses or cannot be reached.
        """
        given = Hidden(token)
        del token  # error reporters print local variables
        form = Form({"token": checked(given.value), **self._client.fields})
        await revoke(self._revocation, form, self._clock, _log)

    def __repr__(self) -> str:
        return f"OAuthApp(redirect_uri={self._redirect_uri!r})"


def _endpoint(url: str, timeout: float, ssl: SSLContext | None, trust_env: bool) -> Endpoint:
    if isinstance(ssl, bool):
        raise ConfigurationError("ssl is an SSLContext with your CA, or None")
    seconds = checked_seconds("timeout", timeout)
    return Endpoint(url=url, timeout=seconds, user_agent=f"brex-accounting/{__version__}", ssl=ssl, trust_env=trust_env)


def _reason(error: Exception) -> str:
    # Not the text of strangers: exceptions of databases print what they were given.
    return str(error) if isinstance(error, BrexError) else f"{type(error).__name__}{origin(error)}"
