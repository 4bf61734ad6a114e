"""Killed with SIGKILL before and after every durable boundary: nothing lost, nothing doubled, reports right."""

from __future__ import annotations

import ast
import random
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from brex_accounting import StoreUnavailable
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.records import Records
from brex_accounting.sync.exports import Batch, Claim, Export
from brex_accounting.sync.sqlite import SqliteStore
from brex_accounting.sync.states import State
from brex_accounting.sync.store import SyncStore
from brex_accounting.testing.erp_poster import FindErpPoster

from .crashes import FEEDS, Case, Played, cases_of, chosen, pairs_of, play_all, ways_of
from .desk import BINDING, REJECTED, START, Desk
from .failpoints import (
    ALL,
    POSTER_CALLS,
    REQUESTS,
    STORE_READS,
    STORE_WRITES,
    methods_of,
    poster_protocols,
    watch,
)
from .lives import ROOT, Workers

ENGINE = sorted((ROOT / "brex_accounting" / "sync").glob("*.py"))


# None is missing


def test_every_method_of_a_store_is_known() -> None:
    """Each is either one that writes, and has failpoints, or one that reads."""
    assert methods_of(SyncStore) == STORE_WRITES | STORE_READS
    assert not STORE_WRITES & STORE_READS


async def test_what_reads_does_not_write(tmp_path: Path) -> None:
    """On a connection that may not write, what is listed as reading works and what is listed as writing fails."""
    store = SqliteStore(tmp_path / "exports.db")
    await store.open(BINDING, now=START)
    desk = Desk(store)
    await desk.bring(State.REPORTING)
    batch = await _forbidden_to_write(desk)
    worked, failed = set(), set()
    for name in sorted(STORE_READS | STORE_WRITES - {"open", "close"}):
        try:
            await _CALLS[name](desk, batch)
        except StoreUnavailable:
            failed.add(name)
        else:
            worked.add(name)
    assert worked == STORE_READS
    assert failed == STORE_WRITES - {"open", "close"}
    await store.close()


def test_every_call_of_a_poster_is_known() -> None:
    """Whatever a poster can do has failpoints."""
    assert len(poster_protocols()) == 4
    assert frozenset().union(*map(methods_of, poster_protocols())) == POSTER_CALLS


async def _forbidden_to_write(desk: Desk) -> tuple[Batch, Claim, Export]:
    """Something of each kind to write about, on a connection that takes no writes from now on."""
    await desk.see("accr_2", receipts=[{"id": "receipt_1"}])
    [claim] = await desk.claim()
    desk.tick(timedelta(hours=1))
    [batch] = await desk.store.take_over_batches(desk.owner, now=desk.now, until=desk.now + desk.lease)
    store: Any = desk.store
    await store._database._run(lambda: store._database._connection.execute("PRAGMA query_only = ON"))
    return batch, claim, await desk.newest()


Thing: TypeAlias = tuple[Batch, Claim, Export]
_CALLS: dict[str, Callable[[Desk, Thing], Awaitable[object]]] = {
    "feed": lambda desk, _: desk.store.feed("bills"),
    "awaited": lambda desk, _: desk.store.awaited(before=desk.now),
    "stale": lambda desk, _: desk.store.stale(now=desk.now, read_before=desk.now, limit=1),
    "reportable": lambda desk, _: desk.store.reportable(limit=1),
    "paused": lambda desk, _: desk.store.paused(),
    "exports_of": lambda desk, _: desk.store.exports_of("accr_1"),
    "exports": lambda desk, _: desk.store.exports((State.REPORTING,)),
    "history": lambda desk, _: desk.store.history(),
    "counts": lambda desk, _: desk.store.counts(),
    "lease_of": lambda desk, _: desk.store.lease_of("accr_1", 1),
    "record_seen": lambda desk, _: desk.see("accr_3"),
    "record_absent": lambda desk, _: desk.miss("accr_1"),
    "claim": lambda desk, _: desk.claim(),
    "take_over": lambda desk, _: desk.take_over(),
    "renew": lambda desk, thing: desk.store.renew(thing[1], now=desk.now, until=desk.now),
    "record_outcome": lambda desk, thing: desk.finish(thing[1], REJECTED),
    "park": lambda desk, thing: desk.park(thing[1]),
    "open_batch": lambda desk, thing: desk.open_batch([thing[2]]),
    "take_over_batches": lambda desk, _: desk.store.take_over_batches("w2", now=desk.tick(desk.lease), until=desk.now),
    "renew_batch": lambda desk, thing: desk.store.renew_batch(thing[0], now=desk.now, until=desk.now),
    "settle": lambda desk, thing: desk.settle(thing[0], State.REPORTED),
    "claim_receipts": lambda desk, _: desk.store.claim_receipts("w2", now=desk.now, until=desk.now, limit=1),
    "record_attached": lambda desk, thing: desk.store.record_attached(thing[1], now=desk.now),
    "decide": lambda desk, _: desk.decide(State.SKIPPED),
    "pause": lambda desk, _: desk.store.pause("a test", code="PERSON", by="Ann", now=desk.now),
    "resume": lambda desk, _: desk.store.resume(by="Ann", why="a test", now=desk.now),
}


def _calls_on(kind: str) -> set[str]:
    """Methods that the engine's source names on something called ``kind``, or ``_kind``."""
    found = set()
    for file in ENGINE:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Attribute)):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                if owner.removeprefix("_") == kind:
                    found.add(node.attr)
    return found


def test_the_engine_calls_nothing_else() -> None:
    """Of its store, its poster and its client: what the lists name, and every boundary."""
    assert _calls_on("store") - STORE_READS == STORE_WRITES
    assert _calls_on("poster") - {"recovery"} == POSTER_CALLS
    assert _calls_on("brex") == {"records", "server_now"}
    assert _calls_on("records") <= {"list", "get_many", "report_export_results", "get", "items"}


def test_every_request_that_changes_something_is_known() -> None:
    """What the client's resource of records can send besides reading is the one report."""
    reads = {"list", "get", "get_many", "scan"}
    writes = methods_of(Records) - reads
    assert writes == {"report_export_results", "report_confirmed"}
    assert list(REQUESTS.values()) == ["report"]


async def test_a_watched_poster_can_what_it_could(tmp_path: Path) -> None:
    """No more and no less, so that the engine treats it the same."""
    for poster in (CsvPoster(tmp_path / "journal.csv"), FindErpPoster("http://127.0.0.1:1", "t", accounts={})):
        watched = watch(poster, "poster", POSTER_CALLS, lambda _: None)
        assert watched.recovery == poster.recovery
        for protocol in poster_protocols():
            if getattr(protocol, "_is_runtime_protocol", False):
                assert isinstance(watched, protocol) is isinstance(poster, protocol)


async def test_a_failpoint_lies_on_each_side_of_the_commit(tmp_path: Path) -> None:
    """Before: nothing is kept yet, seen by another connection. After: it is."""
    path = tmp_path / "exports.db"
    seen: list[tuple[str, int]] = []

    def look(name: str) -> None:
        with sqlite3.connect(path) as connection:
            seen.append((name, connection.execute("SELECT count(*) FROM exports").fetchone()[0]))
        connection.close()

    inner = SqliteStore(path)
    await inner.open(BINDING, now=START)
    await Desk(watch(inner, "store", STORE_WRITES, look)).see()
    assert seen == [("store.record_seen:before", 0), ("store.record_seen:after", 1)]
    await inner.close()


# All of them


def wrong(played: list[Played]) -> list[Any]:
    return [(one.case, one.outcome, one.unconfirmed) for one in played if not one.is_right]


async def unharmed(workers: Workers, folder: Path, cases: list[Case]) -> list[Played]:
    played = await play_all(workers, folder, [(case, "") for case in cases])
    assert wrong(played) == []
    return played


def in_turn(cases: list[Case]) -> list[Case]:
    """For each failpoint the case of one feed; of the two sides of a call, now these and now those."""
    turns = {name: FEEDS[(number + number // 2) % 2] for number, name in enumerate(sorted(ALL))}
    return [case for case in cases if case.feed == turns[case.failpoint]]


async def killed_at_every_failpoint(folder: Path, *, in_both_feeds: bool) -> list[Case]:
    """The cases, each of which ended as a run that nobody killed."""
    async with Workers() as workers:
        ways = [*ways_of("find"), *ways_of("park", "decided")]
        cases = chosen(cases_of(await unharmed(workers, folder / "unharmed", ways)))
        cases = cases if in_both_feeds else in_turn(cases)
        played = await play_all(workers, folder / "killed", [(case, "") for case in cases])
    assert wrong(played) == []
    assert all(one.struck for one in played)
    return cases


async def test_killed_at_every_failpoint(tmp_path: Path) -> None:
    """n of n, for a record of the queue or for a bill in turn: the end is that of a run that nobody killed."""
    cases = await killed_at_every_failpoint(tmp_path, in_both_feeds=False)
    assert sorted(case.failpoint for case in cases) == sorted(ALL)
    assert {case.feed for case in cases} == set(FEEDS)


@pytest.mark.slow
async def test_killed_at_every_failpoint_in_both_feeds(tmp_path: Path) -> None:
    """n of n, each for a record of the queue and for a bill."""
    cases = await killed_at_every_failpoint(tmp_path, in_both_feeds=True)
    for feed in FEEDS:
        assert {case.failpoint for case in cases if case.feed == feed} == ALL


@pytest.mark.slow
@pytest.mark.parametrize("poster", ["find", "park"])
async def test_killed_in_every_way(tmp_path: Path, poster: str) -> None:
    """Some of all ways and failpoints, and some pairs of kills, where the books can be asked and where not."""
    chance = random.Random(7)
    async with Workers() as workers:
        cases = cases_of(await unharmed(workers, tmp_path / "unharmed", ways_of(poster)))
        some = [(case, "") for case in chance.sample(cases, 12)]
        played = await play_all(workers, tmp_path / "killed", some + pairs_of(cases, 6, chance))
    assert wrong(played) == []
    assert sum(one.struck for one in played) > 12
