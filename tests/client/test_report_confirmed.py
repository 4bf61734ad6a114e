"""report_confirmed against a sandbox that loses answers, and whose records others move meanwhile."""

from __future__ import annotations

from uuid import UUID

import attrs
import pytest
from aiohttp import web

from brex_accounting import BrexAccounting, BrexError
from brex_accounting.enums import ReviewStatus
from brex_accounting.models import ConfirmedReport, ExportResult
from brex_accounting.sandbox import Fault, Rules, Sandbox, parse_fault

from .support import client_of, held, held_states, ready_ids
from .wiretap import Tap, all_different, failure, move, moved, naming, success

pytestmark = pytest.mark.usefixtures("tap")  # on the sandbox before it starts
EXPORTED, PREPARE = "EXPORTED", "PREPARE"

# fault on the first report, whether the sandbox processed it, reports and reads until it is settled
LOST = [
    ("drop", False, 2, 1),
    ("500", False, 2, 1),
    ("503", False, 2, 1),
    ("html", False, 2, 1),
    ("drop-after", True, 1, 1),
    ("cut", True, 1, 1),
]


@pytest.mark.parametrize("after_failure", ["PREPARE", "REVIEW"])
@pytest.mark.parametrize(("kind", "processed", "posts", "gets"), LOST)
async def test_a_lost_answer_is_settled(
    brex: BrexAccounting,
    sandbox: Sandbox,
    tap: Tap,
    kind: str,
    processed: bool,
    posts: int,
    gets: int,
    after_failure: str,
) -> None:
    """Processed or not, every record moves exactly once, and a body that goes out again keeps its key."""
    sandbox.brex.rules = Rules(after_failure=ReviewStatus(after_failure))
    one, two, three = ready_ids(sandbox)[:3]
    before = held_states(sandbox)
    sandbox.faults.add(Fault(kind=kind, next=1, method="POST"))
    report = await brex.records.report_confirmed([success(one), failure(two), success(three)])
    if processed:
        assert report == ConfirmedReport(updated=(one, three), presumed_reported=(two,))
    else:
        assert report == ConfirmedReport(updated=(one, two, three))
    assert moved(sandbox, before) == {one: (EXPORTED, 1), two: (after_failure, 1), three: (EXPORTED, 1)}
    assert (len(tap.posts), tap.gets, len(set(tap.posts))) == (posts, gets, 1)
    assert UUID(tap.keys[0]).version == 4


async def test_without_trouble_nothing_is_read(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """One report, one request."""
    ids = ready_ids(sandbox)[:5]
    report = await brex.records.report_confirmed(success(one) for one in ids)  # type: ignore[arg-type]
    assert report == ConfirmedReport(updated=tuple(ids))
    assert (tap.sizes, tap.gets) == ([5], 0)


async def test_a_late_first_try_makes_the_second_a_422(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """The first try is processed after the read-back; the 422 that names our own ids is known as ours."""
    one, two = ready_ids(sandbox)[:2]
    before = held_states(sandbox)
    results = [success(one), failure(two)]
    sandbox.faults.add(Fault(kind="drop", next=1, method="POST"))
    tap.before_post[2] = lambda: sandbox.brex.report_export_results(results)
    report = await brex.records.report_confirmed(results)
    assert report == ConfirmedReport(updated=(one,), presumed_reported=(two,))
    assert moved(sandbox, before) == {one: (EXPORTED, 1), two: (PREPARE, 1)}
    assert (len(tap.posts), tap.gets, len(set(tap.posts))) == (2, 2, 1)


async def test_records_of_every_state_among_good_ones(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """Refused without any lost answer: what others did is told apart, and the rest goes out under a new key."""
    ids = [record.id for record in held(sandbox)][:8]
    kinds = [success, success, success, success, failure, failure, failure, failure]
    for one, state in zip(ids, [EXPORTED, PREPARE, "REVIEW", "READY_FOR_EXPORT"] * 2, strict=True):
        move(sandbox, one, state)
    before = held_states(sandbox)
    report = await brex.records.report_confirmed([kind(one) for kind, one in zip(kinds, ids, strict=True)])
    assert report == ConfirmedReport(
        updated=(ids[3], ids[7]), already_exported=(ids[0], ids[4]), not_ready=(ids[1], ids[2], ids[5], ids[6])
    )
    assert moved(sandbox, before) == {ids[3]: (EXPORTED, 1), ids[7]: (PREPARE, 1)}
    assert (tap.sizes, tap.gets) == ([8, 2], 1)
    assert all_different(tap.keys)


async def test_unknown_records_among_good_ones(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """A 404 costs one reading; the good ones are reported, under a new key."""
    one, two = ready_ids(sandbox)[:2]
    results = [success("accr_x"), success(one), failure("accr_y"), failure(two)]
    report = await brex.records.report_confirmed(results, idempotency_key="mine")
    assert report == ConfirmedReport(updated=(one, two), not_found=("accr_x", "accr_y"))
    assert [post.ids for post in tap.posts] == [("accr_x", one, "accr_y", two), (one, two)]
    assert (tap.keys[0], tap.gets) == ("mine", 1)
    assert all_different(tap.keys)
    nothing = await brex.records.report_confirmed([success("accr_x")])
    assert (nothing, len(tap.posts)) == (ConfirmedReport(not_found=("accr_x",)), 3)


async def test_somebody_else_between_a_lost_answer_and_the_reading(
    brex: BrexAccounting, sandbox: Sandbox, tap: Tap
) -> None:
    """A success counts as ours, a failure whose record was exported meanwhile as somebody else's."""
    one, two, three, four = ready_ids(sandbox)[:4]
    sandbox.faults.add(Fault(kind="drop", next=1, method="POST"))

    def meanwhile() -> None:
        move(sandbox, one, EXPORTED)
        move(sandbox, two, EXPORTED)
        move(sandbox, three, PREPARE)

    tap.before_get[1] = meanwhile
    before = held_states(sandbox)
    report = await brex.records.report_confirmed([success(one), failure(two), success(three), success(four)])
    assert report == ConfirmedReport(updated=(one, four), already_exported=(two,), not_ready=(three,))
    assert {state[1] for state in moved(sandbox, before).values()} == {1}
    assert tap.posts[1].ids == (four,)
    assert all_different(tap.keys)


async def test_a_processed_failure_that_was_fixed_and_exported(
    brex: BrexAccounting, sandbox: Sandbox, tap: Tap
) -> None:
    """Our failure was processed, the customer exported again, somebody reported success: not sent again."""
    one = ready_ids(sandbox)[0]
    sandbox.faults.add(Fault(kind="drop-after", next=1, method="POST"))
    tap.before_get[1] = lambda: move(sandbox, one, "READY_FOR_EXPORT", EXPORTED)
    report = await brex.records.report_confirmed([failure(one)])
    assert (report, len(tap.posts)) == (ConfirmedReport(already_exported=(one,)), 1)


async def test_the_lost_answer_of_an_earlier_round_still_counts(
    brex: BrexAccounting, sandbox: Sandbox, tap: Tap
) -> None:
    """Lost, then refused for one record, then processed late: the last is ours, the first was not ready."""
    one, two = ready_ids(sandbox)[:2]
    sandbox.faults.add(Fault(kind="drop", next=1, method="POST"))
    tap.before_post[2] = lambda: move(sandbox, one, PREPARE)
    tap.before_post[3] = lambda: sandbox.brex.report_export_results([failure(two)])
    report = await brex.records.report_confirmed([success(one), failure(two)])
    assert report == ConfirmedReport(presumed_reported=(two,), not_ready=(one,))
    assert tap.keys[0] == tap.keys[1] != tap.keys[2]


async def test_two_hundred_and_fifty_results_are_three_requests(tap: Tap) -> None:
    """A hundred at a time, nothing read, each record once; a key of the caller's is numbered."""
    async with Sandbox(records=260) as sandbox, client_of(sandbox) as brex:
        ids = [record.id for record in held(sandbox)][:250]
        for one in ids:
            move(sandbox, one, "READY_FOR_EXPORT")
        before = held_states(sandbox)
        report = await brex.records.report_confirmed([success(one) for one in ids], idempotency_key="run-7")
        assert report == ConfirmedReport(updated=tuple(ids))
        assert moved(sandbox, before) == dict.fromkeys(ids, (EXPORTED, 1))
        assert (sandbox.statistics.requests, tap.sizes) == (3, [100, 100, 50])
        assert tap.keys == ["run-7", "run-7-2", "run-7-3"]
        late = await brex.records.report_confirmed([failure(one) for one in ids])
    assert late == ConfirmedReport(already_exported=tuple(ids))
    assert (tap.sizes[3:], tap.gets) == ([100, 100, 50], 3)
    assert all_different(tap.keys)


async def test_ids_that_a_200_does_not_name(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """They are read and sorted like those of a refusal, and only what is ready goes out again, under a new key."""
    ids = ready_ids(sandbox)[:5]
    before = held_states(sandbox)

    def names_one(_: object) -> web.Response | None:
        if len(tap.posts) > 1:
            return None
        move(sandbox, ids[0], EXPORTED)  # this one is the report's
        move(sandbox, ids[1], EXPORTED)
        move(sandbox, ids[2], PREPARE)
        sandbox.brex.table.remove(sandbox.brex.table.row_of(ids[3]) or 0)
        return naming(ids[0], "accr_foreign")

    tap.answer = names_one
    report = await brex.records.report_confirmed([success(one) for one in ids])
    assert report == ConfirmedReport(
        updated=(ids[0], ids[4]), already_exported=(ids[1],), not_ready=(ids[2],), not_found=(ids[3],)
    )
    del before[ids[3]]
    assert {state[1] for state in moved(sandbox, before).values()} == {1}
    assert [post.ids for post in tap.posts] == [tuple(ids), (ids[4],)]
    assert all_different(tap.keys)


async def test_a_200_that_names_another_chunks_record(brex: BrexAccounting, sandbox: Sandbox, tap: Tap) -> None:
    """It settles nothing but its own chunk: the other record is sent and sorted for itself."""
    one, two = ready_ids(sandbox)[:2]
    move(sandbox, two, PREPARE)
    tap.answer = lambda _: naming(one, two) if len(tap.posts) == 1 else None
    report = await brex.records.report_confirmed([success(one), success(two)], chunk=1)
    assert report == ConfirmedReport(updated=(one,), not_ready=(two,))
    assert tap.sizes == [1, 1]


@pytest.mark.parametrize("chunk", [1, 3, 4, 7, 40])
async def test_in_a_storm_every_record_moves_once(tap: Tap, chunk: int) -> None:
    """Lost answers of all kinds, refusals and rounds used up, reported until all is settled: nothing moves twice."""
    orders = ["drop:every=5", "drop-after:every=3", "cut:every=4", "500:every=7", "429:every=6"]
    async with Sandbox(records=60) as sandbox:
        ids = [record.id for record in held(sandbox)][:40]
        for index, one in enumerate(ids):
            move(sandbox, one, "READY_FOR_EXPORT" if index % 8 else EXPORTED)
        before = held_states(sandbox)
        left = [failure(one) if index % 3 else success(one) for index, one in enumerate([*ids, "accr_x"])]
        for order in orders:
            sandbox.faults.add(attrs.evolve(parse_fault(order), method="POST"))
        settled: list[str] = []
        async with client_of(sandbox) as brex:
            while left:
                report = await until_error(brex, left, chunk)
                settled += [one for some in attrs.astuple(report) for one in some]
                left = [one for one in left if one.accounting_record_id not in settled]
                assert len(tap.posts) < 200
        after = moved(sandbox, before)
    assert sorted(settled) == sorted([*ids, "accr_x"])
    assert after == {one: (PREPARE if index % 3 else EXPORTED, 1) for index, one in enumerate(ids) if index % 8}


async def until_error(brex: BrexAccounting, results: list[ExportResult], chunk: int) -> ConfirmedReport:
    try:
        return await brex.records.report_confirmed(results, chunk=chunk)
    except BrexError as error:
        return error.confirmed or ConfirmedReport()
