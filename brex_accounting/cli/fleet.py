"""``fleet``: many companies on PostgreSQL, polled by as many processes as are started."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..errors import StoreError, StoreUnavailable
from .console import Failed, UsageError, say
from .fleet_settings import fleet_of, keyring_class, make_export, oauth_of
from .fleet_wording import status_facts, status_lines
from .options import duration
from .printing import print_lines

if TYPE_CHECKING:
    from ..sync.fleet import Fleet

__all__ = ["add_company", "import_store", "init", "new_key", "retire_company", "run", "status"]


def new_key() -> None:
    """Print a new key for BREX_FLEET_KEYS. Keep it as you keep the tokens: without it they are lost."""
    print_lines([keyring_class().new_key()])


async def import_store(company_id: str, file: Path, /) -> None:
    """Take a company's exports over from the SQLite file of its export, which is of no use to any process afterwards.

    Parameters
    ----------
    company_id
        The Brex company. Import before you add it.
    file
        What --store named.
    """
    async with fleet_of() as fleet:
        count = await fleet.import_store(company_id, file)
    say(f"{company_id}: {count} exports are in PostgreSQL, and {file} is left as it is; now add the company")


async def init() -> None:
    """Make the fleet's tables, and encrypt every token under the newest key. May be run again at any time."""
    async with fleet_of() as fleet:
        count = await fleet.init()
    say(f"the fleet's tables are there; {count} tokens are encrypted under the newest key")


async def add_company(company_id: str, /, *, oauth: Annotated[bool, Parameter(negative=())] = False) -> None:
    """Poll a company from now on, or give a known one another token. The token is read from stdin, one line.

    Parameters
    ----------
    company_id
        The Brex company.
    oauth
        The line is the refresh token of a consent, not a token that never changes.
    """
    # Here: most commands do without the extra [fleet].
    from ..sync.fleet.secret import refreshed_first

    if sys.stdin is None:
        raise UsageError("give the token on stdin, on a line of its own")
    if sys.stdin.isatty():
        say("the token, then Enter:")
    line = (await asyncio.to_thread(sys.stdin.readline)).strip()
    if not line:
        raise UsageError("give the token on stdin, on a line of its own")
    if oauth and oauth_of() is None:
        raise UsageError("a refresh token needs BREX_CLIENT_ID and BREX_CLIENT_SECRET")
    async with fleet_of() as fleet:
        await fleet.add(company_id, refreshed_first(line) if oauth else line)
    say(f"{company_id} is polled from now on")


async def run(
    export: str,
    /,
    *,
    every: str = "1h",
    polls: int = 8,
    longest: str = "30m",
    stale: str = "1m",
    drain: str = "5m",
) -> None:
    """Poll companies until SIGTERM or Ctrl-C, which let running posts come to their end. Start as many as you need.

    It outlives the loss of the database. Polls of a process that died are begun again by the others.

    Parameters
    ----------
    export
        module:function that gives a company's export, from a client and the company's id.
    every
        The interval in which each company is polled once; the same for all processes.
    polls
        Companies at a time, in this process.
    longest
        A poll that takes longer has failed.
    stale
        A process without a sign of life for so long is dead.
    drain
        How long running polls may take to end.
    """
    make = make_export(export)
    fleet = fleet_of(
        every=duration("--every", every),
        polls=polls,
        longest=duration("--longest", longest),
        stale=duration("--stale", stale),
        drain=duration("--drain", drain),
    )
    _stopped_by_signals(fleet)
    say(f"polling, {polls} companies at a time, each once in {every}; Ctrl-C ends it once what is being posted is done")
    await fleet.run(make)
    say("ended")


async def status(*, json_: Annotated[bool, Parameter(name="--json", negative=())] = False) -> None:
    """Show what is due, running and late, what is paused or fails and why, and what waits to be reported.

    Parameters
    ----------
    json_
        Print one JSON object.
    """
    async with fleet_of() as fleet:
        found = await fleet.status()
    print_lines([status_facts(found)] if json_ else status_lines(found))


async def retire_company(company_id: str, export: str, /) -> None:
    """Poll a company no more and forget its tokens, once all that is in its books is reported.

    Parameters
    ----------
    company_id
        The Brex company.
    export
        module:function that gives a company's export, as for 'fleet run'.
    """
    make = make_export(export)
    async with fleet_of() as fleet:
        try:
            await fleet.retire(company_id, make)
        except StoreUnavailable:
            raise
        except StoreError as error:
            raise Failed(f"{company_id} is not retired: {error}") from None
    say(f"{company_id} is retired, and its tokens are gone")


def _stopped_by_signals(fleet: Fleet) -> None:
    if sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, fleet.stop)
