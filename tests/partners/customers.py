"""Customers of a partner: each has a Brex of its own, codes its records there, and exports them by clicks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import attrs

from brex_accounting.enums import ReviewStatus
from brex_accounting.models import ExportResult
from brex_accounting.sandbox import MISHAPS, Mishap, Rules, Sandbox
from brex_accounting.sandbox.deliveries import Deliveries
from brex_accounting.sandbox.mishaps import MishapPlan
from brex_accounting.sandbox.webhooks import LocalEvent
from brex_accounting.webhook_models import WebhookSubscription

from ..sync.world import SteeredClock

__all__ = ["Customer", "Struck", "customer"]

EXPORTED = ReviewStatus.EXPORTED


class Struck(MishapPlan):
    """Every kind of mishap by chance, and how often each came."""

    def __init__(self, *, chance: float, seed: int) -> None:
        super().__init__([Mishap(kind=kind, chance=chance) for kind in MISHAPS], seed=seed)
        self.counts: Counter[str] = Counter()

    def strike(self) -> frozenset[str]:
        """What befalls the next event. What is lost is nothing else."""
        kinds = super().strike()
        self.counts.update({"lose"} if "lose" in kinds else kinds)
        return kinds


@attrs.define(eq=False)
class Customer:
    """A company's people at work. ``untold``: what they exported and no event will ever tell its partner.

    ``sending``: deliveries that are on their way to it.
    """

    sandbox: Sandbox
    records: tuple[str, ...]
    left: list[str]
    mishaps: Struck
    untold: set[str] = attrs.field(factory=set)
    clicks: list[int] = attrs.field(factory=list)
    nameless: int = 0
    sending: int = 0
    reported: Counter[str] = attrs.field(factory=Counter)

    @property
    def id(self) -> str:
        """As webhooks name the company."""
        return self.sandbox.brex.company.id

    @property
    def refreshes(self) -> int:
        """How often the token endpoint was asked to refresh."""
        return self.sandbox.oauth.granted["refresh_token"]

    def click(self, count: int, *, names_company: bool = True) -> None:
        """Export so many records more; without ``names_company`` as Brex's older payload tells it."""
        some, self.left = self.left[:count], self.left[count:]
        self.sandbox.brex.webhooks.spelling = "newer" if names_company else "older"
        lost = len(self.sandbox.deliveries.lost)
        self.sandbox.brex.export(some)
        self.clicks.append(len(some))
        self.nameless += not names_company
        if len(self.sandbox.deliveries.lost) > lost or not names_company:
            self.untold.update(some)

    def change_secrets(self, dice: random.Random) -> None:
        """A new secret for deliveries; the old one goes at once, or signs on beside it."""
        self.sandbox.brex.webhooks.rotate()
        if dice.random() < 0.5:
            self.sandbox.brex.webhooks.revoke()

    def status(self, record_id: str) -> ReviewStatus:
        """Where a record stands in Brex."""
        return self.sandbox.brex.get_record(record_id).review_status

    def exported(self) -> bool:
        """Whether nothing is left to do."""
        return not self.left and all(self.status(one) == EXPORTED for one in self.records)

    def report(self, results: Sequence[ExportResult]) -> tuple[str, ...]:
        """What Brex does with results, counted."""
        updated = type(self.sandbox.brex).report_export_results(self.sandbox.brex, results)
        self.reported.update(updated)
        return updated

    async def deliver(self, event: LocalEvent, target: WebhookSubscription) -> int | None:
        """What Brex does to deliver an event once, counted while it lasts."""
        self.sending += 1
        try:
            return await Deliveries._try(self.sandbox.deliveries, event, target)
        finally:
            self.sending -= 1


def customer(records: int, *, seed: int, clock: SteeredClock) -> Customer:
    """A customer with so many records that are coded and wait for a click, and some that nobody ever exports."""
    sandbox = Sandbox(
        records=records + records // 4 + 20, seed=seed, now=clock.now, sleep=clock.sleep, rules=Rules(rate_limit=None)
    )
    held = list(sandbox.brex.records())
    sandbox.brex.review([one.id for one in held], ReviewStatus.PREPARE)
    ours = [one.id for one in held if one.source_type != "BILL"]
    mishaps = sandbox.brex.webhooks.mishaps = Struck(chance=0.25, seed=seed)
    one = Customer(sandbox, tuple(ours[:records]), ours[:records], mishaps)
    sandbox.brex.report_export_results = one.report  # type: ignore[method-assign]
    sandbox.deliveries._try = one.deliver  # type: ignore[method-assign]
    return one
