"""A store that was lost, made again from the books: nothing is posted twice, and everything is reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import attrs
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import AccountingRecord, ServerError
from brex_accounting.enums import ReviewStatus
from brex_accounting.errors import ConfigurationError
from brex_accounting.posters.beancount import BeancountPoster
from brex_accounting.sync import ExportKey, FoundDocument, Posted, Rebuilt, State, rebuild
from brex_accounting.sync.keys import export_key, revision_of
from brex_accounting.sync.plan import copy_of
from brex_accounting.sync.restoring import revisions_of

from ..posters.booked import CHART, EXPENSES, MOVEMENTS, balances, entry_of, record
from .world import EXPORTED, HOUR, POST_FROM, PREPARE, READY, Seen, World

KINDS = [kind for table in (EXPENSES, MOVEMENTS) for kind, sides in table.items() if sides[0]]


@attrs.frozen
class Office:
    """A world whose books are a Beancount ledger."""

    world: World

    @property
    def poster(self) -> BeancountPoster:
        return BeancountPoster(self.world.path / "brex.beancount", CHART)

    def put(self, one: AccountingRecord, status: str = READY) -> None:
        """A record in Brex."""
        self.world.sandbox.brex.table.put(attrs.evolve(one, review_status=ReviewStatus(status)))

    async def book(self, one: AccountingRecord, revision: int = 1, before: int | None = None) -> None:
        """A revision in the books, of which Brex was told nothing."""
        key = export_key(one.id, revision)
        outcome = await self.poster.post(one, key=key, supersedes=export_key(one.id, before) if before else None)
        assert outcome == Posted(key)

    async def rebuilt(self) -> Rebuilt:
        """The store, lost and made again."""
        for file in self.world.path.glob("exports.db*"):
            file.unlink()
        made = await rebuild(self.world.brex, self.world.store(), self.poster, post_from=POST_FROM, by="Ann")
        assert await self.world.pause() is None
        return made

    async def keys(self) -> list[str]:
        return [entry.key for entry in await self.poster.entries()]

    def reported(self) -> Counter[str]:
        """How often Brex was told of each record."""
        return Counter(one for report in self.world.reports() for one in report)


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


def made(kind: str, number: int) -> AccountingRecord:
    """A record of its own source."""
    one = record(kind, [f"{number + 1}.25"])
    return attrs.evolve(one, id=f"accr_{number:02}", source_id=f"source_{number:02}")


CARD = attrs.evolve(record(amounts=["40"]), id="accr_card")
BILL = attrs.evolve(record("BILL_EXPENSE", ["100"]), id="accr_bill", source_id="bill_1")


async def test_half_exported_lost_and_rebuilt(office: Office) -> None:
    """Half is exported, the store is lost and rebuilt, the rest follows: each document once, each report once."""
    records = [made(kind, at) for at, kind in enumerate(KINDS * 3)]
    half = len(records) // 2
    for one in records[:half]:
        office.put(one)
    await office.world.run(office.poster)
    for one in records[half:]:
        office.put(one)
    found = await office.rebuilt()
    assert (found.read, len(found.restored), found.unreadable) == (len(records), half, 0)
    bills = sum(one.source_type == "BILL" for one in records[:half])
    assert found.by_state == {State.REPORTED: half - bills, State.POSTED: bills}
    summary = await office.world.run(office.poster, later=HOUR)
    assert summary.posted == len(records) - half
    assert (await office.world.run(office.poster, later=HOUR)).posted == 0
    assert sorted(await office.keys()) == sorted(export_key(one.id, 1) for one in records)
    assert balances(await office.poster.entries()) == balances(map(entry_of, records))
    cards = [one.id for one in records if one.source_type != "BILL"]
    assert office.reported() == dict.fromkeys(cards, 1)
    assert {office.world.status(one) for one in cards} == {EXPORTED}


async def test_booked_and_never_reported(office: Office) -> None:
    """READY in Brex and in the books: it is reported by the next run, and not posted."""
    office.put(CARD)
    await office.book(CARD)
    await office.rebuilt()
    assert await office.world.states(CARD.id) == ["POSTED"]
    summary = await office.world.run(office.poster, later=HOUR)
    assert (summary.posted, summary.reported) == (0, 1)
    assert (await office.keys(), office.world.status(CARD.id)) == (["accr_card.1"], EXPORTED)
    [one] = await office.world.exports(CARD.id)
    assert (one.state, one.key, one.reference_id) == (State.REPORTED, "accr_card.1", "accr_card.1")


async def test_booked_and_taken_back(office: Office) -> None:
    """The customer is coding it again: nothing is reported, and a person sees that it is in the books."""
    office.put(CARD, PREPARE)
    await office.book(CARD)
    await office.rebuilt()
    assert (await office.world.run(office.poster, later=HOUR)).reported == 0
    async with office.world.admin() as admin:
        [item] = await admin.exceptions()
    assert (item.export.record_id, "took it back" in item.why) == (CARD.id, True)


@pytest.mark.parametrize(
    ("status", "states", "keys"),
    [
        # Changed and ready again: the change is posted in place of what is there.
        (READY, ["POSTED", "REPORTED"], ["accr_card.1", "accr_card.2.rev", "accr_card.2"]),
        # Brex counts the record as exported: a person decides.
        (EXPORTED, ["REPORTED", "HELD"], ["accr_card.1"]),
        (PREPARE, ["POSTED"], ["accr_card.1"]),
    ],
)
async def test_changed_since_it_was_booked(
    office: Office, status: str, states: Sequence[str], keys: Sequence[str]
) -> None:
    """What the books have is told from what Brex has now by the hash that the ledger keeps."""
    office.put(attrs.evolve(CARD, memo="changed", version=4), status)
    await office.book(CARD)
    await office.rebuilt()
    await office.world.run(office.poster, later=HOUR)
    assert await office.world.states(CARD.id) == list(states)
    assert await office.keys() == list(keys)


async def test_a_reversal_without_its_replacement(office: Office) -> None:
    """Killed between the two, and then the store was lost: the replacement is booked, and nothing else."""
    changed = attrs.evolve(CARD, memo="changed", version=2)
    office.put(changed)
    await office.book(CARD)
    await office.book(changed, 2, 1)
    ledger = office.world.path / "brex.beancount"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[: whole.index(b"\n; brex-begin accr_card.2\n")])
    assert await office.keys() == ["accr_card.1", "accr_card.2.rev"]
    await office.rebuilt()
    assert await office.world.states(CARD.id) == ["POSTED", "DISCOVERED"]
    await office.world.run(office.poster, later=HOUR)
    assert ledger.read_bytes() == whole
    assert office.world.status(CARD.id) == EXPORTED


async def test_taken_back_to_what_was_reversed(office: Office) -> None:
    """The content is that of the first revision again, whose entry was taken out: it is booked anew."""
    office.put(CARD)
    await office.book(CARD)
    await office.book(attrs.evolve(CARD, memo="changed"), 2, 1)
    ledger = office.world.path / "brex.beancount"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[: whole.index(b"\n; brex-begin accr_card.2\n")])
    await office.rebuilt()
    await office.world.run(office.poster, later=HOUR)
    assert balances(await office.poster.entries()) == balances([entry_of(CARD)])


async def test_bills(office: Office) -> None:
    """Amended, voided, and unchanged ones stand as they did; a later change is the next revision."""
    others = [attrs.evolve(BILL, id=f"accr_{name}", source_id=name) for name in ("amended", "voided")]
    office.put(BILL, PREPARE)
    for one in others:
        office.put(one, PREPARE)
    await office.world.run(office.poster)
    office.world.edit("accr_amended", memo="two chairs")
    office.world.edit("accr_voided", status="VOID")
    await office.world.run(office.poster, later=HOUR)
    before = await office.keys()
    assert len(before) == 3 + 2 + 1
    await office.rebuilt()
    assert [await office.world.states(one) for one in ("accr_bill", "accr_amended", "accr_voided")] == [
        *(["POSTED"], ["POSTED", "POSTED"], ["POSTED", "POSTED"]),
    ]
    assert (await office.world.run(office.poster, later=HOUR)).discovered == 0
    assert await office.keys() == before
    office.world.edit("accr_amended", memo="three chairs")
    office.world.edit("accr_voided", status="APPROVED")
    await office.world.run(office.poster, later=HOUR)
    assert sorted((await office.keys())[6:]) == ["accr_amended.3", "accr_amended.3.rev", "accr_voided.3"]
    live = [attrs.evolve(one, memo=None) for one in (BILL, *others)]
    assert balances(await office.poster.entries()) == balances(map(entry_of, live))


async def test_a_revision_that_left_no_document(office: Office) -> None:
    """Refused in between: its number is not given away again."""
    office.put(attrs.evolve(CARD, memo="third", version=3))
    await office.book(CARD)
    await office.book(attrs.evolve(CARD, memo="third"), 3, 1)
    await office.rebuilt()
    assert await office.world.states(CARD.id) == ["POSTED", "SUPERSEDED", "POSTED"]
    office.world.edit(CARD.id, memo="fourth")
    await office.world.run(office.poster, later=HOUR)
    assert (await office.keys())[-2:] == ["accr_card.4.rev", "accr_card.4"]


async def test_an_export_that_goes_on_without_a_rebuild(office: Office) -> None:
    """What was never amended is found and reported; what was amended is not posted until the store is rebuilt."""
    office.put(CARD)
    office.put(BILL, PREPARE)
    await office.world.run(office.poster)
    office.world.edit(BILL.id, memo="two chairs")
    await office.world.run(office.poster, later=HOUR)
    before = await office.keys()
    for file in office.world.path.glob("exports.db*"):
        file.unlink()
    summary = await office.world.run(office.poster, later=HOUR)
    assert (summary.posted, summary.not_now) == (0, 1)
    assert await office.keys() == before
    await office.rebuilt()
    office.world.edit(BILL.id, memo="three chairs")
    await office.world.run(office.poster, later=HOUR)
    assert (await office.keys())[len(before) :] == ["accr_bill.3.rev", "accr_bill.3"]


async def test_the_history_says_who_rebuilt_it(office: Office) -> None:
    """Each document was found by somebody."""
    office.put(CARD, EXPORTED)
    await office.book(CARD)
    await office.rebuilt()
    moves = await office.world.history(CARD.id)
    assert [(move.after.value, move.by) for move in moves] == [
        *(("HELD", "engine"), ("POSTED", "Ann"), ("REPORTING", "engine"), ("REPORTED", "engine")),
    ]
    assert "rebuilt" in moves[1].why
    assert office.world.reports() == []


async def test_a_store_that_has_exports_is_refused(office: Office) -> None:
    """It is left as it is, and not paused."""
    office.put(CARD)
    await office.world.run(office.poster)
    before = await office.world.history(CARD.id)
    with pytest.raises(ConfigurationError, match="has exports already"):
        await rebuild(office.world.brex, office.world.store(), office.poster, post_from=POST_FROM, by="Ann")
    assert (await office.world.history(CARD.id), await office.world.pause()) == (before, None)


async def test_a_rebuild_that_is_cut_short(office: Office) -> None:
    """What it left is paused, so that nothing is posted with half a memory, and is refused by another one."""
    for number in range(150):
        office.put(made("CARD_EXPENSE_POST", number), EXPORTED)
        if number in (0, 149):
            await office.book(made("CARD_EXPENSE_POST", number))
    office.put(CARD)
    office.world.hooks.append(_second_page_fails)
    with pytest.raises(ServerError):
        await rebuild(office.world.brex, office.world.store(), office.poster, post_from=POST_FROM, by="Ann")
    office.world.hooks.clear()
    assert await office.world.pause() == "PERSON"
    assert (await office.world.run(office.poster, later=HOUR)).posted == 0
    with pytest.raises(ConfigurationError, match="remove what a rebuild left"):
        await rebuild(office.world.brex, office.world.store(), office.poster, post_from=POST_FROM, by="Ann")
    assert (await office.rebuilt()).restored == {"accr_00", "accr_149"}


def _second_page_fails(seen: Seen) -> web.Response | None:
    return web.Response(status=500) if "cursor" in seen.query else None


async def test_what_brex_does_not_show(office: Office) -> None:
    """A record that is gone is not stored, and one that cannot be read is counted: neither is posted again."""
    for name in ("accr_gone", "accr_bad", "accr_card"):
        one = attrs.evolve(CARD, id=name)
        office.put(one)
        await office.book(one)
    office.world.remove("accr_gone")
    office.world.broken.add("accr_bad")
    found = await office.rebuilt()
    assert (found.read, found.restored, found.unreadable) == (1, frozenset({"accr_card"}), 1)
    office.world.broken.clear()
    summary = await office.world.run(office.poster, later=HOUR)
    assert len(await office.keys()) == 3
    assert (summary.reported, office.world.status("accr_bad")) == (2, EXPORTED)


# The plan.


@attrs.frozen
class Elsewhere:
    """Books that keep no hash of what was booked."""

    documents: Mapping[str, Sequence[FoundDocument]]

    async def find_record(self, record_id: str) -> Sequence[FoundDocument]:
        return self.documents.get(record_id, ())


async def test_books_that_keep_no_hash(office: Office) -> None:
    """What Brex returns is taken for what was booked: a change in between cannot be told, and is not posted."""
    office.put(CARD)
    key = export_key(CARD.id, 1)
    books = Elsewhere({CARD.id: (FoundDocument(key=key, posted=Posted("JE-7", "https://erp.example/7")),)})
    await rebuild(office.world.brex, office.world.store(), books, post_from=POST_FROM, by="Ann")
    [one] = await office.world.exports(CARD.id)
    assert (one.state, one.reference_id, one.deep_link_url) == (State.POSTED, "JE-7", "https://erp.example/7")
    assert (await office.world.run(office.poster, later=HOUR)).posted == 0
    assert office.world.status(CARD.id) == EXPORTED


COPY = copy_of(CARD, b"{}", read_at=datetime(2026, 7, 1, tzinfo=UTC))


@given(
    st.dictionaries(st.integers(1, 30), st.tuples(st.none() | st.just("h" * 64), st.booleans()), max_size=10),
    st.lists(st.sampled_from([ExportKey("accr_card.2.rev"), ExportKey("accr_other.40"), ExportKey("JE-7")])),
)
def test_revisions_of_a_record(held: dict[int, tuple[str | None, bool]], others: list[ExportKey]) -> None:
    """Every number up to the last is there once; those with a document are posted; no other key counts."""
    documents = [
        FoundDocument(key=export_key(CARD.id, one), posted=Posted(f"JE-{one}"), content_hash=digest, stands=stands)
        for one, (digest, stands) in held.items()
    ]
    found = revisions_of(COPY, [*documents, *(FoundDocument(key=key, posted=Posted("x")) for key in others)])
    assert [bool(one.posted) for one in found] == [at in held for at in range(1, max(held, default=0) + 1)]
    if found:
        digest, stands = held[len(found)]
        assert found[-1].copy.content_hash == ((digest or COPY.content_hash) if stands else "")


@given(st.text(min_size=1, max_size=60), st.integers(1, 999_999))
def test_a_revision_is_read_off_its_key(record_id: str, revision: int) -> None:
    """Also where the key is a digest; another record's key says nothing."""
    key = export_key(record_id, revision)
    assert revision_of(record_id, key) == revision
    assert revision_of(f"{record_id}x", key) is None
    assert revision_of(record_id, f"{key}.rev") is None
