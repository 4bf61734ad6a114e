"""The controls under /_sandbox/: each route, and what it refuses."""

from __future__ import annotations

import json

import attrs
import pytest

from brex_accounting import to_json
from brex_accounting.sandbox import make_seed

from .drivers import ALL, TODAY, HttpDriver, all_records, ids_of


def plain(**changes: object) -> dict[str, object]:
    record = make_seed("lifelike", records=1).record(0)
    found: dict[str, object] = json.loads(to_json(attrs.evolve(record, updated_at=TODAY)))
    return {**found, **changes}


async def test_state(served: HttpDriver) -> None:
    """state counts records by status, requests, faults and throttled requests."""
    await served.ask("list")
    await served.steer("POST", "faults", {"kind": "429", "next": 1})
    await served.ask("list")
    state = (await served.steer("GET", "state")).body
    held = all_records(served.brex)
    assert state == {
        "records": 60,
        "by_review_status": {
            status: sum(one.review_status == status for one in held)
            for status in ("PREPARE", "REVIEW", "READY_FOR_EXPORT", "EXPORTED")
        },
        "requests": 2,
        "faults": 1,
        "throttled": 1,
    }


async def test_put_and_remove_records(served: HttpDriver) -> None:
    """A record can be added, replaced by its id, and removed; removing it again is a 404."""
    assert (await served.steer("POST", "records", plain(id="accr_mine"))).status == 200
    changed = await served.steer("POST", "records", plain(id="accr_mine", version=9, review_status="REVIEW"))
    assert changed.body["version"] == 9
    assert (await served.ask("get", target="accr_mine")).body == changed.body
    query = [ALL, ("review_status", "REVIEW"), ("ids", "accr_mine")]
    assert ids_of(await served.ask("list", query=query)) == ["accr_mine"]
    assert (await served.steer("DELETE", "records/accr_mine")).status == 204
    assert (await served.steer("DELETE", "records/accr_mine")).status == 404
    assert (await served.ask("get", target="accr_mine")).status == 404
    assert ids_of(await served.ask("list", query=query)) == []


async def test_a_removed_record_can_come_back(served: HttpDriver) -> None:
    """A record of the seed that was removed is listed once when it is put again."""
    one = all_records(served.brex)[5]
    await served.steer("DELETE", f"records/{one.id}")
    await served.steer("POST", "records", json.loads(to_json(one)))
    assert ids_of(await served.ask("list", query=[ALL, ("ids", one.id)])) == [one.id]
    assert len(served.brex.table) == 60


async def test_set_review_status(served: HttpDriver) -> None:
    """A status can be set, also one that is newer than this package; version and time move."""
    one = all_records(served.brex)[0]
    for number, status in enumerate(("READY_FOR_EXPORT", "ON_HOLD"), start=1):
        answer = await served.steer("POST", f"records/{one.id}/review_status", {"review_status": status})
        assert (answer.body["review_status"], answer.body["version"]) == (status, one.version + number)
    assert (await served.steer("POST", "records/accr_nobody/review_status", {"review_status": "X"})).status == 404


async def test_faults_come_and_go(served: HttpDriver) -> None:
    """A fault can be ordered and all of them taken back."""
    assert (await served.steer("POST", "faults", {"kind": "503", "every": 1})).status == 204
    assert (await served.ask("list")).status == 503
    assert (await served.steer("DELETE", "faults")).status == 204
    assert (await served.ask("list")).status == 200


async def test_rules_can_be_switched(served: HttpDriver) -> None:
    """The limit, its window and Retry-After can be switched, one at a time; null is no limit."""
    assert (await served.steer("POST", "rules", {"rate_limit": 1, "rate_window": 5})).status == 204
    assert (await served.steer("POST", "rules", {"retry_after": True})).status == 204
    answers = [await served.ask("list") for _ in range(2)]
    assert [one.status for one in answers] == [200, 429]
    assert 1 <= int(answers[1].headers["Retry-After"]) <= 6
    assert (await served.steer("POST", "rules", {"rate_limit": None})).status == 204
    assert [(await served.ask("list")).status for _ in range(3)] == [200] * 3


async def test_tokens_are_made_and_revoked(served: HttpDriver) -> None:
    """A new token opens everything until it is revoked; revoking what is gone is no error."""
    assert (await served.ask("list", authorization="Bearer bxt_new")).status == 403
    assert (await served.steer("PUT", "tokens/bxt_new")).status == 204
    assert (await served.ask("list", authorization="Bearer bxt_new")).status == 200
    for _ in range(2):
        assert (await served.steer("DELETE", "tokens/bxt_new")).status == 204
    assert (await served.ask("list", authorization="Bearer bxt_new")).status == 403


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("records", None),
        ("records", {}),
        ("records", plain(amount={"amount": "NaN", "currency": "USD"})),
        ("records", plain(updated_at="2026-01-01T00:00:00")),
        ("records/{id}/review_status", {}),
        ("records/{id}/review_status", {"review_status": 5}),
        ("records/{id}/review_status", []),
        ("records/{id}/review_status", None),
        ("faults", None),
        ("faults", {}),
        ("faults", {"kind": "503"}),
        ("faults", {"kind": "404", "next": 1}),
        ("faults", {"kind": [], "next": 1}),
        ("faults", {"kind": "503", "next": "3"}),
        ("faults", {"kind": "503", "next": 0}),
        ("faults", {"kind": "503", "next": 1.5}),
        ("faults", {"kind": "503", "next": True}),
        ("faults", {"kind": "503", "every": 0}),
        ("faults", {"kind": "503", "every": 1, "path": 5}),
        ("faults", {"kind": "503", "next": 1, "every": 1}),
        ("faults", {"kind": "503", "next": 1, "other": 1}),
        ("rules", {"rate_limit": 0}),
        ("rules", {"rate_limit": "10"}),
        ("rules", {"rate_limit": True}),
        ("rules", {"rate_window": "60"}),
        ("rules", {"rate_window": 0}),
        ("rules", {"retry_after": "yes"}),
        ("rules", {"default_window": 5}),
        ("rules", "x"),
    ],
)
async def test_wrong_orders_are_refused_and_change_nothing(served: HttpDriver, path: str, content: object) -> None:
    """A control that cannot be understood is a 400, and the sandbox goes on as before."""
    before = all_records(served.brex)
    answer = await served.steer("POST", path.replace("{id}", before[0].id), content)
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")
    assert [(await served.ask("list")).status for _ in range(3)] == [200] * 3
    assert all_records(served.brex) == before
