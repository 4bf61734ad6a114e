"""``sandbox``: serves the local Brex until Ctrl-C."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

from cyclopts import Parameter

from ..sandbox import KINDS, Fault, Profile, Rules, Sandbox, parse_fault
from .console import UsageError, say

__all__ = ["MOST_RECORDS", "serve"]

MOST_RECORDS = 10_000_000
"""A few bytes each are kept, and their dates are computed at the start."""


async def serve(
    *,
    port: int = 0,
    records: int = 500,
    seed: int = 7,
    profile: Profile = "lifelike",
    fault: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    rate_limit: int = 1000,
    retry_after: bool = False,
) -> None:
    """Serve a local Brex on 127.0.0.1 until Ctrl-C. Prints its URL and token as shell assignments.

    Parameters
    ----------
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
        Requests in any 60 s before 429; 0 for no limit.
    retry_after
        Send Retry-After with a 429 (Brex is not known to).
    """
    if not 0 <= records <= MOST_RECORDS or not 0 <= port <= 65535 or rate_limit < 0:
        raise UsageError(f"records are 0 to {MOST_RECORDS}, a port is 0 to 65535, rate-limit is not negative")
    rules = Rules(rate_limit=rate_limit or None, retry_after=retry_after)
    faults = [_fault(text) for text in fault]
    async with Sandbox(
        records=records, profile=profile, seed=seed, port=port, faults=faults, rules=rules, receipts=True
    ) as local:
        sys.stdout.write(f"BREX_BASE_URL={local.url}\nBREX_TOKEN={local.token}\n")
        sys.stdout.flush()
        say(f"serving {records} {profile} records; {local.url}/openapi.json describes it; Ctrl-C ends it")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say(f"served {local.statistics.requests} requests")
            raise


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise UsageError(f"--fault: {error}; kinds: {', '.join(KINDS)}") from None
