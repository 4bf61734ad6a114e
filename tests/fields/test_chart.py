"""A chart of accounts brought to Brex: planned, done, done again, cut off, and refused."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from brex_accounting import BrexAccounting, BrexError, ChartConflicts, ConfigurationError
from brex_accounting.fields import (
    ChartPlan,
    ConflictKind,
    Field,
    FieldValueEdit,
    Missing,
    NewFieldValue,
    writing,
)
from brex_accounting.sandbox import TOKEN, Fault, Sandbox
from brex_accounting.sandbox.field_reading import read_fields_request
from brex_accounting.session.events import AttemptEvent

from ..client.support import client_of
from ..forks import Forked, Forks
from ..reporter import printed
from .charts import account, accounts, expected, lines

SMALL = 4
"""Values to a request, where there are to be many requests."""


async def test_ten_thousand_accounts(brex: BrexAccounting, sandbox: Sandbox, field: Field) -> None:
    """Done in as few requests as there can be; the second run reads and changes nothing."""
    chart = accounts(10_000)
    before = sandbox.statistics.requests
    first = await brex.fields.sync_chart_of_accounts(chart, field_id=field.brex_id)
    assert (str(first), sandbox.statistics.requests - before) == ("10000 created", 11)
    second = await brex.fields.sync_chart_of_accounts(iter(chart), field_id=field.brex_id)
    assert (second.is_empty, sandbox.statistics.requests - before) == (True, 21)
    moved = [*chart[:7000], *(account(number, value="renamed") for number in range(7000, 9000))]
    third = await brex.fields.sync_chart_of_accounts(moved, field_id=field.brex_id)
    assert str(third) == "2000 updated, 1000 deactivated, 7000 unchanged"
    assert lines(sandbox.brex.fields.values(field.brex_id)) == expected(moved, second.unchanged, "disable")


async def test_the_field_of_accounts_is_found(brex: BrexAccounting, sandbox: Sandbox) -> None:
    """Without a field_id it is the one that the accounting system calls GL_ACCOUNT; none or two are told."""
    plan = await brex.fields.sync_chart_of_accounts([account(1)], missing="keep")
    assert str(plan) == "1 created, 20 unchanged"
    (found,) = [one for one in await brex.fields.list().collect() if one.remote_id == "GL_ACCOUNT"]
    assert "gl/00001" in {value.remote_id for value in sandbox.brex.fields.values(found.brex_id)}
    await brex.fields.delete(found.brex_id)
    with pytest.raises(ConfigurationError, match="0 fields have the remote_id GL_ACCOUNT"):
        await brex.fields.sync_chart_of_accounts([account(1)])


async def test_a_dry_run_sends_no_change(brex: BrexAccounting, sandbox: Sandbox, field: Field) -> None:
    """The plan is the one that is then carried out, and until then nothing is touched."""
    await brex.fields.values.create(field.brex_id, accounts(3))
    before = sandbox.brex.fields.values(field.brex_id)
    chart = [account(0), account(1, value="another name"), account(9)]
    plan = await brex.fields.sync_chart_of_accounts(chart, field_id=field.brex_id, dry_run=True)
    assert sandbox.brex.fields.values(field.brex_id) == before
    assert [update.before.value for update in plan.updated] == ["00001 Account"]
    assert await brex.fields.sync_chart_of_accounts(chart, field_id=field.brex_id) == plan
    assert lines(sandbox.brex.fields.values(field.brex_id)) == expected(chart, before, "disable")


@pytest.mark.parametrize("missing", ["disable", "delete", "keep"])
async def test_values_that_are_not_listed(
    brex: BrexAccounting, sandbox: Sandbox, field: Field, missing: Missing
) -> None:
    """They are switched off, deleted or kept; what has no remote id is never touched; what returns is switched on."""
    foreign = NewFieldValue(value="Made by hand")
    await brex.fields.values.create(field.brex_id, [*accounts(5), foreign])
    before = sandbox.brex.fields.values(field.brex_id)
    await brex.fields.sync_chart_of_accounts(accounts(2), field_id=field.brex_id, missing=missing)
    assert lines(sandbox.brex.fields.values(field.brex_id)) == expected(accounts(2), before, missing)
    await brex.fields.sync_chart_of_accounts(accounts(5), field_id=field.brex_id, missing=missing)
    assert lines(sandbox.brex.fields.values(field.brex_id)) == lines(before)


async def test_conflicts_are_refused_before_anything_is_sent_or_changed(
    brex: BrexAccounting, sandbox: Sandbox, field: Field
) -> None:
    """Those of the chart with itself without a single request, those with Brex without a change; all at once."""
    before = sandbox.statistics.requests
    twice = [account(1), account(1, value_id="7"), account(2, remote_id=None), account(3)]
    with pytest.raises(ChartConflicts) as refused:
        await brex.fields.sync_chart_of_accounts(twice, field_id=field.brex_id)
    assert {one.kind for one in refused.value.conflicts} == {ConflictKind.NO_REMOTE_ID, ConflictKind.REMOTE_ID_TWICE}
    assert sandbox.statistics.requests == before
    await brex.fields.values.create(field.brex_id, [account(1), account(2)])
    held = sandbox.brex.fields.values(field.brex_id)
    with pytest.raises(ChartConflicts, match="1 conflicts") as refused:
        await brex.fields.sync_chart_of_accounts([account(1, value_id="new"), account(8)], field_id=field.brex_id)
    assert refused.value.conflicts[0].brex_ids == (held[0].brex_id,)
    assert sandbox.brex.fields.values(field.brex_id) == held
    plan = await brex.fields.sync_chart_of_accounts(twice, field_id=field.brex_id, dry_run=True)
    assert plan == ChartPlan(conflicts=plan.conflicts)
    assert not plan.is_empty


class EndsAfter:
    """Takes the token away after so many requests, as the end of a process would."""

    def __init__(self, sandbox: Sandbox, spared: int) -> None:
        self.sandbox, self.left = sandbox, spared

    def __call__(self, event: object) -> None:
        if isinstance(event, AttemptEvent):
            self.left -= 1
            if self.left == 0:
                del self.sandbox.brex.tokens[TOKEN]


async def test_wherever_it_ends_the_next_run_does_the_rest(
    sandbox: Sandbox, brex: BrexAccounting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each number of requests: the error says what was settled of the whole plan, and a second run ends right."""
    monkeypatch.setattr(writing, "MAX_VALUES", SMALL)
    chart = [*(account(number) for number in range(6, 20)), *(account(number, value="x") for number in range(20, 26))]
    ended = 0
    for spared in range(1, 40):
        field = await brex.fields.create(name=f"Accounts {spared}", group="ACCOUNTING")
        await brex.fields.values.create(field.brex_id, [account(number) for number in (*range(12), *range(20, 26))])
        before = sandbox.brex.fields.values(field.brex_id)
        plan = await brex.fields.sync_chart_of_accounts(chart, field_id=field.brex_id, missing="delete", dry_run=True)
        every: list[FieldValueEdit] = [*plan.created, *plan.changes, *plan.keys]
        scopes = sandbox.brex.tokens[TOKEN]
        error = await error_of(sandbox, EndsAfter(sandbox, spared), chart, field)
        sandbox.brex.tokens[TOKEN] = scopes
        if error is None:
            break
        if error.settled is not None:
            ended += 1
            assert [*error.settled.done, *error.settled.unknown, *error.settled.left] == every
        await brex.fields.sync_chart_of_accounts(chart, field_id=field.brex_id, missing="delete")
        assert lines(sandbox.brex.fields.values(field.brex_id)) == expected(chart, before, "delete")
    # Two requests to create, two to update, two to delete.
    assert ended == 6


async def error_of(sandbox: Sandbox, end: EndsAfter, chart: list[NewFieldValue], field: Field) -> BrexError | None:
    """What a run raises that ends too early."""
    async with client_of(sandbox, observers=[end]) as mortal:
        try:
            await mortal.fields.sync_chart_of_accounts(chart, field_id=field.brex_id, missing="delete")
        except BrexError as error:
            return error
    return None


async def test_no_account_is_printed_with_an_error(sandbox: Sandbox, brex: BrexAccounting, field: Field) -> None:
    """An error reporter finds neither what is wanted nor what is held in the frames of a run that fails."""
    await brex.fields.values.create(field.brex_id, [NewFieldValue(value="canary-held", remote_id="1")])
    sandbox.faults.add(Fault(kind="html", every=1, method="POST"))
    call = brex.fields.sync_chart_of_accounts(
        [NewFieldValue(value="canary-wanted", remote_id="2")], field_id=field.brex_id
    )
    with pytest.raises(BrexError) as failed:
        await call
    assert "canary-" not in printed(failed.value)
    assert failed.value.settled is not None


async def test_a_killed_process_leaves_what_the_next_run_finishes(
    sandbox: Sandbox, forks: Forks, tmp_path: Path
) -> None:
    """SIGKILL after each of the requests that write; then the same command ends with the chart, each account once."""
    fields = sandbox.brex.fields
    listed = fields.list_fields(read_fields_request([])).items
    (field_id,) = (one.brex_id for one in listed if one.remote_id == "GL_ACCOUNT")
    rows = "".join(f"gl/{number:05},Account {number},{number:05}\n" for number in range(5500))
    (tmp_path / "chart.csv").write_text("remote_id,value,value_id\n" + rows)
    environment = {**os.environ, "BREX_TOKEN": sandbox.token, "BREX_BASE_URL": sandbox.url}

    async def start() -> Forked:
        arguments = ("fields", "sync-accounts", "chart.csv")
        return await forks.start(*arguments, module="brex_accounting", folder=tmp_path, environment=environment)

    sizes = []
    for _ in range(2):
        before = len(fields.values(field_id))
        process = await start()
        while len(fields.values(field_id)) == before and process.returncode is None:
            await asyncio.sleep(0)
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
        sizes.append(len(fields.values(field_id)))
    process = await start()
    await process.communicate()
    assert process.returncode == 0
    remote_ids = [value.remote_id for value in fields.values(field_id) if not value.is_disabled]
    assert remote_ids == [f"gl/{number:05}" for number in range(5500)]
    # One more request may have been on its way each time.
    assert 20 < sizes[0] < sizes[1] < 5520
