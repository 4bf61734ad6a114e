"""What changed after it was posted, in a ledger that is only ever appended to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from beancount import loader
from beancount.core.data import Transaction

from brex_accounting.models import AccountingRecord
from brex_accounting.posters.beancount import BeancountPoster
from brex_accounting.posters.beancount.text import Booking
from brex_accounting.posters.chart import Chart
from brex_accounting.posters.entries import Entry
from brex_accounting.posters.standing import EntryIndex
from brex_accounting.sync.keys import export_key
from brex_accounting.sync.poster import NotNow, Outcome, Posted, Rejected, RejectionCode, Skipped

from .booked import CHART, balances, entry_of, record
from .charts import chart

BILL = record("BILL_EXPENSE", ["100"], source_id="bill_1", status="APPROVED")
PAYMENT = record("BILL_EXPENSE_PAYMENT", ["100"], source_id="bill_1")
CARD = record(amounts=["40"])


@attrs.define
class Books:
    """A ledger, and the revisions of records as an export posts them."""

    path: Path
    documents: dict[str, int] = attrs.field(factory=dict)

    async def post(self, one: AccountingRecord, revision: int, books: Chart = CHART) -> Outcome:
        before = self.documents.get(one.id)
        outcome = await BeancountPoster(self.path, books).post(
            one, key=export_key(one.id, revision), supersedes=export_key(one.id, before) if before else None
        )
        if isinstance(outcome, Posted):
            self.documents[one.id] = revision
        return outcome

    async def entries(self) -> Sequence[Entry]:
        return await BeancountPoster(self.path, CHART).entries()

    async def kinds(self) -> list[tuple[str, str, str | None]]:
        """Key, kind and what it amends, of each entry."""
        return [(entry.key, entry.kind.value, entry.amends) for entry in await self.entries()]

    def check(self) -> None:
        """Beancount finds nothing wrong."""
        assert loader.load_file(str(self.path))[1] == []


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path / "brex.beancount")


def changed(one: AccountingRecord, **changes: Any) -> AccountingRecord:
    return attrs.evolve(one, **changes)


@pytest.mark.parametrize("one", [CARD, BILL])
async def test_a_change_is_a_reversal_and_a_replacement(books: Books, one: AccountingRecord) -> None:
    """Of a journal entry and of an open bill alike: what is left is the change alone, and links lead through all."""
    first, reversal, second = f"{one.id}.1", f"{one.id}.2.rev", f"{one.id}.2"
    later = changed(one, memo="two chairs")
    assert (await books.post(one, 1), await books.post(later, 2)) == (Posted(first), Posted(second))
    assert await books.kinds() == [(first, "new", None), (reversal, "reversal", first), (second, "replacement", first)]
    assert balances(await books.entries()) == balances([entry_of(later)])
    assert (await books.entries())[2].memo == "two chairs"
    books.check()
    directives, _, _ = loader.load_file(str(books.path))
    shown = {one.meta["brex-key"]: one for one in directives if isinstance(one, Transaction)}
    for key in (first, reversal, second):
        assert {first} < shown[key].links | {key}
    assert shown[reversal].tags == {"reversal"}
    assert (await BeancountPoster(books.path, CHART).find_record(one.id))[-1].stands
    assert [found.stands for found in await BeancountPoster(books.path, CHART).find_record(one.id)] == [False, True]


async def test_a_change_of_a_change(books: Books) -> None:
    """Each revision takes out the one before it."""
    for revision in (1, 2, 3):
        assert isinstance(await books.post(changed(BILL, memo=f"{revision}"), revision), Posted)
    assert [key for key, _, _ in await books.kinds()] == [
        f"{BILL.id}.{key}" for key in ("1", "2.rev", "2", "3.rev", "3")
    ]
    assert balances(await books.entries()) == balances([entry_of(BILL)])


async def test_a_bill_that_was_cancelled_is_voided_once(books: Books) -> None:
    """The void has the revision's key; live again, it is booked anew; a change while it is void is nothing."""
    await books.post(BILL, 1)
    void = changed(BILL, status="VOID")
    assert await books.post(void, 2) == Posted(f"{BILL.id}.2")
    assert balances(await books.entries()) == {}
    assert isinstance(await books.post(changed(void, memo="x"), 3), Skipped)
    assert await books.post(changed(BILL, memo="y"), 4) == Posted(f"{BILL.id}.4")
    assert [kind for _, kind, _ in await books.kinds()] == ["new", "void", "replacement"]
    assert balances(await books.entries()) == balances([entry_of(BILL)])
    books.check()


async def test_a_bill_that_was_paid_waits_for_a_person(books: Books) -> None:
    """Until the payment is in the books it may change."""
    await books.post(BILL, 1)
    assert isinstance(await books.post(changed(BILL, memo="open"), 2), Posted)
    await books.post(PAYMENT, 1)
    before = books.path.read_bytes()
    outcome = await books.post(changed(BILL, memo="paid"), 3)
    assert isinstance(outcome, Rejected)
    assert "was paid" in outcome.message
    assert books.path.read_bytes() == before


async def test_an_approval_whose_payout_is_booked_waits_for_a_person(books: Books) -> None:
    """A reimbursement is owed and paid as a bill is; once the payout came back, it is owed again and may change."""
    kinds = ("APPROVAL", "MONEY_MOVEMENT_PAYOUT", "MONEY_MOVEMENT_PAYOUT_REVERSAL")
    approval, payout, back = (record(f"REIMBURSEMENT_EXPENSE_{kind}") for kind in kinds)
    await books.post(approval, 1)
    await books.post(payout, 1)
    outcome = await books.post(changed(approval, memo="x"), 2)
    assert isinstance(outcome, Rejected)
    assert "was paid" in outcome.message
    await books.post(back, 1)
    assert isinstance(await books.post(changed(approval, memo="x"), 2), Posted)


async def test_two_bills_of_one_source_do_not_pay_each_other(books: Books) -> None:
    """What is owed beside it is no payment, and a part that was paid is one."""
    other = changed(BILL, id="accr_other")
    await books.post(BILL, 1)
    await books.post(other, 1)
    assert isinstance(await books.post(changed(BILL, memo="x"), 2), Posted)
    part = changed(record("BILL_EXPENSE_PAYMENT", ["30"], source_id="bill_1"), id="accr_part")
    await books.post(part, 1)
    assert isinstance(await books.post(changed(BILL, memo="y"), 3), Rejected)


async def test_a_closed_period_waits_for_a_person(books: Books) -> None:
    """The entry that stands there decides, whatever date the change has."""
    await books.post(CARD, 1)
    closed = chart(("closed_through = 2026-05-31", "closed_through = 2026-06-30"))
    before = books.path.read_bytes()
    outcome = await books.post(changed(CARD, memo="x"), 2, closed)
    assert isinstance(outcome, Rejected)
    assert outcome.code == RejectionCode.CLOSED_PERIOD
    assert books.path.read_bytes() == before


async def test_a_reversal_whose_replacement_was_refused(books: Books) -> None:
    """The next revision is booked in place of what was taken out; it is not taken out again."""
    await books.post(CARD, 1)
    poster = BeancountPoster(books.path, CHART)
    later, key = changed(CARD, memo="x"), export_key(CARD.id, 2)
    with poster._writable() as file:  # as if it had been killed right behind the reversal
        made = poster._entries_for(file.contents, later, key, export_key(CARD.id, 1))
        assert isinstance(made, tuple)
        file.append(poster._block(file, Booking(entry=made[0])))
    assert await poster.find(key) is None
    uncoded = changed(later, line_items=tuple(attrs.evolve(one, accounting_field_values=()) for one in CARD.line_items))
    assert isinstance(await books.post(uncoded, 2), Rejected)
    assert await books.post(changed(CARD, memo="y"), 3) == Posted(f"{CARD.id}.3")
    assert [key for key, _, _ in await books.kinds()] == [f"{CARD.id}.{key}" for key in ("1", "2.rev", "3")]
    assert balances(await books.entries()) == balances([entry_of(CARD)])


async def test_nothing_is_written_unless_all_of_it_can_be(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replacement that cannot be written leaves no reversal behind."""
    await books.post(CARD, 1)
    before = books.path.read_bytes()

    def spoiled(entries: Sequence[Entry], _: object) -> tuple[Entry, ...]:
        reversal, replacement = entries
        lines = tuple(attrs.evolve(line, amount=line.amount.normalize()) for line in replacement.lines)
        return reversal, attrs.evolve(replacement, lines=lines)

    monkeypatch.setattr("brex_accounting.posters.beancount.poster.append_only", spoiled)
    outcome = await books.post(changed(CARD, memo="x"), 2)
    assert isinstance(outcome, NotNow)
    assert "digits of its currency" in outcome.reason
    assert books.path.read_bytes() == before


async def test_an_entry_that_is_not_in_the_books(books: Books) -> None:
    """A change of what somebody booked elsewhere is left to a person."""
    books.documents[CARD.id] = 1
    outcome = await books.post(CARD, 2)
    assert isinstance(outcome, Rejected)
    assert "not in the books any more" in outcome.message


async def test_an_account_that_has_left_the_chart_can_still_be_reversed(books: Books) -> None:
    """The ledger knows the names of its accounts."""
    await books.post(CARD, 1)
    other = chart(("6100 Airfare", "6105 Flights"))
    assert isinstance(await books.post(changed(CARD, memo="x"), 2, other), Posted)
    accounts = {account for account, _ in balances(await books.entries())}
    assert accounts == {"6105 Flights", "2100 Brex card"}
    books.check()


def test_a_key_is_kept_once() -> None:
    """The first entry with a key stays."""
    index, entry = EntryIndex(), entry_of(CARD)
    assert (index.add(entry), index.add(attrs.evolve(entry, memo="other"))) == (True, False)
    assert [*index.entries.values()] == [entry]
    assert index.of_record(CARD.id) == (entry,)
