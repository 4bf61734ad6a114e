"""report_confirmed when it cannot settle everything: what is raised, and what it says is settled."""

from __future__ import annotations

import socket

import pytest
from aiohttp import web

from brex_accounting import (
    APIConnectionError,
    AuthenticationError,
    BadRequest,
    BrexAccounting,
    BrexError,
    ConfigurationError,
    DecodeError,
    ExportFailure,
    PermissionDenied,
    RateLimitError,
    RecordsNotFound,
    ServerError,
    UnprocessableEntity,
)
from brex_accounting.models import ConfirmedReport
from brex_accounting.sandbox import Fault, Rules, Sandbox

from .support import QUICK, client_of, held_states, ready_ids
from .wiretap import Tap, all_different, move, moved, naming, success

pytestmark = pytest.mark.usefixtures("tap")  # on the sandbox before it starts


@pytest.mark.parametrize("kind", ["drop", "500", "503", "html"])
async def test_after_three_rounds_the_last_error_is_raised(
    brex: BrexAccounting, sandbox: Sandbox, tap: Tap, kind: str
) -> None:
    """Three tries under one key, and the error says what is settled: the chunk before, nothing after."""
    ids = ready_ids(sandbox)[:6]
    before = held_states(sandbox)
    tap.before_post[2] = lambda: sandbox.faults.add(Fault(kind=kind, next=3, method="POST"))
    with pytest.raises((APIConnectionError, ServerError, DecodeError)) as caught:
        await brex.records.report_confirmed([success(one) for one in ids], chunk=2)
    error = caught.value
    assert isinstance(error, BrexError)
    assert error.confirmed is not None
    assert (error.confirmed, error.may_have_happened) == (ConfirmedReport(updated=(ids[0], ids[1])), True)
    assert (tap.sizes, tap.gets, len(set(tap.posts[1:]))) == ([2, 2, 2, 2], 3, 1)
    assert moved(sandbox, before) == dict.fromkeys(ids[:2], ("EXPORTED", 1))
    rest = [one for one in ids if one not in error.confirmed.updated]
    assert (await brex.records.report_confirmed([success(one) for one in rest])).updated == tuple(rest)


async def test_what_the_rounds_settled_is_on_the_error(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """Something new in each of three rounds: all of it is known, and the error is the last round's."""
    one, two, three = ready_ids(sandbox)[:3]
    tap.before_post[2] = lambda: move(sandbox, one, "EXPORTED")
    tap.before_post[3] = lambda: sandbox.faults.add(Fault(kind="500", next=1, method="POST"))
    results = [success(one), success("accr_x"), success(two), success(three)]
    with pytest.raises(ServerError) as caught:
        await brex.records.report_confirmed(results)
    assert caught.value.confirmed == ConfirmedReport(already_exported=(one,), not_found=("accr_x",))
    assert tap.sizes == [4, 3, 2]
    assert all_different(tap.keys)


async def test_a_refusal_that_the_records_do_not_bear_out(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """A 404 for records that are there and ready: three tries of the same body, then it is raised."""
    one = ready_ids(sandbox)[0]
    details = {"not_found_export_entry_source_ids": [one]}
    body = {"error_code": "NOT_FOUND", "message": "no", "details": details}
    tap.answer = lambda _: web.json_response(body, status=404)
    with pytest.raises(RecordsNotFound) as caught:
        await brex.records.report_confirmed([success(one)])
    assert (caught.value.confirmed, caught.value.may_have_happened) == (ConfirmedReport(), False)
    assert (len(tap.posts), tap.gets, len(set(tap.posts))) == (3, 3, 1)


async def test_a_refusal_after_a_lost_answer(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """Lost, then refused twice for no visible reason: the refusal is raised, and the first try is not forgotten."""
    one = ready_ids(sandbox)[0]
    sandbox.faults.add(Fault(kind="drop", next=1, method="POST"))
    tap.answer = lambda _: web.Response(status=422) if len(tap.posts) > 1 else None
    with pytest.raises(UnprocessableEntity) as caught:
        await brex.records.report_confirmed([success(one)])
    assert (caught.value.confirmed, caught.value.may_have_happened) == (ConfirmedReport(), True)
    assert (len(tap.posts), tap.gets, len(set(tap.posts))) == (3, 3, 1)


async def test_a_200_that_never_names_a_record(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """Answered three times, named never, ready still: an error that says so, with what was named."""
    one, two = ready_ids(sandbox)[:2]
    tap.answer = lambda post: naming(*(found for found in post.ids if found == one))
    with pytest.raises(BrexError, match="without naming 1 of its records") as caught:
        await brex.records.report_confirmed([success(one), success(two)])
    assert (caught.value.confirmed, caught.value.may_have_happened) == (ConfirmedReport(updated=(one,)), False)
    assert tap.sizes == [2, 1, 1]
    assert tap.keys[0] != tap.keys[1] == tap.keys[2]


async def test_a_token_that_dies_between_chunks(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """Raised at once, without reading, with what the first chunk settled."""
    ids = ready_ids(sandbox)[:4]
    tap.before_post[2] = sandbox.brex.tokens.clear
    with pytest.raises(AuthenticationError) as caught:
        await brex.records.report_confirmed([success(one) for one in ids], chunk=2)
    assert caught.value.confirmed == ConfirmedReport(updated=(ids[0], ids[1]))
    assert (caught.value.may_have_happened, tap.sizes, tap.gets) == (False, [2, 2], 0)


async def test_a_token_that_dies_before_the_reading(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """The reading is refused: its error says that the report may have happened, and no place in a list."""
    one = ready_ids(sandbox)[0]
    sandbox.faults.add(Fault(kind="drop-after", next=1, method="POST"))
    tap.before_get[1] = sandbox.brex.tokens.clear
    with pytest.raises(AuthenticationError) as caught:
        await brex.records.report_confirmed([success(one)])
    assert (caught.value.confirmed, caught.value.may_have_happened) == (ConfirmedReport(), True)
    assert (caught.value.checkpoint, len(tap.posts)) == (None, 1)


async def test_an_error_after_a_lost_answer(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """A scope that is taken away between the rounds: the first try may still have happened."""
    one = ready_ids(sandbox)[0]
    sandbox.faults.add(Fault(kind="drop", next=1, method="POST"))
    read_only = frozenset({"accounting.record.read"})
    tap.before_post[2] = lambda: sandbox.brex.tokens.update({sandbox.token: read_only})
    with pytest.raises(PermissionDenied) as caught:
        await brex.records.report_confirmed([success(one)])
    assert (caught.value.confirmed, caught.value.may_have_happened) == (ConfirmedReport(), True)
    assert (len(tap.posts), tap.gets) == (2, 1)


async def test_a_reading_that_cannot_be_decoded(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """What the 200 named is kept when the reading of the others fails."""
    one, two = ready_ids(sandbox)[:2]
    tap.answer = lambda _: naming(one)
    tap.answer_get = lambda: web.json_response({"items": "none"})
    with pytest.raises(DecodeError) as caught:
        await brex.records.report_confirmed([success(one), success(two)])
    assert (caught.value.confirmed, caught.value.may_have_happened) == (ConfirmedReport(updated=(one,)), False)


async def test_a_limit_past_the_deadline() -> None:
    """A throttled second chunk that may not wait: its error has the first one's ids."""
    async with Sandbox(records=60, rules=Rules(rate_limit=1, rate_window=3600, retry_after=True)) as sandbox:
        one, two = ready_ids(sandbox)[:2]
        async with client_of(sandbox) as brex:
            with pytest.raises(RateLimitError) as caught:
                await brex.records.report_confirmed([success(one), success(two)], chunk=1)
    assert (caught.value.confirmed, caught.value.may_have_happened) == (ConfirmedReport(updated=(one,)), False)


async def test_a_server_that_is_gone() -> None:
    """What certainly never left is raised as such, and nothing is settled."""
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))  # nobody listens, and no other process may begin to
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
        async with BrexAccounting("bxt_x", base_url=url, retry=QUICK) as brex:
            with pytest.raises(APIConnectionError) as caught:
                await brex.records.report_confirmed([success("accr_1")])
    assert (caught.value.sent, caught.value.may_have_happened) == (False, False)
    assert caught.value.confirmed == ConfirmedReport()


async def test_text_that_brex_refuses(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """A 400 says nothing of the records: raised at once, with the chunks before it."""
    one, two = ready_ids(sandbox)[:2]
    umlaut = ExportFailure(accounting_record_id=two, error_message="B\u00fcro")
    with pytest.raises(BadRequest) as caught:
        await brex.records.report_confirmed([success(one), umlaut], chunk=1)
    assert (caught.value.confirmed, len(tap.posts), tap.gets) == (ConfirmedReport(updated=(one,)), 2, 0)


async def test_other_errors_have_no_confirmed(brex: BrexAccounting) -> None:
    """Only report_confirmed fills it in."""
    with pytest.raises(RecordsNotFound) as caught:
        await brex.records.report_export_results([success("accr_x")])
    assert caught.value.confirmed is None


async def test_wrong_arguments_send_nothing(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Doubles, also chunks apart, and whatever else is wrong anywhere is refused before the first request."""
    many = [success(f"accr_{number}") for number in range(150)]
    confirm = brex.records.report_confirmed
    for asked in (
        confirm([]),
        confirm([*many, success("accr_0")]),
        confirm([success("accr_0"), ExportFailure(accounting_record_id="accr_0", error_message="no")]),
        confirm([*many, ExportFailure(accounting_record_id="accr_x", error_message=" ")]),
        confirm([*many, success("a b")]),
        confirm(many, idempotency_key="a\r\nb"),
        confirm(many, chunk=0),
        confirm(many, chunk=101),
        confirm(many, chunk=True),
        confirm(5),  # type: ignore[arg-type]
        confirm(["accr_1"]),  # type: ignore[list-item]
    ):
        with pytest.raises(ConfigurationError) as caught:
            await asked
        assert "accr_0" not in str(caught.value)
    assert sandbox.statistics.requests == 0
