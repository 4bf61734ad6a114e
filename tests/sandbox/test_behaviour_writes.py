"""Reporting results, integrations, and who may do what."""

from __future__ import annotations

from datetime import datetime

import pytest

from brex_accounting.enums import ReviewStatus
from brex_accounting.sandbox import TOKEN, Rules

from .drivers import ALL, TODAY, Driver, Opener, all_records, ids_of

Result = dict[str, object]


def ready(driver: Driver) -> list[str]:
    return [one.id for one in all_records(driver.brex) if one.review_status == "READY_FOR_EXPORT"]


def success(record_id: str, **content: object) -> Result:
    return {"accounting_record_id": record_id, "success": content}


def failure(record_id: str, message: object = "No such account") -> Result:
    return {"accounting_record_id": record_id, "failure": {"error_message": message}}


def states(driver: Driver) -> dict[str, tuple[str, int, datetime]]:
    return {one.id: (one.review_status, one.version, one.updated_at) for one in all_records(driver.brex)}


async def test_a_report_moves_records_on(driver: Driver) -> None:
    """A success makes EXPORTED, a failure gives the record back; versions and times move with it."""
    before = states(driver)
    good, bad = ready(driver)[:2]
    driver.clock.tick(5)
    report = {"results": [success(good, reference_id="JE-1", deep_link_url="https://erp/1"), failure(bad)]}
    answer = await driver.ask("report", content=report)
    assert (answer.status, answer.body) == (200, {"updated_accounting_record_ids": [good, bad]})
    for one, status in ((good, "EXPORTED"), (bad, "PREPARE")):
        record = (await driver.ask("get", target=one)).body
        assert (record["review_status"], record["version"]) == (status, before[one][1] + 1)
        assert datetime.fromisoformat(record["updated_at"]) == driver.clock.moment
    untouched = {one: state for one, state in before.items() if one not in (good, bad)}
    assert untouched.items() <= states(driver).items()
    newest = await driver.ask("list", query=[("updated_at[gt]", TODAY.isoformat())])
    assert sorted(ids_of(newest)) == sorted([good, bad])


async def test_a_failure_goes_where_the_rules_say(opener: Opener) -> None:
    """Rules(after_failure=...) decides whether a failed record is in PREPARE or REVIEW."""
    async with opener(rules=Rules(after_failure=ReviewStatus.REVIEW)) as driver:
        one = ready(driver)[0]
        await driver.ask("report", content={"results": [failure(one)]})
        assert (await driver.ask("get", target=one)).body["review_status"] == "REVIEW"


async def test_versions_and_times_move_with_each_change(driver: Driver) -> None:
    """Three changes in the same instant are three versions at three times, each later than the last."""
    one = ready(driver)[0]
    row = driver.brex.table.row_of(one)
    assert row is not None
    seen = [states(driver)[one]]
    for status in (ReviewStatus.REVIEW, ReviewStatus.REVIEW, ReviewStatus.READY_FOR_EXPORT):
        driver.brex.table.change(row, status, TODAY)
        seen.append(states(driver)[one])
    versions, times = [version for _, version, _ in seen], [time for _, _, time in seen]
    assert versions == list(range(versions[0], versions[0] + 4))
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    ("problem", "status", "code", "key"),
    [
        ("twice", 422, "DUPLICATE_ACCOUNTING_RECORD_IDS", "duplicate_accounting_record_ids"),
        ("unknown", 404, "NOT_FOUND", "not_found_export_entry_source_ids"),
        ("late", 422, "ACCOUNTING_RECORD_NOT_READY_FOR_EXPORT", "not_ready_for_export_accounting_record_ids"),
    ],
)
async def test_one_offender_refuses_the_whole_report(
    driver: Driver, problem: str, status: int, code: str, key: str
) -> None:
    """All or nothing: the offenders are named under Brex's key, and no record changes."""
    before = states(driver)
    good, other = ready(driver)[:2]
    late = next(one.id for one in all_records(driver.brex) if one.review_status == "EXPORTED")
    offender = {"twice": other, "unknown": "accr_nobody", "late": late}[problem]
    results = [success(good), failure(offender)] + ([success(offender)] if problem == "twice" else [])
    answer = await driver.ask("report", content={"results": results})
    assert (answer.status, answer.code) == (status, code)
    assert answer.body["details"] == {key: [offender]}
    assert states(driver) == before


async def test_every_offender_is_named(driver: Driver) -> None:
    """Each refusal lists all of its kind."""
    twice = ready(driver)[:2]
    late = [one.id for one in all_records(driver.brex) if one.review_status == "PREPARE"][:3]
    unknown = ["accr_a", "accr_b"]
    for ids, key in (
        ([*twice, *twice, *twice], "duplicate_accounting_record_ids"),
        (unknown, "not_found_export_entry_source_ids"),
        (late, "not_ready_for_export_accounting_record_ids"),
    ):
        answer = await driver.ask("report", content={"results": [success(one) for one in ids]})
        assert sorted(answer.body["details"][key]) == sorted(set(ids))


async def test_duplicates_come_before_unknown_before_late(driver: Driver) -> None:
    """A report with several faults is refused for the first of: twice, unknown, not ready."""
    late = next(one.id for one in all_records(driver.brex) if one.review_status == "EXPORTED")
    both = [success(late), success("accr_nobody")]
    codes = []
    for results in ([*both, failure(late)], both, [success(late)]):
        codes.append((await driver.ask("report", content={"results": results})).code)
    assert codes == ["DUPLICATE_ACCOUNTING_RECORD_IDS", "NOT_FOUND", "ACCOUNTING_RECORD_NOT_READY_FOR_EXPORT"]


@pytest.mark.parametrize("again", ["success", "failure"])
async def test_a_report_sent_twice_is_refused(driver: Driver, again: str) -> None:
    """What was reported is no longer READY_FOR_EXPORT, so a repeat names our own ids."""
    one = ready(driver)[0]
    result = success(one) if again == "success" else failure(one)
    assert (await driver.ask("report", content={"results": [result]})).status == 200
    second = await driver.ask("report", content={"results": [result]})
    assert (second.status, second.code) == (422, "ACCOUNTING_RECORD_NOT_READY_FOR_EXPORT")


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"results": []},
        {"results": None},
        {"results": {}},
        {"results": [{}]},
        {"results": [{"accounting_record_id": "a"}]},
        {"results": [{"accounting_record_id": "a", "success": None}]},
        {"results": [{"accounting_record_id": "a", "success": {}, "failure": {"error_message": "x"}}]},
        {"results": [{"accounting_record_id": 5, "success": {}}]},
        {"results": [{"success": {}}]},
        {"results": [failure("a", None)]},
        {"results": [{"accounting_record_id": "a", "failure": {}}]},
        {"results": [success("a", deep_link_url=None)]},
        {"results": [success("a", reference_id=7)]},
        {"results": [failure("a", "Kein Konto für Büro")]},
        {"results": [success("a", reference_id="JE\u20131")]},
        {"results": [success("a", deep_link_url="https://erp/é")]},
    ],
)
async def test_malformed_reports_are_refused(driver: Driver, content: object) -> None:
    """No result, both outcomes, null links and text that is not ASCII: 400, before any id is looked at."""
    before = states(driver)
    answer = await driver.ask("report", content=content)
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")
    assert states(driver) == before


async def test_null_reference_and_unknown_keys_are_taken(driver: Driver) -> None:
    """success may be empty, reference_id null, and keys newer than this package ride along."""
    one, two, three = ready(driver)[:3]
    odd = {"accounting_record_id": three, "success": {"new_key": 1e300}, "other": [1]}
    answer = await driver.ask("report", content={"results": [success(one), success(two, reference_id=None), odd]})
    assert answer.status == 200


async def test_create_is_idempotent_while_active(driver: Driver) -> None:
    """The same vendor and account get the active integration back."""
    ours = {"vendor": "CAMPFIRE", "vendor_account_id": "acct_1"}
    first = await driver.ask("create", content=ours)
    assert first.status == 200
    assert (first.body["vendor"], first.body["vendor_account_id"], first.body["status"]) == (
        "CAMPFIRE",
        "acct_1",
        "ACTIVE",
    )
    assert datetime.fromisoformat(first.body["created_at"]) == TODAY
    driver.clock.tick(60)
    assert (await driver.ask("create", content=ours)).body == first.body


async def test_conflicts_name_both_sides(driver: Driver) -> None:
    """Another vendor, or another account of the same, is a 409 whose details say what is there."""
    ours = (await driver.ask("create", content={"vendor": "A", "vendor_account_id": "1"})).body
    other = await driver.ask("create", content={"vendor": "B", "vendor_account_id": "1"})
    assert (other.status, other.code) == (409, "ACTIVE_INTEGRATION_EXISTS")
    assert other.body["details"] == {
        "existing_integration_id": ours["integration_id"],
        "existing_vendor": "A",
        "requested_vendor": "B",
    }
    account = await driver.ask("create", content={"vendor": "A", "vendor_account_id": "2"})
    assert (account.status, account.code) == (409, "VENDOR_ACCOUNT_ID_MISMATCH")
    assert account.body["details"] == {
        "existing_integration_id": ours["integration_id"],
        "existing_vendor_account_id": "1",
        "requested_vendor_account_id": "2",
    }


async def test_the_life_of_integrations(driver: Driver) -> None:
    """Disconnected once, made anew, and brought back only when no other is active."""
    first = (await driver.ask("create", content={"vendor": "A", "vendor_account_id": "1"})).body["integration_id"]
    gone = await driver.ask("disconnect", target=first)
    assert (gone.status, gone.body["integration_id"], gone.body["status"]) == (200, first, "DISABLED")
    again = await driver.ask("disconnect", target=first)
    assert (again.status, again.code) == (409, "INTEGRATION_NOT_ACTIVE")
    assert again.body["details"] == {"integration_id": first, "current_status": "DISABLED"}
    second = (await driver.ask("create", content={"vendor": "A", "vendor_account_id": "1"})).body["integration_id"]
    assert second != first
    for target in (first, second):  # another is active, and so is it itself
        refused = await driver.ask("reactivate", target=target)
        assert (refused.status, refused.code) == (409, "ACTIVE_INTEGRATION_EXISTS")
        assert refused.body["details"]["existing_integration_id"] == second
    await driver.ask("disconnect", target=second)
    back = await driver.ask("reactivate", target=first)
    assert (back.status, back.body["status"]) == (200, "ACTIVE")
    for operation in ("disconnect", "reactivate"):
        unknown = await driver.ask(operation, target="int_nobody")
        assert (unknown.status, unknown.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "content",
    [None, [], {}, {"vendor": "A"}, {"vendor": "A", "vendor_account_id": ""}, {"vendor": 1, "vendor_account_id": "1"}],
)
async def test_an_integration_needs_both_names(driver: Driver, content: object) -> None:
    """vendor and vendor_account_id are required, non-empty strings."""
    answer = await driver.ask("create", content=content)
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("operation", ["list", "get", "report", "create", "disconnect", "reactivate"])
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic abc", TOKEN])
async def test_no_credential_is_an_empty_401(driver: Driver, operation: str, authorization: str | None) -> None:
    """Without a bearer token the gateway answers 401 and not a byte more."""
    answer = await driver.ask(operation, target="x", authorization=authorization)
    assert (answer.status, answer.body) == (401, None)


@pytest.mark.parametrize("operation", ["list", "get", "report", "create", "disconnect", "reactivate"])
async def test_a_dead_token_is_a_403_of_the_gateway(driver: Driver, operation: str) -> None:
    """A token that is not accepted gets 403 in the gateway's shape, not 401."""
    answer = await driver.ask(operation, target="x", authorization="Bearer bxt_revoked")
    assert answer.status == 403
    assert answer.body == {"type": "FORBIDDEN", "message": "Invalid or Revoked Token"}


@pytest.mark.parametrize(
    ("scope", "open_to"),
    [
        ("accounting.record.read", {"list", "get"}),
        ("accounting.record.write", {"list", "get", "report"}),
        ("accounting.integration.write", {"create", "disconnect", "reactivate"}),
        ("accounting.integration.read", set()),
    ],
)
async def test_scopes_open_their_operations(driver: Driver, scope: str, open_to: set[str]) -> None:
    """A living token without the scope gets 403 in the accounting shape."""
    driver.brex.tokens["bxt_some"] = frozenset({scope})
    for operation in ("list", "get", "report", "create", "disconnect", "reactivate"):
        answer = await driver.ask(operation, target="x", authorization="bearer bxt_some")
        assert (answer.status == 403) is (operation not in open_to), operation
        if answer.status == 403:
            assert answer.body["error_code"] == "FORBIDDEN"


async def test_reports_and_lists_agree(driver: Driver) -> None:
    """Reporting a page of the queue while reading it: the next page starts behind the reported ones."""
    queue = [ALL, ("review_status", "READY_FOR_EXPORT"), ("limit", "2")]
    everything = ready(driver)
    seen: list[str] = []
    cursor: list[tuple[str, str]] = []
    while True:
        answer = await driver.ask("list", query=[*queue, *cursor])
        seen += ids_of(answer)
        results = [success(one) for one in ids_of(answer)]
        if results:
            assert (await driver.ask("report", content={"results": results})).status == 200
        if not answer.body["has_next_page"]:
            break
        cursor = [("cursor", answer.body["next_cursor"])]
    assert seen == everything
    assert ready(driver) == []
