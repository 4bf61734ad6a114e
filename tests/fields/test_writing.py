"""Writing in chunks: what became of each edit is known, whatever fails and wherever."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from brex_accounting import (
    APIConnectionError,
    AuthenticationError,
    BadRequest,
    BrexAccounting,
    BrexError,
    DecodeError,
    NotFound,
)
from brex_accounting.fields import (
    Field,
    FieldValue,
    FieldValueChange,
    FieldValueEdit,
    FieldValueKey,
    NewFieldValue,
    SettledValues,
    writing,
)
from brex_accounting.fields.writing import Writing
from brex_accounting.sandbox import TOKEN, Fault, Sandbox
from brex_accounting.session.events import AttemptEvent

from ..client.support import client_of
from ..reporter import printed
from .charts import account, accounts

CHUNK = 7
COUNT = 24
"""Three whole chunks and a rest."""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that many fit into a test."""
    monkeypatch.setattr(writing, "MAX_VALUES", CHUNK)


def edits_of(verb: str) -> list[FieldValueEdit]:
    """What a verb is given for each of the values."""
    keys = [FieldValueKey(remote_id=one.remote_id) for one in accounts(COUNT)]
    made: dict[str, list[FieldValueEdit]] = {
        "create": list(accounts(COUNT)),
        "update": [FieldValueChange(key=key, value="another name") for key in keys],
        "delete": list(keys),
    }
    return made[verb]


async def write(brex: BrexAccounting, verb: str, field: Field, edits: Sequence[FieldValueEdit]) -> None:
    await getattr(brex.fields.values, verb)(field.brex_id, edits)


def is_done(sandbox: Sandbox, field: Field, edit: FieldValueEdit) -> bool:
    """Whether the sandbox holds the result of an edit."""
    held = {value.remote_id: value for value in sandbox.brex.fields.values(field.brex_id)}
    if isinstance(edit, NewFieldValue):
        return edit.remote_id in held
    if isinstance(edit, FieldValueChange):
        return held[edit.key.remote_id].value == edit.value
    return edit.remote_id not in held


class AfterSome:
    """Lets so many requests through, then spoils every other one."""

    def __init__(self, sandbox: Sandbox, spared: int, kind: str) -> None:
        self.sandbox, self.left, self.kind = sandbox, spared, kind

    def __call__(self, event: object) -> None:
        if isinstance(event, AttemptEvent):
            self.left -= 1
            if self.left == 0:
                self.strike()

    def strike(self) -> None:
        """From now on."""
        if self.kind == "revoked":
            del self.sandbox.brex.tokens[TOKEN]
        else:
            self.sandbox.faults.add(Fault(kind=self.kind, every=1))


@pytest.mark.parametrize("spared", range(4))
@pytest.mark.parametrize(
    ("kind", "error", "lost"),
    [("revoked", AuthenticationError, False), ("drop", APIConnectionError, True), ("drop-after", BrexError, True)],
)
@pytest.mark.parametrize("verb", ["create", "update", "delete"])
async def test_an_error_carries_what_was_settled(
    sandbox: Sandbox,
    brex: BrexAccounting,
    field: Field,
    verb: str,
    kind: str,
    error: type[BrexError],
    lost: bool,
    spared: int,
) -> None:
    """Wherever it fails, done, unknown and left are the edits in their order, and each is what the sandbox holds."""
    edits = edits_of(verb)
    if verb != "create":
        await brex.fields.values.create(field.brex_id, accounts(COUNT))
    fault = AfterSome(sandbox, spared, kind)
    if spared == 0:
        fault.strike()
    async with client_of(sandbox, observers=[fault]) as failing:
        with pytest.raises(error) as failed:
            await write(failing, verb, field, edits)
    settled = failed.value.settled
    assert settled is not None
    assert [*settled.done, *settled.unknown, *settled.left] == edits
    assert len(settled.done) == spared * CHUNK
    assert len(settled.unknown) == (min(CHUNK, COUNT - spared * CHUNK) if lost else 0)
    assert all(is_done(sandbox, field, edit) for edit in settled.done)
    assert not any(is_done(sandbox, field, edit) for edit in settled.left)
    assert len(settled.answered) == (0 if verb == "delete" else len(settled.done))
    assert failed.value.may_have_happened is lost


async def test_what_is_left_can_be_written_next(sandbox: Sandbox, brex: BrexAccounting, field: Field) -> None:
    """A value that Brex refuses stops at its chunk; the rest goes through without it."""
    values = accounts(COUNT)
    values[10] = account(10, value_id="00002")
    with pytest.raises(BadRequest) as refused:
        await brex.fields.values.create(field.brex_id, values)
    settled = refused.value.settled
    assert settled is not None
    assert settled.done == tuple(values[:7])
    left = [one for one in settled.left if isinstance(one, NewFieldValue) and one.remote_id != "gl/00010"]
    made = await brex.fields.values.create(field.brex_id, left)
    assert [one.remote_id for one in made] == [one.remote_id for one in values[7:] if one.remote_id != "gl/00010"]
    assert len(sandbox.brex.fields.values(field.brex_id)) == COUNT - 1


@pytest.mark.parametrize("kind", ["drop", "drop-after", "503", "cut", "429"])
async def test_a_lost_answer_makes_no_value_twice(
    sandbox: Sandbox, brex: BrexAccounting, field: Field, kind: str
) -> None:
    """Every second answer is lost before or after the sandbox worked: each value is there once, in order."""
    sandbox.faults.add(Fault(kind=kind, every=2))
    made = await brex.fields.values.create(field.brex_id, accounts(COUNT))
    changed = await brex.fields.values.update(
        field.brex_id, [FieldValueChange(key=value.key, is_disabled=True) for value in made]
    )
    sandbox.faults.clear()
    assert [one.remote_id for one in made] == [one.remote_id for one in accounts(COUNT)]
    assert [one.brex_id for one in changed] == [one.brex_id for one in made]
    assert sandbox.brex.fields.values(field.brex_id) == changed


async def test_a_key_that_is_kept_makes_each_value_once(sandbox: Sandbox, brex: BrexAccounting, field: Field) -> None:
    """The same values under the same key, after a run that ended in the middle: the first chunks are answered again."""
    values = accounts(COUNT)
    async with client_of(sandbox, observers=[AfterSome(sandbox, 2, "revoked")]) as mortal:
        scopes = sandbox.brex.tokens[TOKEN]
        with pytest.raises(AuthenticationError):
            await mortal.fields.values.create(field.brex_id, values, idempotency_key="run-1")
        sandbox.brex.tokens[TOKEN] = scopes
    assert len(sandbox.brex.fields.values(field.brex_id)) == 2 * CHUNK
    made = await brex.fields.values.create(field.brex_id, values, idempotency_key="run-1")
    assert made == sandbox.brex.fields.values(field.brex_id)
    assert [one.remote_id for one in made] == [one.remote_id for one in values]


@pytest.mark.parametrize("kind", ["drop-after", "cut"])
async def test_a_deletion_whose_answer_was_lost_ends(
    sandbox: Sandbox, brex: BrexAccounting, field: Field, kind: str
) -> None:
    """The repeated request finds nothing and gets a 404; what is read then says that all is gone."""
    made = await brex.fields.values.create(field.brex_id, accounts(CHUNK))
    sandbox.faults.add(Fault(kind=kind, next=1, method="DELETE"))
    await brex.fields.values.delete(field.brex_id, [value.key for value in made])
    assert sandbox.brex.fields.values(field.brex_id) == ()


async def test_a_value_that_is_gone_does_not_keep_the_others(
    sandbox: Sandbox, brex: BrexAccounting, field: Field
) -> None:
    """Brex refuses the whole request for one that is gone; the others are deleted all the same."""
    made = await brex.fields.values.create(field.brex_id, accounts(5))
    await brex.fields.values.delete(field.brex_id, [made[2].key])
    keys = [made[0].key, FieldValueKey(value_id=made[1].value_id), made[2].key, FieldValueKey(remote_id="gl/00003")]
    await brex.fields.values.delete(field.brex_id, keys)
    assert sandbox.brex.fields.values(field.brex_id) == (made[4],)


async def test_a_404_that_nothing_explains_is_raised(sandbox: Sandbox, brex: BrexAccounting, field: Field) -> None:
    """All values are still there, so that the refusal stands, and they are left."""
    made = await brex.fields.values.create(field.brex_id, accounts(3))
    keys = [value.key for value in made]

    async def read() -> list[FieldValue]:
        return list(made)

    await brex.fields.values.delete(field.brex_id, keys[:1])
    lying: Writing[FieldValueKey] = Writing(view=brex._view, field_id=field.brex_id, edits=tuple(keys))
    with pytest.raises(NotFound) as refused:
        await lying.delete(read)
    assert refused.value.settled == SettledValues(left=tuple(keys))
    assert sandbox.brex.fields.values(field.brex_id) == made[1:]


async def test_a_failure_after_a_404_may_have_happened(sandbox: Sandbox, brex: BrexAccounting, field: Field) -> None:
    """The list that is to tell what is gone fails, so that nobody knows; nothing is said to be left."""
    made = await brex.fields.values.create(field.brex_id, accounts(3))
    keys = [value.key for value in made]
    await brex.fields.values.delete(field.brex_id, keys[:1])
    sandbox.faults.add(Fault(kind="html", next=1, method="GET"))
    with pytest.raises(DecodeError) as failed:
        await brex.fields.values.delete(field.brex_id, keys)
    assert failed.value.may_have_happened is True
    assert failed.value.settled == SettledValues(unknown=tuple(keys))


async def test_values_that_go_one_after_the_other_end_the_rounds(brex: BrexAccounting, field: Field) -> None:
    """Somebody else deletes another one between each reading and each try: it is given up after three more."""
    made = list(await brex.fields.values.create(field.brex_id, accounts(CHUNK)))
    keys = [value.key for value in made]
    there = list(made)

    async def read() -> list[FieldValue]:
        seen = list(there)
        await brex.fields.values.delete(field.brex_id, [there.pop(0).key])
        return seen

    await brex.fields.values.delete(field.brex_id, [there.pop(0).key])
    racing: Writing[FieldValueKey] = Writing(view=brex._view, field_id=field.brex_id, edits=tuple(keys))
    with pytest.raises(NotFound) as lost:
        await racing.delete(read)
    assert lost.value.may_have_happened is True
    assert lost.value.settled == SettledValues(unknown=tuple(keys))


async def test_deleting_from_a_field_that_is_gone_is_not_found(brex: BrexAccounting, field: Field) -> None:
    """There is nothing that could be read, so it is told; whether they were there is not known."""
    keys = [FieldValueKey(brex_id="efo_1")]
    await brex.fields.delete(field.brex_id)
    with pytest.raises(NotFound) as gone:
        await brex.fields.values.delete(field.brex_id, keys)
    assert gone.value.settled == SettledValues(unknown=tuple(keys))
    with pytest.raises(NotFound) as deleted:
        await brex.fields.delete(field.brex_id)
    assert deleted.value.may_have_happened is True


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
async def test_no_value_is_printed_with_an_error(
    sandbox: Sandbox, brex: BrexAccounting, field: Field, verb: str
) -> None:
    """An error reporter that prints every frame's local variables finds no name of a value, in no repr either."""
    canary = "canary-name-7d1"
    key = FieldValueKey(remote_id=canary)
    edits: dict[str, list[FieldValueEdit]] = {
        "create": [NewFieldValue(value=canary, remote_id=canary)],
        "update": [FieldValueChange(key=key, value=canary)],
        "delete": [key],
    }
    if verb != "create":
        await brex.fields.values.create(field.brex_id, [NewFieldValue(value=canary, remote_id=canary)])
    sandbox.faults.add(Fault(kind="html", every=1))
    call = getattr(brex.fields.values, verb)(field.brex_id, edits.pop(verb))
    del edits, key
    with pytest.raises(BrexError) as failed:
        await call
    assert failed.value.settled is not None
    del canary
    assert "canary-name" not in printed(failed.value)
    assert "canary-name" not in repr(failed.value.settled)
