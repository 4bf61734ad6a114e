"""One cell of Monite's matrix, run: a sandbox, the proxy, a client, one operation, one kind of fault."""

from __future__ import annotations

import attrs

from brex_accounting import BrexError, RateLimit, RetryPolicy
from brex_accounting.monite import MoniteAccounting
from brex_accounting.sandbox.monite import MoniteRules, MoniteSandbox
from brex_accounting.session.events import CallEnded, Observer

from .canary import TOKEN, Canary
from .kinds import KINDS, LIMIT, Kind
from .monite_operations import OPERATIONS, TYPE, Operation, World
from .proxy import Proxy
from .running import cell_of

__all__ = ["run_cell"]

_QUICK = RetryPolicy(base=0.001, cap=0.01, throttle_base=0.001)


async def run_cell(fault: str, operation: str, canary: Canary | None = None) -> str:
    """What came of it, as the matrix writes it."""
    kind = KINDS[fault]
    async with MoniteSandbox(rules=MoniteRules(rate_limit=None)) as sandbox, Proxy(sandbox.url) as proxy:
        sandbox.monite.accept(TOKEN)
        records = sandbox.monite.add_records(sandbox.entity_id, TYPE, 12)
        tally = _Tally(kind, sandbox, proxy)
        observers: list[Observer] = [tally.event]
        if canary is not None:
            observers += [canary.event, canary.spans()]
        async with MoniteAccounting(
            entity_id=sandbox.entity_id,
            token=TOKEN,
            base_url=f"{proxy.url}/v1",
            retry=_QUICK,
            rate_limit=RateLimit(limit=10**9),
            timeout=kind.timeout,
            deadline=kind.deadline,
            max_response_bytes=LIMIT,
            observers=observers,
        ) as monite:
            tally.monite = monite
            return await _outcome(OPERATIONS[operation], World(sandbox, monite, records, tally.arm), tally, canary)


async def _outcome(operate: Operation, world: World, tally: _Tally, canary: Canary | None) -> str:
    try:
        right = await operate(world)
    except BrexError as error:
        if canary is not None:
            canary.error(error)
        return cell_of(type(error).__name__, tally.numbers, error)
    return cell_of("ok" if right else "WRONG", tally.numbers)


@attrs.define
class _Tally:
    kind: Kind
    sandbox: MoniteSandbox
    proxy: Proxy
    attempts: int = 0
    served: int = 0
    monite: MoniteAccounting | None = None

    def event(self, event: object) -> None:
        if isinstance(event, CallEnded):
            self.attempts += event.attempts

    async def arm(self) -> None:
        """Start counting, and the fault."""
        if self.kind.warm and self.monite is not None:
            await self.monite.connections.list()
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
