"""What surrounds the rules over HTTP: headers, the request limit, faults, and the document itself."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import parsedate_to_datetime

import aiohttp
import attrs
import pytest
from openapi_spec_validator import validate

from brex_accounting.sandbox import KINDS, TOKEN, Fault, Profile, Rules, Sandbox, parse_fault

from .drivers import ALL, TODAY, HttpDriver, all_records, http, ids_of

LIST = "/v3/accounting/records"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
QUERY = {ALL[0]: ALL[1], "limit": "2"}


@pytest.fixture
async def limited() -> AsyncIterator[HttpDriver]:
    """Three requests in ten seconds."""
    async with http(rules=Rules(rate_limit=3, rate_window=10)) as one:
        yield one


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", LIST, BEARER, 200),
        ("GET", LIST, {}, 401),
        ("GET", LIST, {"Authorization": "Bearer x"}, 403),
        ("GET", f"{LIST}/nobody", BEARER, 404),
        ("GET", f"{LIST}?x=1", BEARER, 400),
        ("POST", f"{LIST}/export-results", BEARER, 400),
        ("GET", "/v3/accounting/nothing", BEARER, 404),
        ("GET", f"{LIST}/", BEARER, 404),
        ("PUT", LIST, BEARER, 405),
        ("HEAD", LIST, BEARER, 405),
        ("DELETE", f"{LIST}/nobody", BEARER, 405),
    ],
)
async def test_every_answer_has_a_trace_id_and_the_servers_date(
    served: HttpDriver, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """X-Brex-Trace-Id and Date (of the sandbox's clock) are on successes, refusals and wrong paths."""
    traces = []
    for _ in range(2):
        async with served.session.request(method, served.sandbox.url + path, headers=headers) as response:
            assert response.status == status
            traces.append(response.headers["X-Brex-Trace-Id"])
            assert parsedate_to_datetime(response.headers["Date"]) == TODAY
            if status in (400, 404, 405) and method != "HEAD":
                assert (await response.json())["error_code"] in ("INVALID_REQUEST", "NOT_FOUND")
    assert traces[0] != traces[1]


async def test_a_body_that_is_too_large_is_refused(served: HttpDriver) -> None:
    """More than 16 MiB gets a 413 in the accounting shape, with a trace id."""
    headers = {**BEARER, "Content-Type": "application/json"}
    url = f"{served.sandbox.url}{LIST}/export-results"
    async with served.session.post(url, data=io.BytesIO(b" " * (16 * 2**20 + 1)), headers=headers) as response:
        assert (response.status, (await response.json())["error_code"]) == (413, "INVALID_REQUEST")
        assert "X-Brex-Trace-Id" in response.headers


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"\xff",
        b'{"results":' + b"[" * 200_000,
        b'{"results":[{"accounting_record_id":"\\ud800","success":{}}]}',
        b'{"results":[{"accounting_record_id":"a","success":{}}],"results":[]}',
    ],
)
async def test_a_body_that_is_not_json_is_refused(served: HttpDriver, body: bytes) -> None:
    """Broken JSON, bad UTF-8 and bottomless nesting are a 400, not a crash."""
    for path in ("/v3/accounting/records/export-results", "/v3/accounting/integration"):
        headers = {**BEARER, "Content-Type": "application/json"}
        async with served.session.post(served.sandbox.url + path, data=body, headers=headers) as response:
            assert (response.status, (await response.json())["error_code"]) == (400, "INVALID_REQUEST")


async def test_a_report_must_say_that_it_is_json(served: HttpDriver) -> None:
    """A report with another content type is refused."""
    url = f"{served.sandbox.url}{LIST}/export-results"
    async with served.session.post(url, data=b"{}", headers={**BEARER, "Content-Type": "text/plain"}) as response:
        assert response.status == 400


async def test_past_the_limit_is_429_without_a_hint(limited: HttpDriver) -> None:
    """The fourth request of a window gets 429, an empty body and no Retry-After; later ones pass."""
    statuses = [(await limited.ask("list")).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    limited.clock.tick(9.9)
    assert "Retry-After" not in (await limited.ask("get", target="x")).headers
    limited.clock.tick(0.2)
    assert (await limited.ask("list")).status == 200
    assert limited.sandbox.statistics.throttled == 2


async def test_a_429_says_when_if_it_is_told_to(limited: HttpDriver) -> None:
    """With retry_after on, coming back after Retry-After seconds is always admitted."""
    limited.brex.rules = attrs.evolve(limited.brex.rules, retry_after=True)
    for _ in range(3):
        await limited.ask("list")
        limited.clock.tick(0.7)
    wait = int((await limited.ask("list")).headers["Retry-After"])
    assert 8 <= wait <= 10
    limited.clock.tick(wait)
    assert (await limited.ask("list")).status == 200


async def test_the_limit_is_per_token(limited: HttpDriver) -> None:
    """One company's requests do not use up another's."""
    limited.brex.tokens["bxt_other"] = limited.brex.tokens[TOKEN]
    for _ in range(4):
        await limited.ask("list")
    assert (await limited.ask("list", authorization="Bearer bxt_other")).status == 200


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("500", 500), ("503", 503)])
async def test_faults_that_answer(served: HttpDriver, kind: str, status: int) -> None:
    """429, 500 and 503 come as documented, and the request is not processed."""
    served.sandbox.faults.add(Fault(kind=kind, next=1))
    content = {"vendor": "A", "vendor_account_id": "1"}
    answer = await served.ask("create", content=content)
    assert (answer.status, "Retry-After" in answer.headers) == (status, False)
    assert (await served.ask("create", content={**content, "vendor": "B"})).status == 200


async def test_html_instead_of_json(served: HttpDriver) -> None:
    """html is a page with status 200 and a trace id."""
    served.sandbox.faults.add(Fault(kind="html", next=1))
    async with served.session.get(served.sandbox.url + LIST, headers=BEARER) as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert "X-Brex-Trace-Id" in response.headers


@pytest.mark.parametrize(("kind", "processed"), [("drop", False), ("drop-after", True), ("cut", True)])
async def test_faults_that_break_the_connection(served: HttpDriver, kind: str, processed: bool) -> None:
    """drop comes before the request is processed, drop-after and cut after it."""
    ready = next(one for one in all_records(served.brex) if one.review_status == "READY_FOR_EXPORT")
    served.sandbox.faults.add(Fault(kind=kind, next=1))
    with pytest.raises(aiohttp.ClientError):
        await served.ask("report", content={"results": [{"accounting_record_id": ready.id, "success": {}}]})
    status = (await served.ask("get", target=ready.id)).body["review_status"]
    assert status == ("EXPORTED" if processed else "READY_FOR_EXPORT")
    assert (served.sandbox.statistics.requests, served.sandbox.statistics.faults) == (2, 1)


async def test_slow_takes_a_second_longer(served: HttpDriver) -> None:
    """slow answers properly, late."""
    served.sandbox.faults.add(Fault(kind="slow", next=1))
    with pytest.raises(TimeoutError):
        await served.session.get(served.sandbox.url + LIST, headers=BEARER, timeout=aiohttp.ClientTimeout(total=0.5))
    served.sandbox.faults.add(parse_fault("slow"))
    assert (await served.ask("list")).status == 200


async def test_every_kind_of_fault_is_known(served: HttpDriver) -> None:
    """Each documented kind can be ordered by text, and strikes as often as it says."""
    for kind in KINDS:
        assert parse_fault(kind) == Fault(kind=kind, next=1)
        assert parse_fault(f"{kind}:every=7") == Fault(kind=kind, every=7)
    for text in ("", "404", "503:next", "503:next=0", "503:every=-1", "503:often=2", "503:next=1;drop"):
        with pytest.raises(ValueError, match=r"fault"):
            parse_fault(text)
    served.sandbox.faults.add(parse_fault("503:every=3"))
    assert [(await served.ask("list")).status for _ in range(7)] == [200, 200, 503, 200, 200, 503, 200]


async def test_faults_can_be_aimed(served: HttpDriver) -> None:
    """path and method limit a fault; the first order that strikes wins."""
    served.sandbox.faults.add(Fault(kind="503", next=1, path="/integration", method="POST"))
    served.sandbox.faults.add(Fault(kind="500", next=2))
    content = {"vendor": "A", "vendor_account_id": "1"}
    statuses = [(await served.ask("list")).status, (await served.ask("create", content=content)).status]
    assert statuses == [500, 503]
    assert (await served.ask("create", content=content)).status == 200
    assert (await served.ask("list")).status == 200


async def test_the_document_is_served_and_valid(served: HttpDriver) -> None:
    """/openapi.json needs no token, is valid OpenAPI and names this sandbox."""
    async with served.session.get(served.sandbox.url + "/openapi.json") as response:
        document = await response.json()
    validate(document)
    assert document["servers"][0]["url"] == served.sandbox.url


@pytest.mark.parametrize("profile", ["lifelike", "awkward", "mixed"])
async def test_every_record_is_one_that_the_document_allows(profile: Profile) -> None:
    """Whole lists and single records of every profile validate against the served schemas."""
    async with http(records=240, profile=profile) as driver:
        answer = await driver.ask("list", query=[ALL, ("limit", "1000")])
        assert len(ids_of(answer)) == 240
        for one in answer.body["items"][::6]:
            assert (await driver.ask("get", target=one["id"])).body == one
            datetime.fromisoformat(one["updated_at"])


async def test_amounts_are_exact_json_numbers() -> None:
    """The digits on the wire are those of the record: numbers, never floats gone astray."""
    async with http(records=120, profile="awkward") as driver:
        url = f"{driver.sandbox.url}{LIST}?{ALL[0]}={ALL[1]}&limit=1000"
        async with driver.session.get(url, headers=BEARER) as response:
            items = json.loads(await response.text(), parse_float=str, parse_int=str)["items"]
        held = {one.id: one for one in all_records(driver.brex)}
        assert [one["amount"]["amount"] for one in items] == [str(held[one["id"]].amount.amount) for one in items]


async def test_a_sandbox_ends_and_starts_again() -> None:
    """The port is given back, state survives a restart, and a URL exists only while it runs."""
    sandbox = Sandbox(records=3)
    with pytest.raises(RuntimeError):
        _ = sandbox.url
    async with sandbox:
        first = sandbox.url
        sandbox.brex.tokens["bxt_more"] = sandbox.brex.tokens[TOKEN]
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer bxt_more"}) as session:
        async with sandbox, session.get(sandbox.url + LIST, params=QUERY) as response:
            assert len((await response.json())["items"]) == 2
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(first)
    async with Sandbox(records=0) as taken:
        with pytest.raises(OSError, match="address already in use"):
            await Sandbox(records=0, port=int(taken.url.rpartition(":")[2])).__aenter__()
