"""The fake ERP over a real port, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from brex_accounting.testing.erp import KINDS, FakeErp, Order

from .support import ENTRIES, Client, client_of, entry, pass_time, until

CRASHES = {"crash", "crash-before", "crash-after"}


@pytest.fixture
async def erp(tmp_path: Path) -> AsyncIterator[FakeErp]:
    async with FakeErp(tmp_path / "erp.db") as running:
        yield running


@pytest.fixture
async def client(erp: FakeErp) -> AsyncIterator[Client]:
    async with client_of(erp) as logged_in:
        yield logged_in


async def test_an_entrys_life(client: Client, erp: FakeErp) -> None:
    """Created, read, looked up, updated, given a file, reversed: each answer is the document as it stands."""
    made = await client.create(entry(record="accr_1", revision=1, memo="first"))
    assert (made.status, made.content["status"], made.content["lines"][0]["amount"]) == (201, "POSTED", "12.30")
    path = made.content["url"].removeprefix(erp.url)
    assert (await client.ask("GET", path)).content == made.content
    assert (await client.ask("GET", ENTRIES, params={"key": "accr_1.1"})).content["items"] == [made.content]
    updated = await client.ask("PUT", path, json=entry(memo="second"))
    assert (updated.content["memo"], updated.content["record"], updated.content["version"]) == ("second", "accr_1", 2)
    content = b"%PDF"
    sha256 = hashlib.sha256(content).hexdigest()
    headers = {"X-Content-SHA256": sha256}
    filed = await client.ask("POST", f"{path}/attachments?name=a.pdf", data=content, headers=headers)
    assert filed.content["attachments"] == [{"name": "a.pdf", "sha256": sha256, "size": 4}]
    reversal = await client.ask("POST", f"{path}/reverse", json={"date": "2026-06-03"})
    assert (reversal.status, reversal.content["reverses"]) == (201, made.content["id"])
    assert {sides["USD"].net for sides in (await erp.control.summary()).accounts.values()} == {0}
    assert (await erp.control.summary()).attachments == 1


async def test_a_file_that_was_changed_on_its_way_is_refused(client: Client, erp: FakeErp) -> None:
    """The hash that was told and the content's own must be the same; nothing is attached otherwise."""
    path = (await client.create(entry())).content["url"].removeprefix(erp.url)
    headers = {"X-Content-SHA256": "0" * 64}
    answer = await client.ask("POST", f"{path}/attachments?name=a.pdf", data=b"x", headers=headers)
    assert (answer.status, answer.content["code"]) == (422, "hash_differs")
    assert (await client.ask("POST", f"{path}/attachments", data=b"x")).status == 400
    assert (await erp.control.summary()).attachments == 0


async def test_the_key_comes_as_a_field_or_as_a_header(client: Client) -> None:
    """Either way the second create is answered 200 with the first document, and another content 409."""
    first = await client.create(entry("k-1"))
    again = await client.create(entry(None), headers={"Idempotency-Key": "k-1"})
    assert (first.status, again.status, again.content) == (201, 200, first.content)
    other = await client.create(entry("k-1", amount="12.31"))
    assert (other.status, other.content["code"], other.content["value"]) == (409, "key_reused", first.content["id"])


async def test_a_period_closes_and_opens_again(client: Client, erp: FakeErp) -> None:
    """Options change while it runs, and hold for the next request."""
    await erp.control.change(closed_through="2026-06-30")
    assert (await client.create(entry())).content["code"] == "period_closed"
    await erp.control.change(closed_through=None)
    assert (await client.create(entry())).status == 201
    with pytest.raises(ValueError, match="no option"):
        await erp.control.change(open_through="2026-06-30")


async def test_creates_at_once_with_one_key_make_one_document(client: Client, erp: FakeErp) -> None:
    """Thirty at the same time: one is new, the others are told of it."""
    answers = await asyncio.gather(*(client.create(entry()) for _ in range(30)))
    assert sorted(answer.status for answer in answers) == [200] * 29 + [201]
    assert len({answer.content["id"] for answer in answers}) == 1
    assert (await erp.control.counts()).by_key == {"accr_1.1": 1}


async def test_logins(tmp_path: Path) -> None:
    """A wrong token, no session, sessions that were ended, a login that is refused, and one that is over at once."""
    async with FakeErp(tmp_path / "erp.db") as erp, client_of(erp) as client:
        assert (await client.ask("GET", "/v1/company")).status == 200
        await erp.control.log_out()
        assert (await client.ask("GET", "/v1/company")).status == 401
        assert (await client.log_in("wrong")).status == 401
        await client.log_in(erp.token)
        await erp.control.change(login_refused=True)
        assert (await client.ask("GET", "/v1/company")).status == 401
        assert (await client.log_in(erp.token)).status == 401
        await erp.control.change(login_refused=False, login_lifetime=1e-9)
        assert (await client.log_in(erp.token)).content["expires_in"] == 1e-9
        assert (await client.ask("GET", "/v1/company")).status == 401


async def test_the_rate_limit(tmp_path: Path) -> None:
    """The request over the limit gets 429 with whole seconds to wait, and is not processed."""
    async with FakeErp(tmp_path / "erp.db", rate_limit=2, rate_window=1000) as erp, client_of(erp) as client:
        answers = [await client.create(entry(f"k-{number}")) for number in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 429]
        assert 0 < int(answers[2].headers["Retry-After"]) <= 1000
        assert (await erp.control.summary()).documents == 2


PROCESSED = {"500-after", "drop-after", "cut", "slow", "late"}
NO_ANSWER = {"drop", "drop-after", "cut"}
STATUS = {"401": 401, "429": 429, "500": 500, "500-after": 500, "503": 503, "html": 200, "slow": 201, "late": 201}


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - CRASHES))
async def test_each_misbehaviour(kind: str, client: Client, erp: FakeErp) -> None:
    """What comes back, and whether the entry was booked; the request after it is as always."""
    await erp.control.order(kind, next=1, method="POST", path=ENTRIES, seconds=0.01)
    status: int | None = None
    with contextlib.suppress(aiohttp.ClientError):
        status = (await client.create(entry())).status
    assert (status is None) == (kind in NO_ANSWER)
    assert status == STATUS.get(kind)
    assert (await erp.control.summary()).documents == (kind in PROCESSED)
    assert (await client.create(entry())).status == (200 if kind in PROCESSED else 201)
    assert (await erp.control.state()).struck == 1


async def test_a_late_entry_is_booked_when_nobody_waits(
    client: Client, erp: FakeErp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller gave up, a look-up found nothing, and the document appears afterwards."""
    await erp.control.order("late", seconds=1000, method="POST")
    asking = asyncio.create_task(client.create(entry()))

    async def has_begun() -> bool:
        return (await erp.control.state()).struck == 1

    await until(has_begun)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert (await client.ask("GET", ENTRIES, params={"key": "accr_1.1"})).content["items"] == []
    pass_time(monkeypatch, 1000)

    async def is_booked() -> bool:
        return (await erp.control.summary()).documents == 1

    await until(is_booked)


async def test_offline_for_a_while(client: Client, erp: FakeErp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are refused, and the same port answers again afterwards."""
    await client.create(entry())
    await erp.control.offline(1000)
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.create(entry())
    pass_time(monkeypatch, 1000)
    async with asyncio.timeout(30):
        while True:
            try:
                answer = await client.create(entry())
                break
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.01)
    assert answer.status == 200


async def test_it_ends_while_offline(tmp_path: Path) -> None:
    """Leaving the block does not wait for the port to open again, and leaves no task."""
    async with FakeErp(tmp_path / "erp.db") as erp:
        await erp.control.offline(1000)
    assert len(asyncio.all_tasks()) == 1


async def test_only_a_process_of_its_own_can_crash(tmp_path: Path, erp: FakeErp) -> None:
    """In this process an order to crash is refused, at the start and later."""
    with pytest.raises(ValueError, match="process of its own"):
        FakeErp(tmp_path / "other.db", orders=[Order(kind="crash", next=1)])
    with pytest.raises(ValueError, match="process of its own"):
        await erp.control.order("crash-after", at=1)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("DELETE", ENTRIES, 405),
        ("GET", f"{ENTRIES}/JE-999999", 404),
        ("GET", ENTRIES, 400),
        ("GET", f"{ENTRIES}?number=1", 400),
        ("POST", f"{ENTRIES}/JE-999999/void", 404),
        ("POST", f"{ENTRIES}/JE-999999/reverse", 400),
        ("POST", "/_/orders", 400),
        ("POST", "/_/options", 400),
        ("POST", "/_/offline", 400),
    ],
)
async def test_refusals_have_one_shape(client: Client, method: str, path: str, status: int) -> None:
    """Whatever is asked wrongly is answered with a code and words."""
    answer = await client.ask(method, path)
    assert (answer.status, answer.content.keys()) == (status, {"code", "message", "field", "value"})


async def test_documents_and_options_outlive_it(tmp_path: Path) -> None:
    """A second ERP on the same file has them; options given to it win; numbers go on."""
    async with FakeErp(tmp_path / "erp.db", dedupe="none", longest_memo=9) as erp, client_of(erp) as client:
        await client.create(entry())
    async with FakeErp(tmp_path / "erp.db", longest_memo=8) as erp, client_of(erp) as client:
        options = (await erp.control.state()).options
        assert (options.dedupe, options.longest_memo) == ("none", 8)
        assert (await client.create(entry())).content["id"] == "JE-000002"
        assert [document.id for document in await erp.control.documents()] == ["JE-000001", "JE-000002"]


async def test_a_store_has_one_erp(tmp_path: Path, erp: FakeErp) -> None:
    """A second ERP on the file of a running one does not start."""
    with pytest.raises(OSError, match="in use"):
        async with FakeErp(tmp_path / "erp.db"):
            pass
    assert (await erp.control.state()).requests == 0
