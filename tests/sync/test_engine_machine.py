"""Random customers, books, networks, people and kills around the export engine, in a model world."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from .world_brex import TROUBLE
from .world_company import Company

T = TypeVar("T")

MEMORY = Path("/dev/shm")
RECORDS = ("accr_0", "accr_1", "accr_2", "bill_0", "bill_1", "bill_2", "accr_3", "accr_4")
NEW = "a new one"
MEMOS = ("a", "b", "c", "of May")
WAITS = (1, 20, 50, 130, 400, 700, 90_000)
BOUNDARIES = (
    *("queue", "queue answered", "bills answered", "ids", "ids answered", "record_seen", "record_absent", "claim"),
    *("take_over", "renew", "find", "find answered", "post", "post answered", "record_outcome", "park"),
    *("open_batch", "renew_batch", "report", "report answered", "settle", "attach", "record_attached"),
)
NARROW = ("claim", "renew", "find answered", "post", "post answered", "ids answered", "report", "report answered")
"""Where standing still has hurt most."""
BROKEN_BOOKS = ("lost", "nothing", "late", "not now")
FATES = ("", "", *BROKEN_BOOKS, "brex lost", "brex nothing", "paused")
WHERE = st.sampled_from(NARROW) | st.sampled_from(BOUNDARIES)
PAUSES = st.sampled_from([130, 0, 130, 700])
MEANWHILE = st.sampled_from(["", "write", "take back", "press", "refuse"])
WORKERS = st.sampled_from(["w1", "w2"])
RECORD = st.sampled_from(RECORDS)
MEMO = st.sampled_from([None, *MEMOS])


class EngineMachine(RuleBasedStateMachine):
    """One company. Every rule is something that happens to it; runs are steps of a worker."""

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    @initialize(
        recovery=st.sampled_from(["same_key", "find", "park"]),
        shrinks=st.booleans(),
        parallel=st.sampled_from([1, 3]),
    )
    def begin(self, recovery: str, shrinks: bool, parallel: int) -> None:
        self.runner = asyncio.Runner()
        self.steps = 0
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None)
        path = Path(self.folder.name) / "exports.db"
        self.company = Company(path, recovery, shrinks, parallel)
        self.run(self.company.__aenter__())
        for record_id in RECORDS[:6]:
            self.company.customer(record_id, "a", "write")
        self.company.time.wait(timedelta(minutes=20))

    def teardown(self) -> None:
        if not hasattr(self, "company"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.run(self.company.calm(forgiving=True))
        finally:
            self.run(self.company.__aexit__())
            self.runner.close()
            self.folder.cleanup()

    # The world

    @rule(record_id=RECORD, memo=MEMO, what=st.sampled_from(["write", "write late", "press", "take back", "receipt"]))
    def the_customer(self, record_id: str, memo: str | None, what: str) -> None:
        self.company.customer(record_id, memo, what)

    @rule(
        of_brex=st.lists(st.sampled_from(["lost", "nothing", "expired", "not sent", *TROUBLE]), max_size=2),
        of_books=st.lists(st.sampled_from(["", *BROKEN_BOOKS]), max_size=3),
    )
    def trouble(self, of_brex: list[str], of_books: list[str]) -> None:
        self.company.brex.fates.extend(of_brex)
        self.company.books.fates.extend(of_books)

    @rule(record_id=RECORD, skip=st.sampled_from([False, False, True]))
    def books_change_their_mind(self, record_id: str, skip: bool) -> None:
        self.run(self.company.deliver_posts(record_id))
        chosen = self.company.books.skipped if skip else self.company.books.refused
        chosen ^= {record_id}

    @rule(seconds=st.sampled_from(WAITS), jump=st.booleans())
    def time_passes(self, seconds: int, jump: bool) -> None:
        """For all; or Brex's clock alone jumps."""
        by = timedelta(seconds=seconds)
        self.company.time.jump(by) if jump else self.company.time.wait(by)

    # Workers

    @rule(name=WORKERS)
    def poll(self, name: str) -> None:
        self.run(self.company.poll(name))

    @rule(name=WORKERS, turns=st.integers(1, 80), seed=st.integers(0, 999))
    def go_on_for_a_while(self, name: str, turns: int, seed: int) -> None:
        """And stand still afterwards, in the middle of whatever it is."""
        self.run(self.company.step(name, turns, random.Random(seed).randrange))

    @rule(
        name=WORKERS,
        record_id=RECORD | st.just(NEW),
        memo=MEMO,
        fate=st.sampled_from(FATES),
        where=WHERE,
        seconds=PAUSES,
        meanwhile=MEANWHILE,
        other=st.none() | WHERE,
        after_a_run=st.booleans(),
    )
    def overtaken(
        self,
        name: str,
        record_id: str,
        memo: str | None,
        fate: str,
        where: str,
        seconds: int,
        meanwhile: str,
        other: str | None,
        after_a_run: bool,
    ) -> None:
        """A worker stands still at a boundary, another one does what there is, and the first goes on."""
        record_id = self._offer(record_id, memo, fate)
        if after_a_run:
            self.run(self.company.poll(name))
            self.company.time.wait(timedelta(seconds=130))
        self.run(self.company.until(name, where))
        self.company.time.wait(timedelta(seconds=seconds))
        self._meanwhile(record_id, meanwhile)
        second = "w2" if name == "w1" else "w1"
        self.run(self.company.poll(second) if other is None else self.company.until(second, other))
        self.run(self.company.poll(name))

    @rule(
        name=WORKERS,
        record_id=RECORD | st.just(NEW),
        memo=MEMO,
        fate=st.sampled_from(FATES),
        where=WHERE,
        done=st.booleans(),
        seconds=PAUSES,
        meanwhile=MEANWHILE,
    )
    def killed(
        self,
        name: str,
        record_id: str,
        memo: str | None,
        fate: str,
        where: str,
        done: bool,
        seconds: int,
        meanwhile: str,
    ) -> None:
        """A worker is killed at a boundary, before or after it, and another one comes."""
        record_id = self._offer(record_id, memo, fate)
        self.run(self.company.until(name, where))
        self.run(self.company.kill(name, done=done))
        self.company.time.wait(timedelta(seconds=seconds))
        self._meanwhile(record_id, meanwhile)
        self.run(self.company.poll(name))

    def _offer(self, record_id: str, memo: str | None, fate: str) -> str:
        if record_id == NEW:
            record_id = f"accr_{len(self.company.brex.accounts) + len(RECORDS)}"
        self.company.customer(record_id, memo, "press")
        if fate != "paused":
            self.pause_or_resume(pausing=False)
        if fate in BROKEN_BOOKS:
            self.company.books.fates.appendleft(fate)
        elif fate.startswith("brex "):
            self.company.brex.fates.appendleft(fate.removeprefix("brex "))
        return record_id

    def _meanwhile(self, record_id: str, what: str) -> None:
        if what == "refuse":
            self.books_change_their_mind(record_id, skip=False)
        elif what:
            self.company.customer(record_id, "b" if what == "write" else None, what)

    # People

    @rule(pausing=st.booleans())
    def pause_or_resume(self, pausing: bool) -> None:
        store, now = self.company.observer, self.company.time.now
        if pausing:
            self.run(store.pause("stocktaking", code="PERSON", by="Ann", now=now))
        else:
            self.run(store.resume(by="Ann", why="done", now=now))

    @precondition(lambda self: self.company.decisions())
    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        """A person who looked into the books."""
        self.run(self.company.decide(*data.draw(st.sampled_from(self.company.decisions()))))

    @precondition(lambda self: self.steps > 12)
    @rule(forgiving=st.booleans())
    def all_is_well(self, forgiving: bool) -> None:
        self.steps = 0
        self.run(self.company.calm(forgiving=forgiving))

    @invariant()
    def nothing_is_wrong(self) -> None:
        if hasattr(self, "company"):
            self.steps += 1
            self.run(self.company.check())


BUSY = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=True)


class EngineMachineAtLength(EngineMachine):
    """The same, for longer."""


TestEngineMachine = EngineMachine.TestCase
TestEngineMachine.settings = settings(BUSY, max_examples=20, stateful_step_count=40)
TestAtLength = pytest.mark.slow(EngineMachineAtLength.TestCase)
TestAtLength.settings = settings(BUSY, max_examples=110, stateful_step_count=50)
