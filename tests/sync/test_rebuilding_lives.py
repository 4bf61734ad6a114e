"""A company that loses its store again and again, between any two steps: the books come out right all the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable

import attrs
import pytest

from brex_accounting import AccountingRecord
from brex_accounting.enums import SourceType
from brex_accounting.errors import BrexError
from brex_accounting.posters.beancount import BeancountPoster
from brex_accounting.sync import ExportKey, rebuild
from brex_accounting.sync.content import is_live
from brex_accounting.sync.poster import Outcome

from ..posters.booked import CHART, balances, entry_of, record
from .world import EXPORTED, HOUR, POST_FROM, PREPARE, READY, World

STEPS = 60


class _Lost(BeancountPoster):
    """Writes, and then its answer is lost, now and then; or it is killed between two entries of a change."""

    chance: random.Random

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        outcome = await super().post(record, key=key, supersedes=supersedes)
        if self.chance.random() < 0.2:
            raise BrexError("the answer is lost")
        return outcome


@attrs.define
class Life:
    """What happens to a company, by chance."""

    world: World
    chance: random.Random
    made: int = 0
    lost: int = 0

    def poster(self) -> BeancountPoster:
        poster = _Lost(self.world.path / "brex.beancount", CHART)
        poster.chance = self.chance
        return poster

    async def put(self) -> None:
        self.made += 1
        kind = self.chance.choice(["CARD_EXPENSE_POST", "BILL_EXPENSE"])
        one = record(kind, [f"{self.made}.{self.chance.randrange(100):02}"])
        status = PREPARE if kind == "BILL_EXPENSE" else READY
        one = attrs.evolve(one, id=f"accr_{self.made}", source_id=f"source_{self.made}")
        self.world.sandbox.brex.table.put(one)
        self.world.move(one.id, status)

    async def edit(self) -> None:
        """Another memo, or a bill cancelled or taken up again. What is exported stays as it is."""
        open_ = [one.id for one in self.world.sandbox.brex.records() if one.review_status != EXPORTED]
        if not open_:
            return
        one = self.world.record(self.chance.choice(open_))
        changes = {"memo": f"memo {self.chance.randrange(3)}"}
        if one.source_type == SourceType.BILL and self.chance.random() < 0.4:
            changes = {"status": "APPROVED" if one.status == "VOID" else "VOID"}
        self.world.edit(one.id, **changes)

    async def export(self) -> None:
        await self.world.run(self.poster(), later=HOUR)

    async def lose(self) -> None:
        """The store is gone, and made again."""
        for file in self.world.path.glob("exports.db*"):
            file.unlink()
        self.lost += 1
        made = BeancountPoster(self.world.path / "brex.beancount", CHART)
        await rebuild(self.world.brex, self.world.store(), made, post_from=POST_FROM, by="Ann")

    async def tear(self) -> None:
        """Killed while it wrote, and the store with it: what was not reported yet may be half there."""
        ledger = self.world.path / "brex.beancount"
        if not ledger.exists():
            return
        text = ledger.read_bytes()
        told = {one.id for one in self.world.sandbox.brex.records() if one.review_status == EXPORTED}
        last = text[text.rindex(b"; brex-begin") :].split()[2].decode() if b"; brex-begin" in text else ""
        if last and last.split(".")[0] not in told:
            ledger.write_bytes(text[: -self.chance.randrange(1, 200)])
            await self.lose()

    async def check(self) -> None:
        """Each entry once, and what is left is what Brex has."""
        entries = await BeancountPoster(self.world.path / "brex.beancount", CHART).entries()
        assert set(Counter(entry.key for entry in entries).values()) <= {1}
        records = [one for one in self.world.sandbox.brex.records() if is_live(one)]
        assert balances(entries) == balances(map(entry_of, records))
        standing = Counter(entry.record_id for entry in entries if entry.kind.value not in ("reversal", "void"))
        taken = Counter(entry.record_id for entry in entries if entry.kind.value in ("reversal", "void"))
        assert {one: count for one, count in (standing - taken).items() if count} == {one.id: 1 for one in records}


async def live(world: World, seed: int) -> Life:
    """Steps by chance, then exports until nothing is open."""
    life = Life(world, random.Random(seed))
    steps: list[Callable[[], Awaitable[None]]] = [life.put, life.put, life.edit, life.edit, life.export, life.export]
    steps += [life.lose, life.tear]
    for _ in range(STEPS):
        await life.chance.choice(steps)()
    life.chance = random.Random()
    life.chance.random = lambda: 1.0  # type: ignore[method-assign]
    for _ in range(3):
        await life.export()
    await life.check()
    told = [one for one in world.sandbox.brex.records() if one.source_type != SourceType.BILL]
    assert {one.review_status for one in told} <= {EXPORTED}
    return life


@pytest.mark.parametrize("seed", [2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 13))])
async def test_a_company_that_loses_its_store(world: World, seed: int) -> None:
    """Whatever came before: one document of each record, with what Brex has, and Brex knows."""
    life = await live(world, seed)
    assert life.lost >= 3
    assert life.made >= 8
