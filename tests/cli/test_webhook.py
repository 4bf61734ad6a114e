"""``webhook verify`` and ``webhook listen``, as a user runs them."""

from __future__ import annotations

import asyncio
import csv
import json
import shlex
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import attrs
import pytest

from brex_accounting.cli.app import run
from brex_accounting.sandbox import Mishap, Sandbox

from ..webhooks.signing import BODY, NOW, SECRET, Delivery, delivery, secret
from .conftest import Ended, Shell

READY = "ACCOUNTING_RECORD_READY_FOR_EXPORT"
AT = ("--at", NOW.isoformat())


def as_request(sent: Delivery, end: str = "\r\n") -> bytes:
    head = ["POST /brex HTTP/1.1", "Host: books.example", *(f"{name}: {value}" for name, value in sent.headers.items())]
    return end.join([*head, "", ""]).encode() + sent.body


def as_curl(sent: Delivery) -> bytes:
    headers = " \\\n  ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sent.headers.items())
    body = shlex.quote(sent.body.decode())
    return f"curl -X POST https://books.example/brex \\\n  {headers} \\\n  --data-raw {body}\n".encode()


def as_printed(sent: Delivery) -> bytes:
    return "".join(f"> {name}: {value}\n" for name, value in sent.headers.items()).encode()


KNOWN = f"{secret(3)}, whsec_{SECRET}"


@pytest.fixture
def verifier(shell: Shell) -> Shell:
    """A shell that knows the secret, and no token."""
    shell.environment["BREX_WEBHOOK_SECRET"] = KNOWN
    return shell


@attrs.frozen
class Here:
    """Runs ``brex-accounting`` in this process, where it starts faster."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Ended:
        code = run(arguments)
        out, err = self.capsys.readouterr()
        return Ended(code, out, err)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """An empty folder, the secret, and no token."""
    monkeypatch.chdir(tmp_path)
    for name in ("BREX_TOKEN", "BREX_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BREX_WEBHOOK_SECRET", KNOWN)
    return Here(tmp_path, capsys)


def as_lines(sent: Delivery) -> bytes:
    return as_request(sent, "\n")


@pytest.mark.parametrize("write", [as_request, as_lines, as_curl])
def test_a_valid_delivery_in_one_file(here: Here, write: Callable[[Delivery], bytes]) -> None:
    """Its event on stdout, the verdict on stderr, exit code 0."""
    (here.folder / "saved").write_bytes(write(delivery()))
    ended = here("webhook", "verify", "saved", *AT)
    assert (ended.code, ended.err) == (0, "valid: signed 0 s before then\n")
    event = json.loads(ended.out)
    assert event == {
        "id": delivery().id,
        "event_type": READY,
        "accounting_record_ids": ["accr_1", "accr_2"],
        "company_id": "cuacc_7",
        "sent_at": NOW.isoformat().replace("+00:00", "Z"),
    }


async def test_a_valid_delivery_in_two_files(verifier: Shell) -> None:
    """Headers as curl prints them, and the body byte for byte; of now, without --at."""
    sent = delivery(at=datetime.now(UTC))
    (verifier.folder / "body").write_bytes(sent.body)
    (verifier.folder / "headers").write_bytes(b"> POST /brex HTTP/1.1\n" + as_printed(sent) + b">\n")
    ended = await verifier("webhook", "verify", "--body", "body", "--headers", "headers")
    assert (ended.code, json.loads(ended.out)["id"]) == (0, sent.id)
    assert "before now" in ended.err


STALE = attrs.evolve(delivery(), timestamp="1000")
WHY: list[tuple[str, bytes, tuple[str, ...], str]] = [
    ("old", as_request(delivery()), (), "add --at 2026-11-20T09:30:00Z"),
    ("old then", as_request(delivery()), ("--at", "2026-11-20T12:00:00+02:00"), "1800 s ago"),
    ("new then", as_request(delivery()), ("--at", "2026-11-20T09:00:00Z"), "1800 s ahead"),
    ("tolerance", as_request(delivery(at=NOW - timedelta(seconds=9))), (*AT, "--tolerance", "8"), "9 s ago"),
    ("line break", as_request(delivery()) + b"\n", AT, "saved with one more"),
    ("windows", as_request(delivery()) + b"\r\n", AT, "saved with one more"),
    ("changed", as_request(attrs.evolve(delivery(), body=BODY + b" ")), AT, "no secret fits"),
    ("stale", as_request(STALE), AT, "no secret fits"),
    ("foreign", as_curl(delivery(secrets=[secret(8)])), AT, "no secret fits"),
    ("unsigned", b"POST / HTTP/1.1\nWebhook-Id: m\nWebhook-Timestamp: 1\n\n{}", AT, "Webhook-Signature is missing"),
    ("no event", as_request(delivery(b'{"a": 1}')), AT, "required field missing at $.event_type"),
]


@pytest.mark.parametrize(("saved", "arguments", "why"), [row[1:] for row in WHY], ids=[row[0] for row in WHY])
def test_why_a_delivery_is_not_valid(here: Here, saved: bytes, arguments: tuple[str, ...], why: str) -> None:
    """Exit code 1 and one line that says what is wrong, without a word of the body or the secret."""
    (here.folder / "saved").write_bytes(saved)
    ended = here("webhook", "verify", "saved", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1), ended.err
    assert why in ended.err
    assert SECRET not in ended.err
    assert "accr_1" not in ended.err


USAGE: list[tuple[bytes, tuple[str, ...], str]] = [
    (b"x", (), "one file, or as --body and --headers"),
    (b"x", ("saved", "--body", "saved"), "one file, or as --body and --headers"),
    (b"x", ("--body", "saved"), "one file, or as --body and --headers"),
    (b"Webhook-Id: x", ("saved",), "no blank line"),
    (b"POST / HTTP/1.1\n\n{}", ("saved",), "no headers"),
    (b"A: 1\na: 2\n\n{}", ("saved",), "twice"),
    (b"curl x -H 'A: 1", ("saved",), "quote"),
    (b"curl x -H 'A: 1'", ("saved",), "0 bodies"),
    (b"curl x -H 'A: 1' -d 1 --data=2", ("saved",), "2 bodies"),
    (b"curl x -H 'A: 1' --data-binary @body", ("saved",), "--body and --headers"),
    (as_request(delivery()), ("saved", "--at", "2026-11-20"), "--at takes"),
    (as_request(delivery()), ("saved", "--at", "noon"), "--at takes"),
    (as_request(delivery()), ("saved", "--tolerance", "-1"), "tolerance"),
]


@pytest.mark.parametrize(("saved", "arguments", "why"), USAGE, ids=range(len(USAGE)))
def test_what_cannot_be_checked(here: Here, saved: bytes, arguments: tuple[str, ...], why: str) -> None:
    """Exit code 2 and one line that says how it is done."""
    (here.folder / "saved").write_bytes(saved)
    ended = here("webhook", "verify", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), ended.err
    assert why in ended.err


@pytest.mark.parametrize("value", [None, "", " ,", "no base64!"])
def test_without_a_secret(here: Here, monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """Told which variable it comes from; a wrong one is not echoed."""
    monkeypatch.delenv("BREX_WEBHOOK_SECRET")
    if value is not None:
        monkeypatch.setenv("BREX_WEBHOOK_SECRET", value)
    (here.folder / "saved").write_bytes(as_request(delivery()))
    ended = here("webhook", "verify", "saved", *AT)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "base64!" not in ended.err


def test_a_file_that_is_not_there(here: Here) -> None:
    """One line that names it."""
    ended = here("webhook", "verify", "nowhere.http")
    assert (ended.code, ended.err) == (1, "error: nowhere.http: No such file or directory\n")


# listen


@attrs.define
class Listening:
    """A ``webhook listen`` that runs, and where."""

    process: asyncio.subprocess.Process
    url: str
    err: str = ""

    async def line(self) -> dict[str, object]:
        """The next event that it prints."""
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            found: dict[str, object] = json.loads(await self.process.stdout.readline())
        return found

    async def end(self, how: signal.Signals = signal.SIGTERM) -> Ended:
        if self.process.returncode is None:
            self.process.send_signal(how)
        async with asyncio.timeout(60):
            out, err = await self.process.communicate()
        return Ended(self.process.returncode or 0, out.decode(), self.err + err.decode())


@asynccontextmanager
async def listening(shell: Shell, *arguments: str) -> AsyncIterator[Listening]:
    process = await shell.start("webhook", "listen", "--port", "0", *arguments)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stderr.readline()).decode()
        assert line.startswith("listening at "), line + (await process.stderr.read()).decode()
        yield Listening(process, line.split()[2].rstrip(";"), line)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def post(url: str, sent: Delivery) -> int:
    async with aiohttp.ClientSession() as http, http.post(url, data=sent.body, headers=sent.headers) as answer:
        return answer.status


async def test_events_are_printed(verifier: Shell) -> None:
    """One object to a line as they come, doubles and forgeries left out; SIGTERM ends it with 0 and the numbers."""
    now = datetime.now(UTC)
    async with listening(verifier) as one:
        assert one.url.endswith("/brex")
        assert await post(one.url, delivery(at=now)) == 200
        assert (await one.line())["accounting_record_ids"] == ["accr_1", "accr_2"]
        assert await post(one.url, delivery(at=now)) == 200
        assert await post(one.url, delivery(at=now, secrets=[secret(9)])) == 401
        assert await post(one.url, delivery({"event_type": "NEW"}, id_="msg_2", at=now)) == 200
        assert (await one.line())["event_type"] == "NEW"
        ended = await one.end()
    assert (ended.code, ended.out) == (0, "")
    assert "took 2 deliveries, 1 of them again; refused 1" in ended.err
    assert SECRET not in ended.err


async def test_ctrl_c_ends_it_with_130(verifier: Shell) -> None:
    """As for every command."""
    async with listening(verifier) as one:
        ended = await one.end(signal.SIGINT)
    assert (ended.code, "Traceback" in ended.err) == (130, False)


async def test_nobody_reads(verifier: Shell) -> None:
    """When the reader of the events has gone, it ends by itself with 0."""
    async with listening(verifier) as one:
        assert one.process.stdout is not None
        one.process.stdout._transport.close()  # type: ignore[attr-defined]
        await post(one.url, delivery(at=datetime.now(UTC)))
        async with asyncio.timeout(60):
            await one.process.wait()
        assert one.process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--store", "exports.db"), "name the books"),
        (("--csv", "journal.csv"), "takes a --store"),
        (("--store", "exports.db", "--csv", "journal.csv"), "--post-from"),
        (("--store", "exports.db", "--beancount", "books.beancount"), "--chart"),
        (("--port", "99999"), "0 to 65535"),
        (("--path", "brex"), "slash"),
        (("--tolerance", "-1"), "tolerance"),
        (("--store", "e.db", "--csv", "j.csv", "--post-from", "2026-01-01", "--every", "often"), "1h"),
    ],
)
def test_listening_called_wrongly(here: Here, arguments: tuple[str, ...], why: str) -> None:
    """Exit code 2, one line, and nothing is listened to."""
    ended = here("webhook", "listen", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), ended.err
    assert why in ended.err


def test_without_secret_and_token(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what it needs."""
    monkeypatch.delenv("BREX_WEBHOOK_SECRET")
    ended = here("webhook", "listen", "--port", "0")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "BREX_TOKEN" in ended.err


EXPORT = ("--store", "exports.db", "--csv", "journal.csv", "--post-from", "2000-01-01")


def entries(folder: Path) -> Counter[str]:
    if not (folder / "journal.csv").exists():
        return Counter()
    with (folder / "journal.csv").open(newline="") as file:
        return Counter(row["record_id"] for row in csv.DictReader(file) if row["entry_end"])


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await true():
            await asyncio.sleep(0.05)


async def test_what_is_clicked_is_exported(shell: Shell, sandbox: Sandbox) -> None:
    """The secrets asked for with the token, one event lost, one doubled: those told of are exported at once, and the
    next start finds the lost one; each is in the journal once, and reported.
    """
    cards = [one for one in sandbox.brex.records() if one.source_type != "BILL"]
    prepared = [one.id for one in cards if one.review_status == "PREPARE"][:6]

    def exported(*ids: str) -> Callable[[], Awaitable[bool]]:
        async def are() -> bool:
            return {sandbox.brex.get_record(one).review_status for one in ids} == {"EXPORTED"}

        return are

    ready = [one.id for one in cards if one.review_status == "READY_FOR_EXPORT"]
    hooks = sandbox.brex.webhooks
    company = ("--company", hooks.company_id)
    async with listening(shell, *EXPORT, *company) as one:
        async with aiohttp.ClientSession(sandbox.url, headers={"Authorization": f"Bearer {sandbox.token}"}) as http:
            new = {"url": one.url, "event_types": [READY]}
            async with http.post("/v1/webhooks", json=new, headers={"Idempotency-Key": "1"}) as answer:
                assert answer.status == 200
        await until(exported(*ready))
        sandbox.brex.export(prepared[:2])
        await until(exported(*prepared[:2]))
        hooks.mishaps.add(Mishap(kind="double", next=1))
        sandbox.brex.export(prepared[2:4])
        await until(exported(*prepared[2:4]))
        hooks.mishaps.add(Mishap(kind="lose", next=1))
        sandbox.brex.export(prepared[4:5])
        hooks.company_id = "cuacc_other"
        sandbox.brex.export(prepared[5:])
        assert [(await one.line())["accounting_record_ids"] for _ in range(3)] == [
            prepared[:2],
            prepared[2:4],
            prepared[5:],
        ]
        assert not await exported(*prepared[4:])()
        ended = await one.end()
    assert ended.code == 0, ended.err
    assert "no export is kept for" in ended.err
    assert hooks.mishaps.strike() == frozenset()
    again = await shell("export", *EXPORT, *company)
    assert again.code == 0, again.err
    assert await exported(*prepared)()
    counted = entries(shell.folder)
    assert {counted[one] for one in (*prepared, *ready)} == {1}
