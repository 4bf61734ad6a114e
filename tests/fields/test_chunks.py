"""Chunks of any size, with a failure anywhere: the parts of what was asked always add up."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast
from unittest.mock import patch

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from brex_accounting import BrexError
from brex_accounting.core import View
from brex_accounting.fields import FieldValue, NewFieldValue, SettledValues, writing
from brex_accounting.fields.writing import Writing
from brex_accounting.session.call import Call, Reply

from .charts import accounts


@attrs.define
class Counting:
    """Answers like Brex, with the values in another order, until request number ``fails`` (from 0)."""

    fails: int | None
    lost: bool
    bodies: list[list[dict[str, Any]]] = attrs.field(factory=list)
    keys: list[str] = attrs.field(factory=list)

    async def run(self, call: Call[tuple[FieldValue, ...]]) -> tuple[FieldValue, ...]:
        """In place of a view."""
        if self.fails == len(self.bodies):
            error = BrexError("as ordered")
            error.may_have_happened = self.lost
            raise error
        items = json.loads(call.body or b"")["items"]
        self.bodies.append(items)
        self.keys.append(dict(call.headers)["Idempotency-Key"])
        made = [
            {**one, "brex_id": one["remote_id"], "field_id": "f", "updated_at": "2026-11-20T10:00:00Z"}
            | {"is_disabled": False}
            for one in reversed(items)
        ]
        return call.decode(Reply(status=200, body=json.dumps({"items": made}).encode()))


async def outcome(view: Counting, values: tuple[NewFieldValue, ...]) -> tuple[FieldValue, ...] | SettledValues:
    """What was made, or what was settled."""
    try:
        return await Writing(view=cast("View", view), field_id="f", edits=values).create()
    except BrexError as error:
        return error.settled or SettledValues()


@settings(max_examples=150)
@given(count=st.integers(1, 60), size=st.integers(1, 25), fails=st.none() | st.integers(0, 12), lost=st.booleans())
def test_chunks_add_up(count: int, size: int, fails: int | None, lost: bool) -> None:
    """Each request holds the next ``size`` values under a key of its own; done, unknown and left are what was asked."""
    values, view = tuple(accounts(count)), Counting(fails=fails, lost=lost)
    with patch.object(writing, "MAX_VALUES", size):
        result = asyncio.run(outcome(view, values))
    sent = [one["remote_id"] for body in view.bodies for one in body]
    assert sent == [one.remote_id for one in values][: len(sent)]
    assert all(len(body) == size for body in view.bodies[:-1])
    assert len(set(view.keys)) == len(view.keys)
    if isinstance(result, tuple):
        assert len(view.bodies) == -(-count // size)
        assert [one.remote_id for one in result] == [one.remote_id for one in values]
        return
    assert result.done + result.unknown + result.left == values
    assert len(result.done) == len(sent) == len(result.answered)
    assert len(result.unknown) == (min(size, count - len(sent)) if lost else 0)
