"""``sync rebuild`` as a person runs it, between two exports into a Beancount ledger."""

from __future__ import annotations

import json
from collections import Counter

from beancount import loader

from brex_accounting.enums import ReviewStatus, SourceType
from brex_accounting.posters.beancount import BeancountPoster
from brex_accounting.posters.chart_file import parse_chart
from brex_accounting.sandbox import Sandbox
from brex_accounting.sandbox.books import lifelike_chart

from .conftest import Shell

BOOKS = ("--beancount", "brex.beancount", "--chart", "chart.toml", "--store", "exports.db")


async def keys_of(shell: Shell) -> list[str]:
    poster = BeancountPoster(shell.folder / "brex.beancount", parse_chart(lifelike_chart()))
    return [entry.key for entry in await poster.entries()]


def make_ready(sandbox: Sandbox) -> int:
    """The customer exports what was in review; how many."""
    table = sandbox.brex.table
    waiting = [one for one in sandbox.brex.records() if one.review_status == ReviewStatus.REVIEW]
    for one in waiting:
        row = table.row_of(one.id)
        assert row is not None
        table.change(row, ReviewStatus.READY_FOR_EXPORT, sandbox.brex.now())
    return len(waiting)


async def test_export_lose_rebuild_export(shell: Shell, sandbox: Sandbox) -> None:
    """Half is exported, the store is removed and rebuilt, the rest follows: each document once, everything reported."""
    (shell.folder / "chart.toml").write_text(lifelike_chart())
    first = await shell("export", *BOOKS, "--json")
    assert first.code == 0, first.err
    before = await keys_of(shell)
    assert len(before) == json.loads(first.out)["posted"] > 20
    assert make_ready(sandbox) > 5
    for file in shell.folder.glob("exports.db*"):
        file.unlink()
    made = await shell("sync", "rebuild", *BOOKS, "--by", "Ann", "--json")
    assert made.code == 0, made.err
    facts = json.loads(made.out)
    assert (facts["read"], facts["restored"], facts["unreadable"], facts["not_in_store"]) == (250, len(before), 0, [])
    status = await shell("sync", "status", "--store", "exports.db", "--json")
    assert json.loads(status.out)["by_state"] == facts["by_state"]
    second = await shell("export", *BOOKS, "--json")
    assert second.code == 0, second.err
    after = await keys_of(shell)
    assert after[: len(before)] == before
    assert len(after) - len(before) == json.loads(second.out)["posted"] > 0
    assert max(Counter(after).values()) == 1
    booked = {key.rpartition(".")[0] for key in after}
    told = [one for one in sandbox.brex.records() if one.id in booked and one.source_type != SourceType.BILL]
    assert {one.review_status for one in told} == {ReviewStatus.EXPORTED}
    assert loader.load_file(str(shell.folder / "brex.beancount"))[1] == []


async def test_what_a_person_reads(shell: Shell, sandbox: Sandbox) -> None:
    """Counts with their meaning, a store that has exports, a ledger that is not there, a record that is gone."""
    (shell.folder / "chart.toml").write_text(lifelike_chart())
    assert (await shell("export", *BOOKS)).code == 0
    refused = await shell("sync", "rebuild", *BOOKS)
    assert (refused.code, refused.out) == (2, "")
    assert "has exports already" in refused.err
    nowhere = await shell("sync", "rebuild", *BOOKS[2:], "--beancount", "other.beancount")
    assert (nowhere.code, "there is no ledger other.beancount" in nowhere.err) == (2, True)
    assert not (shell.folder / "other.beancount").exists()
    gone = (await keys_of(shell))[0].rpartition(".")[0]
    row = sandbox.brex.table.row_of(gone)
    assert row is not None
    sandbox.brex.table.remove(row)
    made = await shell("sync", "rebuild", *BOOKS[:-1], "new.db")
    assert made.code == 1
    assert made.lines[0].startswith("249 records in Brex, ")
    assert [line.split()[0] for line in made.lines[1:]] == ["POSTED", "REPORTED"]
    assert f"1 records of the books were not returned by Brex, or cannot be read, and are not in the store: {gone}" in (
        made.err
    )
