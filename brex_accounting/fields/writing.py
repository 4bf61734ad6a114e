"""Writing any number of values of a field, a request's worth at a time, without losing sight of what was done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final, Generic, TypeAlias, TypeVar
from uuid import uuid4

import attrs

from ..converters.fields import in_order, keys_left
from ..core import View
from ..errors import BrexError, NotFound
from ..session.discreet import discreet
from . import endpoints
from .models import FieldValue, FieldValueChange, FieldValueKey, NewFieldValue, SettledValues

__all__ = ["MAX_VALUES", "Read", "Writing"]

E = TypeVar("E", NewFieldValue, FieldValueChange, FieldValueKey)

MAX_VALUES: Final = 1000
"""Brex: up to 1000 values at once."""

ROUNDS: Final = 3
"""How often what is left of a chunk is sent again for deletion, when some of it was gone already."""

Send: TypeAlias = Callable[[int, int], Awaitable[Sequence[FieldValue]]]
Read: TypeAlias = Callable[[], Awaitable[Collection[FieldValue]]]


@attrs.define(kw_only=True)
class Writing(Generic[E]):
    """Edits of one field's values on their way, in their order. The first chunk that fails ends it.

    Each chunk of what is created or updated has an Idempotency-Key of its own: one that is made up, or
    ``key`` and, from the second chunk on, its number.
    """

    view: View = attrs.field(repr=False)
    field_id: str
    key: str | None = None
    # Out of the repr, and never in a local variable: error reporters print both.
    edits: tuple[E, ...] = attrs.field(repr=False)
    answered: list[FieldValue] = attrs.field(factory=list, repr=False)

    async def create(self: Writing[NewFieldValue]) -> tuple[FieldValue, ...]:
        """Create them all; the values as Brex made them, in the order given."""
        return await self._each(self._create)

    async def update(self: Writing[FieldValueChange]) -> tuple[FieldValue, ...]:
        """Change them all; the values as Brex returned them."""
        return await self._each(self._update)

    async def delete(self: Writing[FieldValueKey], read: Read) -> None:
        """Delete them all. ``read`` gives the field's values, and is asked only when some are not found."""

        async def send(start: int, end: int) -> Sequence[FieldValue]:
            await _Deletion(view=self.view, field_id=self.field_id, keys=self.edits[start:end], read=read).run()
            return ()

        await self._each(send)

    async def _create(self: Writing[NewFieldValue], start: int, end: int) -> Sequence[FieldValue]:
        call = endpoints.create_values(self.field_id, self.edits[start:end], idempotency_key=self._key(start))
        return in_order(self.edits[start:end], _all_of(end - start, await self.view.run(call)))

    async def _update(self: Writing[FieldValueChange], start: int, end: int) -> Sequence[FieldValue]:
        call = endpoints.update_values(self.field_id, self.edits[start:end], idempotency_key=self._key(start))
        return _all_of(end - start, await self.view.run(call))

    def _key(self, start: int) -> str:
        if self.key is None:
            return str(uuid4())
        # Another chunk is another body.
        return f"{self.key}-{start // MAX_VALUES + 1}" if start else self.key

    async def _each(self, send: Send) -> tuple[FieldValue, ...]:
        for start in range(0, len(self.edits), MAX_VALUES):
            end = min(start + MAX_VALUES, len(self.edits))
            try:
                self.answered += await send(start, end)
            except BrexError as error:
                error.settled = self._settled(start, end, lost=error.may_have_happened)
                raise
        return tuple(self.answered)

    def _settled(self, start: int, end: int, *, lost: bool) -> SettledValues:
        return SettledValues(
            done=self.edits[:start],
            unknown=self.edits[start:end] if lost else (),
            left=self.edits[end if lost else start :],
            answered=tuple(self.answered),
        )


@attrs.define(kw_only=True)
class _Deletion:
    """One chunk to delete. A 404 may be about values that are gone already, by a try of ours or by somebody else.

    Which it was cannot be told: aiohttp itself sends a DELETE again when its connection breaks, unseen. So
    after a 404 every other error says that it may have happened.
    """

    view: View = attrs.field(repr=False)
    field_id: str
    keys: tuple[FieldValueKey, ...] = attrs.field(repr=False)
    read: Read = attrs.field(repr=False)

    async def run(self) -> None:
        problem = await self._sent()
        for _ in range(ROUNDS):
            if problem is None or not await self._shrunk(problem):
                return
            problem = await self._again()
        if problem is not None:
            problem.may_have_happened = True
            raise problem

    async def _shrunk(self, problem: NotFound) -> bool:
        """Whether any are left, of which then some are gone; raises the ``problem`` when all are still there."""
        try:
            left = keys_left(self.keys, await self.read())
        except BrexError as error:
            error.may_have_happened = True
            raise
        if len(left) == len(self.keys):
            del left
            raise problem
        self.keys = left
        return bool(left)

    async def _again(self) -> NotFound | None:
        try:
            problem = await self._sent()
        except BrexError as error:
            error.may_have_happened = True
            raise
        if problem is not None:
            problem.may_have_happened = True
        return problem

    async def _sent(self) -> NotFound | None:
        try:
            await self.view.run(endpoints.delete_values(self.field_id, self.keys))
        except NotFound as error:
            return error
        return None


@discreet
def _all_of(count: int, answered: Sequence[FieldValue]) -> Sequence[FieldValue]:
    missing = count - len(answered)
    if missing > 0:
        error = BrexError(f"Brex answered without {missing} of the values it was to write; read the field's values")
        error.may_have_happened = True
        raise error
    return answered
