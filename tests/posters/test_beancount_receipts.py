"""Receipts beside a ledger: they come whole, are linked once they are there, and their addresses stay secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer
from beancount import loader
from beancount.core.data import Document
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.models import AccountingRecord, Receipt
from brex_accounting.posters.beancount import BeancountPoster, Fetch, fetching
from brex_accounting.posters.beancount.fetching import NotFetched, fetch_receipt
from brex_accounting.posters.beancount.receipts import ReceiptFolder, receipt_name
from brex_accounting.sync.keys import ExportKey, export_key
from brex_accounting.sync.poster import Attaching, Posted

from ..reporter import printed
from ..sync.conftest import world as world
from ..sync.world import World
from .booked import CHART, record

SECRET = "X-Amz-Signature=abc%2Bdef%3D"
PDF = b"%PDF-1.7\n..."
RECORD = attrs.evolve(record("BILL_EXPENSE", ["100"]), id="accr_1")
KEY = export_key("accr_1", 1)


# What is fetched.


@attrs.define
class Bucket:
    """Where receipts are kept: what it answers by path, and what it was asked."""

    server: BaseTestServer
    asked: list[str] = attrs.field(factory=list)

    def receipt(self, *paths: str, name: str = "r1") -> Receipt:
        """A receipt with addresses there."""
        return Receipt(id=name, download_uris=tuple(f"{self.server.make_url(path)}?{SECRET}" for path in paths))


@pytest.fixture
async def bucket() -> AsyncIterator[Bucket]:
    """It gives what its paths say."""

    async def answer(request: web.Request) -> web.StreamResponse:
        made.asked.append(request.raw_path)
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/good"})
        if request.path == "/packed":
            return web.Response(body=b"x", headers={"Content-Encoding": "gzip"})
        if request.path == "/large":
            return web.Response(body=b"x" * 2_000)
        if request.path == "/short":
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"half")
            assert request.transport is not None
            request.transport.close()
            return response
        if request.path == "/slow":
            await asyncio.sleep(60)
        return web.Response(body=PDF) if request.path.startswith("/good") else web.Response(status=403, text=SECRET)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        made = Bucket(server)
        yield made


async def test_the_first_address_that_gives_it(bucket: Bucket) -> None:
    """Each is asked as it was sent, to the last escaped character: the signature is made of that."""
    assert await fetch_receipt(bucket.receipt("/expired", "/good", "/good")) == PDF
    assert bucket.asked == [f"/expired?{SECRET}", f"/good?{SECRET}"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/expired", "status 403"),
        ("/moved", "status 302"),
        ("/packed", "it came packed"),
        ("/large", "it has more than 1000 bytes"),
        ("/short", "ClientPayloadError"),
    ],
)
async def test_what_does_not_come(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, path: str, words: str) -> None:
    """No redirect is followed and nothing is unpacked; the words say why, and no frame behind them has the address."""
    monkeypatch.setattr(fetching, "MOST_BYTES", 1_000)
    with pytest.raises(NotFetched, match=words) as caught:
        await fetch_receipt(bucket.receipt(path))
    assert "abc" not in printed(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        f"http://files.example/r?{SECRET}",
        f"ftp://127.0.0.1/r?{SECRET}",
        f"file:///etc/passwd?{SECRET}",
        f"//x?{SECRET}",
        f"https://[::1/r?{SECRET}",
        f"{SECRET}",
        "",
        f"https:///r?{SECRET}",
    ],
)
async def test_addresses_that_are_not_asked(address: str) -> None:
    """In clear text only this machine is asked; what is no address is not repeated."""
    with pytest.raises(NotFetched) as caught:
        await fetch_receipt(Receipt(id="r1", download_uris=(address,)))
    assert "abc" not in printed(caught.value)


@pytest.mark.parametrize("addresses", [None, ()])
async def test_a_receipt_without_an_address(addresses: tuple[str, ...] | None) -> None:
    """It does not come."""
    with pytest.raises(NotFetched, match="it has no address"):
        await fetch_receipt(Receipt(id="r1", download_uris=addresses))


async def test_cancelled_while_it_comes(bucket: Bucket) -> None:
    """Cancellation passes, and leaves no address behind."""
    task = asyncio.ensure_future(fetch_receipt(bucket.receipt("/slow")))
    while not bucket.asked:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert "abc" not in printed(caught.value)


# What is kept.


@attrs.define
class Fetched:
    """Contents by receipt id, and who asked for them; what is not there fails with words that quote the address."""

    contents: dict[str, bytes] = attrs.field(factory=lambda: {"r1": PDF, "r2": b"\xff\xd8\xff\xe0 photo"})
    asked: list[str] = attrs.field(factory=list)

    async def __call__(self, receipt: Receipt) -> bytes:
        self.asked.append(receipt.id)
        if receipt.id not in self.contents:
            raise ValueError(f"https://files.example/?{SECRET}")
        return self.contents[receipt.id]


async def posted(path: Path, fetch: Fetch, one: AccountingRecord = RECORD, revision: int = 1) -> BeancountPoster:
    """A ledger with the record."""
    poster = BeancountPoster(path, CHART, fetch=fetch)
    before = export_key(one.id, revision - 1) if revision > 1 else None
    key = export_key(one.id, revision)
    assert await poster.post(one, key=key, supersedes=before) == Posted(key)
    return poster


async def attach(poster: BeancountPoster, *names: str, key: ExportKey = KEY, one: AccountingRecord = RECORD) -> None:
    receipts = [Receipt(id=name, download_uris=(f"https://files.example/{name}?{SECRET}",)) for name in names]
    await poster.attach(one, key=key, posted=Posted(key), receipts=receipts)


def documents(path: Path) -> list[tuple[str, str, str]]:
    """Key or link, receipt and file of each document that Beancount sees; it complains about nothing."""
    directives, errors, _ = loader.load_file(str(path))
    assert errors == []
    return [
        (min(one.links or ()), one.meta["brex-receipt"], Path(one.filename).name)
        for one in directives
        if isinstance(one, Document)
    ]


async def test_receipts_are_linked_once_they_are_there(tmp_path: Path) -> None:
    """On the account of the expense, at the entry's date, by a path from beside the ledger; and once."""
    path, fetch = tmp_path / "brex.beancount", Fetched()
    poster = await posted(path, fetch)
    assert isinstance(poster, Attaching)
    await attach(poster, "r1", "r2")
    first, second = (receipt_name("accr_1", name) for name in ("r1", "r2"))
    assert documents(path) == [(KEY, "r1", f"{first}.pdf"), (KEY, "r2", f"{second}.jpg")]
    assert (tmp_path / "brex-receipts" / f"{first}.pdf").read_bytes() == PDF
    assert f'2026-06-11 document Expenses:6100-Airfare "brex-receipts/{first}.pdf" ^accr_1.1' in path.read_text()
    before = path.read_bytes()
    await attach(BeancountPoster(path, CHART, fetch=fetch), "r2", "r1")
    assert (path.read_bytes(), fetch.asked) == (before, ["r1", "r2"])
    fetch.contents["r3"] = b"GIF89a"
    await attach(poster, "r1", "r2", "r3")
    assert [name for _, name, _ in documents(path)] == ["r1", "r2", "r3"]


async def test_one_that_does_not_come(tmp_path: Path) -> None:
    """The others are linked, and it is tried again; what the caller's code quotes is in no word of ours."""
    path, fetch = tmp_path / "brex.beancount", Fetched()
    poster = await posted(path, fetch)
    with pytest.raises(NotFetched, match=r"1 receipts of accr_1\.1 are not attached.*ValueError") as caught:
        await attach(poster, "r0", "r1")
    assert "abc" not in printed(caught.value)
    assert [name for _, name, _ in documents(path)] == ["r1"]
    fetch.contents["r0"] = b"now"
    await attach(poster, "r0", "r1")
    assert [name for _, name, _ in documents(path)] == ["r1", "r0"]


async def test_one_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from the caller's own code nothing of it is kept."""
    monkeypatch.setattr("brex_accounting.posters.beancount.poster.MOST_BYTES", 3)
    poster = await posted(tmp_path / "brex.beancount", Fetched())
    with pytest.raises(NotFetched, match="more than 3 bytes"):
        await attach(poster, "r1")
    assert not (tmp_path / "brex-receipts").exists()


async def test_killed_between_the_file_and_its_link(tmp_path: Path) -> None:
    """The file is there and nothing points to it: it is linked the next time without being fetched again."""
    path, fetch = tmp_path / "brex.beancount", Fetched()
    poster = await posted(path, fetch)
    before = path.read_bytes()
    await attach(poster, "r1")
    path.write_bytes(before)
    await attach(BeancountPoster(path, CHART, fetch=fetch), "r1")
    assert ([name for _, name, _ in documents(path)], fetch.asked) == (["r1"], ["r1"])


async def test_an_amended_document_has_the_same_files(tmp_path: Path) -> None:
    """Linked to the newest entry too, fetched once."""
    path, fetch = tmp_path / "brex.beancount", Fetched()
    await attach(await posted(path, fetch), "r1")
    later = attrs.evolve(RECORD, memo="two chairs")
    poster = await posted(path, fetch, later, 2)
    await attach(poster, "r1", key=export_key("accr_1", 2), one=later)
    [(_, _, first), (_, _, second)] = documents(path)
    assert (first, fetch.asked) == (second, ["r1"])


async def test_an_entry_in_other_books(tmp_path: Path) -> None:
    """What a person booked elsewhere has its receipts there."""
    path, fetch = tmp_path / "brex.beancount", Fetched()
    await attach(await posted(path, fetch), "r1", key=export_key("accr_other", 1))
    assert (fetch.asked, documents(path)) == ([], [])


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left of half a file, and nothing is taken for a receipt."""
    folder = ReceiptFolder(tmp_path / "r")
    folder.save("a", b"x")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.save("b", b"y")
    assert ([one.name for one in (tmp_path / "r").iterdir()], folder.find("b")) == (["a.bin"], None)


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        (b"%PDF-1.4", ".pdf"),
        (b"\x89PNG\r\n\x1a\n..", ".png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", ".webp"),
        (b"\0\0\0\x18ftypheic", ".heic"),
        (b"\0\0\0\x18ftypmp42", ".bin"),
        (b"<html>", ".bin"),
        (b"", ".bin"),
    ],
)
def test_an_ending_says_what_the_content_is(tmp_path: Path, content: bytes, ending: str) -> None:
    """From its first bytes: nobody is asked what it is, and what is no receipt opens as nothing."""
    assert ReceiptFolder(tmp_path / "r").save("a", content) == f"r/a{ending}"
    assert (tmp_path / "r" / f"a{ending}").stat().st_mode & 0o077 == 0


@given(st.text(max_size=90), st.text(max_size=90), st.text(max_size=90))
def test_names_are_safe(record_id: str, one: str, other: str) -> None:
    """Whatever the ids hold: one folder deep, plain characters, not hidden, no option; two ids are two names."""
    name = receipt_name(record_id, one)
    assert name.isascii()
    assert not set(name) & set("/\\.:*?\"'<>| \0\n")
    assert 0 < len(name) <= 140
    assert not name.startswith(("-", "."))
    assert (receipt_name(record_id, other).casefold() == name.casefold()) == (one == other)


# Through the engine.


async def test_an_export_attaches_them(world: World, bucket: Bucket) -> None:
    """From Brex's record to the file beside the ledger; the addresses are in neither."""
    path = world.path / "brex.beancount"
    one = attrs.evolve(RECORD, receipts=(bucket.receipt("/good", name="r1"), bucket.receipt("/good/2", name="r2")))
    world.sandbox.brex.table.put(one)
    summary = await world.run(BeancountPoster(path, CHART))
    assert (summary.posted, summary.attached) == (1, 1)
    assert [name for _, name, _ in documents(path)] == ["r1", "r2"]
    assert "X-Amz" not in path.read_text()
    assert (await world.run(BeancountPoster(path, CHART))).attached == 0
    assert len(bucket.asked) == 2
