"""An OAuth server without a network, on simulated time, and a source of tokens in front of it."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import brex_accounting
from brex_accounting import OAuthTokens, TokenRefreshError, oauth
from brex_accounting.oauth import TokenPair
from brex_accounting.session.clock import Clock
from brex_accounting.session.grants import Endpoint, Form, Granted

from .ticking import TickingClock, start

__all__ = ["Bench", "locals_of"]

PACKAGE = Path(brex_accounting.__file__).parent


class Bench:
    """Grants access-1, access-2, ... after ``latency`` seconds; keeps a journal of what happened in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, latency: float = 1.0) -> None:
        self.clock = TickingClock()
        self.latency = latency
        self.journal: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.saved: list[TokenPair] = []
        self.events: list[object] = []
        self.failures: list[Exception] = []
        """What the next requests raise instead of granting."""
        self.save_failures: list[BaseException] = []
        self.expires_in: float | None = 3600.0
        self.rotates = True
        self.save_gate: asyncio.Event | None = None
        monkeypatch.setattr(oauth, "ask", self._ask)

    async def _ask(self, at: Endpoint, form: Form, clock: Clock, log: logging.Logger) -> Granted:
        assert clock is self.clock
        assert (at.url, log.name) == ("https://id.example/v1/token", "brex_accounting")
        self.forms.append(dict(form.fields))
        number = len(self.forms)
        self.journal.append(f"ask {form.fields['refresh_token']}")
        await clock.sleep(self.latency)
        if self.failures:
            raise self.failures.pop(0)
        refresh = f"refresh-{number}" if self.rotates else None
        return Granted(access_token=f"access-{number}", refresh_token=refresh, expires_in=self.expires_in)

    async def save(self, pair: TokenPair) -> None:
        """Stores a pair, after the gate if there is one."""
        self.journal.append(f"save {pair.access_token}")
        if self.save_gate is not None:
            await self.save_gate.wait()
        if self.save_failures:
            raise self.save_failures.pop(0)
        self.saved.append(pair)
        self.journal.append(f"saved {pair.access_token}")

    def source(self, *, left: float | None = None, **options: Any) -> OAuthTokens:
        """A source; with ``left``, one whose access token "access-0" lives for so many seconds."""
        if left is not None:
            expires_at = self.clock.now() + timedelta(seconds=left)
            options = {"access_token": "access-0", "expires_at": expires_at, **options}
        given: dict[str, Any] = {"save": self.save, "token_url": "https://id.example/v1/token", **options}
        given = {"clock": self.clock, "observers": [self.events.append], **given}
        return OAuthTokens("client", "secret", "refresh-0", **given)

    async def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of something that waits on the clock."""
        task = start(work)
        await self.clock.finish(task)
        return task.result()

    async def fail(self, work: Coroutine[Any, Any, Any]) -> TokenRefreshError:
        """The TokenRefreshError of something that must raise one."""
        with pytest.raises(TokenRefreshError) as caught:
            await self.run(work)
        return caught.value

    @property
    def asked(self) -> int:
        """How many refreshes there were."""
        return len(self.forms)


def locals_of(error: BaseException) -> str:
    """What an error reporter prints of the package's frames: every local variable."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if PACKAGE in Path(frame.f_code.co_filename).parents]
    return repr([frame.f_locals for frame in ours])
