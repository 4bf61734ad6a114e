"""Monite's access tokens: asked for with the partner's credentials, kept until they expire.

Source: Monite's OpenAPI document (``/auth/token`` takes JSON and gives no refresh token: the same credentials
are exchanged again); authentication guide.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from .._version import __version__
from ..arguments import checked_id
from ..auth import OwnSource, origin
from ..errors import BrexError, ConfigurationError, TokenRefreshError
from ..session.call import Call, Refusal, Repeat, Reply
from ..session.clock import Clock, SystemClock
from ..session.discreet import discreet
from ..session.events import Observer, RefreshEvent, checked_observers
from ..session.flight import SingleFlight
from ..session.grants import Endpoint, Failure, Form, checked_client, checked_seconds, exchange, granted
from ..session.log import tell
from ..urls import checked_url
from .dialect import MONITE, SANDBOX_URL, VERSION, Dialect

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["MoniteTokens", "checked_version"]

T = TypeVar("T")

AHEAD: Final = 120.0
"""Seconds before expiry from which one task asks for another token while the others use the old one."""
LAST_CALL: Final = 30.0
"""Seconds before expiry from which everybody waits for the new one."""
LIFETIME: Final = 1800.0
"""Seconds that a token lives when the answer does not say; the shorter of the two that are documented."""
REST: Final = 5.0
"""Seconds after a failed exchange in which no other is tried."""
LONGEST_REST: Final = 300.0
"""The same when the server says for how long, and says more than this."""

_GRANT: Final = Repeat(
    after_ambiguous=True,
    because="Credentials are not spent: each exchange gives another token, and the one before it lives on.",
)
_REVOKE: Final = Repeat(after_ambiguous=True, because="A token that was revoked stays revoked.")
_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_log = logging.getLogger("brex_accounting")


class MoniteTokens(OwnSource):
    """Access tokens of a partner, or of an entity user when ``entity_user_id`` is given.

    One exchange runs at a time, in a task that no caller's cancellation stops; everybody who needs a token
    waits for it. It begins 120 s before the token expires, or when the server refuses it. When it fails,
    those who wait get a ``TokenRefreshError``, and none is tried for the next 5 s, or for as long as
    Retry-After says, 300 s at most.

    Make one per pair of credentials and share it. ``base_url``, ``version`` and ``dialect`` say where and how
    to ask. ``timeout``: seconds for one attempt. ``observers`` are told a ``RefreshEvent`` after each exchange.

    Raises ``ConfigurationError`` for wrong arguments.
    """

    @discreet
    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        entity_user_id: str | None = None,
        base_url: str = SANDBOX_URL,
        version: str = VERSION,
        dialect: Dialect = MONITE,
        timeout: float = 30.0,
        ssl: SSLContext | None = None,
        trust_env: bool = False,
        clock: Clock | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        if isinstance(ssl, bool):
            raise ConfigurationError("ssl is an SSLContext with your CA, or None")
        self._client = checked_client(client_id, client_secret)
        grant = {"grant_type": "client_credentials"}
        if entity_user_id is not None:
            grant = {"grant_type": "entity_user", "entity_user_id": checked_id("entity_user_id", entity_user_id)}
        self._grant = Form(grant)
        self._dialect, self._version = dialect, checked_version(version)
        self._base_url = checked_url(base_url)
        self._endpoint = Endpoint(
            url=self._base_url,
            timeout=checked_seconds("timeout", timeout),
            user_agent=f"brex-accounting/{__version__}",
            ssl=ssl,
            trust_env=trust_env,
        )
        self._clock = clock or SystemClock()
        self._observers = checked_observers(observers)
        self._access_token = ""
        self._expires = self._rest_until = self._failed_at = float("-inf")
        self._ahead, self._last_call = AHEAD, LAST_CALL
        self._failure = Failure("")
        self._flight: SingleFlight[Failure | None] = SingleFlight()

    async def token(self) -> str:
        """An access token that is not about to expire. Raises ``TokenRefreshError``."""
        if self._left <= self._last_call:
            await self._exchanged()
        elif self._left <= self._ahead and not self._is_resting:
            self._flight.begin(self._fly)
        return self._access_token

    async def renew(self, refused: str) -> bool:
        """Replace a refused token; one that was replaced already costs nothing. Raises ``TokenRefreshError``."""
        is_current = self._access_token == refused
        del refused  # error reporters print local variables
        if is_current:
            self._expires = float("-inf")
            await self._exchanged()
        return True

    async def revoke(self) -> None:
        """Make the current token useless, if there is one; the next ``token`` asks for another.

        Raises ``TokenRefreshError`` when the server refuses or cannot be reached; the token is given up all the same.
        """
        await self.aclose()
        if not self._access_token:
            return
        form = Form({**self._client.fields, "token": self._access_token})
        self._access_token, self._expires = "", float("-inf")
        call = self._call("token revocation", self._dialect.revoke, form, _REVOKE, _nothing)
        await exchange(self._endpoint, call, self._clock, _log)

    async def aclose(self) -> None:
        """Wait for an exchange under way. The source may be used again."""
        flight = self._flight.task
        if flight is not None:
            await asyncio.wait({flight}, timeout=2 * self._endpoint.timeout)

    @property
    def _left(self) -> float:
        return self._expires - self._clock.monotonic()

    @property
    def _is_resting(self) -> bool:
        return self._clock.monotonic() < self._rest_until

    async def _exchanged(self) -> None:
        if self._flight.task is None and self._is_resting:
            raise self._failure.error(self._clock.monotonic() - self._failed_at)
        flight = self._flight.begin(self._fly)
        # Unlike awaiting it, this leaves the task alone when the caller is cancelled.
        await asyncio.wait({flight})
        if flight.cancelled():
            raise TokenRefreshError("the exchange was cancelled from outside")
        failure = flight.result()
        if failure is not None:
            raise failure.error()

    async def _fly(self) -> Failure | None:
        """What went wrong, as a value: no waiter's error is left unretrieved."""
        started = self._clock.monotonic()
        try:
            await self._exchange(started)
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

    async def _exchange(self, asked_at: float) -> None:
        form = Form({**self._client.fields, **self._grant.fields})
        call = self._call("token grant", self._dialect.token, form, _GRANT, granted)
        answer = await exchange(self._endpoint, call, self._clock, _log)
        self._access_token = answer.access_token
        # Counted from before the request: better a little early than too late.
        self._expires = asked_at + (answer.expires_in or LIFETIME)
        # A token that lives shorter than the windows must not be replaced as soon as it comes.
        self._ahead, self._last_call = min(AHEAD, self._left / 2), min(LAST_CALL, self._left / 4)

    def _call(self, name: str, path: str, form: Form, repeat: Repeat, decode: Callable[[Reply], T]) -> Call[T]:
        return Call(
            name=name,
            method="POST",
            path=f"{urlsplit(self._base_url).path}{path}",
            headers=((self._dialect.version_header, self._version),),
            body=msgspec.json.encode(dict(form.fields)),
            repeat=repeat,
            decode=decode,
            refuse=partial(_refuse, self._clock),
            trace_header=self._dialect.request_id_header.lower(),
        )

    def _tell(self, started: float, failure: str | None) -> None:
        event = RefreshEvent(elapsed=self._clock.monotonic() - started, failure=failure)
        tell(event, self._observers, _log)

    def __repr__(self) -> str:
        return "MoniteTokens(...)"


def checked_version(version: str) -> str:
    """A version's date as it is sent."""
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise ConfigurationError("version is a date such as 2024-05-25")
    return version


def _refuse(clock: Clock, reply: Reply) -> Refusal:
    later = reply.status == 429 or reply.status >= 500
    advice = "try again later" if later else "check the client id, its secret, the entity user and the URL"
    error = TokenRefreshError(f"the token endpoint answered {reply.status}; {advice}")
    error.retry_after = reply.hint(clock.now())
    return Refusal(error=error)


def _nothing(_reply: Reply) -> None:
    return None


def _reason(error: Exception) -> str:
    # Not the text of strangers: it may print what it was given.
    return str(error) if isinstance(error, BrexError) else f"{type(error).__name__}{origin(error)}"
