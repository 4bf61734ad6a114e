"""A partner's whole loop, hour by hour on a steered clock: ``python -m tests.partners.loop --seeds 5``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import attrs

from brex_accounting.sandbox.field_reading import read_fields_request

from ..companies.gateway import behind
from ..sync.world import MINUTE, SteeredClock
from .customers import EXPORTED, Customer, customer
from .partner import Partner, partner

__all__ = ["BOUNDED", "FULL", "Figures", "play"]

FULL = (*[400] * 3, *[47] * 16, 48)
"""Twenty companies with 2,000 records; three of them click on more than 300 at once."""
BOUNDED = (*[320], *[12] * 19)
"""Twenty again, with one large click and few records besides."""

_LONGEST = timedelta(minutes=59)
"""What is left of an hour after its clicks. Tokens live for 60 minutes, and polls are as far apart."""


@attrs.define
class Figures:
    """What a loop came to."""

    companies: int
    records: int
    hours: int = 0
    clicks: list[int] = attrs.field(factory=list)
    mishaps: Counter[str] = attrs.field(factory=Counter)
    nameless: int = 0
    requests: int = 0
    again: int = 0
    refused: int = 0
    by_events: int = 0
    reported: int = 0
    refreshes: int = 0

    def told(self) -> str:
        """In one line."""
        struck = self.mishaps
        return (
            f"{self.companies} companies, {self.records} records in {len(self.clicks)} clicks of up to "
            f"{max(self.clicks)}; events: {struck['lose']} lost, {struck['double']} doubled, {struck['delay']} late, "
            f"{struck['reorder']} out of order, {self.nameless} without a company; {self.requests} requests, "
            f"{self.again} of them again, {self.refused} refused; {self.by_events} records exported by events, "
            f"{self.records - self.by_events} by polls, each once; {self.reported} reported; "
            f"{self.refreshes} refreshes in {self.hours} hours"
        )


@attrs.define(eq=False)
class Loop:
    """A partner, its customers, and one of them whom the partner has not taken into its exports."""

    partner: Partner
    customers: Sequence[Customer]
    stranger: Customer
    dice: random.Random
    figures: Figures

    async def connect(self) -> None:
        """Everybody consents, all at once; all but the stranger are exported."""
        every = [*self.customers, self.stranger]
        ids = await asyncio.gather(
            *(self.partner.connect(f"customer {n}", one.sandbox.consent) for n, one in enumerate(every))
        )
        assert ids == [one.id for one in every]
        await asyncio.gather(*map(self.partner.exports.add, ids[:-1]))
        await self.quiet()

    async def hour(self) -> None:
        """Clicks, with what becomes of their events, and then the rest of an hour: late events, dead tokens, polls."""
        partner, dice = self.partner, self.dice
        again = dice.choice(self.customers)
        await partner.exports.remove(again.id)
        await partner.exports.add(again.id)
        await self.quiet()
        before = self.booked()
        for one in dice.sample(self.customers, len(self.customers)):
            self.clicks(one)
            await asyncio.sleep(dice.choice([0, 0, 0.005]))
        self.stranger.click(1)
        for _ in range(3):
            await self.quiet()
            partner.clock.advance(MINUTE)
        await self.quiet()
        self.figures.by_events += self.booked() - before
        for one in self.customers:
            # What no event told of waits for the poll: an event has its own records exported and no others.
            assert not [each for each in one.untold if one.status(each) == EXPORTED]
        partner.clock.advance(_LONGEST)
        self.figures.hours += 1
        # Polls, events, secrets and this ask for a token at once, and every one of them has died.
        changes = await asyncio.gather(*(partner.push_accounts(one.id) for one in (*self.customers, self.stranger)))
        assert set(changes) == {0}
        await self.quiet()
        for one in self.customers:
            one.untold.clear()

    def clicks(self, one: Customer) -> None:
        """What a customer does in an hour."""
        dice = self.dice
        if dice.random() < 0.2:
            one.change_secrets(dice)
        # The first click is a large one, as at the end of a month.
        is_large = not one.clicks and len(one.records) > 100
        sizes = [350] if is_large else [dice.choice([1, 3, 10, 30]) for _ in range(dice.randint(1, 3))]
        for size in sizes:
            if one.left:
                one.click(size, names_company=dice.random() < 0.95)

    async def quiet(self) -> None:
        """Until no run is under way and no event waits."""
        calm = 0
        async with asyncio.timeout(60):
            while calm < 8:
                await asyncio.sleep(0.005)
                calm = 0 if self.busy() else calm + 1

    def busy(self) -> bool:
        if any(one.sending for one in (*self.customers, self.stranger)):
            return True
        exports = self.partner.exports._exports.values()
        receiver = self.partner.receiver
        is_received = receiver.received.taken == receiver.received.done and not receiver._keyring._asking.locked()
        return not is_received or any(one._sync._running.locked() or one._woken.is_set() for one in exports)

    def booked(self) -> int:
        return sum(self.partner.documents(one.id).total() for one in self.customers)

    def check(self) -> None:
        """Every record is in its company's books once, and reported once; every token was refreshed once an hour."""
        figures = self.figures
        for one in self.customers:
            assert self.partner.documents(one.id) == dict.fromkeys(one.records, 1)
            assert one.reported == dict.fromkeys(one.records, 1)
            figures.clicks += one.clicks
            figures.mishaps += one.mishaps.counts
            figures.nameless += one.nameless
            figures.requests += len(one.sandbox.deliveries.tries)
            figures.reported += one.reported.total()
        for number, one in enumerate((*self.customers, self.stranger)):
            assert one.refreshes == figures.hours
            assert len(self.partner.vault[f"customer {number}"]) == 1 + figures.hours
            assert own_accounts(one) == [f"{account} {one.id}" for account in (6100, 6200)]
            figures.refreshes += one.refreshes
        assert not self.partner.documents(self.stranger.id)
        assert not self.stranger.reported
        named = {event.company_id for event in self.partner.unknown}
        assert named <= {self.stranger.id, None}
        assert self.stranger.id in named
        assert self.partner.failed == []
        figures.again = self.partner.receiver.received.again
        figures.refused = self.partner.receiver.received.refused


def own_accounts(one: Customer) -> list[str]:
    """The names of what its partner pushed."""
    fields = one.sandbox.brex.fields
    (accounts,) = [
        field for field in fields.list_fields(read_fields_request([])).items if field.remote_id == "GL_ACCOUNT"
    ]
    return [value.value for value in fields.values(accounts.brex_id) if (value.remote_id or "").startswith("own-")]


async def play(folder: Path, sizes: Sequence[int], *, seed: int) -> Figures:
    """Customers with so many records each, from their consent until all of them are exported."""
    clock = SteeredClock()
    customers = [customer(size, seed=seed * 100 + number, clock=clock) for number, size in enumerate(sizes)]
    stranger = customer(40, seed=seed * 100 + 99, clock=clock)
    stranger.mishaps.clear()
    held = Counter(each for one in customers for each in one.records)
    assert set(held.values()) == {1}, "two companies have records of one id: a mix-up would not show"
    sandboxes = [one.sandbox for one in (*customers, stranger)]
    async with behind(sandboxes) as gateway, partner(folder, gateway, clock) as program:
        loop = Loop(program, customers, stranger, random.Random(seed), Figures(len(sizes), sum(sizes)))
        await loop.connect()
        while not all(one.exported() for one in customers):
            assert loop.figures.hours < 40, "it does not come to an end"
            await loop.hour()
        loop.check()
    return loop.figures


def main() -> None:
    """Play full loops and print what they came to."""
    parser = argparse.ArgumentParser(prog="python -m tests.partners.loop")
    # Events of strangers and without a company are warned of: here they are ordered.
    logging.getLogger("brex_accounting").addHandler(logging.NullHandler())
    parser.add_argument("--seeds", type=int, default=1, help="how many loops, each by its own seed")
    for seed in range(1, 1 + parser.parse_args().seeds):
        with tempfile.TemporaryDirectory() as folder:
            begin = time.monotonic()
            figures = asyncio.run(play(Path(folder), FULL, seed=seed))
            sys.stdout.write(f"seed {seed}: {figures.told()}; {time.monotonic() - begin:.1f} s\n")


if __name__ == "__main__":
    main()
