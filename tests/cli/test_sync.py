"""``sync``: a person looks into a store and decides."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from brex_accounting.cli.app import run
from brex_accounting.sandbox import Sandbox
from brex_accounting.sync import SqliteStore, State

from ..sync.desk import BINDING, START, Desk
from .conftest import Ended, Shell

LATER = Path("exports.db")


@attrs.frozen
class Office:
    """The commands on a store, in this process: no token, no network."""

    store: Path
    capture: pytest.CaptureFixture[bytes]

    def __call__(self, command: str, *arguments: str) -> Ended:
        code = run(["sync", command, *arguments, "--store", str(self.store)])
        seen = self.capture.readouterr()
        return Ended(code, seen.out.decode(), seen.err.decode())

    def json(self, command: str, *arguments: str) -> Any:
        ended = self(command, *arguments, "--json")
        assert (ended.code, ended.err) == (0, "")
        return json.loads(ended.out)

    def arrange(self, *steps: Callable[[Desk], Awaitable[object]]) -> None:
        """Bring the store about."""

        async def bring_about() -> None:
            desk = Desk(SqliteStore(self.store))
            await desk.store.open(BINDING, now=START)
            for step in steps:
                await step(desk)
            await desk.store.close()

        asyncio.run(bring_about())

    def refuses(self, hint: str, command: str, *arguments: str, code: int = 1) -> None:
        ended = self(command, *arguments)
        assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1), ended.err
        assert hint in ended.err


@pytest.fixture
def office(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.delenv("BREX_TOKEN", raising=False)
    return Office(tmp_path / "exports.db", capsysbinary)


def bring(state: State) -> Callable[[Desk], Awaitable[object]]:
    return lambda desk: desk.bring(state)


def test_status_says_whose_the_store_is_and_what_is_where(office: Office) -> None:
    """The binding, each state in use with its meaning, what is open; as JSON every state."""
    office.arrange(bring(State.INTENT), lambda desk: desk.see("accr_2"))
    ended = office("status")
    assert ended.code == 0
    assert [line.split()[0] for line in ended.lines] == [
        *("company", "vendor", "vendor_account_id", "paused", "DISCOVERED", "INTENT")
    ]
    assert ended.lines[-1].split()[1] == "1"
    assert "after its lease" in ended.err
    found = office.json("status")
    assert (found["open"], found["by_state"]["DISCOVERED"], found["by_state"]["REPORTED"]) == (1, 1, 0)
    assert found["binding"]["company"] == "cuacc_1"
    assert set(found["by_state"]) == {state.value for state in State}


def test_an_empty_store_says_so(office: Office) -> None:
    """No state, and no riddle."""
    office.arrange()
    assert office("status").lines[-1] == "nothing was read yet"
    assert office("exceptions").err == "0 wait for a person\n"
    assert office("history").out == ""


@pytest.mark.parametrize(
    ("state", "words"), [(State.UNCONFIRMED, "in the books, then resolve it"), (State.HELD, "then resolve it")]
)
def test_exceptions_say_why_and_what_to_do(office: Office, state: State, words: str) -> None:
    """What waits for a person, with the key to look for; as JSON with the short key."""
    office.arrange(bring(state))
    ended = office("exceptions")
    assert ended.lines[0].startswith(f"accr_1 revision {2 if state is State.HELD else 1} is {state.value}")
    assert ended.lines[1].startswith("  why: ")
    assert words in ended.lines[2]
    found = office.json("exceptions")
    assert (found["state"], found["record_id"]) == (state.value, "accr_1")
    assert found["key"] == f"accr_1.{found['revision']}"
    assert len(found["short_key"]) <= 21


@pytest.mark.parametrize(
    ("arguments", "after"),
    [
        (["--posted", "JE-7", "--link", "https://erp.example/7"], "POSTED"),
        (["--rejected", "June is closed: set a date in July", "--code", "CLOSED_PERIOD"], "REJECTED"),
        (["--skip"], "SKIPPED"),
        (["--not-posted"], "DISCOVERED"),
    ],
)
def test_resolving_takes_each_of_the_four_ways(office: Office, arguments: list[str], after: str) -> None:
    """The export moves, and the history keeps who and why: the login name, unless another one is given."""
    office.arrange(bring(State.UNCONFIRMED))
    found = office.json("resolve", "accr_1", *arguments, "--why", "looked it up")
    assert found["state"] == after
    if after == "POSTED":
        assert (found["reference_id"], found["deep_link_url"]) == ("JE-7", "https://erp.example/7")
    if after == "REJECTED":
        assert (found["code"], found["message"]) == ("CLOSED_PERIOD", "June is closed: set a date in July")
    last = json.loads(office("history", "accr_1", "--json").lines[-1])
    assert (last["before"], last["after"]) == ("UNCONFIRMED", after)
    assert last["why"].endswith(": looked it up")
    assert last["by"] == getpass.getuser()
    assert office("history", "accr_1").lines[-1].endswith(f"by {getpass.getuser()}: {last['why']}")


def test_retrying_and_replaying(office: Office) -> None:
    """What was refused is tried again, what was left out is let in, by name or all of it, in the name of --by."""
    office.arrange(
        bring(State.REPORTED_FAILED),
        lambda desk: desk.see("accr_2", erp_posting_date="2026-05-31T00:00:00Z"),
        lambda desk: desk.see("accr_3", erp_posting_date="2026-05-31T00:00:00Z"),
    )
    assert office.json("retry", "accr_1", "--why", "period reopened", "--by", "Ann")["state"] == "DISCOVERED"
    assert office("replay", "accr_2", "--why", "needed").lines == ["accr_2 revision 1 is DISCOVERED"]
    everything = office("replay", "--all", "--why", "needed", "--by", "Ann")
    assert everything.lines == ["accr_3 revision 1 is DISCOVERED"]
    assert everything.err == "1 are posted by the next run\n"
    assert json.loads(office("history", "accr_3", "--json").lines[-1])["by"] == "Ann"


def test_pausing_and_resuming(office: Office) -> None:
    """A pause stands in the status with who, when and why; an earlier one stays; resuming ends it."""
    office.arrange()
    assert office.json("pause", "--why", "month end", "--by", "Ann")["reason"] == "month end"
    assert "by Ann" in office("pause", "--why", "another reason").out
    paused = office.json("status")["paused"]
    assert (paused["by"], paused["reason"], paused["code"]) == ("Ann", "month end", "PERSON")
    assert office("resume", "--why", "closed").lines == ["not paused"]
    assert office.json("status")["paused"] is None


def test_impossible_moves_and_unknown_records_are_one_line(office: Office) -> None:
    """What the engine refuses, the command refuses, and the store stays as it was."""
    office.arrange(bring(State.REPORTED))
    office.refuses("from REPORTED to POSTED", "resolve", "accr_1", "--posted", "JE-1", "--why", "x")
    office.refuses("only what was refused", "retry", "accr_1", "--why", "x")
    office.refuses("was not left out", "replay", "accr_1", "--why", "x")
    office.refuses("no such export: accr_9", "resolve", "accr_9", "--skip", "--why", "x")
    office.refuses("no such export: accr_1", "resolve", "accr_1", "--skip", "--why", "x", "--revision", "7")
    office.refuses("no such export: accr_9", "retry", "accr_9", "--why", "x")
    office.refuses("no such record: accr_9", "history", "accr_9")
    assert office.json("status")["by_state"]["REPORTED"] == 1


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["resolve", "accr_1", "--why", "x"], "--not-posted"),
        (["resolve", "accr_1", "--why", "x", "--skip", "--not-posted"], "give one of"),
        (["resolve", "accr_1", "--skip"], "--help"),
        (["resolve", "accr_1", "--skip", "--why", " "], "reason"),
        (["resolve", "accr_1", "--posted", "", "--why", "x"], "reference_id"),
        (["resolve", "accr_1", "--not-posted", "--why", " "], "why is required"),
        (["resolve", "accr_1", "--link", "x", "--why", "x"], "--posted"),
        (["resolve", "accr_1", "--not-posted", "--why", "x", "--by", ""], "by is required"),
        (["replay", "--why", "x"], "--all"),
        (["replay", "accr_1", "--all", "--why", "x"], "--all"),
        (["pause"], "--help"),
        (["pause", "--why", ""], "required"),
        (["nonsense"], "--help"),
    ],
)
def test_wrong_usage_changes_nothing(office: Office, arguments: list[str], hint: str) -> None:
    """It exits with 2 and one line, and the history is as long as it was."""
    office.arrange(bring(State.UNCONFIRMED))
    before = office("history").out
    office.refuses(hint, *arguments, code=2)
    assert office("history").out == before
    assert office.json("status")["paused"] is None


def test_a_user_without_a_name_says_who_they_are(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container nobody may have a login name: --by is asked for."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4242")

    monkeypatch.setattr(getpass, "getuser", nobody)
    office.arrange()
    office.refuses("--by", "pause", "--why", "x", code=2)
    assert office("pause", "--why", "x", "--by", "Ann").code == 0


@pytest.mark.parametrize("command", ["status", "exceptions", "history"])
def test_stores_that_are_none_are_one_line(office: Office, command: str) -> None:
    """A missing store is not made, a damaged or foreign one is left as it is."""
    office.refuses("there is no store", command)
    assert not office.store.exists()
    office.store.write_bytes(b"not a database, but somebody's notes about one")
    office.refuses("no export store", command)
    office.store.unlink()
    office.arrange(lambda desk: desk.see_all([{"id": f"accr_{number}"} for number in range(60)]))
    content = bytearray(office.store.read_bytes())
    content[4096 * 2 : 4096 * 12] = b"\xff" * 4096 * 10
    office.store.write_bytes(content)
    office.refuses("damaged", command)
    assert office.store.read_bytes() == content


async def test_verify_holds_the_store_against_brex(shell: Shell, sandbox: Sandbox) -> None:
    """After an export nothing differs; a record that Brex shows otherwise is named, and the command fails."""
    await shell("export", "--store=exports.db", "--csv=journal.csv", "--post-from=2026-01-01")
    same = await shell("sync", "verify", "--store", "exports.db")
    assert same.code == 0, same.err
    assert same.out.endswith(" checked, 0 differ\n")
    ready = json.loads((await shell("sync", "history", "--json", "--store", "exports.db")).lines[0])["record_id"]
    row = sandbox.brex.table.row_of(ready)
    assert row is not None
    sandbox.brex.table.put(attrs.evolve(sandbox.brex.table.record(row), memo="another one"))
    other = await shell("sync", "verify", "--store", "exports.db", "--json")
    assert other.code == 1
    [difference] = json.loads(other.out)["differences"]
    assert (difference["record_id"], difference["what"]) == (ready, "its content is another one")
    assert json.loads(other.err)["error"]["message"].startswith("1 differ")


async def test_a_long_history_may_be_cut_off_by_its_reader(shell: Shell) -> None:
    """``sync history | head -n 1`` ends quietly."""
    desk = Desk(SqliteStore(shell.folder / LATER))
    await desk.store.open(BINDING, now=START)
    await desk.see_all([{"id": f"accr_{number}"} for number in range(3_000)])
    await desk.store.close()
    process = await shell.start("sync", "history", "--store", str(LATER))
    assert process.stdout is not None
    assert process.stderr is not None
    assert b"DISCOVERED" in await process.stdout.readline()
    process.stdout._transport.close()  # type: ignore[attr-defined]
    err = await asyncio.wait_for(process.stderr.read(), 60)
    assert (await process.wait(), err) == (0, b"")
