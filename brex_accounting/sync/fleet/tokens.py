"""One company's tokens, refreshed by one process at a time however many use them."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from ...auth import OwnSource
from ...errors import BrexError, ConfigurationError, TokenRefreshError
from ...oauth import AHEAD, LAST_CALL, REST, OAuthApp
from ...session.clock import Clock
from ...session.discreet import Hidden
from ...session.flight import SingleFlight
from ...session.grants import Failure, TokenPair
from .secret import OVER, Secret
from .vault import Held, Kept, Vault

__all__ = ["FleetTokens"]

_log = logging.getLogger("brex_accounting")

_NO_APP: Final = "this company's token expires, and the fleet has no OAuth application to refresh it with"


class FleetTokens(OwnSource):
    """A source of tokens over the row that all processes share.

    Who refreshes holds the row; the others wait, and then find the new pair in it. A pair is committed before it is
    first used; one that could not be is kept in memory, unused, and committed by the next attempt. After a refresh
    that failed, no process tries another for 5 s, and while the access token still lives, that is used and nothing
    is sent: the failed one may have spent its refresh token.
    """

    def __init__(self, company_id: str, vault: Vault, app: OAuthApp | None, clock: Clock) -> None:
        self._company_id = company_id
        self._vault = vault
        self._app = app
        self._clock = clock
        self._kept: Kept | None = None
        self._unsaved: Kept | None = None
        self._flight: SingleFlight[Failure | None] = SingleFlight()

    async def token(self) -> str:
        """An access token that is not about to expire. Raises ``TokenRefreshError`` and ``StoreError``."""
        kept = self._kept or await self._read()
        left = kept.secret.seconds_left(self._clock.now())
        if left <= LAST_CALL:
            return (await self._refreshed()).secret.access_token
        if left <= AHEAD:
            self._flight.begin(self._fly)
        return kept.secret.access_token

    async def renew(self, refused: str) -> bool:
        """Replace a refused access token. False for one that cannot be refreshed and that nobody has replaced."""
        dead = Hidden(refused)
        del refused  # error reporters print local variables
        kept = self._kept or await self._read()
        if kept.secret.access_token == dead.value:
            kept = await self._read()
        if kept.secret.access_token == dead.value and kept.secret.pair is not None:
            self._kept = _dead(kept)
            kept = await self._refreshed()
        return kept.secret.access_token != dead.value

    async def aclose(self) -> None:
        """Wait for a refresh under way, and commit what is not committed yet. The source may be used again."""
        flight = self._flight.task
        if flight is not None:
            await asyncio.wait({flight})
        if self._unsaved is not None:
            await asyncio.wait({self._flight.begin(self._fly)})
        if self._unsaved is not None:
            _log.error("a refreshed pair of tokens could not be saved; once this process ends it is lost")

    async def _read(self) -> Kept:
        self._kept = await self._vault.read(self._company_id)
        return self._kept

    async def _refreshed(self) -> Kept:
        flight = self._flight.begin(self._fly)
        # Unlike awaiting it, this leaves the task alone when the caller is cancelled.
        await asyncio.wait({flight})
        failure = flight.result()
        if failure is not None:
            raise failure.error()
        assert self._kept is not None
        return self._kept

    async def _fly(self) -> Failure | None:
        """What went wrong, as a value: no waiter's error is left unretrieved."""
        try:
            async with self._vault.hold(self._company_id) as held:
                kept, failure = await self._settle(held)
        except BrexError as error:
            hint = error.retry_after if isinstance(error, TokenRefreshError) else None
            return Failure(str(error), hint)
        # Only here is it committed.
        self._kept, self._unsaved = kept, None
        return failure

    async def _settle(self, held: Held) -> tuple[Kept, Failure | None]:
        """What the row says now, or will say: found there, left unsaved by us, or asked for."""
        unsaved, stored = self._unsaved, held.kept
        if unsaved is not None and unsaved.generation == stored.generation + 1:
            await held.save(unsaved.secret)
            return unsaved, None
        known = self._kept
        left = stored.secret.seconds_left(self._clock.now())
        if (known is None or stored.generation != known.generation) and left > LAST_CALL:
            return stored, None
        is_dead = known is not None and known.secret.expires_at == OVER
        if not is_dead and (left > AHEAD or (left > LAST_CALL and stored.resting_until is not None)):
            return stored, None
        if stored.resting_until is not None and stored.resting_until > held.now:
            rest = (stored.resting_until - held.now).total_seconds()
            return self._as_known(stored, is_dead), Failure("the last refresh failed, and another is tried soon", rest)
        return await self._exchange(held, is_dead)

    async def _exchange(self, held: Held, is_dead: bool) -> tuple[Kept, Failure | None]:
        stored = held.kept
        try:
            secret = Secret.of(await self._asked(stored))
        except BrexError as error:
            hint = error.retry_after if isinstance(error, TokenRefreshError) else None
            await held.rest(REST)
            return self._as_known(stored, is_dead), Failure(str(error), hint)
        self._unsaved = Kept(secret=secret, generation=stored.generation + 1)
        await held.save(secret)
        return self._unsaved, None

    async def _asked(self, stored: Kept) -> TokenPair:
        pair = stored.secret.pair
        if self._app is None or pair is None:
            raise ConfigurationError(_NO_APP)
        caught: list[TokenPair] = []

        async def catch(new: TokenPair) -> None:
            caught.append(new)

        await self._app.tokens(pair, save=catch).renew(pair.access_token)
        return caught[-1]

    def _as_known(self, stored: Kept, is_dead: bool) -> Kept:
        return _dead(stored) if is_dead else stored

    def __repr__(self) -> str:
        return "FleetTokens(...)"


def _dead(kept: Kept) -> Kept:
    secret = kept.secret
    over = Secret(access_token=secret.access_token, refresh_token=secret.refresh_token, expires_at=OVER)
    return Kept(secret=over, generation=kept.generation, resting_until=kept.resting_until)
