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
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias
from urllib.parse import urlencode

import attrs

from ._version import __version__
from .auth import OwnSource, checked, origin
from .errors import BrexError, ConfigurationError, TokenRefreshError
from .session.clock import Clock, SystemClock
from .session.events import Observer, RefreshEvent
from .session.grants import Endpoint, Form, Granted, ask, revoke
from .session.log import log_event
from .urls import checked_url

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["BASE_URL", "Consent", "OAuthApp", "OAuthTokens", "Save", "TokenPair"]

BASE_URL: Final = "https://accounts-api.brex.com/oauth2/default"
LIFETIME: Final = 3600.0
"""Seconds an access token lives when the answer does not say."""
LONGEST: Final = 1e9
"""Seconds that are believed of an answer: a date has an end."""
AHEAD: Final = 120.0
"""Seconds before expiry from which one task refreshes while the others use the old token."""
LAST_CALL: Final = 30.0
"""Seconds before expiry from which everybody waits for the new one."""
REST: Final = 5.0
"""Seconds after a failed refresh in which no other is tried."""

_ALWAYS = ("openid", "offline_access")
_log = logging.getLogger("brex_accounting")


@attrs.frozen(kw_only=True)
class TokenPair:
    """An access token and the refresh token that gets the next one: store both, and neither is in the repr."""

    access_token: str = attrs.field(repr=False)
    refresh_token: str = attrs.field(repr=False)
    expires_at: datetime


Save: TypeAlias = Callable[[TokenPair], Awaitable[object]]
"""Stores a pair for good. It cannot call Brex with the tokens it saves: they wait for it."""


@attrs.frozen(kw_only=True)
class Consent:
    """A consent under way: send the customer to ``url``, and keep ``state`` and ``verifier`` until they return."""

    url: str = attrs.field(repr=False)
    state: str = attrs.field(repr=False)
    verifier: str = attrs.field(repr=False)


class OAuthTokens(OwnSource):
    """One company's access tokens, refreshed before they expire and when one is refused.

    Refresh tokens rotate: each refresh spends the old one. So ``save`` is awaited with every new pair
    *before* its access token is first used; if it fails, the pair is kept and saved on the next attempt.
    A process that is killed between Brex's answer and the end of ``save`` has lost the pair, and the
    customer must consent again. Make one of these per company and share it: two would spend each other's tokens.

    One refresh runs at a time, in a task that no caller's cancellation stops. When it fails, everybody
    who waits gets a ``TokenRefreshError``, and none is tried for the next 5 s. A refresh without an
    answer is not repeated. A client waits for it when it closes; without a client, await ``aclose``.

    ``access_token`` and ``expires_at`` (aware) spare the first refresh. ``timeout``: seconds for one
    attempt. ``observers`` are told a ``RefreshEvent`` after each refresh.

    Raises ``ConfigurationError`` for wrong arguments.
    """

    # The loop itself holds tasks weakly, and the last user of a source may be gone while it refreshes.
    _flights: ClassVar[set[asyncio.Task[str | None]]] = set()

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
        ssl: SSLContext | None = None,
        trust_env: bool = False,
        clock: Clock | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        if (access_token is None) != (expires_at is None):
            raise ConfigurationError("give access_token and expires_at together, or neither")
        if expires_at is not None and (not isinstance(expires_at, datetime) or expires_at.utcoffset() is None):
            raise ConfigurationError("expires_at is an aware datetime")
        if not callable(save) or not all(callable(observer) for observer in observers):
            raise ConfigurationError("save is an async function that stores a pair, observers are functions")
        self._client = _client(client_id, client_secret)
        self._refresh_token = checked(refresh_token)
        self._save = save
        self._endpoint = _endpoint(checked_url(token_url, "token_url"), timeout, ssl, trust_env)
        self._clock = clock or SystemClock()
        self._observers = tuple(observers)
        self._access_token = checked(access_token) if access_token is not None else ""
        self._expires = self._monotonic(expires_at) if expires_at is not None else float("-inf")
        self._ahead, self._last_call = AHEAD, LAST_CALL
        self._unsaved: TokenPair | None = None
        self._flight: asyncio.Task[str | None] | None = None
        self._rest_until = float("-inf")
        self._failure = ""

    async def token(self) -> str:
        """An access token that is not about to expire. Raises ``TokenRefreshError``."""
        if self._left <= self._last_call:
            await self._refreshed()
        elif self._left <= self._ahead and not self._resting:
            self._start(self._refresh)
        return self._access_token

    async def renew(self, refused: str) -> bool:
        """Replace a refused access token; one that was replaced already costs nothing. Raises ``TokenRefreshError``."""
        if self._access_token == refused:
            del refused  # error reporters print local variables
            self._expires = float("-inf")
            await self._refreshed()
        return True

    async def aclose(self) -> None:
        """Wait for a refresh under way, and save what is not saved yet. The source may be used again."""
        if self._under_way is not None:
            await asyncio.wait({self._under_way})
        if self._unsaved is not None:
            await asyncio.wait({self._start(self._catch_up)})
        if self._unsaved is not None:
            _log.error("a refreshed pair of tokens could not be saved; once this process ends it is lost")

    @property
    def _left(self) -> float:
        return self._expires - self._clock.monotonic()

    @property
    def _resting(self) -> bool:
        return self._clock.monotonic() < self._rest_until

    @property
    def _under_way(self) -> asyncio.Task[str | None] | None:
        flight = self._flight
        # What another event loop has left behind will never end.
        here = flight is not None and not flight.done() and flight.get_loop() is asyncio.get_running_loop()
        return flight if here else None

    async def _refreshed(self) -> None:
        if self._under_way is None and self._resting:
            raise TokenRefreshError(self._failure)
        if self._under_way is asyncio.current_task():
            raise TokenRefreshError("save uses the tokens that it has to save first, and would wait for itself")
        flight = self._start(self._refresh)
        # Unlike awaiting it, this leaves the task alone when the caller is cancelled.
        await asyncio.wait({flight})
        if flight.cancelled():
            raise TokenRefreshError("the refresh was cancelled from outside; its refresh token may be spent")
        failure = flight.result()
        if failure is not None:
            raise TokenRefreshError(failure)

    def _start(self, steps: Callable[[], Coroutine[None, None, None]]) -> asyncio.Task[str | None]:
        flight = self._under_way
        if flight is None:
            flight = asyncio.get_running_loop().create_task(self._fly(steps))
            self._flight = flight
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)
        return flight

    async def _fly(self, steps: Callable[[], Coroutine[None, None, None]]) -> str | None:
        """What went wrong, as text: every waiter raises an error of its own, and none is left unretrieved."""
        started = self._clock.monotonic()
        try:
            await steps()
        except Exception as error:  # noqa: BLE001 - nothing else may reach the waiters
            self._failure = _reason(error)
        else:
            self._tell(started, None)
            return None
        self._rest_until = self._clock.monotonic() + REST
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
        granted = await ask(self._endpoint, form, self._clock, _log)
        pair = _pair(granted, granted.refresh_token or self._refresh_token, asked_at)
        self._refresh_token = pair.refresh_token
        return pair

    async def _catch_up(self) -> None:
        """Save the pair that is not saved yet; only then it is used."""
        pair = self._unsaved
        if pair is None:
            return
        try:
            await self._save(pair)
        except Exception as error:  # noqa: BLE001 - the user's code: anything may come
            text = f"the refreshed tokens could not be saved: {_reason(error)}"
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
        log_event(_log, event)
        for observer in self._observers:
            try:
                observer(event)
            except Exception as error:  # noqa: BLE001 - the user's code: anything may come
                _log.warning("an observer raised %s on RefreshEvent", type(error).__name__)

    def __repr__(self) -> str:
        return "OAuthTokens(...)"


class OAuthApp:
    """A partner's application, as registered with Brex: asks customers for consent and gets the first tokens.

    ``redirect_uri`` is matched by Brex character for character. ``timeout``: seconds for one attempt.

    Raises ``ConfigurationError`` for wrong arguments.
    """

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
        self._client = _client(client_id, client_secret)
        if not isinstance(redirect_uri, str) or not redirect_uri or not _is_visible(redirect_uri):
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
        if not all(isinstance(scope, str) and scope and _is_visible(scope) for scope in wanted):
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
        if not all(isinstance(text, str) and text and _is_visible(text) for text in (code, state)):
            raise ConfigurationError("code and state are what the redirect carries; a refused consent has no code")
        if not hmac.compare_digest(consent.state.encode(), state.encode()):
            raise ConfigurationError("the state of the redirect is not the one sent; do not use this code")
        asked_at = self._clock.now()
        what = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri}
        form = Form({**what, "code_verifier": consent.verifier, **self._client.fields})
        del code, what  # error reporters print local variables
        granted = await ask(self._token, form, self._clock, _log)
        if granted.refresh_token is None:
            raise TokenRefreshError("no refresh token was granted; the customer must allow offline access")
        return _pair(granted, granted.refresh_token, asked_at)

    async def revoke(self, token: str) -> None:
        """Make a refresh or access token useless. One that is unknown or dead already is no error.

        Raises ``TokenRefreshError`` when the server refuses or cannot be reached.
        """
        form = Form({"token": checked(token), **self._client.fields})
        del token  # error reporters print local variables
        await revoke(self._revocation, form, self._clock, _log)

    def __repr__(self) -> str:
        return f"OAuthApp(redirect_uri={self._redirect_uri!r})"


def _client(client_id: str, client_secret: str) -> Form:
    for name, text in (("client_id", client_id), ("client_secret", client_secret)):
        if not isinstance(text, str) or not text or not _is_visible(text):
            raise ConfigurationError(f"{name} is a string without blanks or control characters")
    return Form({"client_id": client_id, "client_secret": client_secret})


def _endpoint(url: str, timeout: float, ssl: SSLContext | None, trust_env: bool) -> Endpoint:
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < float("inf"):
        raise ConfigurationError("timeout must be a number of seconds above 0")
    if isinstance(ssl, bool):
        raise ConfigurationError("ssl is an SSLContext with your CA, or None")
    return Endpoint(url=url, timeout=timeout, user_agent=f"brex-accounting/{__version__}", ssl=ssl, trust_env=trust_env)


def _reason(error: Exception) -> str:
    # Not the text of strangers: exceptions of databases print what they were given.
    return str(error) if isinstance(error, BrexError) else f"{type(error).__name__}{origin(error)}"


def _is_visible(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


def _pair(granted: Granted, refresh_token: str, asked_at: datetime) -> TokenPair:
    seconds = min(granted.expires_in or LIFETIME, LONGEST)
    return TokenPair(
        access_token=granted.access_token,
        refresh_token=refresh_token,
        # Counted from before the request: better a little early than too late.
        expires_at=asked_at + timedelta(seconds=seconds),
    )
