"""Whatever fails, no record, no token and no address comes into a log, an error, or the variables of its frames."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
from typing import Any

import pytest
from aiohttp import web

from brex_accounting import BrexError, StoreFull
from brex_accounting.sandbox.rules import ALL_SCOPES
from brex_accounting.sync import Posted, Rejected, Skipped
from brex_accounting.sync.store import SyncStore

from ..reporter import printed
from .world import BILL, HOUR, LEASE, MINUTE, PREPARE, Ledger, Seen, World

RECORD, ADDRESS, TOKEN, WORDS = "canary-record-3d1c", "canary-address-8a52", "bxt_canary_token_77", "canary-words-e0"
SECRETS = re.compile("|".join((RECORD, ADDRESS, TOKEN, WORDS)))


@pytest.fixture(autouse=True)
def every_log(caplog: pytest.LogCaptureFixture) -> None:
    """Everything that anybody logs, at DEBUG."""
    caplog.set_level(logging.DEBUG)


def put(world: World, *record_ids: str, **changes: Any) -> None:
    """Records full of what nobody may read in a log."""
    person = {"first_name": RECORD, "last_name": RECORD, "email": f"{RECORD}@example.com"}
    secret = {
        "memo": RECORD,
        "vendor": {"id": f"v-{RECORD}", "name": RECORD},
        "user": {"id": "user_1", "role": "EMPLOYEE", "status": "ACTIVE"} | person,
        "receipts": [{"id": "r1", "download_uris": [f"https://files.example/?{ADDRESS}"]}],
    }
    world.put(*record_ids, **secret | changes)


def assert_silent(caplog: pytest.LogCaptureFixture) -> None:
    """Also about errors that nobody looked at, which asyncio logs when they are collected."""
    gc.collect()
    found = [line for one in caplog.records for line in (one.getMessage(), repr(one.args)) if SECRETS.search(line)]
    assert found == []
    assert not SECRETS.search(caplog.text)
    assert "never retrieved" not in caplog.text


class Leaky(Ledger):
    """Books whose every error quotes what it was given."""

    async def find(self, _: Any) -> Posted | None:
        raise RuntimeError(WORDS)

    async def attach(self, record: Any, **given: Any) -> None:
        raise RuntimeError(f"{record!r} {given!r} {WORDS}")


async def raises(record: Any, key: Any) -> None:
    raise RuntimeError(f"{record!r} {key} {WORDS}")


@pytest.mark.parametrize("recovery", ["same_key", "find", "park"])
async def test_a_poster_that_raises_records(world: World, caplog: pytest.LogCaptureFixture, recovery: str) -> None:
    """Out of post, find and attach: the log names the kind of error and the key, and nothing else."""
    put(world, "accr_0")
    await world.run(Leaky())
    put(world, "accr_1", "accr_2")
    await world.run(Leaky(raises, recovery=recovery), later=HOUR)
    await world.run(Leaky(raises, recovery=recovery), later=LEASE)
    assert "accr_1.1 raised RuntimeError" in caplog.text
    assert "receipts of accr_0.1: RuntimeError" in caplog.text
    assert_silent(caplog)


async def test_a_check_that_raises(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The pause is in our words."""

    class Unchecked(Ledger):
        async def check(self) -> None:
            raise RuntimeError(WORDS)

    put(world, "accr_1")
    summary = await world.run(Unchecked())
    assert summary.paused is not None
    assert not SECRETS.search(repr(summary))
    assert_silent(caplog)


@pytest.mark.parametrize("answer", [RECORD, None, {"posted": RECORD}])
async def test_a_poster_that_returns_something_else(
    world: World, caplog: pytest.LogCaptureFixture, answer: object
) -> None:
    """Nobody knows what it means: it counts as no answer, and is not quoted."""

    class Other(Ledger):
        async def post(self, *_: Any, **__: Any) -> Any:
            return answer

    put(world, "accr_1")
    summary = await world.run(Other())
    assert (summary.open, summary.posted) == (1, 0)
    assert_silent(caplog)


@pytest.mark.parametrize("what", ["queue", "bills", "report", "again"])
@pytest.mark.parametrize(("status", "kind"), [(500, "text/plain"), (200, "text/html")])
async def test_an_error_of_brex_shows_nothing(
    world: World, caplog: pytest.LogCaptureFixture, what: str, status: int, kind: str
) -> None:
    """Raised out of a run, with everything an error reporter prints: no record in any frame, no body."""
    put(world, "accr_1", "accr_2")
    put(world, "accr_bill", **BILL)
    if what == "again":
        async with world.sync() as sync:
            await sync.pause("read only", by="Ann")
            await sync.run_once()
        world.move("accr_1", PREPARE)

    def answer(seen: Seen) -> web.Response | None:
        return web.Response(status=status, text=WORDS, content_type=kind) if seen.what == what else None

    world.hooks.append(answer)
    with pytest.raises(BrexError) as caught:
        await world.run(later=HOUR)
    assert not SECRETS.search(printed(caught.value))
    assert_silent(caplog)


class Failing:
    """A store on which one method finds no room."""

    def __init__(self, store: SyncStore, method: str) -> None:
        self._store = store
        self._method = method

    def __getattr__(self, name: str) -> Any:
        return self._fails if name == self._method else getattr(self._store, name)

    async def _fails(self, *_: Any, **__: Any) -> Any:
        raise StoreFull("no room")


WRITES = [
    *("record_seen", "record_absent", "claim", "renew", "record_outcome", "park", "take_over"),
    *("open_batch", "settle", "take_over_batches", "claim_receipts", "record_attached", "counts", "stale"),
]


@pytest.mark.parametrize("method", WRITES)
async def test_a_store_that_fails_shows_nothing(world: World, caplog: pytest.LogCaptureFixture, method: str) -> None:
    """Whichever of its methods has no room: the run ends with that error, and no frame of it holds a record."""
    put(world, "accr_0")
    await world.run()
    put(world, "accr_1", "accr_2", "accr_gone")
    put(world, "accr_bill", **BILL)

    async def lost(*_: Any) -> None:
        if method == "park":
            raise RuntimeError(WORDS)

    class Books(Ledger):
        async def attach(self, *_: Any, **__: Any) -> None:
            return None

    if method == "record_absent":
        async with world.sync() as sync:
            await sync.pause("read only", by="Ann")
            world.clock.advance(MINUTE)
            await sync.run_once()
            world.remove("accr_gone")
    with pytest.raises(StoreFull) as caught:
        await world.run(
            Books(lost, recovery="park" if method == "park" else "same_key"),
            store=Failing(world.store(), method),
            later=HOUR,
        )
    assert not SECRETS.search(printed(caught.value))
    assert_silent(caplog)


async def test_errors_of_several_posts_at_once_are_all_looked_at(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The first one ends the run, the others are not left to asyncio, which would log them with their frames."""
    put(world, "accr_0")
    await world.run(Ledger())
    put(world, *(f"accr_{number}" for number in range(1, 9)))
    meeting = asyncio.Barrier(8)

    async def together(*_: Any) -> None:
        await asyncio.wait_for(meeting.wait(), 30)

    class Together(Failing):
        async def _fails(self, *_: Any, **__: Any) -> Any:
            await asyncio.wait_for(meeting.wait(), 30)
            raise StoreFull("no room")

    with pytest.raises(StoreFull):
        await world.run(Ledger(together), store=Together(world.store(), "record_outcome"), later=HOUR)
    assert_silent(caplog)


async def test_what_a_person_decides_is_in_no_repr(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Exceptions, exports and outcomes may be printed: they name the record, not what is in it."""
    put(world, "accr_1")
    await world.run(Ledger(raises, recovery="park"))
    async with world.admin() as admin:
        [item] = await admin.exceptions()
        assert not SECRETS.search(repr(item))
        outcomes: list[Any] = [
            Rejected("OTHER", WORDS),
            Posted("JE-1", f"https://erp.example/?{WORDS}"),
            Skipped("left out"),
        ]
        assert not SECRETS.search(repr(outcomes))
        export = await admin.resolve("accr_1", outcomes[0], why="looked it up", by="Ann")
        assert not SECRETS.search(repr(export))
        assert not SECRETS.search(repr([move async for move in admin.history()]))
    assert not SECRETS.search(repr(await world.run(later=HOUR)))
    assert_silent(caplog)


async def test_the_token_is_in_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A token that dies in the middle of a run pauses it without being named."""
    world.sandbox.brex.tokens[TOKEN] = ALL_SCOPES
    view = world.brex.for_company("cuacc_1", token=TOKEN)
    put(world, "accr_1", "accr_2")
    world.brex = view
    world.hooks.append(lambda seen: world.sandbox.brex.tokens.pop(TOKEN, None) if seen.what == "post" else None)
    summary = await world.run()
    assert (summary.paused is not None and summary.paused.code) == "DEAD_TOKEN"
    assert_silent(caplog)
    assert not any(TOKEN.encode() in one.read_bytes() for one in world.path.glob("exports.db*"))
