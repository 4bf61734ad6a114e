"""``sandbox``: serves the local Brex, or the local Monite, until Ctrl-C."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from ..sandbox import KINDS, Fault, Profile, Rules, Sandbox, parse_fault
from ..sandbox.monite import MoniteRules, MoniteSandbox
from ..sandbox.statistics import Statistics
from .console import UsageError, say

__all__ = ["MOST_RECORDS", "serve"]

MOST_RECORDS = 10_000_000
"""A few bytes each are kept, and their dates are computed at the start."""


async def serve(
    *,
    provider: Literal["brex", "monite"] = "brex",
    port: int = 0,
    records: int = 500,
    seed: int = 7,
    profile: Profile = "lifelike",
    fault: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    rate_limit: int | None = None,
    retry_after: bool = False,
) -> None:
    """Serve a local Brex on 127.0.0.1 until Ctrl-C. Prints its URL and token as shell assignments.

    Parameters
    ----------
    provider
        monite serves a local Monite instead: accounting connections, without records of Brex's.
    port
        0 takes a free one.
    records
        How many records there are.
    seed
        Another number makes other records; the same number the same.
    profile
        lifelike, awkward (what breaks careless readers) or mixed.
    fault
        Misbehave: KIND, KIND:next=N or KIND:every=N; repeat it for several. Kinds: 429, 500, 503, drop,
        drop-after, cut, html, slow.
    rate_limit
        Requests before 429, for Brex in any 60 s (1,000), for Monite in each second (30); 0 for no limit.
    retry_after
        Send Retry-After with a 429 (Brex is not known to).
    """
    if not 0 <= records <= MOST_RECORDS or not 0 <= port <= 65535 or (rate_limit or 0) < 0:
        raise UsageError(f"records are 0 to {MOST_RECORDS}, a port is 0 to 65535, rate-limit is not negative")
    faults = [_fault(text) for text in fault]
    if provider == "monite":
        if (records, seed, profile, retry_after) != (500, 7, "lifelike", False):
            raise UsageError("--records, --seed, --profile and --retry-after are for the local Brex alone")
        await _serve_monite(port, faults, 30 if rate_limit is None else rate_limit)
        return
    rules = Rules(rate_limit=(1000 if rate_limit is None else rate_limit) or None, retry_after=retry_after)
    async with Sandbox(
        records=records, profile=profile, seed=seed, port=port, faults=faults, rules=rules, receipts=True
    ) as local:
        sys.stdout.write(f"BREX_BASE_URL={local.url}\nBREX_TOKEN={local.token}\n")
        say(f"serving {records} {profile} records; {local.url}/openapi.json describes it; Ctrl-C ends it")
        await _until_told(local.statistics)


async def _serve_monite(port: int, faults: list[Fault], rate_limit: int) -> None:
    async with MoniteSandbox(port=port, faults=faults, rules=MoniteRules(rate_limit=rate_limit or None)) as local:
        sys.stdout.write(
            f"MONITE_BASE_URL={local.url}\nMONITE_CLIENT_ID={local.client_id}\n"
            f"MONITE_CLIENT_SECRET={local.client_secret}\nMONITE_ENTITY_ID={local.entity_id}\n"
        )
        say("serving accounting connections; open a connection_url to authorise one; Ctrl-C ends it")
        await _until_told(local.statistics)


async def _until_told(statistics: Statistics) -> None:
    sys.stdout.flush()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        say(f"served {statistics.requests} requests")
        raise


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise UsageError(f"--fault: {error}; kinds: {', '.join(KINDS)}") from None
