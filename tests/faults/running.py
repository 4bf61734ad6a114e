"""One cell of the matrix, run: a sandbox, the proxy, a client, one operation, one kind of fault."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from brex_accounting import BrexAccounting, BrexError, Conflict, RateLimit, RetryPolicy
from brex_accounting.sandbox import ALL_SCOPES, Sandbox
from brex_accounting.session.events import CallEnded, Observer

from ..client.support import held
from .canary import TOKEN, Canary
from .kinds import KINDS, LIMIT, Kind
from .operations import OPERATIONS, Operation, World
from .proxy import Proxy

__all__ = ["cell_of", "run_cell"]

_QUICK = RetryPolicy(base=0.001, cap=0.01, throttle_base=0.001)


async def run_cell(
    fault: str, operation: str, canary: Canary | None = None, *, operations: Mapping[str, Operation] = OPERATIONS
) -> str:
    """What came of it, as the matrix writes it."""
    kind = KINDS[fault]
    async with Sandbox(records=12) as sandbox, Proxy(sandbox.url) as proxy:
        sandbox.brex.tokens[TOKEN] = ALL_SCOPES
        tally = _Tally(kind, sandbox, proxy)
        observers: list[Observer] = [tally.event]
        if canary is not None:
            observers += [canary.event, canary.spans()]
        async with BrexAccounting(
            TOKEN,
            base_url=proxy.url,
            retry=_QUICK,
            rate_limit=RateLimit(limit=10**9),
            timeout=kind.timeout,
            deadline=kind.deadline,
            max_response_bytes=LIMIT,
            observers=observers,
        ) as brex:
            tally.brex = brex
            return await _outcome(operations[operation], World(sandbox, brex, tally.arm), tally, canary)


async def _outcome(operate: Operation, world: World, tally: _Tally, canary: Canary | None) -> str:
    try:
        right = await operate(world)
    except BrexError as error:
        if canary is not None:
            canary.error(error)
        return cell_of(type(error).__name__, tally.numbers, error)
    return cell_of("ok" if right else "WRONG", tally.numbers)


def cell_of(outcome: str, numbers: str, error: BrexError | None = None) -> str:
    """``outcome attempts-arrived-processed``, then what the error claims."""
    maybe = " maybe" if error is not None and error.may_have_happened else ""
    ours = " ours" if isinstance(error, Conflict) and error.probably_ours else ""
    return f"{outcome} {numbers}{maybe}{ours}"


@attrs.define
class _Tally:
    kind: Kind
    sandbox: Sandbox
    proxy: Proxy
    attempts: int = 0
    served: int = 0
    brex: BrexAccounting | None = None

    def event(self, event: object) -> None:
        if isinstance(event, CallEnded):
            self.attempts += event.attempts

    async def arm(self) -> None:
        """Start counting, and the fault."""
        if self.kind.warm and self.brex is not None:
            await self.brex.records.get(held(self.sandbox)[0].id)
        self.attempts = 0
        self.served = self.sandbox.statistics.requests
        if self.kind.refused:
            await self.proxy.refuse()
        self.proxy.arm(self.kind.act, self.kind.times)

    @property
    def numbers(self) -> str:
        """The client's attempts, requests that came to the proxy, and requests that the sandbox processed."""
        processed = sum(self.proxy.processed.values())
        assert processed == self.sandbox.statistics.requests - self.served, "the two counters differ"
        return f"{self.attempts}-{sum(self.proxy.arrived.values())}-{processed}"
