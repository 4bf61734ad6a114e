"""Views, borrowed sessions, opening and closing, observers, and what cancellation leaves behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import warnings

import aiohttp
import attrs
import pytest

from brex_accounting import (
    APIConnectionError,
    AuthenticationError,
    BrexAccounting,
    ConfigurationError,
    DeadlineExceeded,
)
from brex_accounting.models import SchemaDrift
from brex_accounting.sandbox import ALL_SCOPES, Fault, Sandbox
from brex_accounting.session.events import AttemptEvent, PageEvent

from ..session.raw import answering, http_bytes
from .support import QUICK, UNLIMITED, client_of, held, our_tasks, page_json, wire_record


def connections(client: BrexAccounting) -> int:
    """How many sockets a client's own session holds open."""
    session = client._view.core.manager.transport._session  # type: ignore[attr-defined]
    return len(session.connector._conns) + len(session.connector._acquired)


async def test_views_share_the_connections(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Options and companies are views: one session, one socket, whoever asks."""
    sandbox.brex.tokens["bxt_other"] = ALL_SCOPES
    views = [brex, brex.with_options(timeout=5), brex.for_company("cuacc_2", token="bxt_other")]
    views.append(views[2].with_options(deadline=5))
    for view in views:
        assert len(await view.records.list().collect()) == 60
    assert len({id(view._view.core) for view in views}) == 1
    assert connections(brex) == 1


async def test_each_company_has_its_own_token(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """A company's dead token is its own trouble, and is never tried with another's."""
    sandbox.brex.tokens["bxt_two"] = ALL_SCOPES
    two = brex.for_company("cuacc_2", token="bxt_two")
    gone = brex.for_company("cuacc_3", token="bxt_gone")
    await two.records.list()
    with pytest.raises(AuthenticationError):
        await gone.records.list()
    del sandbox.brex.tokens["bxt_two"]
    with pytest.raises(AuthenticationError):
        await two.with_options(timeout=9).records.list()
    await brex.records.list()


async def test_views_are_neither_opened_nor_closed(brex: BrexAccounting) -> None:
    """Entering a view is refused, closing it does nothing; the client goes on."""
    view = brex.with_options(deadline=9)
    for one in (view, BrexAccounting("bxt_x").with_options(deadline=9)):
        with pytest.raises(ConfigurationError, match="view"):
            await one.__aenter__()
    await view.aclose()
    await brex.records.list()
    await view.records.list()


@pytest.mark.usefixtures("idle_time")
async def test_options_of_views_are_checked_and_kept_apart(sandbox: Sandbox) -> None:
    """A view's options are its own, and wrong ones are refused at once."""
    async with client_of(sandbox) as brex:
        sandbox.faults.add(Fault(kind="slow", next=1))
        with pytest.raises(DeadlineExceeded):
            await brex.with_options(deadline=0.1).records.list()
        await brex.records.list()
        for wrong in ({"timeout": 0}, {"deadline": -1}, {"timeout": float("nan")}, {"deadline": True}):
            with pytest.raises(ConfigurationError):
                brex.with_options(**wrong)
        for company in ("", " "):
            with pytest.raises(ConfigurationError):
                brex.for_company(company, token="bxt_x")


async def test_use_outside_of_async_with(sandbox: Sandbox) -> None:
    """Before and after, every call says what is wrong; a client is opened once."""
    brex = client_of(sandbox)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="async with"):
            await brex.records.list()
        with pytest.raises(ConfigurationError):
            await brex.server_now()
        with pytest.raises(ConfigurationError):
            async for _ in brex.records.get_many(["a"]):
                pass
        if not brex._view.core._closed:
            async with brex:
                await brex.records.list()
                with pytest.raises(ConfigurationError):
                    await brex.__aenter__()
    with pytest.raises(ConfigurationError):
        await brex.__aenter__()
    await brex.aclose()
    assert sandbox.statistics.requests == 1


async def test_an_iteration_that_outlives_its_client(sandbox: Sandbox) -> None:
    """What was read can be handed out; the next page says that the client is closed."""
    async with client_of(sandbox) as brex:
        walk = brex.records.list(page_size=2).records()
        await anext(walk)
    await anext(walk)
    with pytest.raises(ConfigurationError) as caught:
        await anext(walk)
    assert caught.value.checkpoint == walk.checkpoint


async def test_a_borrowed_session_is_never_closed(sandbox: Sandbox) -> None:
    """The owner's session works on after the client is gone, with its own settings."""
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        async with client_of(sandbox, session=session) as brex:
            await brex.records.list()
            with pytest.raises(AuthenticationError):  # and not aiohttp's ClientResponseError
                await brex.for_company("c", token="bxt_gone").records.list()
        assert not session.closed
        async with session.get(sandbox.url + "/openapi.json") as response:
            assert response.status == 200


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "http://127.0.0.1:1"},
        {"headers": {"Authorization": "Bearer canary"}},
        {"headers": {"COOKIE": "a=canary"}},
    ],
)
async def test_a_leaky_session_is_refused(options: dict[str, str]) -> None:
    """A session with credentials of its own is refused when the client opens, without an echo."""
    async with aiohttp.ClientSession(**options) as session:  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError) as caught:
            await BrexAccounting("bxt_x", session=session).__aenter__()
    assert "canary" not in str(caught.value)


async def test_middlewares_of_a_borrowed_session_do_not_run(sandbox: Sandbox) -> None:
    """The owner's client middleware sees nothing of ours, least of all the token."""
    seen: list[str] = []

    async def spy(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        seen.append(request.headers["Authorization"])
        return await handler(request)

    async with (
        aiohttp.ClientSession(middlewares=(spy,)) as session,
        client_of(sandbox, session=session) as brex,
    ):
        await brex.records.list()
    assert seen == []


@pytest.mark.usefixtures("idle_time")
async def test_closing_under_a_running_call(sandbox: Sandbox) -> None:
    """A call that is under way when its client closes ends with an error of ours."""
    sandbox.faults.add(Fault(kind="slow", next=1))
    async with client_of(sandbox) as brex:
        task = asyncio.ensure_future(brex.records.get("accr_1"))
        await asyncio.sleep(0.1)
    with pytest.raises(APIConnectionError):
        await task


async def test_observers_are_told_each_attempt(sandbox: Sandbox) -> None:
    """Retries and their waits are visible, in order, with the trace ids of Brex's answers."""
    events: list[object] = []
    sandbox.faults.add(Fault(kind="503", next=2))
    async with client_of(sandbox, observers=[events.append]) as brex:
        await brex.for_company("cuacc_9", token=sandbox.token).records.list()
    attempts = [event for event in events if isinstance(event, AttemptEvent)]
    assert [(one.number, one.status) for one in attempts] == [(1, 503), (2, 503), (3, 200)]
    assert [one.trace_id for one in attempts] == [f"sandbox-{number:08d}" for number in (1, 2, 3)]
    assert {(one.key, one.call, one.path) for one in attempts} == {
        ("cuacc_9", "list records", "/v3/accounting/records")
    }
    assert all(one.wait is not None for one in attempts[:2])


async def test_an_observer_that_raises_harms_nothing(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Reading goes on, the other observers are told, and the log holds no text of the error."""
    events: list[object] = []

    def broken(_: object) -> None:
        raise LookupError("canary")

    async with client_of(sandbox, observers=[broken, events.append]) as brex:
        assert len(await brex.records.list(page_size=10).collect()) == 60
    assert len([event for event in events if isinstance(event, AttemptEvent)]) == 6
    assert "canary" not in caplog.text


async def test_drift_is_told_once_per_client(caplog: pytest.LogCaptureFixture) -> None:
    """Unknown and missing names are told for the first page with records, once, views included."""
    odd = wire_record(1, brand_new={"canary": "canary"})
    del odd["memo"]
    told: list[object] = []
    answers = [page_json(), page_json(odd), page_json(odd), page_json(wire_record(2, other=1))]
    async with answering(*map(http_bytes, answers)) as server:
        options = {"retry": QUICK, "rate_limit": UNLIMITED, "observers": [told.append]}
        async with BrexAccounting("bxt_x", base_url=server.url, **options) as brex:  # type: ignore[arg-type]
            with caplog.at_level(logging.INFO, "brex_accounting"):
                for view in (brex, brex, brex.for_company("c", token="bxt_y"), brex.with_options(timeout=3)):
                    await view.records.list()
    drifts = [event for event in told if isinstance(event, SchemaDrift)]
    assert len(drifts) == 1
    assert drifts[0].unknown == ("items[].brand_new",)
    assert "items[].memo" in drifts[0].missing
    assert "canary" not in caplog.text


async def test_the_sandbox_has_no_unknown_names(sandbox: Sandbox) -> None:
    """What the sandbox serves is what the models know: no drift towards unknown fields."""
    told: list[object] = []
    async with client_of(sandbox, observers=[told.append]) as brex:
        await brex.records.list(page_size=1000)
    assert [event.unknown for event in told if isinstance(event, SchemaDrift)] in ([], [()])


async def _busy(brex: BrexAccounting, ids: list[str]) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(brex.records.list(page_size=3).collect())
        for one in ids:
            group.create_task(brex.records.get(one))


@pytest.mark.parametrize("after", [0.0, 0.001, 0.005, 0.02, 0.05])
async def test_cancellation_leaves_nothing_behind(sandbox: Sandbox, after: float) -> None:
    """Cancelled at any moment: no task is left, no transport unclosed, and the client still works."""
    sandbox.faults.add(Fault(kind="slow", every=9))
    sandbox.faults.add(Fault(kind="503", every=4))
    ids = [record.id for record in held(sandbox)][:20]
    # One call of a crowd may draw every fourth request again and again: it must not fail before it is cancelled.
    async with client_of(sandbox, retry=attrs.evolve(QUICK, attempts=50)) as brex:
        task = asyncio.create_task(_busy(brex, ids))
        await asyncio.sleep(after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        sandbox.faults.clear()
        assert len(await brex.records.list().collect()) == 60
    await asyncio.sleep(0.01)
    assert our_tasks() == set()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        del brex, task
        gc.collect()
    assert [str(one.message) for one in warned if issubclass(one.category, ResourceWarning)] == []


async def test_an_abandoned_stream_leaves_nothing_behind(sandbox: Sandbox) -> None:
    """Leaving loops early and dropping the iterators needs no call and warns of nothing."""
    async with client_of(sandbox) as brex:
        async for _ in brex.records.list(page_size=2):
            break
        async for _ in brex.records.get_many([record.id for record in held(sandbox)], chunk=2):
            break
        async with brex.records.list(page_size=2).pages() as pages:
            async for _ in pages:
                break
        with pytest.raises(StopAsyncIteration):
            await anext(pages)
        gc.collect()
        assert (await brex.records.get(held(sandbox)[0].id)).id == held(sandbox)[0].id


def test_what_is_shown_of_a_client() -> None:
    """repr names the host and the company, and no more."""
    brex = BrexAccounting("bxt_canary", base_url="https://api.brex.com")
    view = brex.for_company("cuacc_1", token="bxt_canary")
    query = brex.records.list(ids=["accr_canary"])
    shown = repr([brex, view, query, query.records(), query.pages(), brex.records.get_many(["accr_canary"])])
    assert "https://api.brex.com" in shown
    assert "cuacc_1" in shown
    assert "canary" not in shown


async def test_observers_are_told_each_page(sandbox: Sandbox) -> None:
    """Every page of a list, with the company, how many records it held, and whether more follow."""
    events: list[object] = []
    async with client_of(sandbox, observers=[events.append]) as brex:
        company = brex.for_company("cuacc_1", token=sandbox.token)
        assert len(await company.records.list(page_size=25).collect()) == 60
        await brex.records.get(held(sandbox)[0].id)
    pages = [event for event in events if isinstance(event, PageEvent)]
    assert pages == [
        PageEvent(call="list records", key="cuacc_1", items=items, has_next_page=more)
        for items, more in ((25, True), (25, True), (10, False))
    ]
