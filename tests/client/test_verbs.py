"""Every verb of the client against a running sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from brex_accounting import (
    ActiveIntegrationExists,
    AuthenticationError,
    BadRequest,
    BrexAccounting,
    ConfigurationError,
    CursorExpired,
    DuplicateAccountingRecordIds,
    ExportFailure,
    ExportSuccess,
    IntegrationNotActive,
    NotFound,
    PermissionDenied,
    RecordsNotFound,
    RecordsNotReadyForExport,
    UpdatedAt,
    VendorAccountIdMismatch,
)
from brex_accounting.models import Checkpoint
from brex_accounting.sandbox import Profile, Sandbox

from .granting import Hurried
from .support import client_of, held, held_states, ready_ids


@pytest.fixture(params=["lifelike", "awkward", "mixed"])
async def any_sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Two hundred records of each profile in turn."""
    profile: Profile = request.param
    async with Sandbox(records=200, profile=profile) as running:
        yield running


@pytest.mark.parametrize("page_size", [7, 100, 200])
async def test_streaming_gives_exactly_what_the_sandbox_holds(any_sandbox: Sandbox, page_size: int) -> None:
    """Every record of every profile arrives once, in order, equal to the last digit and microsecond."""
    expected = held(any_sandbox)
    async with client_of(any_sandbox) as brex:
        seen = [record async for record in brex.records.list(page_size=page_size)]
    assert seen == expected
    for one, other in zip(seen, expected, strict=True):
        assert str(one.amount.amount) == str(other.amount.amount)
        assert [str(line.amount.amount) for line in one.line_items] == [
            str(line.amount.amount) for line in other.line_items
        ]


async def test_get(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """One record, whole or single-entry; an unknown one is NotFound with a trace id."""
    for record in held(sandbox)[:5]:
        assert await brex.records.get(record.id) == record
        single = await brex.records.get(record.id, single_entry=True)
        assert 0 < len(single.line_items) < len(record.line_items)
    with pytest.raises(NotFound) as caught:
        await brex.records.get("accr_nobody")
    assert caught.value.trace_id is not None
    assert caught.value.trace_id.startswith("sandbox-")
    assert len(caught.value.attempts) == 1


async def test_filters(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Each filter selects what it says, and an unwindowed list shows Brex's trap."""
    everything = held(sandbox)
    ready = await brex.records.list(review_status="READY_FOR_EXPORT").collect()
    assert [record.id for record in ready] == ready_ids(sandbox)
    bills = await brex.records.list(source_type="BILL").collect()
    assert bills == [record for record in everything if record.source_type == "BILL"]
    two = [everything[9].id, everything[3].id]
    assert [record.id for record in await brex.records.list(ids=two).collect()] == two[::-1]
    middle = everything[30].updated_at
    later = await brex.records.list(updated_at=UpdatedAt(gt=middle)).collect()
    assert later == [record for record in everything if record.updated_at > middle]
    assert await brex.records.list(updated_at=None).collect() == []


async def test_the_first_page_alone(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Awaiting a query gives its first page with everything around it, and asks once."""
    page = await brex.records.list(page_size=25)
    assert page.items == tuple(held(sandbox)[:25])
    assert (page.has_next_page, page.total_count) == (True, 60)
    assert page.trace_id == "sandbox-00000001"
    assert page.served_at is not None
    assert page.raw.startswith(b"{")
    assert page.checkpoint is not None
    assert sandbox.statistics.requests == 1
    assert page.items[0].id not in repr(page).replace(repr(page.checkpoint), "")


@pytest.mark.parametrize(("max_items", "requests"), [(1, 1), (10, 1), (11, 2), (60, 6), (1000, 6)])
async def test_max_items_asks_for_no_more_pages_than_needed(
    brex: BrexAccounting, sandbox: Sandbox, max_items: int, requests: int
) -> None:
    """max_items stops the walk in the middle of a page, and no further page is fetched."""
    seen = [record async for record in brex.records.list(page_size=10, max_items=max_items)]
    assert seen == held(sandbox)[:max_items]
    assert sandbox.statistics.requests == requests
    assert await brex.records.list(page_size=10).collect(max_items) == seen


async def test_a_query_can_be_walked_again(brex: BrexAccounting) -> None:
    """A query holds no state: walking it twice, or twice at once, gives the same."""
    query = brex.records.list(page_size=9)
    first = [record.id async for record in query]
    second: list[str] = []
    other = query.records()
    async for record in query:
        second.append(record.id)
        assert (await anext(other)).id == record.id
    assert first == second


@pytest.mark.parametrize("page_size", [1, 7, 60, 61])
async def test_every_checkpoint_resumes_exactly(brex: BrexAccounting, sandbox: Sandbox, page_size: int) -> None:
    """Stopping after any record and resuming from its checkpoint gives the rest, no more and no less."""
    everything = [record.id for record in held(sandbox)]
    query = brex.records.list(page_size=page_size)
    stops = range(0, 61, 1 if page_size > 7 else 5)
    for stop in stops:
        walk = query.records()
        before = [(await anext(walk)).id for _ in range(stop)]
        after = [record.id async for record in query.records(resume_from=walk.checkpoint)]
        assert before + after == everything


async def test_page_checkpoints_mean_done(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """A page's checkpoint includes the page itself."""
    query = brex.records.list(page_size=25)
    pages = [page async for page in query.pages()]
    assert [len(page.items) for page in pages] == [25, 25, 10]
    for number, page in enumerate(pages, start=1):
        rest = [record async for more in query.pages(resume_from=page.checkpoint) for record in more.items]
        assert rest == held(sandbox)[number * 25 :]


async def test_a_forged_cursor_is_cursor_expired(brex: BrexAccounting) -> None:
    """A cursor that the server refuses has an error of its own, with where to start again."""
    query = brex.records.list()
    page = await query
    assert page.checkpoint is not None
    forged = Checkpoint(filters=page.checkpoint.filters, page_size=10, cursor="nonsense")
    with pytest.raises(CursorExpired) as caught:
        await anext(query.records(resume_from=forged))
    assert caught.value.checkpoint == forged


async def test_get_many(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Any number of ids in chunks, each asked for once; what is missing is known at the end."""
    ids = [record.id for record in held(sandbox)]
    many = brex.records.get_many([*ids, "accr_x", *ids[:5], "accr_y"], chunk=25)
    with pytest.raises(ConfigurationError):
        _ = many.missing
    seen = []
    async for record in many:
        seen.append(record)
        if len(seen) == 30:
            with pytest.raises(ConfigurationError):
                _ = many.missing
    assert sorted(record.id for record in seen) == sorted(ids)
    assert many.missing == ("accr_x", "accr_y")
    assert sandbox.statistics.requests == 3
    nothing = brex.records.get_many([])
    assert [record async for record in nothing] == []
    assert nothing.missing == ()


async def test_report(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Successes and failures in one report move the records on and are named."""
    one, two = ready_ids(sandbox)[:2]
    report = await brex.records.report_export_results(
        [
            ExportSuccess(accounting_record_id=one, reference_id="JE-1", deep_link_url="https://erp/1"),
            ExportFailure(accounting_record_id=two, error_message="Unknown GL account 4711: choose another"),
        ]
    )
    assert (report.updated, report.not_named) == ((one, two), ())
    states = held_states(sandbox)
    assert (states[one][0], states[two][0]) == ("EXPORTED", "PREPARE")


async def test_refused_reports_name_their_ids(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Duplicate, unknown and late records each have an error with .ids, and nothing has happened."""
    good = ready_ids(sandbox)[0]
    late = next(record.id for record in held(sandbox) if record.review_status == "EXPORTED")
    before = held_states(sandbox)
    for ids, kind, named in (
        ([good, late, good], DuplicateAccountingRecordIds, (good,)),
        ([good, "accr_x"], RecordsNotFound, ("accr_x",)),
        ([good, late], RecordsNotReadyForExport, (late,)),
    ):
        with pytest.raises(kind) as caught:
            await brex.records.report_export_results([ExportSuccess(accounting_record_id=one) for one in ids])
        assert isinstance(caught.value, kind)
        assert (caught.value.ids, caught.value.may_have_happened, len(caught.value.attempts)) == (named, False, 1)
    assert held_states(sandbox) == before


async def test_text_that_is_not_ascii_is_brexs_to_refuse(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """The sandbox refuses it as Brex's guide says, and the client hands the refusal on."""
    one = ready_ids(sandbox)[0]
    with pytest.raises(BadRequest):
        await brex.records.report_export_results([ExportFailure(accounting_record_id=one, error_message="Büro")])


async def test_the_life_of_an_integration(brex: BrexAccounting) -> None:
    """Create, create again, collide, disconnect, disconnect again, reactivate."""
    ours = await brex.integrations.create(vendor="ACME", vendor_account_id="1")
    assert await brex.integrations.create(vendor="ACME", vendor_account_id="1") == ours
    with pytest.raises(ActiveIntegrationExists) as exists:
        await brex.integrations.create(vendor="OTHER", vendor_account_id="1")
    assert (exists.value.existing_integration_id, exists.value.existing_vendor) == (ours.id, "ACME")
    assert exists.value.requested_vendor == "OTHER"
    with pytest.raises(VendorAccountIdMismatch) as mismatch:
        await brex.integrations.create(vendor="ACME", vendor_account_id="2")
    assert mismatch.value.existing_vendor_account_id == "1"
    gone = await brex.integrations.disconnect(ours.id)
    assert (gone.id, gone.status) == (ours.id, "DISABLED")
    with pytest.raises(IntegrationNotActive) as inactive:
        await brex.integrations.disconnect(ours.id)
    assert (inactive.value.current_status, inactive.value.probably_ours) == ("DISABLED", False)
    assert (await brex.integrations.reactivate(ours.id)).status == "ACTIVE"
    with pytest.raises(ActiveIntegrationExists) as active:
        await brex.integrations.reactivate(ours.id)
    assert active.value.probably_ours is False
    with pytest.raises(NotFound):
        await brex.integrations.disconnect("int_nobody")


async def test_refusals_of_tokens_and_scopes(sandbox: Sandbox) -> None:
    """A dead token and a missing scope are both 403 on the wire and two errors here; neither is retried."""
    sandbox.brex.tokens["bxt_read"] = frozenset({"accounting.record.read"})
    async with client_of(sandbox, token="bxt_gone") as brex:
        with pytest.raises(AuthenticationError) as dead:
            await brex.records.get("accr_1")
    assert (dead.value.status, len(dead.value.attempts)) == (403, 1)
    async with client_of(sandbox, token="bxt_read") as brex:
        await brex.records.list()
        with pytest.raises(PermissionDenied) as scope:
            await brex.integrations.create(vendor="A", vendor_account_id="1")
    assert (scope.value.status, len(scope.value.attempts)) == (403, 1)


async def test_server_now_follows_the_servers_clock() -> None:
    """The server's date and what has passed since; one question when no answer was seen, then none."""
    moment, clock = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC), Hurried()
    async with Sandbox(records=1, now=lambda: moment) as sandbox, client_of(sandbox, clock=clock) as brex:
        times = []
        for _ in range(5):
            times.append(await brex.server_now())
            clock.time += 0.25
        assert sandbox.statistics.requests == 1
    assert times == [moment + timedelta(seconds=number / 4) for number in range(5)]


async def test_wrong_arguments_send_nothing(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Each is refused before a request leaves."""
    records = brex.records
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the point
    for wrong in (
        lambda: records.list(ids=[]),
        lambda: records.list(ids="accr_1"),
        lambda: records.list(ids=[f"accr_{number}" for number in range(501)]),
        lambda: records.list(review_status="EXPORTED", source_type="BILL"),
        lambda: records.list(review_status="exported"),
        lambda: records.list(updated_at=UpdatedAt(gt=naive)),
        lambda: records.list(updated_at=UpdatedAt()),
        lambda: records.list(page_size=0),
        lambda: records.list(max_items=0),
        lambda: records.list(statsu="X"),  # type: ignore[call-overload]
        lambda: records.list(on_bad_record="ignore"),  # type: ignore[call-overload]
        lambda: records.list(on_bad_record=asyncio.sleep),  # type: ignore[arg-type]
        lambda: records.list().pages(resume_from="x"),  # type: ignore[arg-type]
        lambda: records.list(ids=["accr_" + "1" * 200]),
        lambda: records.get_many(["a"], chunk=501),
        lambda: records.get_many("accr_1"),
    ):
        with pytest.raises(ConfigurationError):
            wrong()
    for asked in (
        records.get(""),
        records.get(".."),
        records.get("a/../b"),
        records.get("a b"),
        records.report_export_results([]),
        records.report_export_results([ExportFailure(accounting_record_id="a", error_message=" ")]),
        records.report_export_results([ExportSuccess(accounting_record_id="a")], idempotency_key="a\r\nb"),
        brex.integrations.create(vendor="", vendor_account_id="1"),
        brex.integrations.disconnect("../records"),
    ):
        with pytest.raises(ConfigurationError):
            await asked
    assert sandbox.statistics.requests == 0


async def test_get_many_in_the_largest_chunks(sandbox: Sandbox, brex: BrexAccounting) -> None:
    """500 ids of real length fit into one request."""
    wanted = [record.id for record in sandbox.brex.records()]
    wanted += [f"accr_{number:024x}" for number in range(500 - len(wanted))]
    before = sandbox.statistics.requests
    many = brex.records.get_many(wanted, chunk=500)
    found = [record.id async for record in many]
    assert sandbox.statistics.requests == before + 1
    assert sorted([*found, *many.missing]) == sorted(wanted)
