"""Retries, lost answers and deadlines against a sandbox that misbehaves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest

from brex_accounting import (
    APIConnectionError,
    APITimeoutError,
    BrexAccounting,
    BrexError,
    DeadlineExceeded,
    ExportSuccess,
    IntegrationNotActive,
    RateLimitError,
    RetryPolicy,
    ServerError,
)
from brex_accounting.errors import ActiveIntegrationExists
from brex_accounting.sandbox import Fault, Profile, Rules, Sandbox, parse_fault
from brex_accounting.session.call import Outcome
from brex_accounting.session.events import AttemptEvent

from ..idle_time import IdleTime
from .granting import Hurried
from .support import QUICK, client_of, held, held_states, ready_ids

PATIENT = RetryPolicy(attempts=12, base=0.001, cap=0.01, throttle_base=0.005)


@pytest.mark.parametrize("profile", ["lifelike", "awkward", "mixed"])
async def test_faults_neither_lose_nor_double_records(profile: Profile) -> None:
    """503s, 500s, 429s, dropped and cut connections on the way: every record once, as held."""
    orders = ["503:every=3", "drop:every=5", "cut:every=7", "429:every=4", "500:every=11", "drop-after:every=13"]
    faults = [parse_fault(order) for order in orders]
    async with Sandbox(records=150, profile=profile, faults=faults) as sandbox:
        events: list[object] = []
        async with client_of(sandbox, retry=PATIENT, observers=[events.append]) as brex:
            seen = [record async for record in brex.records.list(page_size=4)]
        assert seen == held(sandbox)
        assert sandbox.statistics.faults > 15
    outcomes = Counter(event.outcome for event in events if isinstance(event, AttemptEvent))
    assert outcomes[Outcome.DONE] == 38
    assert outcomes[Outcome.AMBIGUOUS] > 0
    assert outcomes[Outcome.THROTTLED] > 0


@pytest.mark.parametrize("kind", ["drop-after", "cut", "drop", "503", "500"])
async def test_a_report_without_an_answer_is_never_repeated(brex: BrexAccounting, sandbox: Sandbox, kind: str) -> None:
    """One request reaches the server whatever happened to it, and the error says what is not known."""
    one = ready_ids(sandbox)[0]
    version = held_states(sandbox)[one][1]
    sandbox.faults.add(Fault(kind=kind, next=1))
    with pytest.raises((APIConnectionError, ServerError)) as caught:
        await brex.records.report_export_results([ExportSuccess(accounting_record_id=one)])
    error = caught.value
    assert isinstance(error, BrexError)
    assert (error.may_have_happened, len(error.attempts)) == (True, 1)
    assert sandbox.statistics.requests == 1
    processed = kind in ("drop-after", "cut")
    expected = ("EXPORTED", version + 1) if processed else ("READY_FOR_EXPORT", version)
    assert held_states(sandbox)[one] == expected


async def test_a_report_that_was_throttled_or_never_left_is_sent_again(sandbox: Sandbox) -> None:
    """A 429 is a certain no: the report is repeated and processed once."""
    one = ready_ids(sandbox)[0]
    version = held_states(sandbox)[one][1]
    sandbox.faults.add(Fault(kind="429", next=3))
    async with client_of(sandbox) as brex:
        report = await brex.records.report_export_results([ExportSuccess(accounting_record_id=one)])
    assert report.updated == (one,)
    assert held_states(sandbox)[one] == ("EXPORTED", version + 1)


async def test_a_report_on_a_dead_keep_alive_connection_is_sent_once(sandbox: Sandbox) -> None:
    """The connection that a read left open dies under the report: no second try by anybody."""
    async with client_of(sandbox) as brex:
        await brex.records.list()
        sandbox.faults.add(Fault(kind="drop-after", next=1, method="POST"))
        with pytest.raises(APIConnectionError) as caught:
            await brex.records.report_export_results([ExportSuccess(accounting_record_id=ready_ids(sandbox)[0])])
    assert caught.value.may_have_happened
    assert sandbox.statistics.requests == 2


@pytest.mark.parametrize("kind", ["drop-after", "cut"])
async def test_switches_know_their_own_lost_answer(brex: BrexAccounting, sandbox: Sandbox, kind: str) -> None:
    """Disconnect and reactivate are repeated; the 409 that follows says that it was probably us."""
    ours = await brex.integrations.create(vendor="ACME", vendor_account_id="1")
    sandbox.faults.add(Fault(kind=kind, next=1))
    with pytest.raises(IntegrationNotActive) as gone:
        await brex.integrations.disconnect(ours.id)
    assert (gone.value.probably_ours, gone.value.may_have_happened) == (True, True)
    assert [attempt.status for attempt in gone.value.attempts] == [None, 409]
    sandbox.faults.add(Fault(kind=kind, next=1))
    with pytest.raises(ActiveIntegrationExists) as active:
        await brex.integrations.reactivate(ours.id)
    assert (active.value.probably_ours, active.value.existing_integration_id) == (True, ours.id)


async def test_another_integrations_conflict_is_not_ours(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """An ambiguous try of reactivate that meets a different active integration is not claimed."""
    first = await brex.integrations.create(vendor="ACME", vendor_account_id="1")
    await brex.integrations.disconnect(first.id)
    await brex.integrations.create(vendor="OTHER", vendor_account_id="1")
    sandbox.faults.add(Fault(kind="drop", next=1))
    with pytest.raises(ActiveIntegrationExists) as caught:
        await brex.integrations.reactivate(first.id)
    assert caught.value.probably_ours is False


@pytest.mark.parametrize("kind", ["drop-after", "cut", "drop", "503"])
async def test_create_is_repeated_safely(brex: BrexAccounting, sandbox: Sandbox, kind: str) -> None:
    """A create whose answer was lost is sent again and gives the one integration there is."""
    sandbox.faults.add(Fault(kind=kind, next=2))
    ours = await brex.integrations.create(vendor="ACME", vendor_account_id="1")
    assert await brex.integrations.create(vendor="ACME", vendor_account_id="1") == ours
    again = await brex.integrations.disconnect(ours.id)
    assert again.id == ours.id


async def test_records_before_an_error_are_kept_and_the_rest_resumes(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """An error in the middle comes after the records before it; its checkpoint gives exactly the rest."""
    everything = [record.id for record in held(sandbox)]
    query = brex.records.list(page_size=7)
    seen: list[str] = []

    async def read() -> None:
        async for record in query:
            seen.append(record.id)
            if len(seen) == 17:
                sandbox.faults.add(Fault(kind="503", next=4))

    with pytest.raises(ServerError) as caught:
        await read()
    assert seen == everything[:21]
    assert caught.value.checkpoint is not None
    rest = [record.id async for record in query.records(resume_from=caught.value.checkpoint)]
    assert seen + rest == everything


async def test_the_same_iterator_may_be_asked_again(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """After an error the iterator goes on with the page that failed, for records and for pages."""
    everything = [record.id for record in held(sandbox)]
    walk = brex.records.list(page_size=7).records()
    seen = [(await anext(walk)).id for _ in range(7)]
    for _ in range(2):
        sandbox.faults.add(Fault(kind="503", next=4))
        with pytest.raises(ServerError):
            await anext(walk)
    assert seen + [record.id async for record in walk] == everything
    pages = brex.records.list(page_size=7).pages()
    await anext(pages)
    sandbox.faults.add(Fault(kind="503", next=4))
    with pytest.raises(ServerError) as caught:
        await anext(pages)
    assert caught.value.checkpoint == pages.checkpoint
    assert [record.id async for page in pages for record in page.items] == everything[7:]


async def test_a_checkpoint_of_an_error_on_the_first_page(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Before anything was handed out, the checkpoint is the beginning."""
    sandbox.faults.add(Fault(kind="503", next=4))
    query = brex.records.list()
    with pytest.raises(ServerError) as caught:
        await query.collect()
    sandbox.faults.add(Fault(kind="503", next=4))
    with pytest.raises(ServerError) as awaited:
        await query
    assert caught.value.checkpoint == awaited.value.checkpoint
    assert caught.value.checkpoint is not None
    assert len([record async for record in query.records(resume_from=caught.value.checkpoint)]) == 60


@pytest.mark.usefixtures("idle_time")
async def test_a_slow_attempt_is_a_timeout(sandbox: Sandbox) -> None:
    """An attempt that takes longer than timeout is given up; with attempts left it is repeated."""
    sandbox.faults.add(Fault(kind="slow", next=1))
    async with client_of(sandbox, timeout=0.5) as brex:
        assert len(await brex.records.list().collect()) == 60
        sandbox.faults.add(Fault(kind="slow", next=1))
        once = brex.with_options(retry=RetryPolicy(attempts=1))
        with pytest.raises(APITimeoutError) as caught:
            await once.records.list()
    assert not isinstance(caught.value, DeadlineExceeded)
    assert (caught.value.sent, caught.value.may_have_happened) == (True, False)


@pytest.mark.usefixtures("idle_time")
async def test_the_deadline_ends_a_call(sandbox: Sandbox) -> None:
    """The deadline holds over attempts and waits, and says what is not known of a change."""
    sandbox.faults.add(Fault(kind="slow", every=1))
    async with client_of(sandbox, timeout=30, deadline=0.2) as brex:
        with pytest.raises(DeadlineExceeded):
            await brex.records.list()
        with pytest.raises(DeadlineExceeded) as caught:
            await brex.records.report_export_results([ExportSuccess(accounting_record_id="accr_1")])
    assert caught.value.may_have_happened


async def test_a_limit_that_lasts_longer_than_the_deadline() -> None:
    """Told to wait longer than it may, the client raises at once with the server's number."""
    rules = Rules(rate_limit=1, rate_window=3600, retry_after=True)
    async with Sandbox(records=1, rules=rules, now=Hurried().now) as sandbox, client_of(sandbox) as brex:
        await brex.records.list()
        with pytest.raises(RateLimitError) as caught:
            await brex.records.list()
    assert caught.value.retry_after == 3601  # the next whole second
    assert len(caught.value.attempts) == 1


async def test_a_crowd_gets_through_a_tight_limit(idle_time: IdleTime) -> None:
    """Forty tasks against a server that admits ten in a moment: all succeed, none is lost."""
    rules = Rules(rate_limit=10, rate_window=0.2)
    async with Sandbox(records=5, rules=rules, now=idle_time.now) as sandbox:
        policy = RetryPolicy(base=0.001, throttle_base=0.1, cap=0.4)
        async with client_of(sandbox, retry=policy) as brex:
            ids = [record.id for record in held(sandbox)] * 8
            records = await asyncio.gather(*(brex.records.get(one) for one in ids))
        assert sandbox.statistics.throttled >= 30
    assert [record.id for record in records] == ids


@pytest.fixture
async def narrow(sandbox: Sandbox) -> AsyncIterator[BrexAccounting]:
    """A client whose borrowed session has a single connection."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session,
        client_of(sandbox, session=session, retry=QUICK) as client,
    ):
        yield client


async def test_no_connection_is_held_while_the_users_code_runs(narrow: BrexAccounting, sandbox: Sandbox) -> None:
    """With a pool of one, abandoned and paused iterations of every kind do not block another call."""
    ids = [record.id for record in held(sandbox)]
    walks = [narrow.records.list(page_size=2).records() for _ in range(3)]
    pages = [narrow.records.list(page_size=2).pages() for _ in range(3)]
    many = [aiter(narrow.records.get_many(ids, chunk=2)) for _ in range(3)]
    async with asyncio.timeout(60):
        for walk in (*walks, *pages, *many):
            await anext(walk)  # type: ignore[call-overload]
        async for _ in narrow.records.list(page_size=1):
            assert (await narrow.records.get(ids[0])).id == ids[0]
            break
        async for _ in narrow.records.list(page_size=20):
            await asyncio.gather(*(narrow.records.get(one) for one in ids[:5]))
        for walk in (*walks, *pages, *many):
            await anext(walk)  # type: ignore[call-overload]


async def test_two_tasks_cannot_advance_one_iterator(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Sharing an iterator between tasks is refused, and the one that was first goes on."""
    walk = brex.records.list(page_size=5).records()
    results = await asyncio.gather(anext(walk), anext(walk), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["AccountingRecord", "ConfigurationError"]
    assert (await anext(walk)).id == held(sandbox)[1].id
