"""Bringing an accounting system's chart to Brex: read, plan, write. Each run reads anew and trusts no older one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias, get_args

import attrs

from ..errors import BrexError, ChartConflicts, ConfigurationError
from .models import ChartPlan, Field, FieldValue, NewFieldValue, SettledValues
from .plan import Missing, conflicts_within, plan_chart
from .values import FieldValues

__all__ = ["GL_ACCOUNT", "ChartSync", "checked_missing"]

GL_ACCOUNT: Final = "GL_ACCOUNT"
"""The ``remote_id`` of the field for accounts, as captured records have it."""

ListFields: TypeAlias = Callable[[], Awaitable[Sequence[Field]]]


def checked_missing(missing: Missing) -> Missing:
    """What becomes of values that are not listed any longer, if it is one of the three."""
    if missing not in get_args(Missing):
        raise ConfigurationError(f"missing is one of {', '.join(get_args(Missing))}")
    return missing


@attrs.define(kw_only=True)
class ChartSync:
    """One run. What is wanted, planned and done is out of the repr, and in no local variable."""

    values: FieldValues = attrs.field(repr=False)
    list_fields: ListFields = attrs.field(repr=False)
    wanted: tuple[NewFieldValue, ...] = attrs.field(repr=False)
    missing: Missing
    plan: ChartPlan = attrs.field(factory=ChartPlan, repr=False)
    settled: SettledValues = attrs.field(factory=SettledValues, repr=False)

    async def run(self, field_id: str | None, *, dry_run: bool) -> ChartPlan:
        """The plan, carried out unless it is a dry run."""
        if not dry_run:
            # What contradicts itself needs no question to Brex.
            _refuse(ChartPlan(conflicts=tuple(conflicts_within(self.wanted))))
        field_id = field_id or await self._accounts()
        self.plan = plan_chart(self.wanted, await self._held(field_id), missing=self.missing)
        if not dry_run:
            _refuse(self.plan)
            await self._apply(field_id)
        return self.plan

    async def _accounts(self) -> str:
        found = [one.brex_id for one in await self.list_fields() if one.remote_id == GL_ACCOUNT]
        if len(found) != 1:
            raise ConfigurationError(f"{len(found)} fields have the remote_id {GL_ACCOUNT}; pass the field_id to use")
        return found[0]

    async def _held(self, field_id: str) -> Sequence[FieldValue]:
        try:
            return await self.values.list(field_id).collect()
        except BrexError as error:
            error.checkpoint = None  # of a list that the caller never asked for
            raise

    async def _apply(self, field_id: str) -> None:
        # Creating first: at no time is an account missing that was there or is to come.
        self.settled = SettledValues(left=(*self.plan.created, *self.plan.changes, *self.plan.keys))
        if self.plan.created:
            await self._step(self.values.create(field_id, self.plan.created), len(self.plan.created))
        if self.plan.changes:
            await self._step(self.values.update(field_id, self.plan.changes), len(self.plan.changes))
        if self.plan.keys:
            await self._step(self.values.delete(field_id, self.plan.keys), len(self.plan.keys))

    async def _step(self, work: Awaitable[Sequence[FieldValue] | None], count: int) -> None:
        before = self.settled
        try:
            answered = await work
        except BrexError as error:
            settled = error.settled or SettledValues(left=before.left[:count])
            error.settled = settled.within(before, count)
            raise
        self.settled = SettledValues(
            done=before.done + before.left[:count],
            left=before.left[count:],
            answered=(*before.answered, *(answered or ())),
        )


def _refuse(plan: ChartPlan) -> None:
    if plan.conflicts:
        raise ChartConflicts(plan.conflicts)
