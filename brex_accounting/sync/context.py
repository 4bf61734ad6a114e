"""What the parts of a run share: whose books, with what, and the numbers so far."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta

import attrs

from ..client import BrexAccounting
from ..session.clock import Clock
from .exports import ENGINE
from .pausing import PauseCode, words_of
from .poster import Poster, Recovery
from .store import SyncStore
from .summary import Tally

__all__ = ["Context", "Settings"]


@attrs.frozen(kw_only=True)
class Settings:
    """What an export was told. See ``ExportSync``."""

    post_from: date
    since: datetime
    bills: bool
    report_bills: bool
    parallel: int
    lease: timedelta
    owner: str
    recovery: Recovery


@attrs.frozen(kw_only=True)
class Context:
    """``store`` is open. ``stopping`` set: what is under way comes to its end, and nothing more is begun."""

    brex: BrexAccounting
    store: SyncStore
    poster: Poster
    settings: Settings
    clock: Clock
    tally: Tally
    stopping: asyncio.Event

    async def now(self) -> datetime:
        """Brex's clock."""
        return await self.brex.server_now()

    async def leased(self) -> tuple[datetime, datetime]:
        """Now, and until when a lease lasts that is taken now."""
        now = await self.now()
        return now, now + self.settings.lease

    async def pause(self, code: PauseCode) -> None:
        """Let nothing more be posted."""
        await self.store.pause(words_of(code), code=code.value, by=ENGINE, now=await self.now())
